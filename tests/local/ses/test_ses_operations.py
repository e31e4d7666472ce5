"""Every operation through a real SES v2 client, which checks both shapes against its service model."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.ses.desk import STREAM, TOPIC, Desk, bulk, entry, running, simple


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The error code that the client understood."""
    return str(error.value.response["Error"]["Code"])


def test_send_email_returns_the_id_under_which_the_mail_is_kept(desk: Desk) -> None:
    """A simple mail is kept with everything that was given."""
    message_id = desk.send(
        ReplyToAddresses=["shop@partner.example"],
        EmailTags=[{"Name": "campaign", "Value": "cmp_1"}],
        ConfigurationSetName="campaigns",
    )
    mail = desk.json("GET", f"/_mails/{message_id}")
    assert mail["subject"] == "Spring offers"
    assert mail["from"] == "Partner <news@partner.example>"
    assert mail["recipient"] == "kata@example.com"
    assert mail["reply_to"] == ["shop@partner.example"]
    assert mail["tags"] == {"campaign": "cmp_1"}
    assert mail["configuration_set"] == "campaigns"
    assert mail["html"].startswith("<p>Dear Kata") and mail["text"] == "Dear Kata, look"
    assert mail["outcome"] == "delivered"


def test_one_recipient_is_one_mail(desk: Desk) -> None:
    """A message to three people is three mails of one message id."""
    people = {"ToAddresses": ["a@example.com"], "CcAddresses": ["b@example.com"], "BccAddresses": ["c@example.com"]}
    message_id = desk.send(Destination=people)
    mails = desk.mails()
    assert [mail["recipient"] for mail in mails] == ["c@example.com", "b@example.com", "a@example.com"]
    assert {mail["message_id"] for mail in mails} == {message_id}
    assert len({mail["id"] for mail in mails}) == 3
    eml = desk.get(f"/mail/{mails[0]['id']}/eml")
    assert "c@example.com" not in eml and "Cc: b@example.com" in eml


def test_send_email_takes_a_raw_message(desk: Desk) -> None:
    """A raw message keeps its bytes; its headers name recipients, tags and configuration set."""
    raw = (
        b"From: Partner <news@partner.example>\r\nTo: kata@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"X-SES-CONFIGURATION-SET: campaigns\r\nX-SES-MESSAGE-TAGS: campaign=cmp_9, kind=raw\r\n"
        b"List-Unsubscribe: <http://127.0.0.1/u/1>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hallo</p>\r\n"
    )
    message_id = desk.client.send_email(Content={"Raw": {"Data": raw}})["MessageId"]
    mail = desk.json("GET", f"/_mails/{message_id}")
    assert (mail["subject"], mail["html"].strip()) == ("Grüße", "<p>Hallo</p>")
    assert mail["tags"] == {"campaign": "cmp_9", "kind": "raw"}
    assert mail["configuration_set"] == "campaigns"
    assert ["List-Unsubscribe", "<http://127.0.0.1/u/1>"] in mail["headers"]
    assert desk.http("GET", f"/mail/{message_id}/eml")[2] == raw


def test_send_email_takes_an_inline_template(desk: Desk) -> None:
    """SendEmail renders an inline template as a bulk call does."""
    content = {
        "TemplateContent": {"Subject": "For {{name}}", "Text": "Hi {{name}}"},
        "TemplateData": '{"name": "Kata"}',
    }
    desk.send(Content={"Template": content})
    assert (desk.mails()[0]["subject"], desk.mails()[0]["text"]) == ("For Kata", "Hi Kata")


