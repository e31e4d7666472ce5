"""Rendering and encoding: what SES gets, what a recipient reads, what a preview shows."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from html import escape, unescape
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import content as contents
from chalicelib.domain.content import UNSUBSCRIBE_URL, Content, Context, Placeholder
from chalicelib.domain.errors import Refused
from chalicelib.rendering.dead import MAX_BYTES, dead
from chalicelib.rendering.examine import examine
from chalicelib.rendering.mail import preview
from chalicelib.rendering.merge import Place, sentinel
from chalicelib.rendering.placeholders import Encoder, data_for, expand, writer
from chalicelib.rendering.text import Mark, plain
from chalicelib.rendering.tokens import Kind, tokenise
from tests.rendering.samples import BODY, ENTITY, SYSTEM, page, rendered, version

OF = version()
URL = "https://p.example.com/u/abc_DEF-1"
SES_TAG = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


def delivered(mail_content: Content, **profile: str) -> tuple[str, str, str]:
    """Subject, HTML and text as one recipient gets them."""
    return expand(mail_content, data_for(mail_content, profile, URL))


def test_every_text_survives_the_round_trip() -> None:
    """All short texts of braces, backslashes and fields come out of SES as they went in, and none means more."""
    places = [Place(0, 0, "first_name", "x")]
    for size in range(6):
        for letters in itertools.product("{}\\aS", repeat=size):
            text = "".join(letters).replace("S", sentinel(0))
            encoder = Encoder(places)
            encoded = encoder.encode(text, Context.TEXT)
            mail = Content(subject=encoded, html="", text="", placeholders=encoder.placeholders)
            assert expand(mail, data_for(mail, {"first_name": "V"}, URL))[0] == text.replace(sentinel(0), "V")
            # What Handlebars would read otherwise: {{{x}}}, \{{x}}, and a brace that closes one too many.
            assert "{{{" not in encoded and "\\{{" not in encoded and not re.search(r"\{\{\w+\}\}\}", encoded)
            assert SES_TAG.sub("", encoded).count("{{") == 0


def test_template_syntax_of_a_partner_is_text() -> None:
    """N1: what looks like a command reaches the customer as it was typed, in subject, HTML and text."""
    words = "{{env}} {% x %} *|MERGE|* %% {{{a}}} \\{{b}}"
    mail = rendered(OF, {"headline": words}, subject=words, preheader=words)
    subject, html, text = delivered(mail.content)
    assert subject == words and html.count(words) == 2 and words in text


def test_each_context_has_its_escaping() -> None:
    """A hostile first name is harmless in HTML, in an address, in the text and in the subject."""
    of = replace(OF, subject="Hi {{ contact.first_name|default('you') }}!")
    mail = rendered(of, subject="Hi {{ contact.first_name|default('you') }}!")
    name = "<b>\"A&B'\r\nBcc: x@y.example\x00\u202e"
    subject, html, text = delivered(mail.content, first_name=name)
    assert subject == "Hi <b>\"A&B' Bcc: x@y.example!"
    assert "Dear &lt;b&gt;&quot;A&amp;B&#x27;" in html and "<b>" not in html
    assert "?n=%3Cb%3E%22A%26B%27" in html and "?n=%3Cb%3E%22A%26B%27" in text
    assert "\x00" not in html + text + subject and "\u202e" not in html + text + subject


def test_the_text_is_that_of_the_marked_mail() -> None:
    """A merge field read in its place gives what reading the HTML with its sentinel gives, in text, link and words."""
    source = page(
        '<h1 data-region="headline">Hi</h1>'
        '<p>Dear {{ contact.first_name|default("you") }}, &amp; {{ contact.city|default("") }}!</p>'
        '<a href="https://e.example/?n={{ contact.first_name|default(\'you\') }}&amp;x=1">'
        'Go {{ contact.city|default("on") }}</a>'
        '<img src="https://e.example/a.png" alt="For {{ contact.first_name|default(\'you\') }}">' + SYSTEM)
    of = version(source)
    mail = rendered(of, {"headline": "{{x}} é <b> " * 9})
    assert not re.search("\ufdd0[0-9]+\ufdd1", mail.plain_text), "the names stand there"
    assert mail.plain_text.count("{{first_name}}") == 3
    assert "Go {{city}} (https://e.example/?n={{first_name}}&x=1)" in mail.plain_text
    assert "Dear {{first_name}}, & {{city}}!" in mail.plain_text and "[For {{first_name}}]" in mail.plain_text


MARKED = st.lists(st.sampled_from([
    "<p>", "</p>", "words ", "&amp;", "<br>", '<a href="https://e.example/@">', "</a>", '<img alt="@">', "@", " @ ",
    "é", "<li>", "<td>", "\u200b", '<p style="display:none">', "&", "lt;",
]), max_size=14)


@settings(max_examples=300, deadline=None)
@given(MARKED)
def test_marks_read_as_what_stands_for_them(pieces: list[str]) -> None:
    """Reading marks in their places is reading the source with what stands for them."""
    source, marks, out = b"", list[Mark](), ""
    for piece in pieces:
        before, at, after = piece.partition("@")
        source += before.encode()
        if at:
            marks.append((len(source), len(source) + 5, sentinel(len(marks))))
            source += b"{{x}}"
        source += after.encode()
        out += before + (marks[-1][2] if at else "") + after
    assert plain(source, marks) == plain(out.encode())


@given(st.dictionaries(st.sampled_from(["a", "b", "unsubscribe_url"]), st.text(st.characters())), st.text(max_size=9))
def test_a_recipients_data_are_written_as_json(profile: dict[str, str], default: str) -> None:
    """Whatever a customer's fields hold, SES gets one flat JSON object in which each value is what it should be."""
    kinds = (Context.HTML, Context.TEXT, Context.SUBJECT, Context.URL)
    mail = Content(subject="", html="", text="", placeholders=(
        Placeholder("lit_open", "", Context.LITERAL, "{{%s"), Placeholder("link", UNSUBSCRIBE_URL, Context.HTML),
        *(Placeholder(f"{kind.value}_{field}", field, kind, default) for field in "ab" for kind in kinds),
    ))
    written = writer(mail)(profile, URL)
    data = data_for(mail, profile, URL)
    assert written == json.dumps(data, ensure_ascii=False) and written.encode()
    assert list(data) == [p.name for p in mail.placeholders]
    assert data["lit_open"] == "{{%s" and data["link"] == URL
    for field in "ab":
        value = profile.get(field, "")
        told = value if value and not value.isspace() else default
        assert data[f"url_{field}"] == quote(unescape(data[f"html_{field}"]).strip(), safe="")
        assert data[f"text_{field}"] == unescape(data[f"html_{field}"])
        if told.isprintable():
            assert (data[f"html_{field}"], data[f"text_{field}"], data[f"subject_{field}"]) == (
                escape(told), told, told.strip())


