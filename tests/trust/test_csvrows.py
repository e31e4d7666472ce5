"""CSV in and out: what is refused as a whole, where, and cells no spreadsheet runs."""

from __future__ import annotations

import csv
import hashlib
import io
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csvrows import MAX_BYTES, Text, Writer, neutralised, records, restored
from chalicelib.domain.errors import Refused
from tests.trust.files import chunked


def read(data: bytes, size: int = 65536) -> list[str]:
    """All lines."""
    return list(Text(chunked(data, size)))


def refusal(data: bytes, size: int = 65536) -> tuple[str, dict[str, str | int]]:
    """The code and params of the one problem."""
    with pytest.raises(Refused) as caught:
        read(data, size)
    (problem,) = caught.value.problems
    return problem.code, dict(problem.params)


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=60),
       st.integers(1, 9))
def test_any_chunks_give_the_same_lines(text: str, size: int) -> None:
    """Chunks may cut anywhere: within a character, a line end or the byte order mark."""
    data = b"header\n" + text.encode()
    expected = data.decode().replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=False)
    assert "".join(read(data, size)) == data.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert read(data, size) == read(data) and expected
    assert read(b"\xef\xbb\xbf" + data, size) == read(data)


@pytest.mark.parametrize(("data", "code"), [
    (b"", "import.empty"), (b"\xef\xbb\xbf", "import.empty"),
    ("email\n".encode("utf-16"), "import.utf16"), ("email,name\n".encode("utf-16-le"), "import.utf16"),
    ("email,name\n".encode("utf-16-be"), "import.utf16"), (b"\xff\xfe", "import.utf16"),
    (b"PK\x03\x04 xlsx", "import.workbook"), (b"\xd0\xcf\x11\xe0 old xls", "import.workbook"),
    (b"%PDF-1.7 aaaa", "import.binary"), (b"\x89PNG\r\n\x1a\n", "import.binary"),
    (b"\x1f\x8b zip zip", "import.binary"),
    (b"email\n" + b"x" * 70_000 + b"\n", "import.line_too_long"), (b"x" * 70_000, "import.line_too_long"),
])
def test_what_is_no_csv_is_named(data: bytes, code: str) -> None:
    """Empty, UTF-16, workbooks and other binaries each get their own answer."""
    assert refusal(data)[0] == code
    if len(data) < 1000:
        assert refusal(data, 1)[0] == code


def test_nul_is_found_anywhere() -> None:
    """A NUL makes it binary, wherever it stands; the position is told."""
    data = b"email\n" + b"a@example.com\n" * 9_000 + b"\0"
    assert refusal(data) == ("import.binary", {"position": len(data)})
    assert refusal(data, 7) == ("import.binary", {"position": len(data)})


@pytest.mark.parametrize("size", [1, 2, 3, 5, 65536])
@pytest.mark.parametrize("bad", [b"\xfc", b"\xc3(", b"\xed\xa0\x80", b"\xf0\x9f\x98"])
def test_the_place_of_a_wrong_byte_is_told(bad: bytes, size: int) -> None:
    """Not UTF-8: the byte's position and line are right however the chunks fall."""
    before = "email,name\na@example.com,Zoë\n"
    data = before.encode() + b"b@example.com," + bad + b" x\n"
    code, params = refusal(data, size)
    assert (code, params["position"], params["line"]) == ("import.not_utf8", data.index(bad) + 1, 3)


def test_size_is_counted_while_it_streams() -> None:
    """N32: a file without end is stopped at the limit, and little of it was ever in memory."""
    def endless() -> Iterator[bytes]:
        while True:
            yield b"person@example.com,Anna\n" * 2_000

    tracemalloc.start()
    with pytest.raises(Refused) as caught:
        for _ in Text(endless()):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [p.code for p in caught.value.problems] == ["import.too_big"]
    assert peak < MAX_BYTES / 4


def test_the_hash_is_that_of_the_bytes() -> None:
    """Byte order mark and line ends included."""
    data = b"\xef\xbb\xbfemail\r\nx\r\n"
    text = Text(chunked(data, 3))
    list(text)
    assert text.sha256 == hashlib.sha256(data).hexdigest()


def test_records_follow_rfc_4180() -> None:
    """Quotes, doubled quotes, separators and line breaks within quotes."""
    lines = ['a,"b,c","d""e"\n', '"x\n', 'y",z\n', "\n", 'plain "inch",1\n']
    assert list(records(lines, ",")) == [["a", "b,c", 'd"e'], ["x\ny", "z"], [], ['plain "inch"', "1"]]


@pytest.mark.parametrize("lines", [['a\n', '"open,b\n', 'c\n'], ['a\n', '"b"c,d\n'], ['a\n', '"' + "x\n" * 200_000]])
def test_quotes_that_do_not_pair_refuse_the_file(lines: list[str]) -> None:
    """From there on nobody knows where rows begin, so guessing could shift consents between people."""
    with pytest.raises(Refused) as caught:
        list(records(lines, ","))
    assert (caught.value.problems[0].code, caught.value.problems[0].params["row"]) == ("import.quotes", 2)


# --- formulas (N22)

DANGEROUS = "=+-@\t\r"


@pytest.mark.parametrize("first", DANGEROUS)
def test_formula_cells_are_neutralised(first: str) -> None:
    """N22: a cell that could begin a formula leaves with an apostrophe before it, and comes back exactly."""
    for cell in (first, f"{first}cmd|' /C calc'!A1", f"{first}1+1", f"'{first}x"):
        safe = neutralised(cell)
        assert safe[0] == "'" and restored(safe) == cell


@given(st.text())
def test_neutralising_is_reversible(cell: str) -> None:
    """N22: every cell comes back as it was, and none leaves as something a spreadsheet would run."""
    safe = neutralised(cell)
    assert restored(safe) == cell
    assert safe[:1] not in set(DANGEROUS + "\n＝＋－＠") or not safe


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4), max_size=6),
       st.sampled_from(",;\t"))
def test_what_is_written_can_be_read(rows: list[list[str]], delimiter: str) -> None:
    """Every cell is quoted, so that a reader with another separator makes no new cells of one."""
    writer = Writer(delimiter)
    for cells in rows:
        writer.row(cells)
    text = writer.done().decode("utf-8-sig")
    back = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert [[restored(cell) for cell in cells] for cells in back] == rows


def test_a_megabyte_of_anything_is_read_in_linear_time() -> None:
    """N35: quotes, separators or apostrophes without end cost no more than their length."""
    for piece in ('"', ",", "'", "=", "\n", "\r", '""', "',"):
        started = time.process_time()
        data = ("email\n" + piece * (1_000_000 // len(piece))).encode()
        try:
            for cells in records(Text(chunked(data)), ","):
                [neutralised(cell) for cell in cells]
        except Refused:
            pass
        assert time.process_time() - started < 3
