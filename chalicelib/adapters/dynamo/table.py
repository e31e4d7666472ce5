"""A thin, typed table: what DynamoDB offers, less Scan, with errors in our words.

Items are native values (see ``values``) with string keys ``pk`` and ``sk``. A table bound to a
partner session by :meth:`Table.of` signs every single call with that partner's credentials and
refuses a key of anybody else before it leaves the process; an unbound table signs with the
function's own role and refuses every key of a partner. IAM says the same again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.expressions.condition import And
from pynamodb.expressions.util import substitute_names

from chalicelib.adapters.credentials import acting_as
from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.connection import ScopedConnection
from chalicelib.adapters.dynamo.failures import failure_of
from chalicelib.adapters.dynamo.steps import Delete, Put, Step, Update
from chalicelib.adapters.dynamo.values import Item, Wire, decode_item, encode, encode_item
from chalicelib.adapters.errors import translated
from chalicelib.domain.errors import Permanent, Retryable
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession

KEYS = ("pk", "sk")
MAX_BATCH = 100
"""Keys in one BatchGetItem and steps in one TransactWriteItems (AWS quota)."""
BATCH_TRIES = 6


@dataclass(frozen=True, slots=True)
class Page:
    """One call's items and the key to go on from (None: that was all)."""

    items: list[Item]
    next: Item | None