@pytest.mark.parametrize("profile", [{}, {"first_name": ""}, {"first_name": "  "}])
def test_an_empty_field_takes_the_default(profile: dict[str, str]) -> None:
    """A customer without a first name is addressed as the template says."""
    _, html, text = delivered(rendered(OF).content, **profile)
    assert "Dear customer," in html and "?n=you" in html and "Dear customer," in text


def test_the_way_out_is_in_both_parts() -> None:
    """Each recipient's own address stands in HTML and text; the headers name it for the sender."""
    mail = rendered(OF)
    _, html, text = delivered(mail.content)
    assert f'href="{URL}">Unsubscribe' in html and f"Unsubscribe ({URL})" in text
    assert mail.headers == (("List-Unsubscribe", "<{{unsubscribe_url}}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))


def test_content_survives_its_encoding() -> None:
    """Stored and read again, the content has the same digest."""
    mail = rendered(OF)
    assert contents.decode(mail.content.encode()) == mail.content
    assert rendered(OF).content.sha256 == mail.content.sha256


def test_a_subject_of_hq_uses_fields_a_partners_does_not() -> None:
    """Fields count only while HQ's subject stands as it is; one letter more and it is text."""
    own = "Hi {{ contact.first_name|default('you') }}"
    of = replace(OF, subject=own)
    assert delivered(rendered(of, subject=own).content)[0] == "Hi you"
    assert delivered(rendered(of, subject=own + "!").content)[0] == own + "!"


def test_the_preheader_stands_first_and_hidden() -> None:
    """The preview line is the first thing in the body, escaped, and not in the text part."""
    _, html, text = delivered(rendered(OF, preheader="A <b> & {{c}}").content)
    assert html.index("A &lt;b&gt; &amp; {{c}}") < html.index("Outlook only") and "display:none" in html
    assert "{{c}}" not in text
    assert "display:none" not in delivered(rendered(OF, preheader="").content)[1]


def test_imprint_is_filled_from_the_legal_entity() -> None:
    """Name, address, register and representatives come from the partner's data, escaped."""
    _, html, text = delivered(rendered(OF).content)
    assert "Rad &amp; Tat GmbH<br>Hauptstr. 1<br>10115 Berlin<br>Germany<br>Represented by: Ada B." in html
    assert "Rad & Tat GmbH\nHauptstr. 1\n10115 Berlin\nGermany" in text


def test_braces_beside_a_merge_field() -> None:
    """A partner's brace right before a merge field neither hides it nor opens it twice."""
    body = "<p><span data-region='r'>x</span>{{ contact.a|default('D') }}<b data-region='s'>y</b></p>"
    of = version(page(body + SYSTEM))
    for before, after in (("{", "}"), ("{{", "}}"), ("\\", "}}}"), ("{{ x", "|default('x') }}")):
        html = delivered(rendered(of, {"r": before, "s": after}).content)[1]
        assert re.sub("<[^>]*>", "", html).replace("&#x27;", "'").find(before + "D" + after) >= 0


def test_all_value_problems_at_once() -> None:
    """A partner sees every field that must be mended, in one go."""
    bad = {"headline": "x" * 61, "hero": "https://evil.example/x.png", "cta": "javascript:x",
        "cta.text": "", "badge": "Three",
           "hours": "a\x00b"}
    with pytest.raises(Refused) as caught:
        rendered(OF, bad, subject="")
    assert {(p.field, p.code) for p in caught.value.problems} == {
        ("subject", "value.required"), ("headline", "value.too_long"), ("hero", "value.not_a_choice"),
        ("cta", "url.dangerous"),
        ("cta.text", "value.required"), ("badge", "value.not_a_choice"), ("hours", "value.control"),
    }


def test_a_good_mail_has_no_findings() -> None:
    """The sample mail passes every rule."""
    assert examine(OF, rendered(OF), ENTITY) == []


def test_examine_sees_a_changed_frame() -> None:
    """SEC006 and the missing pieces of the frame are found on the rendered mail."""
    mail = rendered(OF)
    broken = replace(mail, locked_sha256="0" * 64, headers=(), plain_text="")
    assert {f.code for f in examine(OF, broken, ENTITY)} == {"SEC006", "DLV004", "DLV005"}
    assert {f.code for f in examine(OF, mail, replace(ENTITY, street="Elsewhere 2"))} == {"LEG002"}


def test_examine_quotes_what_a_partner_typed() -> None:
    """A merge tag in a value blocks, with its region and words."""
    found = examine(OF, rendered(OF, {"headline": "Hi *|FNAME|*"}), ENTITY)
    assert [(f.code, f.region, f.quote, f.blocks) for f in found] == [
        ("DLV008", "headline", "*|FNAME|*", True), ("SEC008", "headline", "*|", False)]


def test_preview_shows_what_is_there() -> None:
    """Empty fields show their label, bad addresses lead nowhere, the way out is dead, problems are told."""
    shown = preview(OF, values={"headline": "", "cta": "javascript:x", "hero": "x"}, subject="", entity=ENTITY)
    assert "[Headline]" in shown.html and "https://img.example.com/a.png" in shown.html
    assert "javascript" not in shown.html
    assert 'href="#">Unsubscribe' in shown.html and "Dear customer" in shown.html and "{{" not in shown.html
    assert {p.field for p in shown.problems} == {"subject", "cta", "hero"}
    assert preview(OF, values={}, entity=ENTITY, profile={"first_name": "<i>"}).html.count("Dear &lt;i&gt;,") == 1


def test_text_part_reads_well() -> None:
    """Links with their address, list and lines kept, nothing of head or hidden parts, lines that fit."""
    words = "word " * 60
    body = BODY.replace("Cell", words) + "<ul><li>One<li>Two</ul>"
    text = delivered(rendered(version(page(body + SYSTEM))).content)[2]
    assert "Hello & welcome\n" in text and "Buy (https://shop.example.com/?a=1&b=2)" in text and "Mon\nTue" in text
    assert "- One\n" in text and "- Two\n" in text and '[a "quoted" word]' in text and "Outlook" not in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 72


def test_dead_copy() -> None:
    """The copy in the reviewer's mail cannot be pressed, run, targeted or styled from afar."""
    _, html, _ = delivered(rendered(OF, {"cell": '<p><a href="https://example.com/">x</a></p>'}).content)
    extra = "<form><input name=x></form><script>x</script><p id=a class=b style='position:fixed;color:red'>z</p>"
    copy = dead(html.replace("</body>", extra + "</body>"))
    tokens = tokenise(copy.encode())
    names = {a.name for t in tokens for a in t.attributes}
    assert not names & {"href", "id", "class", "action", "background"} and "position" not in copy
    assert not {t.name for t in tokens} & {"html", "head", "body", "style", "script", "form", "input", "title"}
    assert all(t.kind is not Kind.COMMENT for t in tokens) and "Dear customer" in copy


@pytest.mark.parametrize("unit", ["<p style='color:red'>word</p>", "<p>" + "word " * 100 + "</p>", "x" * 100])
def test_dead_copy_is_bounded(unit: str) -> None:
    """Whatever the mail's size, the copy leaves room for the decision before Gmail clips."""
    assert len(dead("<body>" + unit * 20_000 + "</body>").encode()) < MAX_BYTES
