"""The ledger in the trust table: manifests, attempts and the state of slices.

``P#<partner>#M#<slice, hex>`` / ``<campaign>#<mailing>#<variant>#<slice>``: a manifest.
``P#<partner>#B#<slice, hex>`` / ``...#<batch>#<attempt>``: an attempt, below 1 KB whatever
happens to its 50 recipients, so that each write costs one unit. What events prove is kept as sets of
numbers, because a union needs no read and bears any order and repetition.
``P#<partner>#RUN`` / ``<campaign>#...#<slice>``: a slice's turn and totals; one query reads a run.
``P#<partner>#RUN`` / ``<campaign>#...~<digit>``: who unsubscribed with its mails, as a set.
The list of the partner's starts has a module of its own (``starts``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import starts
from chalicelib.adapters.dynamo.codec import check, moment_of, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.keys import part
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain import frequency
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.frequency import Started, Starts
from chalicelib.domain.ids import ContactId
from chalicelib.domain.ledger import Attempt, Result, Seen, pack, unpack
from chalicelib.domain.manifest import MAX_SLICES, BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.totals import SliceState, Totals
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import require_customers

MAX_IDS = 20_000
"""A manifest of 320 KB; DynamoDB takes items up to 400 KB."""
_MANIFEST, _ATTEMPT, _SLICE = "manifest", "batch", "slice"
_LEFT = "~"
"""Behind every slice in the order of keys."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOTALS = tuple(field.name for field in fields(Totals) if field.name != "facts")


