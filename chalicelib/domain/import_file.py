"""The file of customers: its header, its rows, and why a row is refused.

``email,consent_basis,consent_at,consent_source`` are compulsory, ``first_name``, ``last_name`` and
``status`` known, every other column is a merge field of its own name. Columns are found by name.
A row is judged by the file alone and the time its batch was made, so every run says the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chalicelib.domain import csvrows
from chalicelib.domain.address import normalise
from chalicelib.domain.contact import LegalBasis
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass

MAX_ROWS = 100_000
MAX_CELL = 200
MAX_COLUMNS = 30
COMPULSORY = ("email", "consent_basis", "consent_at", "consent_source")
KNOWN = (*COMPULSORY, "first_name", "last_name", "status")
REFUSED_COLUMNS = ("refused_row", "refused_column", "refused_reason")
"""The columns that the file of refused rows begins with; a corrected one may be uploaded again."""
_MAX_RECORDS = 2 * MAX_ROWS + 1_000
"""Records with the empty ones, which cost time as well."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028-\u202e\u2066-\u2069]")
_SEPARATOR = re.compile(r'"?sep=([,;\t])"?\s*')
_SPACES = re.compile(r"[\s-]+")
_ALIASES = {
    "e_mail": "email", "mail": "email", "email_address": "email", "e_mail_address": "email", "address": "email",
    "basis": "consent_basis", "legal_basis": "consent_basis", "consent": "consent_basis", "opt_in": "consent_basis",
    "consent_date": "consent_at", "consent_time": "consent_at", "optin_time": "consent_at", "opt_in_date": "consent_at",
    "source": "consent_source", "origin": "consent_source", "where": "consent_source",
}
_BASES = {basis.value: basis for basis in LegalBasis}
_STATUS = {"": False, "subscribed": False, "unsubscribed": True}
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An accepted row. ``number`` counts as a spreadsheet does: the header is row 1."""

    number: int
    address: str = field(repr=False)
    unsubscribed: bool = False
    basis: LegalBasis = LegalBasis.SAFETY_ONLY
    obtained_at: datetime = _EARLIEST
    source: str = ""
    profile: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A refused row with all that is wrong with it, and its cells as they were."""

    number: int
    problems: tuple[Problem, ...]
    cells: tuple[str, ...] = field(repr=False)


