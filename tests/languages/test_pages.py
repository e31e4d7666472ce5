"""Pages and mails in each language: whose language counts, and nothing of English left in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from babel.messages.catalog import Catalog

from chalicelib import texts
from chalicelib.domain.campaign import Verdict
from chalicelib.domain.ids import PersonId
from chalicelib.domain.people import Role
from chalicelib.domain.totals import Totals
from chalicelib.ports.system import QueueName
from chalicelib.usecases import people, sign_in, unsubscribe
from chalicelib.web import public
from chalicelib.web.forms import field_id
from infra import texts as tool
from tests.fakes.world import FakeWorld
from tests.stage import Stage, decide_as_shown, stage
from tests.web import partner_stage
from tests.web import stage as hq_stage
from tests.web.test_review import Visitor

OTHERS = [language for language in texts.LANGUAGES if language != texts.DEFAULT]
COVERED = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.fixture(scope="module", params=OTHERS)
def language(request: pytest.FixtureRequest) -> str:
    """Each language but English in its turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def english(language: str) -> set[str]:
    """Texts of two words or more that read otherwise in this language."""
    return set(originals(tool.catalogue(language)))


def originals(catalogue: Catalog) -> Iterator[str]:
    """What must not stand on a page in that language; short words may be somebody's own."""
    for message in catalogue:
        if isinstance(message.id, str) and message.id and message.string and message.string != message.id:
            if " " in message.id.strip() and not COVERED.search(message.id):
                yield message.id


def words_of(body: str) -> list[str]:
    """What a page shows and says: texts between its elements and in attributes that are read out."""
    body = re.sub(r'<(script|style|iframe|pre|textarea)\b.*?</\1>|<!--.*?-->|data-words="[^"]*"', " ", body, flags=re.S)
    spoken = re.findall(r'(?:aria-label|title|alt|placeholder|data-label)="([^"]*)"', body)
    return [" ".join(html.unescape(part).split()) for part in [*re.split(r"<[^>]*>", body), *spoken] if part.strip()]


def hold(body: str, language: str, english: set[str]) -> None:
    """The page says its language, and none of its texts is an English one that has a translation."""
    assert f'<html lang="{language}">' in body
    left = [word for word in words_of(body) if word in english]
    assert not left


def speak(place: partner_stage.Place, language: str) -> None:
    """Anna chooses a language on her own page."""
    page = place.browser.get("/sessions")
    assert place.browser.submit(page, "/language", language=language).status == 303


def test_the_partners_pages(language: str, english: set[str]) -> None:
    """Every page of a partner's day, from the home page to the results, in the language she chose."""
    place = partner_stage.place()
    draft, waiting = place.ready(), place.submitted()
    running = place.sending(Totals(audience=1_204, sent=1_017, suppressed={"unsubscribed": 83}, pending=104))
    speak(place, language)
    paths = [
        (), ("customers",), ("customers", "import"), ("profile",), ("campaigns", draft.id, "edit"),
        ("campaigns", draft.id, "check"), ("campaigns", waiting.id), ("campaigns", running.id),
    ]
    seen = 0
    for parts in paths:
        got = place.get(*parts)
        if got.status == 200:
            hold(got.body, language, english)
            seen += 1
    assert seen == len(paths)


def test_refusals_of_a_form(language: str, english: set[str]) -> None:
    """What is wrong with an entry is said in the same language, above the form and at its field."""
    place = partner_stage.place()
    draft = place.draft()
    speak(place, language)
    got = place.post("campaigns", draft.id, "submit", version=str(draft.version + 5), note="x" * 5_000)
    assert got.status in (409, 422)
    hold(got.body, language, english)


def test_head_offices_pages(language: str, english: set[str]) -> None:
    """Overview, templates, programmes, partners, people, rules and the switch."""
    world = FakeWorld()
    hanna = hq_stage.person(world, "Hanna", [Role.HQ_ADMIN])
    world.people.save(replace(hanna, language=language), expected_generation=hanna.generation)
    from chalicelib.web import hq_kit

    browser = hq_stage.browser(world, hanna, routes=(*hq_stage.FRAME, *hq_kit.routes))
    for path in (
        "/hq", "/hq/templates", "/hq/templates/new", "/hq/programmes", "/hq/programmes/new", "/hq/partners",
        "/hq/partners/invite", "/hq/people", "/hq/stop", "/hq/rules", "/hq/rules/lanes", "/sessions",
        "/hq/programmes/prg_0",
    ):
        got = browser.get(path)
        assert got.status in (200, 404), path
        hold(got.body, language, english)


