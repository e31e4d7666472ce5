# ruff: noqa: E501 - the lines of a template are its own
"""A designer's day: a Mailchimp template comes in, its report is followed, and a partner writes in it.

The designer knows Mailchimp's language and nothing of ours; what has to be changed is what the report says.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Running, person, sign_in
from tests.browser.place import DESKTOP, PHONE, Place
from tests.browser.steps import invite, open_programme
from tests.browser.test_form import publish_routes, write

HERO = "https://images.example.com/nordlicht/spring-lake.png"
LETTER = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>*|MC:SUBJECT|*</title>
<style>body{{margin:0;background-color:#eef2ef}}.letter{{background-color:#ffffff;color:#22302a;font-family:Georgia,serif}}
h1{{/*@editable*/color:#12372a;/*@editable*/font-size:28px}}</style></head>
<body>
<!--*|IF:MC_PREVIEW_TEXT|*--><span class="mcnPreviewText" style="display:none">*|MC_PREVIEW_TEXT|*</span><!--*|END:IF|*-->
<table role="presentation" width="100%"><tr><td align="center">
<table role="presentation" width="600" class="letter"><tr><td style="padding:24px;font-size:16px">
<img src="{HERO}" mc:edit="hero" mc:label="Picture" alt="A lake in spring" width="552">
<h1 mc:edit="title" mc:label="Title">Back on the road</h1>
<p>Dear *|FNAME|*,</p>
<div mc:edit="story" mc:label="Your story"><p>The days grow. <a href="https://radhaus.example/">Come and see us</a>.</p></div>
<p mc:edit="hours" mc:label="Opening hours">Monday to Friday 9 to 18</p>
*|IF:VIP|*<table role="presentation"><tr><td>A glass of juice waits for you.</td></tr><tr>*|END:IF|*<td>Until soon</td></tr></table>
<div mc:edit="footer">Copyright *|CURRENT_YEAR|*<br>*|HTML:LIST_ADDRESS_HTML|*<br><a href="*|UNSUB|*">Unsubscribe</a></div>
</td></tr></table></td></tr></table></body></html>
"""
ADDRESS = "ida@veloimport.example"


def test_from_mailchimp_to_the_partners_form(browser: Browser, running: Running) -> None:
    """Imported, mended as the report says, published, offered; the partner's route follows what it changes."""
    publish_routes(browser, running)
    hanna = person(browser)
    sign_in(hanna, running, "hanna@nordlicht.example", hq=True)
    imported(hanna, running)
    mended(hanna, running)
    invite(hanna, running, "Velo Import", "Ida Import", ADDRESS, group="imported")
    open_programme(hanna, running, "Letters in spring", template="Spring letter", group="imported", told=ADDRESS)
    hanna.context.close()
    written(browser, running)


def imported(hanna: Page, place: Place) -> None:
    """The pasted source becomes ours, with a report that names each place; nothing is published by that."""
    hanna.goto(f"{place.hq}/hq/templates/new")
    hanna.get_by_label("Name").fill("Spring letter")
    hanna.get_by_label("HTML", exact=True).fill(LETTER)
    hanna.get_by_role("button", name="Check only").click()
    expect(hanna.get_by_role("heading", name="Imported from Mailchimp")).to_be_visible()
    report = hanna.locator("section[aria-labelledby=report-title]")
    for line, words in (
        ("9", "“hero” is a field for partners"), ("14", "*|IF:VIP|* begins and ends in different elements"),
        ("11", "*|FNAME|* has no words for customers without that entry"),
        ("15", "“footer” holds what the law or the platform needs"),
    ):
        expect(report.get_by_role("row").filter(has_text=words).first).to_contain_text(line)
    for size in (PHONE, DESKTOP):
        hanna.set_viewport_size(size)  # type: ignore[arg-type]
        place.look(hanna, "designer-report")


def mended(hanna: Page, place: Place) -> None:
    """Follow the report in the form's own text: a default, the guarded words gone, risks; then publish."""
    field = hanna.get_by_label("HTML", exact=True)
    source = field.input_value()
    for before, after in (
        ('first_name|default("")', 'first_name|default("cyclist")'),
        ("<td>A glass of juice waits for you.</td></tr><tr>", ""),
        ('data-region="hours"', 'data-region="hours" data-region-risk="low"'),
        ('data-region="title"', 'data-region="title" data-region-risk="high"'),
    ):
        assert source.count(before) == 1, (before, source)
        source = source.replace(before, after)
    field.fill(source.replace('data-region-risk="high"', 'data-region-risk="heigh"'))
    hanna.get_by_role("button", name="Publish").click()
    expect(hanna.get_by_role("alert")).to_contain_text("heigh")
    field.fill(source)
    hanna.get_by_role("button", name="Check only").click()
    expect(hanna.get_by_text("This HTML can be published")).to_be_visible()
    expect(hanna.get_by_role("heading", name=re.compile("Imported"))).to_have_count(0)
    hanna.get_by_role("button", name="Publish").click()
    expect(hanna.get_by_role("heading", name="Spring letter")).to_be_visible()
    for label in ("Picture", "Title", "Your story", "Opening hours"):
        expect(hanna.locator("main")).to_contain_text(label)
    place.look(hanna, "designer-published")


def written(browser: Browser, place: Place) -> None:
    """Nothing changed goes at once, low risk as well, a story asks one, the title two; the preview follows."""
    ida = person(browser)
    sign_in(ida, place, ADDRESS)
    ida.get_by_role("button", name="Start a campaign").first.click()
    route = ida.locator(".route-now")
    for label, text, words in (
        ("", "", "Approved at once"),
        ("Opening hours", "Closed on Mondays", "Approved at once"),
        ("Title", "A ride around the lake", "2 reviewers decide"),
        ("Title", "Back on the road", "Approved at once"),
    ):
        if label:
            write(ida, label, text, script=True)
        expect(route).to_contain_text(words)
    write(ida, "Title", "A ride around the lake", script=True)
    expect(route).to_contain_text("Title (high risk)")
    expect(ida.frame_locator("iframe.frame-light").get_by_text("A ride around the lake")).to_be_visible()
    for size in (PHONE, DESKTOP):
        ida.set_viewport_size(size)  # type: ignore[arg-type]
        place.look(ida, "designer-form")
    ida.context.close()