class Table:
    """One table of the deployment; see the module's text.

    ``indexes`` maps an index to its two key attributes. Raises Retryable and Permanent everywhere;
    ConditionFailed where a condition was given.
    """

    def __init__(
        self, connection: ScopedConnection, name: str, indexes: dict[str, tuple[str, str]] | None = None, *,
        session: PartnerSession | None = None, shared: frozenset[str] = frozenset(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.name = name
        self._indexes = indexes or {}
        self._session = session
        self._shared = shared
        self._sleep = sleep
        connection.knows(name, KEYS, self._indexes)

    def of(self, session: PartnerSession, *, shared: str = "") -> Table:
        """The same table, bound to one partner's credentials and keys.

        ``shared`` is a partition of the org that ``batch_get`` may read as well: the role allows it.
        """
        return Table(
            self.connection, self.name, self._indexes, session=session, sleep=self._sleep,
            shared=frozenset({shared} if shared else ()),
        )

    def get(self, pk: str, sk: str, *, consistent: bool = False) -> Item | None:
        """One item, or None."""
        kwargs = self._kwargs(pk, sk, consistent_read=consistent)
        found = self._call("GetItem", kwargs).get("Item")
        return decode_item(found) if found else None

    def put(self, item: Item, *, condition: ex.Condition | None = None) -> None:
        """Store an item, replacing one of the same key."""
        self._call("PutItem", self._put_kwargs(item, condition))

    def update(
        self, pk: str, sk: str, actions: Sequence[ex.Action], *, condition: ex.Condition | None = None,
        silent: bool = False,
    ) -> Item:
        """Change attributes of an item (making it if absent); returns all of the new one, or nothing if ``silent``."""
        kwargs = self._kwargs(
            pk, sk, actions=actions, condition=condition, return_values="NONE" if silent else "ALL_NEW")
        return decode_item(self._call("UpdateItem", kwargs).get("Attributes") or {})

    def delete(self, pk: str, sk: str, *, condition: ex.Condition | None = None) -> None:
        """Delete an item; one that is gone already is fine."""
        self._call("DeleteItem", self._kwargs(pk, sk, condition=condition))

    def query(
        self, pk: str, *, begins: str = "", low: str = "", high: str = "", after: str = "", before: str = "",
        limit: int | None = None, newest_first: bool = False, consistent: bool = False, index: str = "",
        attributes: Sequence[str] = (),
    ) -> Iterator[Item]:
        """The items of a partition in key order, page by page as they are asked for.

        At most one bound: ``begins``; ``low`` and ``high`` (both included); ``after``; ``before``
        (both excluded). Credentials are in force during each call only, never between two items.
        """
        start: Item | None = None
        left = limit
        while left is None or left > 0:
            page = self.page(
                pk, begins=begins, low=low, high=high, after=after, before=before, limit=left, start=start,
                newest_first=newest_first, consistent=consistent, index=index, attributes=attributes,
            )
            yield from page.items
            if page.next is None:
                return
            left = None if left is None else left - len(page.items)
            start = page.next

    def page(
        self, pk: str, *, begins: str = "", low: str = "", high: str = "", after: str = "", before: str = "",
        limit: int | None = None, start: Item | None = None, newest_first: bool = False,
        consistent: bool = False, index: str = "", attributes: Sequence[str] = (),
    ) -> Page:
        """One call of :meth:`query`, going on from ``start`` (the ``next`` of the page before)."""
        self._judge(pk, index)
        hash_name, range_name = self._indexes[index] if index else KEYS
        condition = ex.equals(hash_name, pk)
        bound = _bound(range_name, begins, low, high, after, before)
        if bound is not None:
            condition = And(condition, bound)
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        kwargs: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition.serialize(names, values),
            "ScanIndexForward": not newest_first,
        }
        if attributes:
            kwargs["ProjectionExpression"] = ", ".join(substitute_names([name], names) for name in attributes)
        kwargs["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
        kwargs["ExpressionAttributeValues"] = values
        if index:
            kwargs["IndexName"] = index
        if consistent:
            kwargs["ConsistentRead"] = True
        if limit is not None:
            kwargs["Limit"] = limit
        if start is not None:
            kwargs["ExclusiveStartKey"] = encode_item(start)
        answer = self._call("Query", kwargs)
        last = answer.get("LastEvaluatedKey")
        return Page([decode_item(item) for item in answer.get("Items", [])], decode_item(last) if last else None)

    def batch_get(self, keys: Sequence[tuple[str, str]], *, consistent: bool = False) -> list[Item]:
        """Those of the items that exist, in no order; any number of keys, 100 a call.

        What DynamoDB leaves unprocessed is asked for again with growing pauses (1.6 s in all);
        raises Retryable if some is still left then.
        """
        found: list[Item] = []
        unique = self._unique(keys)
        for first in range(0, len(unique), MAX_BATCH):
            found += self._batch({self.name: unique[first:first + MAX_BATCH]}, consistent)[self.name]
        return found

    def get_beside(
        self, keys: Sequence[tuple[str, str]], other: Table, others: Sequence[tuple[str, str]], *,
        consistent: bool = False,
    ) -> tuple[list[Item], list[Item]]:
        """Items of this table and of another one in a single call, 100 keys in all; both of the same session.

        Raises Retryable as :meth:`batch_get` does.
        """
        mine, theirs = self._unique(keys), other._unique(others)
        if len(mine) + len(theirs) > MAX_BATCH or self._session != other._session:
            raise Permanent(f"one call takes {MAX_BATCH} keys of one session")
        found = self._batch({self.name: mine, other.name: theirs}, consistent)
        return found[self.name], found[other.name]

    def _unique(self, keys: Sequence[tuple[str, str]]) -> list[dict[str, Wire]]:
        """Each key once (DynamoDB refuses a repeated one), after a look at whose it is."""
        unique = list(dict.fromkeys(keys))
        for pk, _ in unique:
            if pk not in self._shared:
                self._judge(pk)
        return [_key(*key) for key in unique]

    def transact(self, steps: Sequence[Step]) -> None:
        """Do all steps or none; raises TransactionFailed with the steps whose conditions failed.

        botocore adds a client token, so its own repeats within ten minutes do not apply twice.
        """
        if not 0 < len(steps) <= MAX_BATCH:
            raise Permanent(f"a transaction has 1 to {MAX_BATCH} steps, not {len(steps)}")
        self._call("TransactWriteItems", {"TransactItems": [self._step(step) for step in steps]})

    def _step(self, step: Step) -> dict[str, Any]:
        if isinstance(step, Put):
            return {"Put": self._put_kwargs(step.item, step.condition, single=False)}
        if isinstance(step, Update):
            return {"Update": self._kwargs(
                step.pk, step.sk, actions=step.actions, condition=step.condition, single=False)}
        kwargs = self._kwargs(step.pk, step.sk, condition=step.condition, single=False)
        return {"Delete" if isinstance(step, Delete) else "ConditionCheck": kwargs}

    def _kwargs(self, pk: str, sk: str, *, single: bool = True, **more: Any) -> dict[str, Any]:
        self._judge(pk)
        if single and more.get("condition") is not None:
            more["return_values_on_condition_failure"] = "ALL_OLD"
        return self.connection.get_operation_kwargs(self.name, pk, sk, **more)

    def _put_kwargs(self, item: Item, condition: ex.Condition | None, *, single: bool = True) -> dict[str, Any]:
        kwargs = self._kwargs(item["pk"], item["sk"], condition=condition, single=single, key="Item")
        kwargs["Item"] = encode_item(item)
        return kwargs

    def _batch(self, wanted: dict[str, list[dict[str, Wire]]], consistent: bool) -> dict[str, list[Item]]:
        """Table -> those of its items that exist; ``wanted`` is table -> keys."""
        found: dict[str, list[Item]] = {name: [] for name in wanted}
        for tried in range(BATCH_TRIES):
            request = {name: {"Keys": keys, "ConsistentRead": consistent} for name, keys in wanted.items() if keys}
            answer = self._call("BatchGetItem", {"RequestItems": request})
            for name, items in answer.get("Responses", {}).items():
                found[name] += [decode_item(item) for item in items]
            wanted = {name: rest["Keys"] for name, rest in answer.get("UnprocessedKeys", {}).items()}
            if not wanted:
                return found
            if tried < BATCH_TRIES - 1:
                self._sleep(0.05 * 2 ** tried)
        raise Retryable(f"BatchGetItem: {sum(map(len, wanted.values()))} keys were left unprocessed")

    def _judge(self, pk: str, index: str = "") -> None:
        """Refuse a key that the credentials in force have no business with."""
        if self._session is None:
            if pk.startswith("P#"):
                raise Permanent("a partner's key needs a table bound to the partner's session")
        elif index or not pk.startswith(f"P#{self._session.partner}#"):
            raise Permanent("a key outside of the partner of the session")

    def _call(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        scope = acting_as(self._session) if self._session is not None else nullcontext()
        try:
            with scope:
                return self.connection.dispatch(operation, kwargs) or {}
        except ClientError as error:
            # pynamodb raises its own error from botocore's, which has the whole answer.
            cause = error.__cause__
            raise failure_of(operation, cause if isinstance(cause, ClientError) else error) from error
        except BotoCoreError as error:
            raise translated(error, operation) from error


def _bound(name: str, begins: str, low: str, high: str, after: str, before: str) -> ex.Condition | None:
    """The condition on the sort key; DynamoDB takes exactly one."""
    given = [bool(begins), bool(low or high), bool(after), bool(before)]
    if sum(given) > 1:
        raise Permanent("a query takes one bound on its sort key")
    if begins:
        return ex.begins_with(name, begins)
    if low and high:
        return ex.between(name, low, high)
    if low or high:
        return ex.at_least(name, low) if low else ex.at_most(name, high)
    if after:
        return ex.above(name, after)
    return ex.below(name, before) if before else None


def _key(pk: str, sk: str) -> dict[str, Wire]:
    return {"pk": encode(pk), "sk": encode(sk)}