def test_the_rule_reference_in_each_language(language: str, english: set[str]) -> None:
    """Why a rule is there and what to do stand on head office's page in its reader's language."""
    world = FakeWorld()
    dora = hq_stage.person(world, "Dora", [Role.HQ_DESIGNER])
    world.people.save(replace(dora, language=language), expected_generation=dora.generation)
    from chalicelib.web import hq_kit

    body = hq_stage.browser(world, dora, routes=(*hq_stage.FRAME, *hq_kit.routes)).get("/hq/rules").body
    page = html.unescape(body)
    for code in ("SEC001", "LEG005", "A11Y002", "BRD007"):
        for ours, theirs in zip(texts.of_rule(code, language), texts.of_rule(code), strict=True):
            assert ours in page and theirs not in page and "{" not in ours


def test_the_decision_page_and_mail_speak_the_reviewers_language(language: str, english: set[str]) -> None:
    """The mail comes in the reviewer's language, and its link opens the page in the same, whatever the browser says."""
    scene = stage()
    rita = scene.people["rita"]
    people.choose_language(scene.world, rita, language)
    scene.submitted()
    mail = scene.mails("rita", "review_request")[-1]
    said = texts.translations(language).gettext
    assert mail.subject.startswith(one_line(said("Please decide: %(name)s from %(partner)s").partition("%")[0]))
    assert f'<html lang="{language}">' in mail.html
    assert said("Your code:") in mail.text and "Your code:" not in mail.text
    token = re.search(r"/r/([\w-]+)", mail.text)
    assert token
    page = Visitor(scene).open(f"/r/{token.group(1)}")
    hold(page.body, language, english)


def test_news_of_a_decision_come_in_the_partners_language(language: str) -> None:
    """Paula chose none: the mail to her comes in the language of her company."""
    scene = stage()
    company(scene, "paula", language)
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)
    scene.deliver()
    mail = scene.mails("paula", "decided")[-1]
    said = texts.translations(language).gettext
    assert mail.subject == one_line(said("Approved: %(name)s") % {"name": campaign.name})
    assert f'<html lang="{language}">' in mail.html
    assert "approved it" not in mail.text + mail.html
    assert "Berlin" in mail.text or "Berlín" in mail.text, "a time names its zone's city"


def one_line(text: str) -> str:
    """A subject has plain blanks only."""
    return " ".join(text.split())


def company(scene: Stage, name: str, language: str) -> None:
    """Note the partner's language in a person's membership, as an invitation does."""
    made = scene.people[name]
    members = scene.world.people.memberships
    for key, membership in list(members.items()):
        if membership.person == made.id and membership.partner:
            members[key] = replace(membership, partner_language=language)


def test_the_sign_in_mail(language: str) -> None:
    """It comes in the person's language; without one, in that of the page where it was asked for."""
    world = FakeWorld()
    hanna = hq_stage.person(world, "Hanna", [Role.HQ_ADMIN])
    browser = hq_stage.browser(world)
    page = browser.get("/sign-in", **{"accept-language": f"{language};q=0.9, xx"})
    assert f'<html lang="{language}">' in page.body
    browser.post("/sign-in", {"csrf": page.field("csrf"), "email": "hanna@example.com"},
                 **{"accept-language": f"{language}-XX"})
    world.queue.deliver(QueueName.NOTICES, lambda message: sign_in.send_link(
        world, PersonId(str(message["person"])), str(message["language"])))
    subject = texts.translations(language).gettext("Your link to sign in to %(org_name)s")
    assert world.mailer.sent[-1].subject == subject % {"org_name": world.facts.org_name}
    people.choose_language(world, world.people.account(hanna.id).person, "en")
    sign_in.send_link(world, hanna.id, language)
    assert world.mailer.sent[-1].subject.startswith("Your link")


