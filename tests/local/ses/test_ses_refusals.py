"""What SES refuses, this endpoint refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.ses.desk import Desk, bulk, entry, running, simple


def refused(desk: Desk, code: str, **changes: Any) -> str:
    """Send a simple mail with changes; it must be refused with the code and leave no mail."""
    with pytest.raises(getattr(desk.client.exceptions, code)) as error:
        desk.client.send_email(**simple(**changes))
    assert desk.mails() == []
    return str(error.value)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("jürgen@example.com", "SMTPUTF8"),
        ("用户@example.com", "SMTPUTF8"),
        ("kata@exämple.com", "punycode"),
        ("kata", "Missing final '@domain'"),
        ("kata@", "Illegal"),
        ("@example.com", "Illegal"),
        ("kata@example", "Illegal"),
        ("ka ta@example.com", "Illegal"),
        ("kata@exa mple.com", "Illegal"),
        ("kata..b@example.com", "Illegal"),
        ("kata@-example.com", "Illegal"),
        ("kata@example.com\r\nBcc: x@example.com", "line break"),
        ("a@example.com, b@example.com", "Illegal"),
        ("Käthe <kata@example.com>", "encoded word"),
        ("x" * 65 + "@example.com", "Illegal"),
        ("kata\x00@example.com", "NUL"),
    ],
)
def test_malformed_addresses(desk: Desk, address: str, why: str) -> None:
    """An address that SES cannot send to is refused with the reason, to, from or reply-to."""
    assert why in refused(desk, "BadRequestException", to=address)
    refused(desk, "BadRequestException", FromEmailAddress=address)
    refused(desk, "BadRequestException", ReplyToAddresses=[address])


@pytest.mark.parametrize(
    "address",
    [
        "kata+news@example.com",
        "o'neil@xn--exmple-cua.com",
        "Kata <kata@example.com>",
        '"Kata, Ms" <kata@example.com>',
        "=?utf-8?q?K=C3=A4the?= <kata@example.com>",
    ],
)
def test_well_formed_addresses(desk: Desk, address: str) -> None:
    """Plus labels, punycode and encoded names are fine."""
    desk.send(address)
    assert desk.mails()[0]["to"] == [address]


@pytest.mark.parametrize(("subject", "why"), [
    ("Hi\r\nBcc: x@example.com", "line break"), ("Hi\nthere", "line break"), ("a\x00b", "control character"),
    ("x" * 9_001, "longer than 9000"),
])
def test_subjects_on_more_than_one_line(desk: Desk, subject: str, why: str) -> None:
    """A subject that would be more than a header is refused with the reason."""
    message = simple()["Content"]["Simple"] | {"Subject": {"Data": subject}}
    assert why in refused(desk, "BadRequestException", Content={"Simple": message})


def test_text_outside_ascii_needs_a_charset(desk: Desk) -> None:
    """SES takes 7-bit ASCII unless a charset is named, and the charset must hold the text."""
    for subject, why in (
        ({"Data": "Grüße"}, "outside us-ascii"), ({"Data": "用户", "Charset": "ISO-8859-1"}, "outside ISO-8859-1"),
        ({"Data": "x", "Charset": "nope"}, "unknown charset 'nope'"),
    ):
        message = simple()["Content"]["Simple"] | {"Subject": subject}
        assert why in refused(desk, "BadRequestException", Content={"Simple": message})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Test", "a\r\nBcc: x@example.com"),
        ("X-Test", "Grüße"),
        ("X-Te st", "a"),
        ("X-Te:st", "a"),
        ("X-Test", "x" * 995),
        ("Subject", "a"),
        ("Bcc", "x@example.com"),
        ("X-SES-MESSAGE-TAGS", "a=b"),
        ("Content-Type", "text/html"),
    ],
)
def test_headers(desk: Desk, name: str, value: str) -> None:
    """Headers that break the message, or that are SES's own, are refused."""
    message = simple()["Content"]["Simple"] | {"Headers": [{"Name": name, "Value": value}]}
    status, headers, _ = desk.http(
        "POST",
        "/v2/email/outbound-emails",
        json.dumps(simple(Content={"Simple": message})).encode(),
        {"Authorization": "AWS4-HMAC-SHA256 x"},
    )
    assert (status, headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert desk.mails() == []


def test_headers_are_few_and_stand_once(desk: Desk) -> None:
    """At most 15 headers, and none of those twice that may stand once."""
    twice = [{"Name": "List-Unsubscribe", "Value": "<http://127.0.0.1/>"}, {"Name": "list-unsubscribe", "Value": "x"}]
    for given, why in (
        ([{"Name": f"X-{n}", "Value": "a"} for n in range(16)], "More than 15 headers"),
        (twice, "Duplicate header 'list-unsubscribe'"),
    ):
        message = simple()["Content"]["Simple"] | {"Headers": given}
        assert why in refused(desk, "BadRequestException", Content={"Simple": message})


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "x"), ("a", "x y"), ("a", "ü"), ("", "x"), ("a", ""), ("a", "x" * 257), ("ses:a", "x")]
)
def test_tags(desk: Desk, name: str, value: str) -> None:
    """Tags are 1 to 256 ASCII letters, digits, '_', '-', '.' or '@'."""
    assert "Invalid message tag" in refused(desk, "BadRequestException", EmailTags=[{"Name": name, "Value": value}])


