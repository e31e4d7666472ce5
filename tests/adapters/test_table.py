"""The table: errors in our words, bounded retries, and no way to scan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.failures import ConditionFailed, TransactionFailed
from chalicelib.adapters.dynamo.steps import Put
from chalicelib.adapters.dynamo.table import BATCH_TRIES, MAX_BATCH, Table
from chalicelib.domain.errors import CountersignError, Permanent, Retryable
from tests.adapters.wire import Wire, table_on


def refusal(code: str, **more: object) -> bytes:
    """An error as DynamoDB writes it."""
    return json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m", **more}).encode()


@pytest.mark.parametrize(("status", "code", "expected"), [
    (400, "ProvisionedThroughputExceededException", Retryable),
    (400, "ThrottlingException", Retryable),
    (400, "RequestLimitExceeded", Retryable),
    (400, "TransactionConflictException", Retryable),
    (400, "TransactionInProgressException", Retryable),
    (400, "ExpiredTokenException", Retryable),
    (500, "InternalServerError", Retryable),
    (503, "ServiceUnavailable", Retryable),
    (400, "ValidationException", Permanent),
    (400, "ResourceNotFoundException", Permanent),
    (400, "AccessDeniedException", Permanent),
    (400, "ItemCollectionSizeLimitExceededException", Permanent),
    (400, "UnrecognizedClientException", Permanent),
])
def test_an_error_is_retryable_or_permanent(status: int, code: str, expected: type[CountersignError]) -> None:
    """Each of DynamoDB's errors is mapped once; the text names operation and code, never the vendor's words."""
    table = table_on(Wire((status, refusal(code))))
    with pytest.raises(expected, match=f"^GetItem: {code}$"):
        table.get("ORG#x", "1")


@pytest.mark.parametrize("error", [
    ReadTimeoutError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x"),
])
def test_a_broken_connection_is_retryable(error: Exception) -> None:
    """A timeout says nothing on what happened; a later try may tell."""
    with pytest.raises(Retryable):
        table_on(Wire(error)).get("ORG#x", "1")


def test_a_failed_condition_shows_what_stands_there() -> None:
    """The item comes with the error, without a second read."""
    stands = {"pk": {"S": "ORG#x"}, "sk": {"S": "1"}, "n": {"N": "7"}}
    wire = Wire((400, refusal("ConditionalCheckFailedException", Item=stands)))
    with pytest.raises(ConditionFailed) as failed:
        table_on(wire).put({"pk": "ORG#x", "sk": "1"}, condition=ex.absent("pk"))
    assert failed.value.item == {"pk": "ORG#x", "sk": "1", "n": 7}
    assert not failed.value.retried
    assert json.loads(wire.sent[0][2])["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_a_write_that_was_repeated_recognises_itself() -> None:
    """A timeout after the write, then a repeat that finds it there: our own, not somebody else's."""
    mine: dict[str, Any] = {"pk": "ORG#x", "sk": "1", "list": [1, {"a": None}], "set": frozenset({2})}
    stands = {
        "pk": {"S": "ORG#x"}, "sk": {"S": "1"}, "set": {"NS": ["2"]},
        "list": {"L": [{"N": "1"}, {"M": {"a": {"NULL": True}}}]},
    }
    failed = (400, refusal("ConditionalCheckFailedException", Item=stands))
    with pytest.raises(ConditionFailed) as repeated:
        table_on(Wire(ReadTimeoutError(endpoint_url="x"), failed), attempts=2).put(mine, condition=ex.absent("pk"))
    assert repeated.value.retried and repeated.value.was_ours(mine)
    assert not repeated.value.was_ours({**mine, "list": []})
    with pytest.raises(ConditionFailed) as first:
        table_on(Wire(failed)).put(mine, condition=ex.absent("pk"))
    assert not first.value.was_ours(mine)


