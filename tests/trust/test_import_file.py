"""The customers' file: header, rows and refusals."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import texts
from chalicelib.domain.contact import LegalBasis
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.import_file import MAX_CELL, MAX_ROWS, ImportFile, RefusedRow, Row, parse_time
from tests.trust.files import HEADER, chunked, file_of, row

MADE_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def read(data: bytes, size: int = 65536) -> list[Row | RefusedRow]:
    """All rows."""
    return list(ImportFile(chunked(data, size), MADE_AT).rows())


def refusal(data: bytes) -> list[Problem]:
    """Why a file is refused as a whole."""
    with pytest.raises(Refused) as caught:
        read(data)
    return list(caught.value.problems)


def codes(data: bytes) -> list[tuple[int, list[tuple[str, str]]]]:
    """The refused rows: number and (column, code) pairs."""
    return [(r.number, [(p.field, p.code) for p in r.problems]) for r in read(data) if isinstance(r, RefusedRow)]


def test_an_accepted_row() -> None:
    """Address normalised, consent read, other columns as merge fields, empty ones left out."""
    data = file_of("Anna@EXAMPLE.com , Zoë ,Double Opt-In,2026-01-15T10:30:00+01:00,Web form,,Győr,",
                   header=HEADER + ",Home Town,plan")
    assert read(data) == [Row(
        number=2, address="anna@example.com", basis=LegalBasis.DOUBLE_OPT_IN, source="Web form",
        obtained_at=datetime(2026, 1, 15, 9, 30, tzinfo=UTC), profile={"first_name": "Zoë", "home_town": "Győr"},
    )]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_marks_and_line_ends(delimiter: str, mark: bytes, end: str) -> None:
    """Comma, semicolon or tab, with or without byte order mark, from any operating system."""
    data = mark + file_of(row("a@example.com"), row("b@example.com")).replace(b",", delimiter.encode())
    rows = read(data.replace(b"\n", end.encode()))
    assert [r.address for r in rows if isinstance(r, Row)] == ["a@example.com", "b@example.com"]


def test_columns_are_found_by_name() -> None:
    """The order of columns does not matter, nor case, spaces and hyphens in their names."""
    data = b"Consent Source;CONSENT-AT;Email;consent_basis\nfair;31.12.2025;a@example.com;existing_customer\n"
    (found,) = read(data)
    assert isinstance(found, Row)
    assert (found.source, found.obtained_at) == ("fair", datetime(2025, 12, 31, tzinfo=UTC))


def test_lines_above_the_header_and_empty_rows() -> None:
    """Excel's ``sep=;`` and empty rows are passed over; row numbers stay those of a spreadsheet."""
    data = b"sep=;\n" + file_of(row("a@example.com"), "", ",,,,,", row("b")).replace(b",", b";")
    assert [r.number for r in read(data)] == [3, 6]


@pytest.mark.parametrize(("header", "expected"), [
    ("email,consent_basis,consent_at", [("import.columns_missing", {"columns": "consent_source"})]),
    ("name,city", [("import.columns_missing", {"columns": "email, consent_basis, consent_at, consent_source"})]),
    ("E-Mail;consent basis;Consent_Date;consent_sorce", [("import.columns_misspelt", {
        "columns": "email, consent_at, consent_source", "found": "E-Mail, Consent_Date, consent_sorce"})]),
    (HEADER + ",email", [("import.columns_twice", {"columns": "email"})]),
    (HEADER + ",City,city", [("import.columns_twice", {"columns": "city"})]),
    (HEADER + ",Straße", [("import.column_name", {"position": 7, "value": "straße"})]),
    (HEADER + ",,x", [("import.column_name", {"position": 7, "value": ""})]),
    (HEADER + ",{{x}}", [("import.column_name", {"position": 7, "value": "{{x}}"})]),
    (HEADER + ",__class__", [("import.column_name", {"position": 7, "value": "__class__"})]),
    ("anna@example.com,Anna", [("import.no_header", {
        "columns": "email, consent_basis, consent_at, consent_source"})]),
    (HEADER + "".join(f",c{n}" for n in range(40)), [("import.too_many_columns", {"limit": 30, "found": 46})]),
])
def test_headers_that_are_refused(header: str, expected: list[tuple[str, dict[str, str | int]]]) -> None:
    """Missing, misspelt (did you mean), doubled and unusable columns are named, all at once."""
    assert [(p.code, dict(p.params)) for p in refusal(file_of("x", header=header))] == expected


