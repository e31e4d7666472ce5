"""The work of an import: check the whole file, then unsubscribe, then add, in bounded runs.

1. *Check*: one pass over the file judges every row, stores the refused ones and the totals in one
   conditional write. A file that is refused as a whole has changed nothing by then.
2. *Suppress*: all unsubscribed rows are recorded before a single customer is added.
3. *Add*: customers are sealed and written, a chunk at a time; then the cursor moves conditionally.

Whatever dies is run again from the last cursor. A row that is written twice answers the second
time as it did the first (see ``Contacts.upsert``), so the counts are exact; of two runs at once
one moves the cursor and the other gives up. The file holds addresses in the clear, so it is emptied
at the end, whatever the end was.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from chalicelib import texts
from chalicelib.domain.contact import (
    Consent,
    Contact,
    ImportBatch,
    ImportState,
    SealedContact,
    Suppression,
    SuppressionReason,
)
from chalicelib.domain.csvrows import MAX_BYTES, Writer
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import ImportId, PartnerId
from chalicelib.domain.import_file import REFUSED_COLUMNS, ImportFile, RefusedRow, Row
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.trust import Upserted
from chalicelib.usecases.contacts import recount
from chalicelib.usecases.imports import refused_key, upload_key
from chalicelib.usecases.world import World

ROWS_A_RUN = 2_000
SECONDS_A_RUN = timedelta(seconds=20)
"""A run ends after so many rows written or so long, whichever comes first; the next is queued."""
CHUNK = 200
"""Rows between two moves of the cursor; as many are written again at most after a crash."""
CSV = "text/csv; charset=utf-8"
MAX_HOPS = 500
"""Runs of one import; the largest file takes about a hundred."""
log = logging.getLogger("countersign.imports")


def run(world: World, partner: PartnerId, batch_id: ImportId, *, hop: int = 0) -> None:
    """Go on with an import as far as one message may; what has nothing to do is dropped with a log line."""
    session = world.sessions.open(partner, Zone.PARTNER)
    try:
        batch = world.imports.get(session, batch_id)
        if batch.state is ImportState.WAITING:
            batch = _check(world, session, batch)
        if not batch.settled:
            batch = _work(world, session, batch)
        if batch.settled:
            _finish(world, session, batch)
        elif hop >= MAX_HOPS:
            log.error("import %s of %s stopped after %d runs", batch_id, partner, hop)
        else:
            world.queue.put(QueueName.IMPORTS, {
                "v": 1, "kind": "import", "partner": partner, "import": batch_id, "hop": hop + 1,
            })
    except NotFound:
        log.warning("import %s of %s: nothing was started under this id, or no file is there", batch_id, partner)
    except Conflict:
        log.info("import %s of %s: another run goes on with it", batch_id, partner)


def _check(world: World, session: PartnerSession, batch: ImportBatch) -> ImportBatch:
    """Judge the whole file; the batch has the totals then, or why it was refused."""
    key = upload_key(session.partner, batch.id)
    if world.blobs.size(session, key) > MAX_BYTES:
        return _refuse(world, session, batch, [Problem("import.too_big", "file", {"megabytes": MAX_BYTES >> 20})])
    rows = unsubscribed = rejected = 0
    with _reading(world, session, key) as chunks:
        file = ImportFile(chunks, batch.created_at)
        writer: Writer | None = None
        try:
            for row in file.rows():
                rows += 1
                if isinstance(row, RefusedRow):
                    rejected += 1
                    if writer is None:
                        writer = Writer(file.delimiter)
                        writer.row([*REFUSED_COLUMNS, *file.header])
                    writer.row(_refused_cells(row))
                elif row.unsubscribed:
                    unsubscribed += 1
        except Refused as refused:
            return _refuse(world, session, batch, refused.problems)
    if writer is not None:
        world.blobs.put(session, refused_key(session.partner, batch.id), writer.done(), CSV, temporary=True)
    world.vault.create_keys(session)
    to_add = rows - unsubscribed - rejected
    state = ImportState.SUPPRESSING if unsubscribed else ImportState.RUNNING if to_add else ImportState.DONE
    return _save(world, session, replace(
        batch, state=state, rows=rows, unsubscribed=unsubscribed, rejected=rejected, sha256=file.sha256,
        finished_at=world.clock.now() if state is ImportState.DONE else None,
    ))


@contextmanager
def _reading(world: World, session: PartnerSession, key: str) -> Iterator[Iterator[bytes]]:
    """The object's chunks; a store that keeps a connection open for them is told of the end."""
    chunks = world.blobs.lines(session, key)
    try:
        yield chunks
    finally:
        if (close := getattr(chunks, "close", None)) is not None:
            close()