def cancelled(*codes: str) -> tuple[int, bytes]:
    """A cancelled transaction."""
    return 400, refusal("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def test_a_cancelled_transaction_names_the_steps_at_fault() -> None:
    """A failed condition wins over a conflict; conflicts and throttling alone may heal."""
    steps = [Put({"pk": "ORG#x", "sk": str(n)}) for n in range(3)]
    with pytest.raises(TransactionFailed) as failed:
        table_on(Wire(cancelled("None", "ConditionalCheckFailed", "TransactionConflict"))).transact(steps)
    assert failed.value.failed == {1}
    for codes in (("TransactionConflict", "None", "None"), ("ThrottlingError", "TransactionConflict", "None")):
        with pytest.raises(Retryable):
            table_on(Wire(cancelled(*codes))).transact(steps)
    for codes in (("ValidationError", "None", "None"), ("None", "None", "None")):
        with pytest.raises(Permanent):
            table_on(Wire(cancelled(*codes))).transact(steps)


def test_a_repeat_of_a_transaction_carries_the_same_token() -> None:
    """botocore's repeats do not apply a transaction twice."""
    wire = Wire((500, refusal("InternalServerError")), (200, b"{}"))
    table_on(wire, attempts=2).transact([Put({"pk": "ORG#x", "sk": "1"})])
    first, second = (json.loads(body)["ClientRequestToken"] for _, _, body in wire.sent)
    assert first == second


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_transaction_has_one_to_a_hundred_steps(count: int) -> None:
    """AWS's quota, told before the call."""
    wire = Wire()
    with pytest.raises(Permanent):
        table_on(wire).transact([Put({"pk": "ORG#x", "sk": str(n)}) for n in range(count)])
    assert wire.sent == []


def test_a_batch_asks_again_for_what_was_left() -> None:
    """Unprocessed keys are asked for again, in hundreds, each key once."""
    key = {"pk": {"S": "ORG#x"}, "sk": {"S": "9"}}
    left = json.dumps({"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [key]}}}).encode()
    rest = json.dumps({"Responses": {"t": [key]}}).encode()
    wire = Wire((200, left), (200, rest))
    found = table_on(wire).batch_get([("ORG#x", str(n % 101)) for n in range(150)])
    asked = [json.loads(body)["RequestItems"]["t"]["Keys"] for _, _, body in wire.sent]
    assert [len(keys) for keys in asked] == [100, 1, 1]
    assert asked[1] == [key]
    assert found == [{"pk": "ORG#x", "sk": "9"}] * 2


def test_a_batch_gives_up_after_some_tries() -> None:
    """A table that never answers whole makes the work wait, not hang."""
    key = {"pk": {"S": "ORG#x"}, "sk": {"S": "9"}}
    left = json.dumps({"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [key]}}}).encode()
    wire = Wire((200, left))
    with pytest.raises(Retryable):
        table_on(wire).batch_get([("ORG#x", "9")])
    assert len(wire.sent) == BATCH_TRIES


def test_a_query_follows_pages_to_its_limit() -> None:
    """The limit counts items, not pages."""
    page = json.dumps({
        "Items": [{"sk": {"S": "1"}}, {"sk": {"S": "2"}}], "LastEvaluatedKey": {"pk": {"S": "x"}, "sk": {"S": "2"}},
    }).encode()
    last = json.dumps({"Items": [{"sk": {"S": "3"}}]}).encode()
    wire = Wire((200, page), (200, last))
    assert [item["sk"] for item in table_on(wire).query("ORG#x", limit=3)] == ["1", "2", "3"]
    assert [json.loads(body)["Limit"] for _, _, body in wire.sent] == [3, 1]
    assert json.loads(wire.sent[1][2])["ExclusiveStartKey"] == {"pk": {"S": "x"}, "sk": {"S": "2"}}


def test_a_query_takes_one_bound() -> None:
    """DynamoDB takes one condition on the sort key."""
    with pytest.raises(Permanent):
        list(table_on(Wire()).query("ORG#x", begins="a", after="b"))


@pytest.mark.parametrize("hostile", ["#0 = :0", "a.b", "a[0]", {"S": "x"}, "x) OR attribute_exists(pk", b"\x00"])
def test_names_and_values_are_placeholders(hostile: Any) -> None:
    """Nothing a caller gives becomes a piece of an expression."""
    wire = Wire()
    name = hostile if isinstance(hostile, str) and "[" not in hostile else "plain"
    table_on(wire).update("ORG#x", "1", [ex.put(name, hostile)], condition=ex.equals(name, hostile))
    body = json.loads(wire.sent[0][2])
    assert body["UpdateExpression"] == "SET #0 = :1"
    assert body["ConditionExpression"] == "#0 = :0"
    assert body["ExpressionAttributeNames"] == {"#0": name}
    assert body["ExpressionAttributeValues"][":0"] == body["ExpressionAttributeValues"][":1"]


def test_there_is_no_scan() -> None:
    """The table offers keys and queries only."""
    assert not [name for name in dir(Table) if "scan" in name.lower()]
