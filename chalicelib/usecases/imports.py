"""Imports, as people see them: start one, list them, read what was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from chalicelib.domain.contact import ImportBatch, ImportState, LegalBasis
from chalicelib.domain.csvrows import MAX_BYTES, Text, cells_of, records, restored
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import ImportId, PartnerId, PersonId, is_id, make_id
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession, UploadForm
from chalicelib.ports.trust import require_customers
from chalicelib.usecases.world import World

FORM_SECONDS = 900
"""How long an upload may be started."""
MAX_SOURCE = 200
MAX_WORDING = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """One refused row: its number in the file, the columns at fault, why, and its cells."""

    number: int
    columns: str
    reason: str
    cells: tuple[str, ...] = field(repr=False)


def upload_key(partner: PartnerId, batch: ImportId) -> str:
    """Where the browser puts the file."""
    return f"P/{partner}/imports/{batch}.csv"


def refused_key(partner: PartnerId, batch: ImportId) -> str:
    """Where the refused rows are put."""
    return f"P/{partner}/imports/{batch}-refused.csv"


def start_import(
    world: World, actor: PersonId, session: PartnerSession, *, file_name: str, basis: str, source: str, wording: str,
    attest: bool, next_page: Callable[[ImportId], str] = lambda batch: "",
) -> tuple[ImportBatch, UploadForm]:
    """Note where the file's consents come from and who says so, and give the form that uploads it.

    ``next_page`` tells where the browser goes once the file is stored.
    Raises Refused with all of ``import.basis``, ``import.source_missing``, ``import.wording_missing``,
    ``text.too_long``, ``text.control``, ``import.not_attested`` and ``import.file_name`` that apply.
    """
    require_customers(session)
    name, source, wording = file_name.replace("\\", "/").rpartition("/")[2].strip(), source.strip(), wording.strip()
    problems = [
        *_text_problems("source", source, MAX_SOURCE), *_text_problems("wording", wording, MAX_WORDING),
        *_text_problems("file_name", name, 120),
    ]
    if basis not in set(LegalBasis):
        problems.append(Problem("import.basis", "basis"))
    if name and not name.lower().endswith((".csv", ".txt", ".tsv")):
        problems.append(Problem("import.file_name", "file_name"))
    if not attest:
        problems.append(Problem("import.not_attested", "attest"))
    if problems:
        raise Refused(problems)
    now = world.clock.now()
    batch = ImportBatch(
        id=ImportId(make_id("imp", now, world.entropy.bytes(10))), partner=session.partner,
        file_name=name or "upload.csv", basis=LegalBasis(basis), source=source, wording=wording, attested_by=actor,
        created_at=now,
    )
    world.imports.save(session, batch, expected_version=0)
    return batch, upload_form(world, session, batch, next_page(batch.id))


def upload_form(world: World, session: PartnerSession, batch: ImportBatch, next_page: str = "") -> UploadForm:
    """The form that uploads a started import's file; makes nothing, so a page may show it anew.

    Raises Conflict ``import.changed`` once a file was taken.
    """
    require_customers(session)
    if batch.state is not ImportState.WAITING:
        raise Conflict("import.changed")
    key = upload_key(session.partner, batch.id)
    return world.blobs.upload_form(
        session, key, max_bytes=MAX_BYTES, seconds=FORM_SECONDS, redirect=next_page, temporary=True)


def listing(world: World, session: PartnerSession) -> Sequence[ImportBatch]:
    """The partner's imports, newest first; one query."""
    require_customers(session)
    return world.imports.list(session)


def detail(world: World, session: PartnerSession, batch: str) -> ImportBatch:
    """One import; raises NotFound for anything that is not an import of this partner."""
    require_customers(session)
    if not is_id(batch, "imp"):
        raise NotFound("import")
    return world.imports.get(session, ImportId(batch))


def refused_rows(
    world: World, session: PartnerSession, batch: ImportBatch, *, start: int = 0, limit: int = 100,
    with_cells: bool = False,
) -> Sequence[RefusedLine]:
    """A page of the refused rows, from the ``start``-th on; cells only for members who see customers."""
    require_customers(session)
    found: list[RefusedLine] = []
    if not batch.rejected:
        return found
    for index, line in enumerate(_refused_lines(world, session, batch)):
        if index >= start + limit:
            break
        if index >= start:
            number, columns, reason, *cells = line
            found.append(RefusedLine(
                number=int(number), columns=columns, reason=reason, cells=tuple(cells) if with_cells else (),
            ))
    return found


def refused_file(world: World, session: PartnerSession, batch: ImportBatch) -> bytes:
    """The refused rows as CSV, safe to open in a spreadsheet; raises NotFound if there are none.

    It holds customers' addresses: for members who see customers. Corrected, it may be uploaded again.
    """
    require_customers(session)
    if not batch.rejected:
        raise NotFound("refused rows")
    return world.blobs.get(session, refused_key(session.partner, batch.id))


def _refused_lines(world: World, session: PartnerSession, batch: ImportBatch) -> Iterator[list[str]]:
    """The records of the refused file as they were before it was made safe, without its header."""
    lines = iter(Text(world.blobs.lines(session, refused_key(session.partner, batch.id))))
    header = next(lines)
    delimiter = max(",;\t", key=lambda d: len(cells_of(header, d)))
    for cells in records(lines, delimiter):
        yield [restored(cell) for cell in cells]


def _text_problems(name: str, text: str, limit: int) -> Iterator[Problem]:
    """What is wrong with a text that a person typed."""
    if not text and name != "file_name":
        yield Problem(f"import.{name}_missing", name)
    if len(text) > limit:
        yield Problem("text.too_long", name, {"limit": limit, "length": len(text)})
    if any(not c.isprintable() and c not in "\n\r\t" for c in text):
        yield Problem("text.control", name)