def _work(world: World, session: PartnerSession, batch: ImportBatch) -> ImportBatch:
    """Settle rows until the run's bound or the end of the phase; returns the batch as stored."""
    key = upload_key(session.partner, batch.id)
    if _sha256(world, session, key) != batch.sha256:
        # Uploaded again while we work: the rest of what was checked is gone, and nothing else counts.
        return _refuse(world, session, batch, [Problem("import.file_changed", "file")])
    ends = world.clock.now() + SECONDS_A_RUN
    with _reading(world, session, key) as chunks:
        settled = 0
        for chunk, position in _chunks(batch, ImportFile(chunks, batch.created_at).rows()):
            batch = _settle(world, session, batch, chunk, position)
            settled += len(chunk)
            if settled >= ROWS_A_RUN or world.clock.now() >= ends:
                return batch
    return _next_phase(world, session, batch)


def _chunks(batch: ImportBatch, rows: Iterator[Row | RefusedRow]) -> Iterator[tuple[list[Row], int]]:
    """The phase's rows behind the cursor, a chunk at a time, each with the position to move it to."""
    chunk: list[Row] = []
    wanted = batch.state is ImportState.SUPPRESSING
    for position, row in enumerate(rows, 1):
        if position <= batch.cursor or isinstance(row, RefusedRow) or row.unsubscribed is not wanted:
            continue
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk, position
            chunk = []
    if chunk:
        yield chunk, batch.rows


def _settle(world: World, session: PartnerSession, batch: ImportBatch, chunk: list[Row], position: int) -> ImportBatch:
    """Write a chunk's rows, then move the cursor; both may be repeated."""
    added = updated = 0
    for row in chunk:
        contact = world.vault.contact_id(session, row.address)
        if row.unsubscribed:
            world.contacts.suppress(session, Suppression(
                contact=contact, reason=SuppressionReason.IMPORTED, at=batch.created_at, source=batch.id,
            ))
            continue
        address, profile = world.vault.seal(session, Contact(id=contact, address=row.address, profile=row.profile))
        result = world.contacts.upsert(session, SealedContact(
            id=contact, address=address, profile=profile, batch=batch.id, created_at=world.clock.now(),
            updated_at=batch.created_at,
            consents=(Consent(basis=row.basis, obtained_at=row.obtained_at, source=row.source, batch=batch.id),),
        ))
        added += result is Upserted.ADDED
        updated += result is Upserted.UPDATED
    return _save(world, session, replace(
        batch, cursor=position, added=batch.added + added, updated=batch.updated + updated,
    ))


def _next_phase(world: World, session: PartnerSession, batch: ImportBatch) -> ImportBatch:
    if batch.state is ImportState.SUPPRESSING and batch.open_rows:
        return _save(world, session, replace(batch, state=ImportState.RUNNING, cursor=0))
    return _save(world, session, replace(
        batch, state=ImportState.DONE, cursor=batch.rows, finished_at=world.clock.now(),
    ))


def _finish(world: World, session: PartnerSession, batch: ImportBatch) -> None:
    """Count anew, empty the file, announce; repeated until it is noted that all of it was done."""
    if batch.notified:
        return
    if batch.added or batch.updated or batch.unsubscribed:
        recount(world, session)
    world.blobs.put(session, upload_key(session.partner, batch.id), b"", CSV, temporary=True)
    world.queue.put(QueueName.NOTICES, {
        "v": 1, "kind": "import_done", "partner": session.partner, "import": batch.id,
    })
    _save(world, session, replace(batch, notified=True))


def _refuse(
    world: World, session: PartnerSession, batch: ImportBatch, problems: tuple[Problem, ...] | list[Problem],
) -> ImportBatch:
    return _save(world, session, replace(
        batch, state=ImportState.REFUSED, problems=tuple(problems), finished_at=world.clock.now(),
    ))


def _save(world: World, session: PartnerSession, batch: ImportBatch) -> ImportBatch:
    after = replace(batch, version=batch.version + 1)
    world.imports.save(session, after, expected_version=batch.version)
    return after


def _sha256(world: World, session: PartnerSession, key: str) -> str:
    digest = hashlib.sha256()
    for chunk in world.blobs.lines(session, key):
        digest.update(chunk)
    return digest.hexdigest()


def _refused_cells(row: RefusedRow) -> list[str]:
    """Row, columns and reasons before the cells as they were; the sentences quote no cell."""
    columns = ", ".join(dict.fromkeys(problem.field for problem in row.problems if problem.field))
    reason = " ".join(texts.sentence(problem) for problem in row.problems)
    return [str(row.number), columns, reason, *row.cells]
