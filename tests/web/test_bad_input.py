"""Bad input by the ways people have: files through the import's pages, templates, values and times through forms."""

from __future__ import annotations

import pytest

from chalicelib.domain.campaign import State
from chalicelib.domain.import_file import MAX_ROWS
from chalicelib.domain.people import Role
from chalicelib.events import imports as handler
from chalicelib.usecases import contacts
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.partner_stage import Place, place

HEAD = "email,consent_basis,consent_at,consent_source,first_name\n"
GOOD = "ada@example.net,double_opt_in,2026-01-15,shop,Ada\n"
STATEMENT = {"basis": "double_opt_in", "source": "web form", "wording": "Yes, please", "attest": "yes"}


def uploaded(here: Place, data: bytes) -> str:
    """Go through the pages with a file, let S3 announce it, and return the result page."""
    begun = here.post("customers", "import", **STATEMENT)
    assert begun.status == 303
    batch = begun.location.rsplit("/", 1)[1]
    key = f"P/{here.ours.id}/imports/{batch}.csv"
    assert key in here.browser.get(begun.location).body
    here.world.blobs.put(here.session, key, data, "text/csv")
    for _ in range(2):  # S3 may announce an object twice
        handler.handle({"Records": [{"s3": {"object": {"key": key.replace("/", "%2F")}}}]}, here.world)
    got = here.browser.get(begun.location)
    assert got.status == 200
    return got.body


@pytest.mark.parametrize(("data", "words"), [
    (b"", "empty"), (b"\n\n", "empty"), (b"PK\x03\x04\x14\x00" + bytes(range(256)) * 40, "Excel"),
    ((HEAD + GOOD).encode("utf-16"), "UTF-16"), (HEAD.encode() + b"caf\xe9@example.net,x\n", "UTF-8"),
    (b"name,city\nAda,Berlin\n", "email"), ((HEAD + GOOD).replace("consent_basis", "basis").encode(), "consent_basis"),
    ((HEAD + '"ada@example.net,double_opt_in\n').encode(), ""), (HEAD.encode() + b"a\x00@example.net,x,x,x,x\n", ""),
    ((HEAD + "a,b,c,d,e\n" * (MAX_ROWS + 1)).encode(), f"{MAX_ROWS:,}"[:3]),
], ids=[
    "empty", "blank", "binary", "utf-16", "latin-1", "no columns", "no consent column", "open quote", "nul", "too many",
])
def test_a_file_that_cannot_be_read_changes_nothing(data: bytes, words: str) -> None:
    """The page says why the whole file was refused and that nobody was added, and leads to a new start."""
    here = place(customers=False)
    body = uploaded(here, data)
    assert "No customer was added" in body and "Start again" in body and words in body
    assert contacts.summary(here.world, here.session).total == 0


@pytest.mark.parametrize(("row", "words"), [
    ("ada@example.net,double_opt_in,2026-01-15\n", "3 cells"),
    ("ada@example.net,double_opt_in,2026-01-15,shop,Ada,more,and more\n", "7 cells"),
    ("not an address,double_opt_in,2026-01-15,shop,x\n", "not an e-mail address"),
    ("j\u00fcrgen@example.net,double_opt_in,2026-01-15,shop,x\n", "before the @"),
    (",double_opt_in,2026-01-15,shop,x\n", "address"),
    ("eve@example.net,,2026-01-15,shop,x\n", "legal basis is missing"),
    ("eve@example.net,because,2026-01-15,shop,x\n", "consent_basis"),
    ("eve@example.net,double_opt_in,,shop,x\n", "consent_at"),
    ("eve@example.net,double_opt_in,2099-01-15,shop,x\n", "consent_at"),
    ("eve@example.net,double_opt_in,2026-02-30,shop,x\n", "consent_at"),
    ("eve@example.net,double_opt_in,2026-01-15,,x\n", "consent_source"),
    ("ADA@EXAMPLE.net,double_opt_in,2026-01-15,shop,x\n", "stands in row 2"),
    ("<script>alert(1)</script>@example.net,double_opt_in,2026-01-15,shop,x\n", "not an e-mail address"),
], ids=[
    "short", "long", "malformed", "unicode", "no address", "no consent", "odd basis", "no date", "future",
    "no such day", "no source", "twice", "markup",
])
def test_a_bad_row_is_named_and_the_others_are_taken(row: str, words: str) -> None:
    """The page says which row, which column and why; no cell of it is shown, and the good rows are in."""
    here = place(customers=False)
    body = uploaded(here, (HEAD + GOOD + row).encode())
    assert "1 row was refused" in body and 'class="num">3</th>' in body and words in body
    assert "<script>alert" not in body and "eve@" not in body and "@example.net" not in body
    assert contacts.summary(here.world, here.session).total == 1


