"""The SES v2 interface: from a path to an operation, and from a refusal to SES's error."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from infra.local.ses import wire
from infra.local.ses.errors import SesError, bad_request, internal, no_signature, throttled
from infra.local.ses.faults import Fault, Faults, Kind
from infra.local.ses.http import Request, Response
from infra.local.ses.operations import Operations
from infra.local.ses.sending import MAX_BULK_REQUEST, Sending

PREFIX = "/v2/email/"


class Cut(Exception):
    """The connection is to be cut without an answer, after being held open for a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class _Call:
    """What an operation is given: the name in its path, its JSON, and a fault that was asked for."""

    name: str
    request: wire.Json
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class _Back:
    """What does the work: sending, and all other operations."""

    sending: Sending
    operations: Operations


_Run = Callable[[_Back, _Call], dict[str, object]]
_NAMED = "([^/]+)"
_ROUTES: tuple[tuple[str, str, str, _Run], ...] = (
    ("POST", "outbound-emails", "SendEmail", lambda to, call: to.sending.send_email(call.request)),
    ("POST", "outbound-bulk-emails", "SendBulkEmail",
     lambda to, call: to.sending.send_bulk_email(call.request, call.fault)),
    ("GET", "account", "GetAccount", lambda to, call: to.operations.get_account()),
    ("POST", "identities", "CreateEmailIdentity", lambda to, call: to.operations.create_identity(call.request)),
    ("POST", "list-identities", "ListEmailIdentities", lambda to, call: to.operations.list_identities(call.request)),
    ("GET", f"identities/{_NAMED}", "GetEmailIdentity", lambda to, call: to.operations.get_identity(call.name)),
    ("DELETE", f"identities/{_NAMED}", "DeleteEmailIdentity",
     lambda to, call: to.operations.delete_identity(call.name)),
    ("POST", "configuration-sets", "CreateConfigurationSet", lambda to, call: to.operations.create_set(call.request)),
    ("GET", f"configuration-sets/{_NAMED}", "GetConfigurationSet", lambda to, call: to.operations.get_set(call.name)),
    ("PUT", f"configuration-sets/{_NAMED}/suppression-options", "PutConfigurationSetSuppressionOptions",
     lambda to, call: to.operations.put_suppression(call.name, call.request)),
    ("POST", f"configuration-sets/{_NAMED}/event-destinations", "CreateConfigurationSetEventDestination",
     lambda to, call: to.operations.create_destination(call.name, call.request)),
    ("GET", f"configuration-sets/{_NAMED}/event-destinations", "GetConfigurationSetEventDestinations",
     lambda to, call: to.operations.get_destinations(call.name)),
)
"""Method and path (after the prefix) of an operation, its name, and what it does."""


class Api:
    """Dispatches the calls of an SES v2 client."""

    def __init__(self, sending: Sending, operations: Operations, faults: Faults) -> None:
        self._back, self._faults = _Back(sending, operations), faults

    def answer(self, request: Request) -> Response:
        """Answer a call; raises Cut where the connection is to be cut."""
        try:
            return _reply(200, self._run(request))
        except SesError as error:
            return _reply(error.status, {"message": error.message}, error.code)

    def _run(self, request: Request) -> dict[str, object]:
        if not request.headers.get("authorization"):
            raise no_signature("Missing Authentication Token")
        operation, name, run = _find(request)
        if operation == "SendBulkEmail" and len(request.body) > MAX_BULK_REQUEST:
            raise bad_request(f"The request is larger than {MAX_BULK_REQUEST} bytes.")
        fault = self._faults.next(operation)
        _before(fault)
        try:
            result = run(self._back, _Call(name, wire.parse(request.body), fault))
        finally:
            if fault is not None and fault.kind is Kind.TIMEOUT_AFTER:
                raise Cut(fault.seconds)
        if fault is not None and fault.kind is Kind.ERROR_AFTER:
            raise internal(fault.status)
        return result


def _find(request: Request) -> tuple[str, str, _Run]:
    """The operation that a call is meant for, with the name in its path; raises SesError for none."""
    rest = request.path.removeprefix(PREFIX)
    for method, path, operation, run in _ROUTES:
        found = re.fullmatch(path, rest)
        if found and method == request.method:
            return operation, unquote(found[1]) if found.groups() else "", run
    raise SesError(
        "UnknownOperationException", 404, f"{request.method} {request.path} is not part of this local SES endpoint."
    )


def _before(fault: Fault | None) -> None:
    """What goes wrong before anything is done."""
    if fault is None:
        return
    if fault.kind is Kind.TIMEOUT_BEFORE:
        raise Cut(fault.seconds)
    if fault.kind is Kind.ERROR:
        raise internal(fault.status)
    if fault.kind is Kind.THROTTLE:
        raise throttled()


def _reply(status: int, value: dict[str, object], error: str = "") -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    headers |= {"x-amzn-ErrorType": error} if error else {}
    return Response(status, json.dumps(value).encode(), "application/json", headers)