def test_whose_language_counts() -> None:
    """The person's own choice, then the company's, then the browser's, then English."""
    place = partner_stage.place()

    def shown(accept: str) -> str:
        found = re.search(r'<html lang="(\w+)">', place.browser.get(place.path(), **{"accept-language": accept}).body)
        assert found
        return found.group(1)
    assert [shown(accept) for accept in ("", "tlh", "hu, en", "es-MX")] == ["en", "en", "hu", "es"]
    key, membership = next(
        (k, m) for k, m in place.world.people.memberships.items() if m.person == place.anna.id)
    place.world.people.memberships[key] = replace(membership, partner_language="fr")
    assert shown("hu") == "fr"
    speak(place, "de")
    assert shown("hu") == "de"
    speak(place, "")
    assert shown("hu") == "fr"


def test_a_language_is_chosen_on_a_page_of_ones_own() -> None:
    """The page shows what was chosen; what is no language of ours is refused and changes nothing."""
    place = partner_stage.place()
    speak(place, "hu")
    assert '<option value="hu" selected>Magyar</option>' in place.browser.get("/sessions").body
    page = place.browser.get("/sessions")
    assert place.browser.submit(page, "/language", language="../de").status == 422
    assert place.world.people.account(place.anna.id).person.language == "hu"
    assert place.browser.post("/language", {"language": "de"}).status == 403, "a form of ours carries its token"


def test_choosing_a_language_ends_no_sign_in() -> None:
    """It is no change of rights: sessions, links and memberships stay."""
    place = partner_stage.place()
    before = place.world.people.account(place.anna.id)
    speak(place, "es")
    after = place.world.people.account(place.anna.id)
    assert (after.person.generation, after.sessions, after.memberships) == (
        before.person.generation, before.sessions, before.memberships)


def test_script_words_come_with_the_page(language: str) -> None:
    """What the script writes by itself stands on the page in its language, as JSON in an attribute."""
    import json

    place = partner_stage.place()
    speak(place, language)
    found = re.search(r'<body data-words="([^"]*)"', place.get().body)
    assert found
    words = json.loads(html.unescape(found.group(1)))
    assert words["saved"] == texts.translations(language).gettext("Saved {at}") != "Saved {at}"
    assert field_id("x") == "f-x"


def test_sentences_in_every_language(language: str) -> None:
    """Every code renders with parameters of all its names, and words of ours among them are translated."""
    import string

    from chalicelib.domain.errors import Problem

    for code, english_text in texts.messages().items():
        names = {name for _, name, _, _ in string.Formatter().parse(english_text) if name}
        shown = texts.sentence(Problem(code, "", {name: f"[{name}]" for name in names}), language)
        assert "…" not in shown.replace("… <![endif]", "") or "…" in english_text
        assert all(f"[{name}]" in shown for name in names), (code, shown)
    said = texts.translations(language).gettext
    for code, name, value, word in (
        ("campaign.not_now", "state", "in_review", "in review"), ("compliance.BRD014", "found", "de", "German"),
        ("LEG003", "quote", "vat_id, street", "VAT number"), ("LEG004", "missing", "tax", "tax"),
        ("yaml.missing", "path", "the text", "the text"),
    ):
        assert said(word) in texts.sentence(Problem(code, "", {name: value}), language)
    for value in ("in_review; DROP", "<b>", "Straße"):
        assert value in texts.sentence(Problem("campaign.not_now", "", {"state": value}), language)


def test_instants_in_sentences_are_times(language: str) -> None:
    """An instant that a conflict carries reads as a time; what is none stays what it is."""
    from chalicelib.domain.errors import Problem
    from chalicelib.texts.times import local_time

    at = "2026-11-24T13:02:00+00:00"
    from datetime import datetime

    shown = texts.sentence(Problem("review.decided", "", {"by": "Rita", "at": at}), language)
    assert local_time(datetime.fromisoformat(at), language=language) in shown
    assert "soon" in texts.sentence(Problem("review.decided", "", {"by": "Rita", "at": "soon"}), language)


def test_the_customers_page_speaks_the_senders_language(language: str, english: set[str]) -> None:
    """A customer who leaves reads the language of who wrote, not of whoever runs the program."""
    assert unsubscribe.Leaving(partner_name="Acme", language=language).language == language
    world = FakeWorld()
    browser = hq_stage.browser(world, routes=public.routes, surface="partner")
    got = browser.get("/u/" + "x" * 60, **{"accept-language": language})
    assert got.status == 404
    hold(got.body, language, english)
