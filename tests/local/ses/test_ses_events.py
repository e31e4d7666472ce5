"""What becomes of a mail, and how SES would tell of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.ses import AwsSinks, Config, KeptSinks, Server
from tests.local.ses.desk import SNS_TYPES, STREAM, TOPIC, Desk, HandClock, bulk, entry, running, simple


def kinds(desk: Desk) -> tuple[list[str], list[str]]:
    """The event types that went through SNS and through Firehose, in their order."""
    desk.settle()
    notes = [event["eventType"] for event in desk.sinks.messages()]
    return notes, [event["eventType"] for event in desk.sinks.records()]


@pytest.mark.parametrize(
    ("address", "notes", "records", "outcome"),
    [
        ("kata@example.com", [], ["Send", "Delivery"], "delivered"),
        ("success+a1@simulator.amazonses.com", [], ["Send", "Delivery"], "delivered"),
        ("Bounce+a1@Simulator.AmazonSES.com", ["Bounce"], ["Send"], "bounced"),
        ("complaint@simulator.amazonses.com", ["Complaint"], ["Send", "Delivery"], "complained"),
        ("suppressionlist@simulator.amazonses.com", ["Bounce"], ["Send"], "suppressed"),
        ("ooto@simulator.amazonses.com", ["Bounce"], ["Send", "Delivery"], "delivered"),
        ("nosuch@simulator.amazonses.com", ["Bounce"], ["Send"], "bounced"),
        ("kata+ses-bounce@example.com", ["Bounce"], ["Send"], "bounced"),
        ("kata+ses-softbounce@example.com", ["Bounce"], ["Send"], "bounced"),
        ("kata+ses-complaint@example.com", ["Complaint"], ["Send", "Delivery"], "complained"),
        ("kata+ses-suppressed@example.com", ["Bounce"], ["Send"], "suppressed"),
        ("kata+ses-reject@example.com", ["Reject"], ["Send"], "rejected"),
        ("kata+ses-delay@example.com", [], ["Send", "DeliveryDelay"], "delayed"),
        ("kata+ses-late@example.com", [], ["Send", "DeliveryDelay", "Delivery"], "delivered"),
        ("kata+ses-open@example.com", [], ["Send", "Delivery", "Open"], "delivered"),
        ("kata+ses-click@example.com", [], ["Send", "Delivery", "Open", "Click"], "delivered"),
        ("kata+ses-silent@example.com", [], [], "silent"),
        ("kata+ses-nonsense@example.com", [], ["Send", "Delivery"], "delivered"),
        ("ses-bounce@example.com", [], ["Send", "Delivery"], "delivered"),
    ],
)
def test_the_address_tells_what_happens(
    desk: Desk, address: str, notes: list[str], records: list[str], outcome: str
) -> None:
    """Each address of the simulator, and each local one, has its events and its outcome."""
    desk.send(address, ConfigurationSetName="campaigns")
    assert kinds(desk) == (notes, records)
    assert desk.mails()[0]["outcome"] == outcome


def test_a_bounce_has_the_shape_of_aws(desk: Desk) -> None:
    """The envelope and the event have exactly the fields that AWS documents."""
    tags = [{"Name": "campaign", "Value": "cmp_1"}]
    message_id = desk.send("bounce@simulator.amazonses.com", ConfigurationSetName="campaigns", EmailTags=tags)
    desk.settle()
    envelope = desk.sinks.envelopes[-1]
    assert set(envelope) == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp",
        "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL",
    }  # fmt: skip
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", TOPIC)
    event = json.loads(envelope["Message"])
    assert set(event) == {"eventType", "bounce", "mail"}
    bounce = event["bounce"]
    assert set(bounce) == {
        "bounceType", "bounceSubType", "bouncedRecipients", "timestamp", "feedbackId", "reportingMTA"
    }  # fmt: skip
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", "General")
    assert bounce["bouncedRecipients"] == [
        {
            "emailAddress": "bounce@simulator.amazonses.com",
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
    ]
    mail = event["mail"]
    assert set(mail) == {
        "timestamp", "source", "sourceArn", "sendingAccountId", "messageId", "destination",
        "headersTruncated", "headers", "commonHeaders", "tags",
    }  # fmt: skip
    assert (mail["messageId"], mail["timestamp"]) == (message_id, "2026-11-22T03:37:50.123Z")
    assert mail["destination"] == ["bounce@simulator.amazonses.com"]
    assert mail["sourceArn"] == "arn:aws:ses:eu-central-1:000000000000:identity/partner.example"
    assert mail["tags"]["campaign"] == ["cmp_1"] and mail["tags"]["ses:configuration-set"] == ["campaigns"]
    assert mail["tags"]["ses:from-domain"] == ["partner.example"]
    assert mail["commonHeaders"]["subject"] == "Spring offers"
    assert {"name": "Subject", "value": "Spring offers"} in mail["headers"]


def test_the_other_events_have_the_shapes_of_aws(desk: Desk) -> None:
    """Delivery, delay, open, click, complaint and reject carry the objects that AWS documents."""
    for word in ("late", "click", "complaint", "reject"):
        desk.send(f"kata+ses-{word}@example.com", ConfigurationSetName="campaigns")
    desk.settle()
    found: dict[str, Mapping[str, Any]] = {e["eventType"]: e for e in desk.sinks.records() + desk.sinks.messages()}
    assert found["Send"]["send"] == {}
    delivery = found["Delivery"]["delivery"]
    assert set(delivery) == {"timestamp", "processingTimeMillis", "recipients", "smtpResponse", "reportingMTA"}
    assert delivery["processingTimeMillis"] > 0
    delay = found["DeliveryDelay"]
    assert set(delay["deliveryDelay"]) == {"timestamp", "delayType", "expirationTime", "delayedRecipients"}
    assert "headers" not in delay["mail"]
    assert set(found["Open"]["open"]) == {"ipAddress", "timestamp", "userAgent"}
    assert set(found["Click"]["click"]) == {"ipAddress", "timestamp", "userAgent", "link", "linkTags"}
    assert found["Click"]["click"]["link"] == "http://127.0.0.1:9/x"
    complaint = found["Complaint"]["complaint"]
    assert complaint["complainedRecipients"] == [{"emailAddress": "kata+ses-complaint@example.com"}]
    assert (complaint["complaintSubType"], complaint["complaintFeedbackType"]) == (None, "abuse")
    assert found["Reject"]["reject"] == {"reason": "Bad content"}


def test_a_message_has_one_send_event(desk: Desk) -> None:
    """A message to two people: one Send, and a Delivery for each."""
    people = {"ToAddresses": ["a@example.com", "b@example.com"]}
    desk.send(Destination=people, ConfigurationSetName="campaigns")
    assert kinds(desk)[1] == ["Send", "Delivery", "Delivery"]
    recipients = [event["delivery"]["recipients"] for event in desk.sinks.records()[1:]]
    assert recipients == [["a@example.com"], ["b@example.com"]]


def test_the_antivirus_test_file_is_rejected(desk: Desk) -> None:
    """The harmless test signature makes SES accept the mail and reject it afterwards."""
    virus = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    message = simple()["Content"]["Simple"] | {"Body": {"Text": {"Data": virus}}}
    desk.send(Content={"Simple": message}, ConfigurationSetName="campaigns")
    assert kinds(desk) == (["Reject"], ["Send"])


@pytest.mark.parametrize(
    ("html", "data", "reason"),
    [
        ("Hi {{nobody}}", {}, "Attribute 'nobody' is not present in the rendering data."),
        ("Hi {{#if name}}x{{/if}}", {}, "Only simple substitutions"),
        ("Hi {{name.first}}", {}, "Only simple substitutions"),
        ("Hi {{{name}}}", {}, "Only simple substitutions"),
        ("Hi {{}}", {}, "Only simple substitutions"),
        ("Hi {{name", {}, "never closed"),
        ("Hi \\{{name}}", {}, "backslash"),
        ("Hi {{list}}", {"list": [1]}, "Attribute 'list'"),
        ("Hi", {"name": "a\r\nBcc: x@example.com"}, "line break"),
    ],
)
def test_what_cannot_be_rendered_is_accepted_and_never_delivered(
    desk: Desk, html: str, data: dict[str, Any], reason: str
) -> None:
    """SES answers SUCCESS, then publishes a Rendering Failure instead of a delivery."""
    request = bulk(entry("kata@example.com", **data))
    request["DefaultContent"]["Template"]["TemplateContent"]["Html"] = html
    (result,) = desk.client.send_bulk_email(**request)["BulkEmailEntryResults"]
    assert result["Status"] == "SUCCESS"
    assert kinds(desk) == (["Rendering Failure"], ["Send"])
    event = desk.sinks.messages()[0]
    assert reason in event["failure"]["errorMessage"] and set(event["failure"]) == {"errorMessage", "templateName"}
    assert event["mail"]["messageId"] == result["MessageId"]
    assert [mail["outcome"] for mail in desk.mails()] == ["rendering failure"]


def test_numbers_and_white_space_in_placeholders(desk: Desk) -> None:
    """Blanks within the braces do not matter; numbers and booleans are written out, null is empty."""
    request = bulk(entry("kata@example.com", name="K", n=7, yes=True, none=None))
    request["DefaultContent"]["Template"]["TemplateContent"]["Html"] = "{{ name }} {{n}} {{yes}} [{{none}}] }} {x}"
    desk.client.send_bulk_email(**request)
    assert desk.mails()[0]["html"] == "K 7 true [] }} {x}"


def test_without_a_configuration_set_nothing_is_published(desk: Desk) -> None:
    """Events are published for mails of a configuration set with a matching destination only."""
    desk.send("bounce@simulator.amazonses.com")
    assert kinds(desk) == ([], [])
    assert [event[0] for event in desk.mails()[0]["events"]] == ["Send", "Bounce"]


def test_an_identity_may_have_a_configuration_set_of_its_own(desk: Desk) -> None:
    """The identity's configuration set holds where the request names none."""
    desk.client.create_email_identity(EmailIdentity="own.example", ConfigurationSetName="campaigns")
    desk.send("bounce@simulator.amazonses.com", FromEmailAddress="a@own.example")
    assert kinds(desk)[0] == ["Bounce"]