def test_tags_may_use_all_that_is_allowed(desk: Desk) -> None:
    """The characters that SES allows pass, at full length."""
    desk.send(EmailTags=[{"Name": "a-Z_0.9@b", "Value": "x" * 256}])
    assert desk.mails()[0]["tags"] == {"a-Z_0.9@b": "x" * 256}


def test_recipients_of_a_message(desk: Desk) -> None:
    """A message goes to 1 to 50 recipients, all kinds together."""
    fifty = [f"a{n}@example.com" for n in range(50)]
    refused(desk, "BadRequestException", Destination={"ToAddresses": fifty, "CcAddresses": ["b@example.com"]})
    refused(desk, "BadRequestException", Destination={})
    desk.send(Destination={"ToAddresses": fifty})
    assert len(desk.mails()) == 50


def test_entries_of_a_bulk_call(desk: Desk) -> None:
    """A bulk call has 1 to 50 entries."""
    for count in (0, 51):
        with pytest.raises(desk.client.exceptions.BadRequestException, match="1 to 50"):
            desk.bulk(*(entry(f"a{n}@example.com") for n in range(count)))
    assert desk.mails() == []


def test_a_bad_entry_does_not_stop_the_others(desk: Desk) -> None:
    """A fault of one entry is that entry's status; the rest is sent."""
    results = desk.bulk(
        entry("a@example.com"),
        entry("jürgen@example.com"),
        entry("b@example.com", tags={"a b": "x"}),
        entry("c@example.com", headers={"Subject": "x"}),
        entry("d@example.com") | {"ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": "{"}}},
        entry("e@example.com"),
    )
    assert [result["Status"] for result in results] == ["SUCCESS", *["INVALID_PARAMETER"] * 4, "SUCCESS"]
    assert all(("Error" in result) is (result["Status"] != "SUCCESS") for result in results)
    assert {mail["recipient"] for mail in desk.mails()} == {"a@example.com", "e@example.com"}


def test_unverified_senders(desk: Desk) -> None:
    """From must be verified itself, or by its domain or one above it; a label does not matter."""
    assert "not verified" in refused(desk, "MessageRejected", FromEmailAddress="a@stranger.example")
    refused(desk, "MessageRejected", FromEmailAddress="a@notpartner.example")
    refused(desk, "MessageRejected", FeedbackForwardingEmailAddress="a@stranger.example")
    desk.client.create_email_identity(EmailIdentity="solo@other.example")
    refused(desk, "MessageRejected", FromEmailAddress="duo@other.example")
    for sender in ("a@partner.example", "a@mail.partner.example", "solo+x@other.example", "SOLO@Other.Example"):
        desk.send(FromEmailAddress=sender)
    with pytest.raises(desk.client.exceptions.MessageRejected):
        desk.bulk(entry("a@example.com"), FromEmailAddress="a@stranger.example")


def test_an_identity_that_is_not_verified_yet() -> None:
    """Without automatic verification an identity is pending until somebody verifies it."""
    with running(auto_verify=False) as desk:
        made = desk.client.create_email_identity(EmailIdentity="partner.example")
        assert made["VerifiedForSendingStatus"] is False
        refused(desk, "MessageRejected")
        desk.json("POST", "/_identities", {"name": "partner.example", "status": "SUCCESS"})
        desk.send()
        desk.json("POST", "/_identities", {"name": "partner.example", "status": "SUCCESS", "mail_from": "FAILED"})
        with pytest.raises(desk.client.exceptions.MailFromDomainNotVerifiedException):
            desk.send()