class ImportFile:
    """Reads a file from its chunks; iterate :meth:`rows` once.

    ``made_at`` is when the batch was made: consents given later than a day after it lie in the
    future (a day, because a date without a zone may be ahead of UTC).
    """

    def __init__(self, chunks: Iterable[bytes], made_at: datetime) -> None:
        self._text = csvrows.Text(chunks)
        self._latest = made_at + timedelta(days=1)
        self._first_seen: dict[str, int] = {}
        self._unsubscribed: dict[str, int] = {}
        self.delimiter = ","
        self.header: tuple[str, ...] = ()
        """The header as it was written, less the columns that an earlier refusal put before it."""

    @property
    def sha256(self) -> str:
        """The hash of the file; of all of it once :meth:`rows` is at its end."""
        return self._text.sha256

    def rows(self) -> Iterator[Row | RefusedRow]:
        """Every data row, accepted or refused; empty ones are passed over.

        Raises Refused for the file as a whole: see ``csvrows.Text`` and ``csvrows.records``, and
        ``import.only_header``, ``import.too_many_rows`` or what is wrong with the header.
        """
        lines = iter(self._text)
        number = self._read_header(lines)
        count = 0
        for cells in csvrows.records(lines, self.delimiter):
            number += 1
            if number > _MAX_RECORDS:
                raise _file_refused("import.too_many_rows", rows=MAX_ROWS)
            if not any(cells) or not "".join(cells).strip():
                continue
            count += 1
            if count > MAX_ROWS:
                raise _file_refused("import.too_many_rows", rows=MAX_ROWS)
            yield self._judged(number, cells)
        if not count:
            raise _file_refused("import.only_header")

    def _read_header(self, lines: Iterator[str]) -> int:
        """Find separator and columns; returns the number of the header's row."""
        number = 0
        for line in lines:
            number += 1
            separator = _SEPARATOR.fullmatch(line)
            if not line.strip() or separator:  # Excel writes "sep=;" above the header
                continue
            self.delimiter = max(csvrows.DELIMITERS, key=lambda d: len({*_names(line, d)} & {*KNOWN}))
            written = tuple(csvrows.cells_of(line, self.delimiter))
            self._columns(_names(line, self.delimiter), written)
            self.header = self._own(written)
            return number
        raise _file_refused("import.empty")

    def _columns(self, names: list[str], written: tuple[str, ...]) -> None:
        check_header(names, written)
        place = {name: index for index, name in enumerate(names)}
        self._width = len(names)
        self._email, self._basis, self._at, self._source = (place[name] for name in COMPULSORY)
        self._status = place.get("status", -1)
        apart = {*COMPULSORY, "status", *REFUSED_COLUMNS}
        self._fields = [(index, name) for index, name in enumerate(names) if name not in apart]
        self._restore = "refused_row" in place
        self._added = {place[name] for name in REFUSED_COLUMNS if name in place}
        self._names = names

    def _own(self, cells: Iterable[str]) -> tuple[str, ...]:
        """A record as the partner's own file had it."""
        if not self._restore:
            return tuple(cells)
        return tuple(csvrows.restored(cell) for index, cell in enumerate(cells) if index not in self._added)

    def _judged(self, number: int, raw: list[str]) -> Row | RefusedRow:
        cells = [cell.strip() for cell in raw]
        if self._restore:
            cells = [csvrows.restored(cell) for cell in cells]
        if len(cells) > self._width and not any(cells[self._width :]):
            del cells[self._width :]
        if len(cells) != self._width:
            problem = Problem("row.ragged", "", {"found": len(cells), "expected": self._width})
            return RefusedRow(number=number, problems=(problem,), cells=self._own(raw))
        problems: list[Problem] = []
        row = self._accepted(number, cells, problems)
        return row or RefusedRow(number=number, problems=tuple(problems), cells=self._own(raw))

    def _accepted(self, number: int, cells: list[str], problems: list[Problem]) -> Row | None:
        """The row, or None with ``problems`` filled."""
        if _CONTROL.search("".join(cells)):
            named = zip(self._names, cells, strict=True)
            problems += [Problem("cell.control", name) for name, cell in named if _CONTROL.search(cell)]
        if len(max(cells, key=len)) > MAX_CELL:
            problems += [
                Problem("cell.too_long", name, {"limit": MAX_CELL, "length": len(cell)})
                for name, cell in zip(self._names, cells, strict=True)
                if len(cell) > MAX_CELL and name != "email" and name not in REFUSED_COLUMNS
            ]
        address = _address(cells[self._email], problems)
        status = cells[self._status].lower() if self._status >= 0 else ""
        unsubscribed = _STATUS.get(status)
        if unsubscribed is None:
            problems.append(Problem("status.unknown", "status"))
        basis = obtained = None
        if not unsubscribed:  # of somebody who left nothing else is kept, so nothing else is asked
            basis = _basis(cells[self._basis], problems)
            obtained = self._obtained(cells[self._at], problems)
            if not cells[self._source]:
                problems.append(Problem("consent.source_missing", "consent_source"))
        if address and not problems:
            self._once(address, number, bool(unsubscribed), problems)
        if problems:
            return None
        if unsubscribed or basis is None or obtained is None:
            return Row(number=number, address=address, unsubscribed=True)
        profile = {name: cells[index] for index, name in self._fields if cells[index]}
        return Row(
            number=number, address=address, basis=basis, obtained_at=obtained, source=cells[self._source],
            profile=profile,
        )

    def _obtained(self, cell: str, problems: list[Problem]) -> datetime | None:
        if not cell:
            problems.append(Problem("consent.date_missing", "consent_at"))
            return None
        moment = parse_time(cell)
        if moment is None:
            problems.append(Problem("consent.date_unreadable", "consent_at"))
        elif moment > self._latest:
            problems.append(Problem("consent.date_future", "consent_at"))
        elif moment < _EARLIEST:
            problems.append(Problem("consent.date_old", "consent_at"))
        return moment

    def _once(self, address: str, number: int, unsubscribed: bool, problems: list[Problem]) -> None:
        """The first row of an address stays, but an unsubscribe always counts, wherever it stands."""
        first = self._unsubscribed.get(address)
        if first is None and not unsubscribed:
            first = self._first_seen.get(address)
        if first is not None:
            problems.append(Problem("row.duplicate", "email", {"first": first}))
            return
        (self._unsubscribed if unsubscribed else self._first_seen)[address] = number


