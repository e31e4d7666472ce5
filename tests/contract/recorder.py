"""Sees every AWS call as it leaves the process and judges whose keys it touches.

It reads the signed request itself (access key, body, path), not what our code meant to send, and
knows which access key was given to which partner and role from the answers of AssumeRole. Calls
with a partner's credentials are judged by the roles' own policies (``policy``); calls with the
function's must not touch a partner's keys at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.session import Session

from tests.contract.policy import Access, Policy

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
_DYNAMO = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems"}
_STEPS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_S3 = {"GetObject": "GetObject", "HeadObject": "GetObject", "PutObject": "PutObject"}
ROLES = {"partner": "partner-data", "review": "review-data"}
"""The policy of each role, by the role's name."""
NAMES = {
    "AWS::Partition": "aws", "AWS::Region": "region", "AWS::AccountId": "account",
    "PartnerKeysKey.Arn": "arn:aws:kms:region:account:key/partner-keys",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One signed request: the partner and role of its credentials ("" for the function's own)."""

    name: str
    partner: str
    role: str
    accesses: tuple[Access, ...]


@dataclass(slots=True)
class Recorder:
    """Attach it to a botocore session before the first client is made."""

    app: str
    stage: str
    bucket: str
    calls: list[Call] = field(default_factory=list)
    scopes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Access key -> partner and role."""

    def attach(self, session: Session) -> None:
        """Listen to every request and to the answers of AssumeRole."""
        session.register("before-parameter-build.sts.AssumeRole", self._asked)
        session.register("after-call.sts.AssumeRole", self._answered)
        session.register("before-send", self._sent)

    def wrong(self) -> list[str]:
        """A sentence for each thing that a call did and its credentials do not allow."""
        names = NAMES | {"App": self.app, "Stage": self.stage, "Bucket": self.bucket}
        policies = {role: Policy(name, names) for role, name in ROLES.items()}
        found = []
        for call in self.calls:
            for access in call.accesses:
                if call.partner and not policies[call.role].allows(access, call.partner):
                    found.append(f"{call.name}: {call.role} of {call.partner} may not {access}")
                elif not call.partner and _of_a_partner(access):
                    found.append(f"{call.name}: the function itself touched {access}")
        return found

    def _asked(self, **event: Any) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in event["params"]["Tags"]}
        role = str(event["params"]["RoleArn"]).rpartition("/")[2]
        event["context"]["countersign_scope"] = (tags["partner"], role)

    def _answered(self, **event: Any) -> None:
        given = event["parsed"].get("Credentials")
        if given is not None:
            self.scopes[given["AccessKeyId"]] = event["context"]["countersign_scope"]

    def _sent(self, **event: Any) -> None:
        request = event["request"]
        _, service, operation = str(event["event_name"]).split(".")
        found = _ACCESS_KEY.search(_text(request.headers.get("Authorization", "")))
        partner, role = self.scopes.get(found.group(1), ("", "")) if found else ("", "")
        accesses: tuple[Access, ...] = ()
        if service == "dynamodb":
            assert operation in _DYNAMO, f"{operation} is not among the calls that stores make"
            accesses = tuple(_dynamo(operation, json.loads(request.body)))
            assert accesses and all(a.context["dynamodb:LeadingKeys"] for a in accesses), operation
        elif service == "s3":
            path = unquote(urlsplit(request.url).path).lstrip("/")
            accesses = (Access(f"s3:{_S3[operation]}", f"arn:aws:s3:::{path}", {}),)
        elif service == "kms":
            context = json.loads(request.body).get("EncryptionContext", {})
            keys = {f"kms:EncryptionContext:{name}": (str(value),) for name, value in context.items()}
            accesses = (Access(f"kms:{operation}", NAMES["PartnerKeysKey.Arn"], keys),)
        self.calls.append(Call(f"{service}.{operation}", partner, role, accesses))


def _of_a_partner(access: Access) -> bool:
    """Whether an access is to something that only a partner's credentials should reach."""
    leading = access.context.get("dynamodb:LeadingKeys", ())
    return (
        any(key.startswith("P#") for key in leading) or (":::" in access.resource and "/P/" in access.resource)
        or "kms:EncryptionContext:partner" in access.context
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _dynamo(operation: str, body: dict[str, Any]) -> Iterator[Access]:
    """What a DynamoDB request does, from its body."""
    if operation == "TransactWriteItems":
        for step in body["TransactItems"]:
            (kind, inner), = step.items()
            yield _item(_STEPS[kind], inner["TableName"], (inner.get("Key") or inner["Item"])["pk"]["S"])
    elif operation == "BatchGetItem":
        for table, request in body["RequestItems"].items():
            yield _item(operation, table, *(key["pk"]["S"] for key in request["Keys"]))
    elif operation == "Query":
        placeholder = re.search(r"#\d+ = (:\d+)", body["KeyConditionExpression"])
        assert placeholder, body["KeyConditionExpression"]
        table = body["TableName"] + (f"/index/{body['IndexName']}" if "IndexName" in body else "")
        yield _item(operation, table, body["ExpressionAttributeValues"][placeholder.group(1)]["S"])
    else:
        yield _item(operation, body["TableName"], (body.get("Key") or body["Item"])["pk"]["S"])


def _item(operation: str, table: str, *leading: str) -> Access:
    arn = f"arn:aws:dynamodb:region:account:table/{table}"
    return Access(f"dynamodb:{operation}", arn, {"dynamodb:LeadingKeys": leading})