def test_the_sandbox_sends_to_verified_recipients_only() -> None:
    """Outside production, recipients must be verified, or be the simulator's."""
    with running(production=False) as desk:
        desk.client.create_email_identity(EmailIdentity="partner.example")
        refused(desk, "MessageRejected")
        desk.client.create_configuration_set(ConfigurationSetName="campaigns")
        results = desk.bulk(entry("a@partner.example"), entry("b@example.com"))
        assert [result["Status"] for result in results] == ["SUCCESS", "MESSAGE_REJECTED"]
        desk.send("bounce+1@simulator.amazonses.com")


def test_configuration_sets_that_are_unknown_or_paused(desk: Desk) -> None:
    """A mail names a configuration set that exists and sends."""
    assert "<none> does not exist" in refused(desk, "NotFoundException", ConfigurationSetName="none")
    desk.client.create_configuration_set(ConfigurationSetName="off", SendingOptions={"SendingEnabled": False})
    said = refused(desk, "SendingPausedException", ConfigurationSetName="off")
    assert "disabled for configuration set <off>" in said


def test_an_account_that_may_not_send() -> None:
    """With sending disabled nothing is accepted."""
    with running(sending_enabled=False) as desk:
        desk.client.create_email_identity(EmailIdentity="partner.example")
        assert "disabled for this account" in refused(desk, "SendingPausedException")


def test_messages_over_forty_megabytes(desk: Desk) -> None:
    """A message of more than 40 MB is refused."""
    message = simple()["Content"]["Simple"] | {"Body": {"Text": {"Data": "x" * (40 * 1024 * 1024 + 1)}}}
    assert "Message length" in refused(desk, "BadRequestException", Content={"Simple": message})


def test_templates_and_bulk_calls_have_a_size(desk: Desk) -> None:
    """A template holds 500 KB, a set of data 262,144 characters, a mail 40 MB also when rendered."""
    request = bulk(entry("a@example.com"))
    request["DefaultContent"]["Template"]["TemplateContent"]["Html"] = "x" * 513_000
    with pytest.raises(desk.client.exceptions.BadRequestException, match="template is larger"):
        desk.client.send_bulk_email(**request)
    request["DefaultContent"]["Template"]["TemplateContent"]["Html"] = "{{name}}" * 1_000
    request["BulkEmailEntries"] = [entry("a@example.com", name="x" * 200_000)]
    (result,) = desk.client.send_bulk_email(**request)["BulkEmailEntryResults"]
    assert (result["Status"], desk.mails()) == ("INVALID_PARAMETER", [])
    many = [entry(f"a{n}@example.com", name="x" * 250_000) for n in range(50)]
    with pytest.raises(desk.client.exceptions.BadRequestException, match="request is larger"):
        desk.bulk(*many)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"no header at all", "one blank line"),
        (b"To: kata@example.com\r\n\r\nHi", "'From'"),
        (b"From: a@partner.example\r\nFrom: b@partner.example\r\nTo: kata@example.com\r\n\r\nHi", "Duplicate"),
        (b"From: a@partner.example\r\nTo: kata@example.com\r\n\r\n" + b"x" * 1_001, "longer than"),
        (b"From: a@partner.example\r\n\r\nHi", "no recipient"),
        (b"From: a@partner.example\r\nTo: kata@example.com\r\nX-SES-MESSAGE-TAGS: a b=c\r\n\r\nHi", "tag"),
    ],
)
def test_raw_messages(desk: Desk, raw: bytes, why: str) -> None:
    """A raw message must be a message."""
    with pytest.raises(desk.client.exceptions.BadRequestException) as error:
        desk.client.send_email(Content={"Raw": {"Data": raw}})
    assert why in str(error.value) and desk.mails() == []


def test_content_is_of_one_kind_and_not_empty(desk: Desk) -> None:
    """Exactly one of Simple, Raw and Template, with a body."""
    message = simple()["Content"]["Simple"]
    for given, why in (
        ({}, "exactly one of"), ({"Simple": message, "Raw": {"Data": b"x"}}, "exactly one of"),
        ({"Simple": message | {"Body": {}}}, "needs an HTML or a text part"),
    ):
        assert why in refused(desk, "BadRequestException", Content=given)
