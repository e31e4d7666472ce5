"""The quick parser says what botocore's own says."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.parsers import ResponseParserFactory
from botocore.session import get_session

from chalicelib.adapters.parsing import QuickParsers

B = base64.b64encode(b"\x00\xff sealed").decode()
ITEM: dict[str, Any] = {
    "pk": {"S": "P#1"}, "n": {"N": "12"}, "b": {"B": B}, "yes": {"BOOL": True}, "no": {"NULL": True},
    "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [B]}, "M": {"S": "a name like a type"},
    "m": {"M": {"B": {"S": "not binary"}, "in": {"B": B}, "l": {"L": [{"B": B}, {"M": {"x": {"B": B}}}]}}},
    "l": {"L": [{"S": "x"}, {"B": B}, {"L": []}]}, "empty": {"M": {}},
}


@pytest.mark.parametrize(("operation", "answer"), [
    ("Query", {"Items": [ITEM, {}], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": {"pk": {"B": B}}}),
    ("Query", {"Items": [], "Count": 0}),
    ("GetItem", {"Item": ITEM}), ("GetItem", {}),
    ("BatchGetItem", {"Responses": {"t": [ITEM]}, "UnprocessedKeys": {"t": {"Keys": [{"pk": {"B": B}}]}}}),
    ("UpdateItem", {"Attributes": ITEM}), ("PutItem", {"Attributes": ITEM}), ("PutItem", {}),
    ("DescribeTable", {"Table": {"TableName": "t", "CreationDateTime": 1.5}}),
])
def test_both_parsers_read_the_same(operation: str, answer: dict[str, Any]) -> None:
    """Items of every type, nested, and answers that hold none."""
    shape: Any = get_session().get_service_model("dynamodb").operation_model(operation).output_shape
    response = {"status_code": 200, "headers": {}, "body": json.dumps(answer).encode()}
    quick = QuickParsers().create_parser("json").parse(dict(response), shape)
    own = ResponseParserFactory().create_parser("json").parse(dict(response), shape)
    assert quick == own


def test_an_error_is_read_as_ever() -> None:
    """A failed condition keeps its code and the item that stands there."""
    shape: Any = get_session().get_service_model("dynamodb").operation_model("PutItem").output_shape
    body = {"__type": "com.amazonaws#ConditionalCheckFailedException", "message": "no", "Item": {"pk": {"S": "x"}}}
    response = {"status_code": 400, "headers": {}, "body": json.dumps(body).encode()}
    found = QuickParsers().create_parser("json").parse(response, shape)
    assert found["Error"]["Code"] == "ConditionalCheckFailedException"


@pytest.mark.parametrize("answer", [
    {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "1"}, {"Status": "FAILED", "Error": "é"}]},
    {"BulkEmailEntryResults": []}, {},
])
def test_both_parsers_read_the_same_of_a_batch(answer: dict[str, Any]) -> None:
    """What SES says of each mail."""
    shape: Any = get_session().get_service_model("sesv2").operation_model("SendBulkEmail").output_shape
    assert shape.name == "SendBulkEmailResponse"
    response = {"status_code": 200, "headers": {"x-amzn-requestid": "r"}, "body": json.dumps(answer).encode()}
    quick = QuickParsers().create_parser("rest-json").parse(dict(response), shape)
    own = ResponseParserFactory().create_parser("rest-json").parse(dict(response), shape)
    assert quick == own