@pytest.mark.parametrize(("data", "code"), [
    (b"", "import.empty"), (b"\n\n  \n", "import.empty"), (HEADER.encode(), "import.only_header"),
    (file_of(), "import.only_header"), (file_of("", ",,,,,"), "import.only_header"),
    (file_of(row("a@example.com"), '"b@example.com,Anna'), "import.quotes"),
])
def test_files_that_are_refused_as_a_whole(data: bytes, code: str) -> None:
    """Nothing in them can be used, or nobody can tell where rows begin."""
    assert [p.code for p in refusal(data)] == [code]


def test_too_many_rows() -> None:
    """A hundred thousand rows are taken, one more refuses the file; empty ones are bounded too."""
    header = HEADER.encode() + b"\n"
    with pytest.raises(Refused) as caught:
        for _ in ImportFile([header, *[b"x,,,,,\n" * 1000] * 101], MADE_AT).rows():
            pass
    assert caught.value.problems[0] == Problem("import.too_many_rows", "file", {"rows": MAX_ROWS})
    with pytest.raises(Refused) as caught:
        list(ImportFile([header, *[b"\n" * 60_000] * 10], MADE_AT).rows())
    assert caught.value.problems[0].code == "import.too_many_rows"
    assert sum(1 for _ in ImportFile([header, *[b"x,,,,,\n" * 1000] * 100], MADE_AT).rows()) == MAX_ROWS


@pytest.mark.parametrize(("line", "problems"), [
    ("a@example.com,Anna,double_opt_in", [("", "row.ragged")]),
    (row("a@example.com") + ",more", [("", "row.ragged")]),
    (row(""), [("email", "row.address_missing")]),
    (row("anna"), [("email", "row.address_malformed")]),
    (row("a@b@example.com"), [("email", "row.address_malformed")]),
    (row("jürgen@example.com"), [("email", "row.address_local_part")]),
    (row("x" * 65 + "@example.com"), [("email", "row.address_too_long")]),
    (row("a@example.com", basis=""), [("consent_basis", "consent.basis_missing")]),
    (row("a@example.com", basis="yes"), [("consent_basis", "consent.basis_unknown")]),
    (row("a@example.com", at=""), [("consent_at", "consent.date_missing")]),
    (row("a@example.com", at="soon"), [("consent_at", "consent.date_unreadable")]),
    (row("a@example.com", at="01/02/2026"), [("consent_at", "consent.date_unreadable")]),
    (row("a@example.com", at="2026-02-30"), [("consent_at", "consent.date_unreadable")]),
    (row("a@example.com", at="20260115"), [("consent_at", "consent.date_unreadable")]),
    (row("a@example.com", at="2026-03-04"), [("consent_at", "consent.date_future")]),
    (row("a@example.com", at="1826-03-04"), [("consent_at", "consent.date_old")]),
    (row("a@example.com", source=""), [("consent_source", "consent.source_missing")]),
    (row("a@example.com", status="maybe"), [("status", "status.unknown")]),
    (row("a@example.com", name="x" * (MAX_CELL + 1)), [("first_name", "cell.too_long")]),
    (row("a@example.com", name="A\x07nna"), [("first_name", "cell.control")]),
    (row("a@example.com", name="A\u202enna"), [("first_name", "cell.control")]),
    ('a@example.com,"An\nna",double_opt_in,2026-01-15,web form,', [("first_name", "cell.control")]),
    (row("a b", basis="", at="x", source=""), [
        ("email", "row.address_malformed"), ("consent_basis", "consent.basis_missing"),
        ("consent_at", "consent.date_unreadable"), ("consent_source", "consent.source_missing")]),
    (row("anna@example.com\u2028Bcc:x@example.com"), [("email", "cell.control"), ("email", "row.address_local_part")]),
    (row("=?utf-8?q?a@example.com?= <b@example.com>"), [("email", "row.address_malformed")]),
])
def test_rows_that_are_refused(line: str, problems: list[tuple[str, str]]) -> None:
    """N48: each row says which column and why, all of it, and the rows around it are taken."""
    data = file_of(row("first@example.com"), line, row("last@example.com"))
    assert codes(data) == [(3, problems)]
    assert len(read(data)) == 3


def test_every_refusal_has_a_sentence_without_cells() -> None:
    """What, where and what to do; nothing of the row is quoted, because the sentence is shown apart."""
    data = file_of(*(row(f"canary {n}", basis="canary", at="canary", source="", status="canary") for n in range(2)))
    for found in read(data):
        assert isinstance(found, RefusedRow)
        for problem in found.problems:
            sentence = texts.sentence(problem)
            assert problem.code in texts.messages() and "canary" not in sentence and "…" not in sentence


