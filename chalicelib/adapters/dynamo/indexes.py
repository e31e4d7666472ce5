"""The two indexes that reach over partners; both lag behind the table and show a few columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import stamp
from chalicelib.adapters.dynamo.control import card_of, due_of
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.ids import OrgId, ProgrammeId
from chalicelib.ports.workflow import CampaignCard, Due


class DynamoCampaignIndexes:
    """See ``ports.workflow.CampaignIndexes``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table = table
        self._org = org

    def cards(self, programme: ProgrammeId, *, limit: int = 100) -> Sequence[CampaignCard]:
        """HQ's view; the index holds nothing that HQ may not see."""
        pk = keys.programme_index(self._org, programme)
        return [card_of(i) for i in self._table.query(pk, index="by_programme", limit=limit, newest_first=True)]

    def due(self, shard: int, until: datetime, *, limit: int = 200) -> Sequence[Due]:
        """Everything with a ``next_at`` up to that moment, included."""
        # "#~" sorts behind every id that follows the time, so that the bound is inclusive.
        items = self._table.query(keys.due_index(shard), index="due", high=f"{stamp(until)}#~", limit=limit)
        return [due_of(item) for item in items]
