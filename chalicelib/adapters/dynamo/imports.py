"""Import batches in the trust table: ``P#<partner>#IMP`` / `<import>`, newest id last."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.codec import Kind
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.domain.contact import ImportBatch
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import ImportId
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import require_customers

LISTED = 100
"""How many batches a page shows; older ones are still found by their id."""
_BATCH = Kind(ImportBatch, "import", implied=frozenset({"id", "partner"}))


class DynamoImports:
    """The import batches of one partner."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def save(self, session: PartnerSession, batch: ImportBatch, *, expected_version: int) -> None:
        """Store a batch if the stored one has the expected version (0: none is there)."""
        require_customers(session)
        condition = ex.equals("version", expected_version) if expected_version else ex.absent("pk")
        try:
            self._table.of(session).put(_BATCH.item(batch, _pk(session), batch.id), condition=condition)
        except ConditionFailed as failed:
            # botocore may have repeated a write that had arrived: what stands there is then ours.
            if failed.retried and failed.item is not None and self._read(session, failed.item) == batch:
                return
            raise Conflict("import.changed") from None

    def get(self, session: PartnerSession, batch: ImportId) -> ImportBatch:
        """One batch, read consistently; raises NotFound."""
        require_customers(session)
        item = self._table.of(session).get(_pk(session), batch, consistent=True)
        if item is None:
            raise NotFound("import")
        return self._read(session, item)

    def list(self, session: PartnerSession) -> Sequence[ImportBatch]:
        """The newest hundred batches, newest first."""
        require_customers(session)
        items = self._table.of(session).query(_pk(session), newest_first=True, limit=LISTED)
        return [self._read(session, item) for item in items]

    def _read(self, session: PartnerSession, item: dict[str, object]) -> ImportBatch:
        return _BATCH.read(item, id=item["sk"], partner=session.partner)


def _pk(session: PartnerSession) -> str:
    return f"P#{session.partner}#IMP"
