"""My customers: numbers, imports, refused rows, and "no more mail"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.contact import ImportBatch, ImportState
from chalicelib.domain.errors import Problem
from chalicelib.usecases import imports
from tests.web.client import fields_of
from tests.web.partner_stage import Place, place

GOOD = {"basis": "double_opt_in", "source": "Web form", "wording": "I agree to be mailed.", "attest": "yes"}
REFUSED = (
    b"refused_row,refused_column,refused_reason,email\n"
    b'3,email,"This is not an e-mail address.","<script>alert(1)</script>"\n4,email,Twice.,tom@example.com\n'
)


def began(here: Place) -> ImportBatch:
    """An import that waits for its file."""
    return imports.start_import(
        here.world, here.anna.id, here.session, file_name="", basis="double_opt_in", source="Web form",
        wording="I agree.", attest=True,
    )[0]


def done(here: Place, **changes: object) -> ImportBatch:
    """An import that is over, with two refused rows."""
    batch = replace(
        began(here), state=ImportState.DONE, rows=10, added=5, updated=2, unsubscribed=1, rejected=2, version=2,
    )
    batch = replace(batch, **changes)  # type: ignore[arg-type]
    here.world.imports.save(here.session, batch, expected_version=1)
    here.world.blobs.put(here.session, imports.refused_key(here.ours.id, batch.id), REFUSED, "text/csv")
    return batch


def test_numbers_with_their_time() -> None:
    """Counts by consent and why others are not mailed, with when they were counted."""
    body = place().get("customers").body
    for words in ("1,311", "double opt-in", "1204", "unsubscribed", "83", "as of Mon 2 Mar 2026", "only we see them"):
        assert words in body, words


def test_no_customers_yet() -> None:
    """The empty state leads to the import."""
    body = place(customers=False).get("customers").body
    assert "No customers yet" in body and "/customers/import" in body


def test_the_import_form_shows_all_problems_and_keeps_what_was_typed() -> None:
    """422 with a summary, a message at each field, and every value kept."""
    here = place()
    got = here.post("customers", "import", basis="nonsense", source="", wording="Kept <b>words</b>")
    assert got.status == 422 and "Kept &lt;b&gt;words" in got.body
    for name in ("basis", "source", "attest"):
        assert f'href="#f-{name}"' in got.body and f'id="f-{name}-error"' in got.body, name
    assert here.world.imports.list(here.session) == []


def test_an_import_goes_from_statement_to_upload_without_javascript() -> None:
    """The upload page posts straight to the bucket; its policy, and no other page's, names the bucket."""
    here = place()
    got = here.post("customers", "import", **GOOD)
    assert got.status == 303
    page = here.browser.get(got.location)
    policy = page.headers["content-security-policy"]
    for directive in ("form-action", "connect-src"):
        assert f"{directive} 'self' https://uploads.invalid;" in policy
    assert "uploads.invalid" not in here.get("customers").headers["content-security-policy"]
    assert 'action="https://uploads.invalid/"' in page.body and 'enctype="multipart/form-data"' in page.body
    fields = fields_of(page.body)
    assert fields["key"].startswith(f"P/{here.ours.id}/imports/imp_")
    assert fields["success_action_redirect"] == f"{got.location}?sent=1"
    file_form = page.body[page.body.index('enctype="multipart'):page.body.index('name="file"')]
    assert 'name="csrf"' not in file_form


def test_after_the_upload_the_page_waits_and_goes_on() -> None:
    """The page says that the file arrived; once it is read, the fragment has the page loaded again."""
    here = place()
    batch = began(here)
    body = here.get("customers", "imports", batch.id, query="sent=1").body
    assert "The file has arrived" in body and 'name="file"' not in body
    url = here.path("customers", "imports", batch.id, "progress") + "?from=waiting"
    assert "hx-refresh" not in here.browser.get(url, **{"hx-request": "true"}).headers
    here.world.imports.save(
        here.session, replace(batch, state=ImportState.RUNNING, rows=4, version=2), expected_version=1,
    )
    assert here.browser.get(url, **{"hx-request": "true"}).headers["hx-refresh"] == "true"
    body = here.get("customers", "imports", batch.id).body
    assert 'hx-trigger="every 5s"' in body and "Adding customers" in body


def test_the_result_adds_up_and_every_refused_row_says_why() -> None:
    """Numbers add up to the rows of the file; rows show number, column and reason, cells only by right."""
    here = place()
    batch = done(here)
    body = here.get("customers", "imports", batch.id).body
    assert "2 rows were refused" in body and "This is not an e-mail address." in body
    assert ">10</td>" in body and "tom@example.com" not in body and "refused.csv" not in body
    assert here.get("customers", "imports", batch.id, "refused.csv").status == 404


def test_members_who_see_customers_get_the_cells_and_the_file() -> None:
    """N9, N22, N52: cells are inert, the file has our name, and formulas stay neutral as stored."""
    here = place(sees_contacts=True)
    batch = done(here)
    body = here.get("customers", "imports", batch.id).body
    assert "&lt;script&gt;alert(1)" in body and "<script>alert" not in body and "tom@example.com" in body
    got = here.get("customers", "imports", batch.id, "refused.csv")
    assert got.status == 200 and got.body.encode() == REFUSED
    assert got.headers["content-disposition"] == f'attachment; filename="refused-rows-{batch.id}.csv"'
    assert got.headers["x-content-type-options"] == "nosniff"


def test_a_file_refused_as_a_whole_says_why() -> None:
    """The sentence says what is wrong and leads to a new start."""
    here = place()
    problem = Problem("import.not_utf8", "", {"line": 7, "position": 99})
    batch = done(
        here, state=ImportState.REFUSED, problems=(problem,), rows=0, added=0, updated=0, unsubscribed=0, rejected=0,
    )
    body = here.get("customers", "imports", batch.id).body
    assert "Line 7 is not written in UTF-8" in body and "No customer was added" in body and "Start again" in body


def test_the_sample_can_be_imported() -> None:
    """The sample's header is the documented one."""
    got = place().get("customers", "sample.csv")
    assert got.body.startswith("email,consent_basis,consent_at,consent_source,")
    assert got.headers["content-type"].startswith("text/csv")


def test_no_more_mail_by_hand() -> None:
    """It works for every address, tells nothing about customers, and refuses what is no address."""
    here = place()
    for _ in range(2):
        assert here.post("customers", "stop", address="Tom@Example.com").status == 303
    got = here.post("customers", "stop", address='no address"><script>')
    assert got.status == 422 and 'id="f-address-error"' in got.body and "no address&#34;&gt;" in got.body


def test_counting_again_is_asked_of_the_queue() -> None:
    """The page does not count; it asks the imports function to."""
    here = place()
    assert here.post("customers", "recount").status == 303
    assert here.world.queue.kinds() == ["recount"]


@pytest.mark.parametrize("typed", ["../../etc", "a\x00b", "x" * 3000])
def test_odd_texts_are_refused_or_kept_as_text(typed: str) -> None:
    """N11, N32: a source of any kind is either refused in words or shown as text."""
    here = place()
    got = here.post("customers", "import", **{**GOOD, "source": typed})
    assert got.status == (303 if typed == "../../etc" else 422)


def test_times_are_the_partners() -> None:
    """The moment of a count is shown in the partner's own zone."""
    assert "(Berlin)" in place().get("customers").body