def test_duplicates_keep_the_first() -> None:
    """The second row of an address is refused and names the first; a refused row does not count."""
    data = file_of(row("a@example.com", at=""), row("A@example.com"), row("a@EXAMPLE.com"), row("b@example.com"))
    assert codes(data) == [(2, [("consent_at", "consent.date_missing")]), (4, [("email", "row.duplicate")])]
    assert [p.params for r in read(data) if isinstance(r, RefusedRow) for p in r.problems][1] == {"first": 3}


def test_an_unsubscribe_wins_over_the_rows_of_its_address() -> None:
    """Somebody who left is not brought back by another row, before or behind; no consent is asked."""
    gone = "a@example.com,,,,,unsubscribed"
    rows = read(file_of(row("a@example.com"), gone, row("a@example.com"), gone))
    assert [(r.number, r.unsubscribed) for r in rows if isinstance(r, Row)] == [(2, False), (3, True)]
    assert [(r.number, r.problems[0].code) for r in rows if isinstance(r, RefusedRow)] == [
        (4, "row.duplicate"), (5, "row.duplicate")]
    assert read(file_of(gone))[0] == Row(number=2, address="a@example.com", unsubscribed=True)


@pytest.mark.parametrize("first", "=+-@")
def test_formula_cells_are_text(first: str) -> None:
    """N22: a cell that begins like a formula is taken as the text that it is."""
    (found,) = read(file_of(row("a@example.com", name=f"{first}SUM(A1)")))
    assert isinstance(found, Row) and found.profile == {"first_name": f"{first}SUM(A1)"}


def test_a_corrected_file_of_refused_rows_can_be_uploaded() -> None:
    """Its first three columns are ignored and its neutralised cells restored."""
    header = "refused_row,refused_column,refused_reason," + HEADER
    (found,) = read(file_of("7,email,Because,a@example.com,'=1,double_opt_in,2026-01-15,'@home,", header=header))
    assert isinstance(found, Row)
    assert (found.profile, found.source) == ({"first_name": "=1"}, "@home")
    file = ImportFile([file_of("7,email,Because,bad,'=1,double_opt_in,2026-01-15,'@home,", header=header)], MADE_AT)
    (again,) = list(file.rows())
    assert isinstance(again, RefusedRow) and file.header == tuple(HEADER.split(","))
    assert again.cells == ("bad", "=1", "double_opt_in", "2026-01-15", "@home", "")


def test_rows_show_no_person_when_printed() -> None:
    """What ends up in a log by accident holds neither addresses nor cells."""
    rows = read(file_of(row("canary@example.com", name="Canary"), row("canary", name="Canary")))
    assert "canary" not in repr(rows).lower()


@pytest.mark.parametrize(("text", "moment"), [
    ("2026-01-15", datetime(2026, 1, 15, tzinfo=UTC)), ("2026-01-15T10:30", datetime(2026, 1, 15, 10, 30, tzinfo=UTC)),
    ("2026-01-15 10:30:05", datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)),
    ("2026-01-15T10:30:05.123456Z", datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)),
    ("2026-01-15T01:00+02:00", datetime(2026, 1, 14, 23, 0, tzinfo=UTC)),
    ("5.1.2026", datetime(2026, 1, 5, tzinfo=UTC)), ("0001-01-01T00:00+14:00", None), ("2026-W03-4", None),
    ("2026", None), ("９９９９-01-01", None), ("1" * 10_000, None), ("0.0.2026", None),
])
def test_times_that_are_read(text: str, moment: datetime | None) -> None:
    """ISO 8601 and day-first with dots; nothing that could mean two days."""
    assert parse_time(text) == moment


def test_the_same_file_is_judged_the_same_later() -> None:
    """Only the file and the batch's time decide, so every run of an import agrees."""
    data = file_of(row("a@example.com", at="2026-03-03"), row("b@example.com", at="2026-03-03T09:01"))
    assert codes(data) == [(3, [("consent_at", "consent.date_future")])]
    later = ImportFile(chunked(data), MADE_AT + timedelta(days=1))
    assert all(isinstance(r, Row) for r in later.rows())


def test_rows_are_judged_fast_enough() -> None:
    """Twenty thousand rows take well under two seconds of processor time (the goal is one)."""
    data = file_of(*(row(f"person{n}@example{n % 50}.com", at=f"2025-{n % 12 + 1:02}-15") for n in range(20_000)))
    started = time.process_time()
    assert all(isinstance(r, Row) for r in read(data))
    assert time.process_time() - started < 2
