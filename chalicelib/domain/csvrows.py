"""CSV as bytes in, records out: streaming, linear, bounded; and safe cells on the way back.

Nothing is guessed that could be guessed wrongly: UTF-8 only (a byte order mark is fine), and one of
three separators, chosen by the header alone. What is not text is refused with its kind and place.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from chalicelib.domain.errors import Problem, Refused

MAX_BYTES = 20 * 1024 * 1024
MAX_LINE = 64 * 1024
"""Characters in one line; a longer one is not a row of customers."""
DELIMITERS = ",;\t"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MAGIC = (b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"{\\rtf", b"7z\xbc\xaf", b"Rar!")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


class Text:
    """The lines of a file that arrives in chunks of bytes.

    Iterating raises Refused with ``import.empty``, ``import.too_big`` (param ``megabytes``),
    ``import.workbook``, ``import.binary`` (param ``position``), ``import.utf16``,
    ``import.not_utf8`` (params ``position``, a byte counted from 1, and ``line``) or
    ``import.line_too_long`` (param ``line``). ``sha256`` is that of the bytes read so far.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.lines = 0

    @property
    def sha256(self) -> str:
        """The hash of what was read, in hex."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[str]:
        # Translates \r\n and a lone \r (old Macs) as well, also where a chunk ends between the two.
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("strict"), translate=True)
        pending = ""
        for chunk in self._checked():
            pieces = (pending + self._decoded(decoder, chunk, final=False)).split("\n")
            pending = pieces.pop()
            for piece in pieces:
                yield self._line(piece) + "\n"
            if len(pending) > MAX_LINE:
                self._line(pending)
        pending += self._decoded(decoder, b"", final=True)
        if pending:
            yield self._line(pending)
        if not self.lines:
            raise _refused("import.empty")

    def _checked(self) -> Iterator[bytes]:
        """The chunks after size, kind and NUL were looked at, without a byte order mark."""
        head = b""
        started = False
        for chunk in self._chunks:
            self.bytes += len(chunk)
            if self.bytes > MAX_BYTES:
                raise _refused("import.too_big", megabytes=MAX_BYTES // 1024 // 1024)
            self._hash.update(chunk)
            if not started:
                head += chunk
                if len(head) < 8:
                    continue
                started = True
                chunk = _beginning(head)
            if b"\0" in chunk:
                raise _refused("import.binary", position=self.bytes - len(chunk) + chunk.index(b"\0") + 1)
            yield chunk
        if not started and head:
            yield _beginning(head)

    def _decoded(self, decoder: io.IncrementalNewlineDecoder, chunk: bytes, *, final: bool) -> str:
        try:
            return decoder.decode(chunk, final=final)
        except UnicodeDecodeError as error:
            # The decoder may have kept a few bytes of the chunk before; they begin error.object.
            position = self.bytes - len(error.object) + error.start + 1
            before = bytes(error.object[: error.start])
            line = self.lines + before.count(b"\n") + 1
        raise _refused("import.not_utf8", position=position, line=line)

    def _line(self, text: str) -> str:
        self.lines += 1
        if len(text) > MAX_LINE:
            raise _refused("import.line_too_long", line=self.lines)
        return text


def records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The records of CSV lines (RFC 4180), an empty list for an empty line.

    Raises Refused ``import.quotes`` (param ``row``) where quotes do not pair: from there on nobody
    can tell where a row begins.
    """
    number = 0
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            break
        yield record
    raise _refused("import.quotes", row=number)


def cells_of(line: str, delimiter: str) -> list[str]:
    """One line as a record; [] if its quotes do not pair."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def neutralised(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one.

    ``restored`` takes it back exactly. Source: OWASP, "CSV Injection"; the full-width forms are what
    some input methods write and some spreadsheets read the same.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """What ``neutralised`` was given."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


class Writer:
    """Collects records as CSV bytes that open in a spreadsheet: byte order mark, every cell quoted.

    Everything is quoted because the reader's separator may be another than ours: an unquoted
    ``a;=b`` would become two cells there, the second one a formula.
    """

    def __init__(self, delimiter: str = ",") -> None:
        self._bytes = io.BytesIO(codecs.BOM_UTF8)
        self._bytes.seek(0, io.SEEK_END)
        self._text = io.TextIOWrapper(self._bytes, "utf-8", errors="replace", newline="", write_through=False)
        self._writer = csv.writer(self._text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n")

    def row(self, cells: Sequence[str]) -> None:
        """Add a record, neutralising each cell."""
        self._writer.writerow([neutralised(cell) for cell in cells])

    def done(self) -> bytes:
        """All of it."""
        self._text.flush()
        return self._bytes.getvalue()


def _beginning(head: bytes) -> bytes:
    """Refuse by the first bytes what is another kind of file; take a UTF-8 byte order mark off."""
    if head.startswith(_UTF16) or (b"\0" in head[:64] and _half_zero(head[:64])):
        raise _refused("import.utf16")
    if head.startswith(_WORKBOOK):
        raise _refused("import.workbook")
    if head.startswith(_MAGIC):
        raise _refused("import.binary", position=1)
    return head.removeprefix(codecs.BOM_UTF8)


def _half_zero(head: bytes) -> bool:
    """UTF-16 without a mark: of Latin text every other byte is zero."""
    head = head[: len(head) // 2 * 2]
    return any(not any(head[start::2]) and all(head[1 - start :: 2]) for start in (0, 1))


def _refused(code: str, **params: str | int) -> Refused:
    return Refused([Problem(code, "file", params)])
