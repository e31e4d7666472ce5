"""HQ's programmes and the org-wide switch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, check, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.partners import CARD
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.ids import OrgId, PartnerId, PersonId, ProgrammeId
from chalicelib.domain.programme import Programme
from chalicelib.ports.workflow import Desk

PROGRAMME = Kind(Programme, "programme")
SWITCH = "switch"
MAX_DESK_PARTNERS = 98


class DynamoProgrammes:
    """See ``ports.workflow.Programmes``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table = table
        self._list = keys.org(org, "PRG")
        self._control = keys.switch(org)
        self._partners = keys.org(org, "PARTNERS")

    def add(self, programme: Programme) -> None:
        """Never replaces one."""
        item = PROGRAMME.item(programme, self._list, keys.part(programme.id))
        try:
            self._table.put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            if not failed.was_ours(item):
                raise Conflict("programme.exists") from None

    def get(self, programme: ProgrammeId) -> Programme:
        """By key."""
        item = self._table.get(self._list, keys.part(programme))
        if item is None:
            raise NotFound("no such programme")
        return PROGRAMME.read(item)

    def save(self, programme: Programme, *, expected_version: int) -> None:
        """On the condition of the version before."""
        item = PROGRAMME.item(programme, self._list, keys.part(programme.id))
        try:
            self._table.put(item, condition=ex.equals("version", expected_version))
        except ConditionFailed as failed:
            if failed.item is None:
                raise NotFound("no such programme") from None
            if not failed.was_ours(item):
                raise Conflict("programme.changed") from None

    def list(self) -> Sequence[Programme]:
        """Ids sort by the time they were made."""
        return [PROGRAMME.read(item) for item in self._table.query(self._list, newest_first=True)]

    def stopped(self) -> bool:
        """A consistent read: what decides a send must see a switch thrown a moment ago."""
        return is_on(self._table.get(self._control, "STOP", consistent=True))

    def stop(self, on: bool, person: PersonId, at: datetime) -> None:
        """Written without a condition: the last hand on the switch decides."""
        self._table.put({
            "pk": self._control, "sk": "STOP", "type": SWITCH, "v": 1, "on": on, "person": person, "at": stamp(at),
        })

    def desk(self, programme: ProgrammeId | None = None, partners: Sequence[PartnerId] = ()) -> Desk:
        """One BatchGetItem."""
        if len(partners) > MAX_DESK_PARTNERS:
            raise Permanent(f"a desk shows at most {MAX_DESK_PARTNERS} partners")
        wanted = [(self._control, "STOP"), *((self._partners, keys.part(partner)) for partner in partners)]
        if programme is not None:
            wanted.append((self._list, keys.part(programme)))
        found = {(item["pk"], item["sk"]): item for item in self._table.batch_get(wanted)}
        chosen = found.get((self._list, programme or ""))
        cards = [found.get((self._partners, partner)) for partner in dict.fromkeys(partners)]
        return Desk(
            stopped=is_on(found.get((self._control, "STOP"))),
            programme=PROGRAMME.read(chosen) if chosen else None,
            partners=tuple(CARD.read(card) for card in cards if card),
        )


def is_on(item: Item | None) -> bool:
    """What the switch's item says; none was never thrown."""
    if item is None:
        return False
    check(item, SWITCH, 1)
    return bool(item["on"])