def test_bulk_fills_in_each_entry(desk: Desk) -> None:
    """Data, headers and tags of an entry go over the defaults, which fill what is missing."""
    request = bulk(
        entry("a@example.com", {"List-Unsubscribe": "<http://127.0.0.1/u/a>"}, {"slice": "7"}, name="Ann"),
        entry("b@example.com"),
        DefaultEmailTags=[{"Name": "campaign", "Value": "cmp_1"}, {"Name": "slice", "Value": "0"}],
        ReplyToAddresses=["shop@partner.example"],
    )
    request["DefaultContent"]["Template"]["Headers"] = [
        {"Name": "List-Unsubscribe", "Value": "<http://127.0.0.1/u/default>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]
    results = desk.client.send_bulk_email(**request)["BulkEmailEntryResults"]
    assert [result["Status"] for result in results] == ["SUCCESS", "SUCCESS"]
    ann, other = (desk.json("GET", f"/_mails/{result['MessageId']}") for result in results)
    assert (ann["subject"], ann["html"], ann["text"]) == ("Hello Ann", "<p>Ann, 10 %</p>", "Ann, 10 %")
    assert ann["tags"] == {"campaign": "cmp_1", "slice": "7"} and other["tags"]["slice"] == "0"
    assert sorted(map(tuple, ann["headers"])) == [
        ("List-Unsubscribe", "<http://127.0.0.1/u/a>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    assert (
        other["subject"] == "Hello customer"
        and ["List-Unsubscribe", "<http://127.0.0.1/u/default>"] in other["headers"]
    )


def test_ses_escapes_nothing_and_renders_once(desk: Desk) -> None:
    """A value comes out as it is, and a placeholder within a value stays text."""
    desk.bulk(entry("a@example.com", name="<b>{{offer}}</b>", offer="x"))
    assert desk.mails()[0]["html"] == "<p><b>{{offer}}</b>, x</p>"


def test_get_account_tells_quota_and_state() -> None:
    """GetAccount tells the rate, the quota and what was sent in 24 hours."""
    with running(max_send_rate=14, max_24_hour_send=50_000, production=False, sending_enabled=True) as desk:
        desk.client.create_email_identity(EmailIdentity="partner.example")
        desk.send("ann@partner.example")
        desk.send("success@simulator.amazonses.com")
        account = desk.client.get_account()
        assert account["SendQuota"] == {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 1.0}
        assert (account["ProductionAccessEnabled"], account["SendingEnabled"]) == (False, True)
        desk.clock.advance(24 * 3600 + 61)
        assert desk.client.get_account()["SendQuota"]["SentLast24Hours"] == 0.0


def test_identities_are_made_told_listed_and_deleted(desk: Desk) -> None:
    """The four identity operations agree with one another."""
    made = desk.client.create_email_identity(EmailIdentity="Ann@Example.com", Tags=[{"Key": "team", "Value": "a"}])
    assert (made["IdentityType"], made["VerifiedForSendingStatus"]) == ("EMAIL_ADDRESS", True)
    found = desk.client.get_email_identity(EmailIdentity="ann@example.com")
    assert (found["VerificationStatus"], found["Tags"]) == ("SUCCESS", [{"Key": "team", "Value": "a"}])
    domain = desk.client.get_email_identity(EmailIdentity="partner.example")
    assert len(domain["DkimAttributes"]["Tokens"]) == 3
    listed = desk.client.list_email_identities(PageSize=1)
    rest = desk.client.list_email_identities(PageSize=1, NextToken=listed["NextToken"])
    names = [one["IdentityName"] for answer in (listed, rest) for one in answer["EmailIdentities"]]
    assert names == ["ann@example.com", "partner.example"] and "NextToken" not in rest
    filtered = desk.client.list_email_identities(Filter={"IDENTITY_TYPE": "DOMAIN"})
    assert [one["IdentityName"] for one in filtered["EmailIdentities"]] == ["partner.example"]
    desk.client.delete_email_identity(EmailIdentity="ann@example.com")
    for call in (desk.client.get_email_identity, desk.client.delete_email_identity):
        with pytest.raises(desk.client.exceptions.NotFoundException):
            call(EmailIdentity="ann@example.com")
    with pytest.raises(desk.client.exceptions.AlreadyExistsException):
        desk.client.create_email_identity(EmailIdentity="partner.example")


def test_configuration_sets_keep_what_they_were_given(desk: Desk) -> None:
    """A set tells its suppression options and its destinations as they were given."""
    desk.client.create_configuration_set(
        ConfigurationSetName="other",
        SendingOptions={"SendingEnabled": False},
        ReputationOptions={"ReputationMetricsEnabled": True},
        SuppressionOptions={"SuppressedReasons": ["BOUNCE"]},
    )
    found = desk.client.get_configuration_set(ConfigurationSetName="other")
    assert found["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE"]}
    assert found["SendingOptions"] == {"SendingEnabled": False}
    assert found["ReputationOptions"] == {"ReputationMetricsEnabled": True}
    desk.client.put_configuration_set_suppression_options(ConfigurationSetName="other", SuppressedReasons=[])
    found = desk.client.get_configuration_set(ConfigurationSetName="other")
    assert found["SuppressionOptions"] == {"SuppressedReasons": []}
    places = desk.client.get_configuration_set_event_destinations(ConfigurationSetName="campaigns")["EventDestinations"]
    assert [place["Name"] for place in places] == ["feedback", "events"]
    assert places[0]["SnsDestination"] == {"TopicArn": TOPIC}
    assert places[1]["KinesisFirehoseDestination"]["DeliveryStreamArn"] == STREAM
    with pytest.raises(desk.client.exceptions.AlreadyExistsException):
        desk.client.create_configuration_set(ConfigurationSetName="other")
    with pytest.raises(desk.client.exceptions.NotFoundException):
        desk.client.get_configuration_set(ConfigurationSetName="none")
    with pytest.raises(desk.client.exceptions.NotFoundException):
        desk.client.put_configuration_set_suppression_options(ConfigurationSetName="none", SuppressedReasons=[])


@pytest.mark.parametrize(
    "destination",
    [
        {"MatchingEventTypes": []},
        {"MatchingEventTypes": ["BOUNCE"]},
        {"MatchingEventTypes": ["BOUNCE"], "SnsDestination": {"TopicArn": "feedback"}},
        {
            "MatchingEventTypes": ["SEND"],
            "KinesisFirehoseDestination": {"IamRoleArn": "x", "DeliveryStreamArn": "arn:x/../../y z"},
        },
    ],
)
def test_destinations_that_cannot_work_are_refused(desk: Desk, destination: dict[str, object]) -> None:
    """An event destination needs event types and one well-formed target."""
    with pytest.raises(desk.client.exceptions.BadRequestException):
        desk.client.create_configuration_set_event_destination(
            ConfigurationSetName="campaigns", EventDestinationName="new", EventDestination=destination
        )


def test_a_new_topic_gets_the_message_that_aws_sends(desk: Desk) -> None:
    """SES announces itself to a topic with a text that is no JSON; a consumer must survive it."""
    desk.settle()
    assert desk.sinks.envelopes[0]["Message"] == "Successfully validated SNS topic for Amazon SES event publishing."


def test_errors_have_the_wire_form_of_ses(desk: Desk) -> None:
    """A refusal names its code in a header and its sentence in the JSON."""
    status, headers, body = desk.http(
        "POST", "/v2/email/outbound-emails", b"{}", {"Authorization": "AWS4-HMAC-SHA256 x"}
    )
    assert (status, headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert set(json.loads(body)) == {"message"}


def test_a_call_without_any_signature_is_refused(desk: Desk) -> None:
    """The signature is not checked, but it must be there."""
    status, headers, _ = desk.http("GET", "/v2/email/account")
    assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"Content": []}', b'{"Content": {"Simple": 1}}', b'"\\ud800"', b"\xff"]
)
def test_malformed_json_is_refused(desk: Desk, body: bytes) -> None:
    """A body that is no JSON, or has wrong types in it, is a SerializationException."""
    status, headers, _ = desk.http("POST", "/v2/email/outbound-emails", body, {"Authorization": "AWS4-HMAC-SHA256 x"})
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


def test_what_is_not_imitated_is_refused_rather_than_dropped(desk: Desk) -> None:
    """A member that this endpoint does not know how to honour is an error; an operation too."""
    with pytest.raises(desk.client.exceptions.BadRequestException, match="TenantName"):
        desk.client.send_email(**simple(TenantName="x"))
    with pytest.raises(ClientError) as error:
        desk.client.list_contact_lists()
    assert code_of(error) == "UnknownOperationException"
    request = bulk(entry("a@example.com"))
    request["DefaultContent"] = {"Template": {"TemplateName": "stored"}}
    with pytest.raises(desk.client.exceptions.NotFoundException, match="stored"):
        desk.client.send_bulk_email(**request)