class DynamoLedger:
    """See ``ports.sending.Ledger``; every call is signed with the partner's own credentials."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # --- manifests

    def freeze(self, session: PartnerSession, manifest: Manifest) -> Manifest:
        """Put if absent; the one that was first stands for ever."""
        require_customers(session)
        if manifest.count > MAX_IDS:
            raise Permanent(f"a slice of {manifest.count} contacts is too large for one manifest")
        item = {
            "pk": _pk(session, "M", manifest.key), "sk": _slice_sk(manifest.key), "type": _MANIFEST, "v": 1,
            "ids": manifest.ids, "window": manifest.window, "made_at": stamp(manifest.made_at),
            "capped": manifest.capped or None,
        }
        try:
            self._table.of(session).put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            if failed.item is None:
                raise Permanent("a manifest was refused and is not there") from None
            return _manifest(manifest.key, failed.item)
        return manifest

    def manifest(self, session: PartnerSession, key: SliceKey) -> Manifest | None:
        """One consistent read."""
        require_customers(session)
        item = self._table.of(session).get(_pk(session, "M", key), _slice_sk(key), consistent=True)
        return _manifest(key, item) if item else None

    # --- attempts

    def attempts(self, session: PartnerSession, key: SliceKey, first: int, last: int) -> Sequence[Attempt]:
        """One consistent query over the windows asked for."""
        require_customers(session)
        prefix = _slice_sk(key)
        items = self._table.of(session).query(
            _pk(session, "B", key), low=f"{prefix}#{first:06d}", high=f"{prefix}#{last:06d}~", consistent=True)
        return [_attempt(key, item) for item in items]

    def announce(self, session: PartnerSession, attempts: Sequence[Attempt]) -> None:
        """Nothing: the table keeps what was claimed, not what will be."""
        require_customers(session)

    def claim(self, session: PartnerSession, attempt: Attempt) -> None:
        """Put if absent: of all who try, one may send.

        botocore repeats a call whose answer was lost, and the repetition then meets our own claim:
        the nonce tells it from somebody else's.
        """
        require_customers(session)
        try:
            self._table.of(session).put(_attempt_item(session, attempt), condition=ex.absent("pk"))
        except ConditionFailed as failed:
            own = failed.retried and (failed.item or {}).get("n") == attempt.nonce and bool(attempt.nonce)
            if not own:
                raise Conflict("batch.claimed") from None

    def settle(self, session: PartnerSession, key: BatchKey, results: Sequence[Result]) -> None:
        """Two bits a recipient, written once."""
        packed = pack(results)
        condition = ex.all_of(ex.present("pk"), ex.absent("r"))
        try:
            self._update(session, key, [ex.put("r", packed)], condition)
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("attempt") from None
            if not (failed.retried and failed.item.get("r") == packed):
                raise Conflict("batch.settled") from None

    def release(self, session: PartnerSession, key: BatchKey, ordinals: frozenset[int], until: datetime) -> None:
        """The claim's deadline is part of the write's condition."""
        condition = ex.all_of(ex.present("pk"), ex.at_most("z", _millis(until)))
        try:
            self._update(session, key, [ex.add("x", set(ordinals))], condition)
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("attempt") from None
            raise Conflict("batch.too_early") from None

    def saw(self, session: PartnerSession, key: BatchKey, seen: Mapping[Seen, frozenset[int]]) -> None:
        """Unions of sets, in one write."""
        actions = [ex.add(kind.value, set(ordinals)) for kind, ordinals in seen.items() if ordinals]
        if not actions:
            return
        try:
            self._update(session, key, actions, ex.present("pk"))
        except ConditionFailed:
            raise NotFound("attempt") from None

    def _update(
        self, session: PartnerSession, key: BatchKey, actions: Sequence[ex.Action], condition: ex.Condition,
    ) -> None:
        require_customers(session)
        self._table.of(session).update(
            _pk(session, "B", key.slice), _batch_sk(key), actions, condition=condition, silent=True)

    # --- slices

    def slice(self, session: PartnerSession, key: SliceKey) -> SliceState:
        """One consistent read; a fresh state if there is none."""
        require_customers(session)
        item = self._table.of(session).get(_run_pk(session), _slice_sk(key), consistent=True)
        return _state(key, item) if item else SliceState(key=key)

    def slices(self, session: PartnerSession, run: Run) -> Sequence[SliceState]:
        """One query."""
        require_customers(session)
        prefix = f"{_run_sk(run)}#"
        items = self._table.of(session).query(_run_pk(session), begins=prefix, consistent=True)
        return [_state(SliceKey(run, int(item["sk"][len(prefix):])), item) for item in items]

    def left(self, session: PartnerSession, run: Run, contact: ContactId) -> None:
        """A union, spread over eight items a run; any order and repetition gives the same."""
        require_customers(session)
        self._table.of(session).update(
            _run_pk(session), f"{_run_sk(run)}{_LEFT}{part(contact)[0]}",
            [ex.put("type", "left"), ex.put("v", 1), ex.add("who", {contact})], silent=True)

    def results(self, session: PartnerSession, run: Run) -> tuple[Sequence[SliceState], int]:
        """One query over the run: its slices, and behind them who left."""
        require_customers(session)
        prefix, behind = f"{_run_sk(run)}#", f"{_run_sk(run)}{_LEFT}"
        items = list(self._table.of(session).query(_run_pk(session), low=prefix, high=f"{behind}~", consistent=True))
        slices = [_state(SliceKey(run, int(item["sk"][len(prefix):])), item)
                  for item in items if item["sk"].startswith(prefix)]
        return slices, sum(len(item["who"]) for item in items if item["sk"].startswith(behind))

    def advance(self, session: PartnerSession, before: SliceState, after: SliceState) -> None:
        """Conditional on the turn; an item without one (counted, never moved) is at turn 0."""
        require_customers(session)
        stands = ex.equals("turn", before.turn)
        if before.turn == 0:
            stands = ex.any_of(ex.absent("turn"), stands)
        actions = [
            ex.put("type", _SLICE), ex.put("v", 1), ex.put("turn", after.turn), ex.put("epoch", after.epoch),
            ex.put("cursor", after.cursor), ex.put("done", after.done), ex.put("unknown_run", after.unknown_run),
            ex.put("touched_at", stamp(after.touched_at) if after.touched_at else None),
        ]
        try:
            self._table.of(session).update(_run_pk(session), _slice_sk(before.key), actions, condition=stands)
        except ConditionFailed as failed:
            if not (failed.retried and failed.item and _same_move(_state(before.key, failed.item), after)):
                raise Conflict("slice.moved") from None

    def count(self, session: PartnerSession, key: SliceKey, totals: Totals, at: datetime) -> None:
        """Conditional on knowing no less than what is there."""
        require_customers(session)
        actions = [ex.put("type", _SLICE), ex.put("v", 1), ex.put("counted_at", stamp(at))]
        actions += [ex.put("totals", _totals_item(totals)), ex.put("facts", totals.facts)]
        fresh = ex.any_of(ex.absent("facts"), ex.at_most("facts", totals.facts))
        try:
            self._table.of(session).update(_run_pk(session), _slice_sk(key), actions, condition=fresh)
        except ConditionFailed:
            return

    # --- starts

    def starts(self, session: PartnerSession) -> Starts:
        """One consistent read."""
        require_customers(session)
        return starts.read(self._table, session)

    def enter(self, session: PartnerSession, start: Started) -> Started:
        """A read and a conditional write."""
        require_customers(session)
        known = starts.change(self._table, session, lambda known: frequency.entered(known, start))
        return next(one for one in known if one.run == start.run)

    def end(self, session: PartnerSession, run: Run, at: datetime, reached: int) -> None:
        """A read and a conditional write; a read where the end is known."""
        require_customers(session)
        starts.change(self._table, session, lambda known: frequency.ended(known, run, at, reached))


def _pk(session: PartnerSession, kind: str, key: SliceKey) -> str:
    return f"P#{session.partner}#{kind}#{key.number % MAX_SLICES:02x}"


def _run_pk(session: PartnerSession) -> str:
    return f"P#{session.partner}#RUN"


def _run_sk(run: Run) -> str:
    return f"{part(run.campaign)}#{run.mailing}#{run.variant}"


def _slice_sk(key: SliceKey) -> str:
    return f"{_run_sk(key.run)}#{key.number:03d}"


def _batch_sk(key: BatchKey) -> str:
    return f"{_slice_sk(key.slice)}#{key.batch:06d}#{key.attempt:03d}"


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moment(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


def _manifest(key: SliceKey, item: Item) -> Manifest:
    check(item, _MANIFEST, 1)
    return Manifest(
        key=key, ids=item["ids"], window=item["window"], made_at=moment_of(item["made_at"]),
        capped=item.get("capped", b""))


def _attempt_item(session: PartnerSession, attempt: Attempt) -> Item:
    """One-letter names: marks, nonce, claimed at, deadline (both in ms), results."""
    return {
        "pk": _pk(session, "B", attempt.key.slice), "sk": _batch_sk(attempt.key), "type": _ATTEMPT, "v": 1,
        "m": attempt.marks, "n": attempt.nonce or None, "a": _millis(attempt.claimed_at),
        "z": _millis(attempt.deadline), "r": pack(attempt.answered) if attempt.answered is not None else None,
    }


def _attempt(key: SliceKey, item: Item) -> Attempt:
    check(item, _ATTEMPT, 1)
    _, batch, attempt = str(item["sk"]).rsplit("#", 2)
    marks: bytes = item["m"]
    return Attempt(
        key=BatchKey(key, int(batch), int(attempt)), marks=marks, nonce=item.get("n", b""),
        claimed_at=_moment(item["a"]), deadline=_moment(item["z"]),
        answered=unpack(item["r"], len(marks)) if "r" in item else None,
        released=frozenset(item.get("x", ())),
        seen={kind: frozenset(item[kind.value]) for kind in Seen if kind.value in item},
    )


def _state(key: SliceKey, item: Item) -> SliceState:
    check(item, _SLICE, 1)
    touched, counted = item.get("touched_at"), item.get("counted_at")
    return SliceState(
        key=key, turn=item.get("turn", 0), epoch=item.get("epoch", 0), cursor=item.get("cursor", 0),
        done=item.get("done", False), unknown_run=item.get("unknown_run", 0),
        touched_at=moment_of(touched) if touched else None, totals=_totals(item.get("totals", {})),
        counted_at=moment_of(counted) if counted else None,
    )


def _same_move(stored: SliceState, after: SliceState) -> bool:
    """Whether what stands there is the very move that a repeated call wanted to make."""
    names = ("turn", "epoch", "cursor", "done", "unknown_run", "touched_at")
    return all(getattr(stored, name) == getattr(after, name) for name in names)


def _totals_item(totals: Totals) -> dict[str, Any]:
    """The counts that are not zero."""
    found: dict[str, Any] = {name: getattr(totals, name) for name in _TOTALS}
    found["suppressed"] = dict(totals.suppressed)
    return {name: value for name, value in found.items() if value}


def _totals(item: Mapping[str, Any]) -> Totals:
    return Totals(**{name: item[name] for name in _TOTALS if name in item})
