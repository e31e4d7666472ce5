"""Long answers of DynamoDB and SES, read without walking botocore's model of the service through each value.

botocore visits each value of each item by way of its shapes: 40 us a contact, more than opening its
seal. DynamoDB's JSON has one thing only that JSON has not, binary values in base64; so this parser
decodes those and leaves the rest as it is. What SES says of each mail of a batch is texts alone.
A test compares both on items of every type.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory, RestJSONParser

_ITEMS = frozenset({"QueryOutput", "BatchGetItemOutput", "GetItemOutput", "UpdateItemOutput", "PutItemOutput"})


class _QuickParser(JSONParser):  # type: ignore[misc, unused-ignore]
    """botocore's parser, but for the answers that hold items."""

    def _handle_json_body(self, raw_body: bytes, shape: Any) -> Any:
        if getattr(shape, "name", "") not in _ITEMS:
            return super()._handle_json_body(raw_body, shape)  # type: ignore[misc, unused-ignore]
        found = self._parse_body_as_json(raw_body)  # type: ignore[attr-defined, unused-ignore]
        for name in ("Item", "Attributes", "LastEvaluatedKey"):
            if found.get(name) is not None:
                _item(found[name])
        for item in found.get("Items") or ():
            _item(item)
        for items in (found.get("Responses") or {}).values():
            for item in items:
                _item(item)
        for wanted in (found.get("UnprocessedKeys") or {}).values():
            for key in wanted["Keys"]:
                _item(key)
        return found


def _item(attributes: dict[str, Any]) -> None:
    """Decode an item's binary values in place."""
    for value in attributes.values():
        if "B" in value:
            value["B"] = b64decode(value["B"])
        elif "M" in value:
            _item(value["M"])
        elif "L" in value:
            _item(dict(enumerate(value["L"])))  # type: ignore[arg-type]
        elif "BS" in value:
            value["BS"] = [b64decode(member) for member in value["BS"]]


class _QuickRestParser(RestJSONParser):  # type: ignore[misc, unused-ignore]
    """botocore's parser, but for the answer to a batch of mails, which is as it should be already."""

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if shape.name == "SendBulkEmailResponse" and isinstance(node, dict):
            return node
        return super()._parse_shape(shape, node)  # type: ignore[misc, unused-ignore]


class QuickParsers(ResponseParserFactory):  # type: ignore[misc, unused-ignore]
    """Gives clients of DynamoDB's and SES's protocols the quick parsers, all others botocore's own."""

    def create_parser(self, protocol_name: str) -> Any:
        """A parser for a protocol; called when a client is made."""
        if protocol_name == "json":
            return _QuickParser(**self._defaults)  # type: ignore[attr-defined, unused-ignore]
        if protocol_name == "rest-json":
            return _QuickRestParser(**self._defaults)  # type: ignore[attr-defined, unused-ignore]
        return super().create_parser(protocol_name)
