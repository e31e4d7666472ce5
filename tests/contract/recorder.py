"""Sees every AWS call as it leaves the process and judges whose keys it touches.

It reads the signed request itself (access key, body, path), not what our code meant to send, and
knows which access key was given to which partner from the answers of AssumeRole. This is the rule
that the roles' policies state on AWS, where no emulator enforces them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.session import Session

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
_DYNAMO = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems"}


@dataclass(frozen=True, slots=True)
class Call:
    """One signed request: service and operation, the partner of its credentials, what it touches."""

    name: str
    partner: str
    leading: tuple[str, ...]


@dataclass(slots=True)
class Recorder:
    """Attach it to a botocore session before the first client is made."""

    bucket: str
    calls: list[Call] = field(default_factory=list)
    partners: dict[str, str] = field(default_factory=dict)

    def attach(self, session: Session) -> None:
        """Listen to every request and to the answers of AssumeRole."""
        session.register("before-parameter-build.sts.AssumeRole", self._asked)
        session.register("after-call.sts.AssumeRole", self._answered)
        session.register("before-send", self._sent)

    def wrong(self) -> list[str]:
        """A sentence for each call that touched what its credentials must not."""
        found = []
        for call in self.calls:
            for key in call.leading:
                own = (f"P#{call.partner}#", f"P/{call.partner}/") if call.partner else ()
                foreign = key.startswith(("P#", "P/"))
                if (call.partner and not key.startswith(own)) or (not call.partner and foreign):
                    found.append(f"{call.name} with credentials of {call.partner or 'the function'} touched {key}")
        return found

    def _asked(self, **event: Any) -> None:
        event["context"]["countersign_tags"] = {tag["Key"]: tag["Value"] for tag in event["params"]["Tags"]}

    def _answered(self, **event: Any) -> None:
        given = event["parsed"].get("Credentials")
        if given is not None:
            self.partners[given["AccessKeyId"]] = event["context"]["countersign_tags"]["partner"]

    def _sent(self, **event: Any) -> None:
        request = event["request"]
        _, service, operation = str(event["event_name"]).split(".")
        found = _ACCESS_KEY.search(_text(request.headers.get("Authorization", "")))
        partner = self.partners.get(found.group(1), "") if found else ""
        leading: tuple[str, ...] = ()
        if service == "dynamodb":
            if operation not in _DYNAMO:
                raise AssertionError(f"{operation} is not among the calls that stores make")
            body = json.loads(request.body)
            leading = tuple(_leading(operation, body))
            assert leading, f"no leading key found in {operation}"
        elif service == "s3":
            path = unquote(urlsplit(request.url).path).lstrip("/")
            leading = (path.removeprefix(f"{self.bucket}/"),)
        elif service == "kms":
            context = json.loads(request.body).get("EncryptionContext", {})
            leading = (f"P#{context['partner']}#" if "partner" in context else "no context",)
        self.calls.append(Call(f"{service}.{operation}", partner, leading))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _leading(operation: str, body: dict[str, Any]) -> Iterator[str]:
    """The partition keys a DynamoDB request touches, from its body."""
    if operation == "TransactWriteItems":
        for step in body["TransactItems"]:
            (_, inner), = step.items()
            yield (inner.get("Key") or inner["Item"])["pk"]["S"]
    elif operation == "BatchGetItem":
        for request in body["RequestItems"].values():
            yield from (key["pk"]["S"] for key in request["Keys"])
    elif operation == "Query":
        placeholder = re.search(r"#\d+ = (:\d+)", body["KeyConditionExpression"])
        assert placeholder, body["KeyConditionExpression"]
        yield body["ExpressionAttributeValues"][placeholder.group(1)]["S"]
    else:
        yield (body.get("Key") or body["Item"])["pk"]["S"]
