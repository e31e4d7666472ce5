"""Reads the account for the doctor, and the dead-letter queues for the operator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, code_of, translated
from chalicelib.adapters.schema import TABLES, Names, TableSchema
from chalicelib.ports.operation import DeadLetter, IdentityState, MailState, QueueState, TableState
from chalicelib.ports.system import QueueName

_MISSING = frozenset({
    "NotFoundException", "ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
})
_COUNT = "ApproximateNumberOfMessages"
BATCH = 10
LOOK_SECONDS = 30
TRIES, READ_SECONDS = 2, 4.0
"""Somebody waits for the doctor: a service that does not answer soon is told as not checked."""
PAGE = 1000
"""Identities in one answer (SES API reference, ListEmailIdentities)."""


class _Asks:
    """Calls with the operator's or function's own role, with AWS's errors translated."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def _ask(self, service: str, method: str, *, endpoint: str = "", **kwargs: Any) -> dict[str, Any] | None:
        """The answer; None for what is not there."""
        try:
            with acting_as_self():
                client = self._clients.get(service, endpoint=endpoint, attempts=TRIES, read_seconds=READ_SECONDS)
                return dict(getattr(client, method)(**kwargs))
        except VENDOR_ERRORS as error:
            if code_of(error) in _MISSING:
                return None
            raise translated(error, method) from error