def test_the_account_suppresses_after_a_bounce_unless_the_set_says_no() -> None:
    """By default a hard bounce blocks the next mail; with the set's suppression off it does not."""
    with running() as desk:
        desk.set_up()
        for _ in range(2):
            desk.send("kata+ses-bounce@example.com", ConfigurationSetName="campaigns")
        assert [mail["outcome"] for mail in desk.mails()] == ["suppressed", "bounced"]
        desk.settle()
        assert desk.sinks.messages()[-1]["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    with running() as desk:
        desk.set_up(suppress=[])
        for _ in range(2):
            desk.send("kata+ses-bounce@example.com", ConfigurationSetName="campaigns")
        assert [mail["outcome"] for mail in desk.mails()] == ["bounced", "bounced"]


def test_firehose_writes_lines_under_its_keys(desk: Desk) -> None:
    """An object holds one JSON text a line, under prefix, hour, stream, time and a UUID."""
    desk.bulk(*(entry(f"a{n}@example.com") for n in range(3)))
    desk.settle()
    ((key, data),) = desk.sinks.objects.items()
    assert key.startswith("EVENTS/2026/11/22/03/ses-events-1-2026-11-22-03-37-50-")
    assert data.endswith(b"\n") and len(data.splitlines()) == 6


def test_firehose_waits_for_its_buffer() -> None:
    """Records wait 60 s of the clock that was passed in, or until there are enough of them."""
    with running(buffer_records=10) as desk:
        desk.set_up()
        desk.bulk(*(entry(f"a{n}@example.com") for n in range(4)))
        publisher = desk.server.publisher
        publisher._step(everything=False)
        assert desk.sinks.objects == {}
        desk.clock.advance(60)
        publisher._step(everything=False)
        assert len(desk.sinks.objects) == 1
        desk.bulk(*(entry(f"a{n}@example.com") for n in range(5)))
        publisher._step(everything=False)
        assert len(desk.sinks.records()) == 18


def test_events_by_hand(desk: Desk) -> None:
    """A test or a person may let something happen to a mail, as often as they like."""
    message_id = desk.send(ConfigurationSetName="campaigns")
    for kind in ("Bounce", "Bounce:MailboxFull", "Complaint", "Open", "Click", "DeliveryDelay", "Reject", "Bounce"):
        desk.json("POST", "/_events", {"id": message_id, "type": kind, "link": "http://127.0.0.1/there"})
    desk.json("POST", "/_flush")
    notes, records = kinds(desk)
    assert notes == ["Bounce", "Bounce", "Complaint", "Reject", "Bounce"]
    assert records == ["Send", "Delivery", "Open", "Click", "DeliveryDelay"]
    assert desk.sinks.messages()[1]["bounce"]["bounceSubType"] == "MailboxFull"
    assert desk.sinks.records()[3]["click"]["link"] == "http://127.0.0.1/there"
    assert desk.mails()[0]["outcome"] == "bounced"
    assert desk.http("POST", "/_events", b'{"id": "x", "type": "Nonsense"}')[0] == 400
    assert desk.http("POST", "/_events", b'{"id": "x", "type": "Open"}')[0] == 404


class RefusingSinks(KeptSinks):
    """Refuses until it is told to take."""

    taking = False

    def publish_sns(self, envelope: Mapping[str, Any]) -> None:
        """Take a notification, or refuse it."""
        if not self.taking:
            raise OSError("the queue is away")
        super().publish_sns(envelope)

    def put_object(self, key: str, data: bytes) -> None:
        """Take an object, or refuse it."""
        if not self.taking:
            raise OSError("the bucket is away")
        super().put_object(key, data)


@pytest.mark.filterwarnings("error")
def test_no_event_is_lost_when_sinks_refuse_or_the_process_ends(tmp_path: Any) -> None:
    """What could not be published waits on disk, and goes out after the next start, in order."""
    config = Config(data=tmp_path, port=0)
    clock = HandClock()
    refusing = RefusingSinks()
    first = Server(config, sinks=refusing, clock=clock)
    first.start()
    desk = Desk(first, refusing, clock)
    desk.set_up()
    for word in ("bounce", "complaint"):
        desk.send(f"kata+ses-{word}@example.com", ConfigurationSetName="campaigns")
    desk.settle()
    assert (refusing.envelopes, refusing.objects) == ([], {})
    waiting = first.publisher.waiting()
    first.stop()
    assert waiting == 6

    sinks = KeptSinks()
    second = Server(config, sinks=sinks, clock=clock)
    assert second.publisher.waiting() == waiting
    second.start()
    second.stop()
    assert [event["eventType"] for event in sinks.messages()] == ["Bounce", "Complaint"]
    assert [event["eventType"] for event in sinks.records()] == ["Send", "Send", "Delivery"]
    third = Server(config, sinks=KeptSinks(), clock=clock)
    assert third.publisher.waiting() == 0
    third.start()
    third.stop()


class Recorder:
    """Stands for an SQS and an S3 client."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def send_message(self, **request: Any) -> None:
        """Note a message."""
        self.calls.append(("send_message", request))

    def put_object(self, **request: Any) -> None:
        """Note an object."""
        self.calls.append(("put_object", request))


def test_the_aws_sinks_send_what_the_queue_and_the_bucket_receive() -> None:
    """A notification is the body of a queue message; a batch is the body of an object."""
    clients = Recorder()
    sinks = AwsSinks(sqs=clients, queue_url="http://127.0.0.1/feedback", s3=clients, bucket="data")
    sinks.publish_sns({"Type": "Notification"})
    sinks.put_object("EVENTS/x", b"{}\n")
    assert clients.calls[0] == (
        "send_message",
        {"QueueUrl": "http://127.0.0.1/feedback", "MessageBody": '{"Type": "Notification"}'},
    )
    assert clients.calls[1][1]["Bucket"] == "data" and clients.calls[1][1]["Body"] == b"{}\n"


def test_the_event_types_of_a_set_decide() -> None:
    """A type that no destination names is not published."""
    with running() as desk:
        desk.client.create_email_identity(EmailIdentity="partner.example")
        desk.client.create_configuration_set(ConfigurationSetName="campaigns")
        desk.client.create_configuration_set_event_destination(
            ConfigurationSetName="campaigns",
            EventDestinationName="only",
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": SNS_TYPES[:1],
                "KinesisFirehoseDestination": {"IamRoleArn": "x", "DeliveryStreamArn": STREAM},
            },
        )
        desk.send("kata+ses-complaint@example.com", ConfigurationSetName="campaigns")
        desk.send("kata+ses-bounce@example.com", ConfigurationSetName="campaigns")
        assert kinds(desk) == ([], ["Bounce"])