def check_header(names: list[str], written: tuple[str, ...]) -> None:
    """Raise Refused with all that is wrong with the columns; ``names`` are the folded forms."""
    problems: list[Problem] = []
    if any("@" in name for name in names):
        raise _file_refused("import.no_header", columns=", ".join(COMPULSORY))
    if len(names) > MAX_COLUMNS:
        raise _file_refused("import.too_many_columns", limit=MAX_COLUMNS, found=len(names))
    missing = [name for name in COMPULSORY if name not in names]
    meant = {name: guess for name in missing if (guess := _guess(name, names, written))}
    if meant:
        problems.append(Problem("import.columns_misspelt", "file", {
            "columns": ", ".join(meant), "found": ", ".join(meant.values()),
        }))
    if unknown := [name for name in missing if name not in meant]:
        problems.append(Problem("import.columns_missing", "file", {"columns": ", ".join(unknown)}))
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        problems.append(Problem("import.columns_twice", "file", {"columns": ", ".join(twice)}))
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            problems.append(Problem("import.column_name", "file", {"position": index + 1, "value": name[:40]}))
    if problems:
        raise Refused(problems)


@lru_cache(maxsize=4096)
def parse_time(cell: str) -> datetime | None:
    """``2026-05-31``, ``2026-05-31T10:00`` with or without zone, or ``31.05.2026``; without a zone UTC."""
    if len(cell) > 40:
        return None
    if day_first := _DAY_FIRST.fullmatch(cell):
        day, month, year = day_first.groups()
        cell = f"{year}-{int(month):02}-{int(day):02}"
    if not _YEAR_FIRST.fullmatch(cell):  # fromisoformat also takes 20260115 and 2026-W03-4
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _names(line: str, delimiter: str) -> list[str]:
    """The header's names, folded: lower case, spaces and hyphens as underscores, no empty ones at the end."""
    names = [_SPACES.sub("_", cell.strip().lower()) for cell in csvrows.cells_of(line, delimiter)]
    while names and not names[-1]:
        names.pop()
    return names


def _guess(name: str, names: list[str], written: tuple[str, ...]) -> str:
    """The column that was probably meant, as it is written in the file; "" if none is near."""
    import difflib

    free = [other for other in names if other not in KNOWN]
    near = [other for other in free if _ALIASES.get(other) == name] or difflib.get_close_matches(name, free, 1, 0.7)
    return written[names.index(near[0])].strip()[:40] if near else ""


def _address(cell: str, problems: list[Problem]) -> str:
    if not cell:
        problems.append(Problem("row.address_missing", "email"))
        return ""
    try:
        return normalise(cell)
    except Refused as refused:
        # Codes of their own: a form may quote what was typed, the sentence about a row may not.
        problems += [Problem(problem.code.replace("address.", "row.address_"), "email") for problem in refused.problems]
        return ""


def _basis(cell: str, problems: list[Problem]) -> LegalBasis | None:
    basis = _BASES.get(cell) or _BASES.get(_SPACES.sub("_", cell.lower()))
    if basis is None:
        problems.append(Problem("consent.basis_unknown" if cell else "consent.basis_missing", "consent_basis"))
    return basis


def _file_refused(code: str, **params: str | int) -> Refused:
    return Refused([Problem(code, "file", params)])