class AwsInspector(_Asks):
    """See ``ports.operation.Inspector``."""

    def __init__(self, clients: Clients, names: Names, *, configuration_set: str, endpoint: str = "") -> None:
        super().__init__(clients)
        self._names = names
        self._set = configuration_set
        self._ses = endpoint

    @property
    def emulated(self) -> bool:
        """Whether the clients talk to another endpoint than AWS's."""
        return bool(self._clients.endpoint)

    def mail(self) -> MailState:
        """Three calls."""
        account = self._ask("sesv2", "get_account", endpoint=self._ses) or {}
        found = self._ask("sesv2", "get_configuration_set", endpoint=self._ses, ConfigurationSetName=self._set)
        told = self._ask(
            "sesv2", "get_configuration_set_event_destinations", endpoint=self._ses, ConfigurationSetName=self._set)
        quota = account.get("SendQuota") or {}
        options = (found or {}).get("SuppressionOptions")
        return MailState(
            production=bool(account.get("ProductionAccessEnabled")), sending=bool(account.get("SendingEnabled")),
            per_day=float(quota.get("Max24HourSend", 0)), sent_today=float(quota.get("SentLast24Hours", 0)),
            rate=float(quota.get("MaxSendRate", 0)), set_found=found is not None,
            suppressed=None if options is None else tuple(options.get("SuppressedReasons") or ()),
            events=frozenset(
                kind for destination in (told or {}).get("EventDestinations", ()) if destination.get("Enabled")
                for kind in destination.get("MatchingEventTypes", ())),
        )

    def identities(self) -> frozenset[str]:
        """One call for each thousand."""
        names: set[str] = set()
        token = ""
        while True:
            more = {"NextToken": token} if token else {}
            answer = self._ask("sesv2", "list_email_identities", endpoint=self._ses, PageSize=PAGE, **more) or {}
            names.update(str(one["IdentityName"]).lower() for one in answer.get("EmailIdentities", ()))
            token = str(answer.get("NextToken") or "")
            if not token:
                return frozenset(names)

    def identity(self, name: str) -> IdentityState | None:
        """One call."""
        found = self._ask("sesv2", "get_email_identity", endpoint=self._ses, EmailIdentity=name)
        if found is None:
            return None
        dkim = found.get("DkimAttributes") or {}
        return IdentityState(
            name=name, verified=bool(found.get("VerifiedForSendingStatus")), dkim=str(dkim.get("Status", "")),
            tokens=tuple(dkim.get("Tokens") or ()),
            mail_from=str((found.get("MailFromAttributes") or {}).get("MailFromDomain", "")),
        )

    def tables(self) -> Sequence[TableState]:
        """Three calls a table."""
        return [self._table(schema) for schema in TABLES]

    def _table(self, schema: TableSchema) -> TableState:
        name = self._names.table(schema)
        found = self._ask("dynamodb", "describe_table", TableName=name)
        wants = {"wants_ttl": schema.ttl, "wants_recovery": schema.recovery}
        if found is None:
            return TableState(name=name, found=False, **wants)
        ttl = self._ask("dynamodb", "describe_time_to_live", TableName=name) or {}
        backups = self._ask("dynamodb", "describe_continuous_backups", TableName=name) or {}
        recovery = (backups.get("ContinuousBackupsDescription") or {}).get("PointInTimeRecoveryDescription") or {}
        return TableState(
            name=name, found=True, protected=bool(found["Table"].get("DeletionProtectionEnabled")),
            ttl=(ttl.get("TimeToLiveDescription") or {}).get("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
            recovery=recovery.get("PointInTimeRecoveryStatus") == "ENABLED", **wants,
        )

    def queues(self) -> Sequence[QueueState]:
        """Four calls a queue."""
        return [self._queue(name) for name in QueueName]

    def _queue(self, name: QueueName) -> QueueState:
        counts = [self._count(self._names.queue(name, dead=dead)) for dead in (False, True)]
        if counts[0] is None or counts[1] is None:
            return QueueState(name=name, found=False)
        return QueueState(name=name, found=True, waiting=counts[0], dead=counts[1])

    def _count(self, queue: str) -> int | None:
        found = self._ask("sqs", "get_queue_url", QueueName=queue)
        if found is None:
            return None
        answer = self._ask("sqs", "get_queue_attributes", QueueUrl=found["QueueUrl"], AttributeNames=[_COUNT])
        return int((answer or {}).get("Attributes", {}).get(_COUNT, 0))

    def alarms(self) -> Mapping[str, str]:
        """One call: a deployment has fewer than a hundred."""
        prefix = f"{self._names.prefix}-"
        found = self._ask(
            "cloudwatch", "describe_alarms", AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"], MaxRecords=100) or {}
        return {str(a["AlarmName"]).removeprefix(prefix): str(a["StateValue"]) for a in found.get("MetricAlarms", ())}

    def remote_time(self) -> datetime:
        """From the Date of STS's answer (RFC 9110, section 6.6.1)."""
        answer = self._ask("sts", "get_caller_identity") or {}
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


class SqsDeadLetters(_Asks):
    """See ``ports.operation.DeadLetters``."""

    def __init__(self, clients: Clients, names: Names) -> None:
        super().__init__(clients)
        self._names = names

    def look(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Of each message its kind, version and partner only."""
        return [_shown(message) for message in self._received(queue, limit, LOOK_SECONDS)]

    def redrive(self, queue: QueueName, limit: int) -> int:
        """Sent first, then deleted: a crash in between brings a message twice, which every handler bears."""
        source, target = self._url(queue, dead=True), self._url(queue)
        done = 0
        for message in self._received(queue, limit, LOOK_SECONDS):
            attributes = {
                name: {"DataType": value["DataType"], "StringValue": value["StringValue"]}
                for name, value in message.get("MessageAttributes", {}).items() if "StringValue" in value
            }
            more: dict[str, Any] = {"MessageAttributes": attributes} if attributes else {}
            self._ask("sqs", "send_message", QueueUrl=target, MessageBody=message["Body"], **more)
            self._ask("sqs", "delete_message", QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            done += 1
        return done

    def _received(self, queue: QueueName, limit: int, hidden: int) -> list[dict[str, Any]]:
        url, found = self._url(queue, dead=True), list[dict[str, Any]]()
        while len(found) < limit:
            answer = self._ask(
                "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=min(BATCH, limit - len(found)),
                VisibilityTimeout=hidden, AttributeNames=["All"], MessageAttributeNames=["All"])
            messages = (answer or {}).get("Messages", [])
            if not messages:
                break
            found += messages
        return found

    def _url(self, queue: QueueName, *, dead: bool = False) -> str:
        found = self._ask("sqs", "get_queue_url", QueueName=self._names.queue(queue, dead=dead))
        return str(found["QueueUrl"]) if found else ""


def _shown(message: Mapping[str, Any]) -> DeadLetter:
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return DeadLetter(
        kind=str(body.get("kind") or body.get("Type") or ("S3 event" if "Records" in body else "not readable"))[:40],
        version=body.get("v"), partner=str(body.get("partner", ""))[:40],
        receives=int(message.get("Attributes", {}).get("ApproximateReceiveCount", 0)), handle=message["ReceiptHandle"],
    )
