"""The steps of a transaction, as values that stores put together."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Put:
    """A step of a transaction: store an item."""

    item: Item
    condition: ex.Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A step of a transaction: change attributes of an item."""

    pk: str
    sk: str
    actions: Sequence[ex.Action]
    condition: ex.Condition | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A step of a transaction: delete an item."""

    pk: str
    sk: str
    condition: ex.Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A step of a transaction that writes nothing and demands a condition."""

    pk: str
    sk: str
    condition: ex.Condition


Step = Put | Update | Delete | Check
