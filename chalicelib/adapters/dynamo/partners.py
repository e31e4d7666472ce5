"""Partners: a registry at the org, the rest in the partner's own partition."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind
from chalicelib.adapters.dynamo.failures import ConditionFailed, TransactionFailed
from chalicelib.adapters.dynamo.steps import Put
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import OrgId, ProgrammeId
from chalicelib.domain.partner import Participation, Partner
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import require_customers
from chalicelib.ports.workflow import PartnerCard, PartnerDesk, PartnerHome

CARD = Kind(PartnerCard, "partner_card")
PARTNER = Kind(Partner, "partner")
PARTICIPATION = Kind(Participation, "participation")


class DynamoPartners:
    """See ``ports.workflow.Partners``."""

    def __init__(self, table: Table, trust: Table, org: OrgId) -> None:
        self._table = table
        self._trust = trust
        self._registry = keys.org(org, "PARTNERS")

    def register(self, card: PartnerCard) -> None:
        """The last write stands."""
        self._table.put(CARD.item(card, self._registry, keys.part(card.id)))

    def cards(self) -> Sequence[PartnerCard]:
        """In the order in which the partners were made."""
        return [CARD.read(item) for item in self._table.query(self._registry)]

    def home(self, session: PartnerSession) -> PartnerHome:
        """One query."""
        items = list(self._table.of(session).query(keys.home(session.partner), consistent=True))
        found = [PARTNER.read(item) for item in items if item["sk"] == "PARTNER"]
        if not found:
            raise NotFound("no such partner")
        parts = tuple(PARTICIPATION.read(item) for item in items if item["sk"].startswith("PART#"))
        return PartnerHome(found[0], parts)

    def desk(self, session: PartnerSession, programme: ProgrammeId) -> PartnerDesk:
        """One BatchGetItem over the two tables, consistent."""
        # HQ's pages read partners, too, and need nothing of the customers' module.
        from chalicelib.adapters.dynamo import starts, track
        from chalicelib.adapters.dynamo.contacts import tally_key, tally_of

        require_customers(session)
        home = keys.home(session.partner)
        items, counts = self._table.of(session).get_beside(
            [(home, "PARTNER"), (home, f"PART#{keys.part(programme)}"), track.place(session.partner)],
            self._trust.of(session), [tally_key(session), starts.place(session)], consistent=True,
        )
        beside = {item["sk"]: item for item in counts}
        tally = beside.get(tally_key(session)[1])
        found = {item["sk"]: item for item in items}
        if "PARTNER" not in found:
            raise NotFound("no such partner")
        part = found.get(f"PART#{programme}")
        return PartnerDesk(
            PARTNER.read(found["PARTNER"]), PARTICIPATION.read(part) if part else None,
            tally_of(tally) if tally else None, starts.starts_of(beside.get(starts.SK)),
            track.track_of(found[track.SK]) if track.SK in found else None,
        )

    def save(self, session: PartnerSession, partner: Partner, *, expected_version: int) -> None:
        """Conditional on the version that was read; a new partner begins with an empty track."""
        if partner.id != session.partner:
            raise NotFound("no such partner")
        item = PARTNER.item(partner, keys.home(session.partner), "PARTNER")
        if not expected_version:
            self._add(session, item)
            return
        unchanged = ex.equals("version", expected_version)
        try:
            self._table.of(session).put(item, condition=unchanged)
        except ConditionFailed as failed:
            if failed.was_ours(item):
                return
            if failed.item is None:
                raise NotFound("no such partner") from None
            raise Conflict("partner.changed") from None

    def _add(self, session: PartnerSession, item: Item) -> None:
        from chalicelib.adapters.dynamo import track
        from chalicelib.domain.track import Track

        try:
            self._table.of(session).transact([Put(item, ex.absent("pk")), track.put(session.partner, Track(), None)])
        except TransactionFailed:
            raise Conflict("partner.changed") from None

    def participate(self, session: PartnerSession, participation: Participation) -> None:
        """The last write stands."""
        if participation.partner != session.partner:
            raise NotFound("no such partner")
        sk = f"PART#{keys.part(participation.programme)}"
        self._table.of(session).put(PARTICIPATION.item(participation, keys.home(session.partner), sk))
