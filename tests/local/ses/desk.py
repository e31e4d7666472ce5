"""A running endpoint with everything a test needs in reach."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config as ClientConfig

from infra.local.ses import Config, Hooks, KeptSinks, Server

SNS_TYPES = ["BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"]
FIREHOSE_TYPES = ["SEND", "DELIVERY", "DELIVERY_DELAY", "OPEN", "CLICK"]
TOPIC = "arn:aws:sns:eu-central-1:000000000000:feedback"
STREAM = "arn:aws:firehose:eu-central-1:000000000000:deliverystream/ses-events"


class HandClock:
    """A clock that moves by hand only."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 3, 37, 50, 123000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")


def client_of(url: str, read_timeout: float = 5) -> Any:
    """A client as the application makes one: a single attempt, never a retry of its own."""
    options = ClientConfig(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=read_timeout)
    return _session().client("sesv2", endpoint_url=url, config=options)


class Desk:
    """The server, a boto3 client that talks to it, its sinks and its clock."""

    def __init__(self, server: Server, sinks: KeptSinks, clock: HandClock) -> None:
        self.server, self.sinks, self.clock = server, sinks, clock
        self.client: Any = client_of(server.url)

    def http(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """A plain request; returns status, headers in lower case, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, value: object = None) -> Any:
        """A request of the control interface; its answer's JSON."""
        status, _, body = self.http(method, path, None if value is None else json.dumps(value).encode())
        assert status == 200, body
        return json.loads(body)

    def get(self, path: str) -> str:
        """A page that must be there."""
        status, _, body = self.http("GET", path)
        assert status == 200, body
        return body.decode()

    def post(self, path: str, form: str) -> tuple[int, dict[str, str], bytes]:
        """A form, as a page of this server posts it."""
        return self.http("POST", path, form.encode(), {"Origin": self.server.url})

    def mails(self, query: str = "") -> list[dict[str, Any]]:
        """The mails in the list, newest first."""
        found: list[dict[str, Any]] = self.json("GET", f"/_mails?full=1&{query}")["mails"]
        return found

    def set_up(self, *, suppress: list[str] | None = None) -> None:
        """A verified domain and the configuration set ``campaigns`` with both destinations."""
        self.client.create_email_identity(EmailIdentity="partner.example")
        options = {} if suppress is None else {"SuppressionOptions": {"SuppressedReasons": suppress}}
        self.client.create_configuration_set(ConfigurationSetName="campaigns", **options)
        for name, types, where in (
            ("feedback", SNS_TYPES, {"SnsDestination": {"TopicArn": TOPIC}}),
            (
                "events",
                FIREHOSE_TYPES,
                {"KinesisFirehoseDestination": {"IamRoleArn": "arn:aws:iam::0:role/x", "DeliveryStreamArn": STREAM}},
            ),
        ):
            self.client.create_configuration_set_event_destination(
                ConfigurationSetName="campaigns",
                EventDestinationName=name,
                EventDestination={"Enabled": True, "MatchingEventTypes": types, **where},
            )

    def send(self, to: str = "kata@example.com", **changes: Any) -> str:
        """One simple mail; returns its message id."""
        return str(self.client.send_email(**simple(to, **changes))["MessageId"])

    def bulk(self, *entries: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
        """A bulk call; returns the entries' results."""
        results: list[dict[str, Any]] = self.client.send_bulk_email(**bulk(*entries, **changes))[
            "BulkEmailEntryResults"
        ]
        return results

    def settle(self) -> None:
        """Let everything that waits be published."""
        self.server.publisher.flush()


def simple(to: str = "kata@example.com", **changes: Any) -> dict[str, Any]:
    """A SendEmail request with a simple message."""
    message = {
        "Subject": {"Data": "Spring offers", "Charset": "UTF-8"},
        "Body": {
            "Html": {"Data": '<p>Dear Kata, <a href="http://127.0.0.1:9/x">look</a></p>', "Charset": "UTF-8"},
            "Text": {"Data": "Dear Kata, look", "Charset": "UTF-8"},
        },
    }
    request: dict[str, Any] = {
        "FromEmailAddress": "Partner <news@partner.example>",
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": message},
    }
    return request | changes


def bulk(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A SendBulkEmail request with an inline template."""
    content = {"Subject": "Hello {{name}}", "Html": "<p>{{name}}, {{offer}}</p>", "Text": "{{name}}, {{offer}}"}
    request: dict[str, Any] = {
        "FromEmailAddress": "Partner <news@partner.example>",
        "ConfigurationSetName": "campaigns",
        "DefaultContent": {
            "Template": {"TemplateContent": content, "TemplateData": '{"name": "customer", "offer": "10 %"}'}
        },
        "BulkEmailEntries": list(entries),
    }
    return request | changes


def entry(to: str, headers: dict[str, str] | None = None, tags: dict[str, str] | None = None, **data: object) -> Any:
    """One entry of a bulk request."""
    return {
        "Destination": {"ToAddresses": [to]},
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(data)}},
        "ReplacementHeaders": [{"Name": name, "Value": value} for name, value in (headers or {}).items()],
        "ReplacementTags": [{"Name": name, "Value": value} for name, value in (tags or {}).items()],
    }


@contextmanager
def running(
    hooks: Callable[[HandClock], Hooks] | None = None, clock: HandClock | None = None, **config: Any
) -> Iterator[Desk]:
    """A server on a free port, stopped afterwards."""
    sinks, clock = KeptSinks(), clock or HandClock()
    given: dict[str, Any] = {"store": "memory", "port": 0} | config
    settings = Config(**given)
    server = Server(settings, sinks=sinks, clock=clock, hooks=hooks(clock) if hooks else None)
    server.start()
    try:
        yield Desk(server, sinks, clock)
    finally:
        server.stop()
