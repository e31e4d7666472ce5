"""What a call to DynamoDB ends with where it was not done: conditions that did not hold, and what may heal."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters.dynamo.values import Item, decode_item
from chalicelib.adapters.errors import code_of, retries_of, translated
from chalicelib.domain.errors import CountersignError, Permanent, Retryable

_FAILED = "ConditionalCheckFailed"
_MAY_HEAL = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(CountersignError):
    """The condition of a write did not hold; the store says what that means.

    ``item`` is what stands there instead (None if nothing does). ``retried`` tells that botocore
    had repeated the call after a timeout: the failed condition may then be our own first write.
    """

    def __init__(self, item: Item | None = None, *, retried: bool = False) -> None:
        self.item = item
        self.retried = retried
        super().__init__("condition failed")

    def was_ours(self, item: Item) -> bool:
        """Whether the write did happen: it was repeated, and what it meant to store stands there."""
        return self.retried and self.item == item


class TransactionFailed(ConditionFailed):
    """A transaction was cancelled, nothing of it was written; ``failed`` are the steps at fault."""

    def __init__(self, failed: frozenset[int]) -> None:
        super().__init__()
        self.failed = failed


class Contended(Retryable):
    """A transaction met another one on an item, or was throttled: nothing of it was written, so it may be repeated."""


def failure_of(operation: str, error: ClientError) -> CountersignError:
    """The error of a call in our words."""
    code = code_of(error)
    if code == "ConditionalCheckFailedException":
        item: Any = error.response.get("Item")
        return ConditionFailed(decode_item(item) if item else None, retried=retries_of(error) > 0)
    if code == "TransactionCanceledException":
        return _cancelled(operation, error)
    return translated(error, operation)


def _cancelled(operation: str, error: ClientError) -> CountersignError:
    """A failed condition wins over a conflict: trying again would only fail on it again."""
    reasons = [str(r.get("Code", "None")) for r in error.response.get("CancellationReasons", [])]
    failed = frozenset(i for i, reason in enumerate(reasons) if reason == _FAILED)
    if failed:
        return TransactionFailed(failed)
    bad = sorted(set(reasons) - {"None"})
    if bad and set(bad) <= _MAY_HEAL:
        return Contended(f"{operation}: {', '.join(bad)}")
    return Permanent(f"{operation}: {', '.join(bad) or 'cancelled'}")