def test_a_formula_in_a_name_is_a_name() -> None:
    """A cell that a spreadsheet would run is kept as text, and goes into no mail as anything else."""
    here = place(customers=False)
    body = uploaded(here, (HEAD + GOOD.replace("Ada\n", '"=HYPERLINK(""http://evil.example"")"\n')).encode())
    assert "were refused" not in body and "evil.example" not in body
    assert contacts.summary(here.world, here.session).total == 1


@pytest.mark.parametrize("action", ["/hq/templates", "/hq/templates/check"])
@pytest.mark.parametrize("size", [5_000_000, 5_300_000])
def test_a_template_of_five_megabytes_is_refused_by_name(action: str, size: int) -> None:
    """HQ's form takes it, says its size and the limit, and does not send it all back; nothing is stored."""
    world = FakeWorld()
    browser = stage.browser(world, stage.person(world, "Dora", [Role.HQ_DESIGNER]))
    source = stage.SOURCE.decode().replace("</body>", "<!--" + "x" * size + "--></body>")
    got = browser.submit(browser.get("/hq/templates/new"), action, name="Big one", html=source)
    assert got.status == 422 and "bytes; at most" in got.body and 'value="Big one"' in got.body
    assert len(got.body) < 100_000 and world.templates.list() == []


@pytest.mark.parametrize(("typed", "words"), [
    ("x" * 61, "61 characters"), ("a\u202eb", "U+202E"), ("a\x07b", "U+0007"), ("", ""),
])
def test_a_bad_headline_is_kept_hinted_and_not_submitted(typed: str, words: str) -> None:
    """What does not fit is kept while it is typed, hinted at its field, and stops the submit with a way back to it."""
    here = place()
    made = here.ready()
    assert here.post("campaigns", made.id, "edit", **{"version": "2", "v.headline": typed}).status == 303
    got = here.post("campaigns", made.id, "submit", version="3", terms="yes")
    assert got.status == 422 and words in got.body and "/edit#f-v-headline" in got.body
    assert here.world.campaigns.get(here.session, made.id).state is State.DRAFT


@pytest.mark.parametrize("typed", [
    "<script>alert(1)</script>", "{{ contact.email }} {% raw %} ${x}", "<b>bold</b> & more",
])
def test_markup_and_template_syntax_are_words(typed: str) -> None:
    """In a field of plain text they are letters: the mail shows them, nothing runs and nothing is filled in."""
    here = place()
    made = here.draft(value_headline=typed)
    html, text = (here.get("campaigns", made.id, name).body for name in ("preview", "preview.txt"))
    assert typed in text
    assert "<script>alert" not in html and "<b>bold" not in html and "anna@" not in html


@pytest.mark.parametrize(("local", "words"), [
    ("2026-03-01T09:00", "in the past"), ("2026-03-29T02:30", ""), ("2026-12-01T09:00", "outside"),
    ("tomorrow", ""), ("2026-02-30T09:00", ""), ("9999-12-31T23:59", ""), ("0001-01-01T00:00", ""),
])
def test_no_campaign_is_submitted_for_a_time_that_cannot_be(local: str, words: str) -> None:
    """Past, skipped by the clocks, outside the window or no time at all: refused at its field, and still a draft."""
    here = place()
    made = here.draft(subject="Spring", local_time=local, zone="Europe/Berlin")
    got = here.post("campaigns", made.id, "submit", version="2", terms="yes")
    assert got.status == 422 and words in got.body and "/edit#f-local_time" in got.body
    assert here.world.campaigns.get(here.session, made.id).state is State.DRAFT
