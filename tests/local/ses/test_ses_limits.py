"""Rates, quotas and the faults that a test asks for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from infra.local.ses.faults import STATUSES
from tests.local.ses.desk import Desk, bulk, client_of, entry, running


def entries(count: int) -> list[dict[str, Any]]:
    """That many entries."""
    return [entry(f"a{n}@example.com") for n in range(count)]


def statuses(results: list[dict[str, Any]]) -> list[str]:
    """The statuses of a bulk call."""
    return [result["Status"] for result in results]


def test_a_bulk_call_beyond_the_rate_is_accepted_in_part() -> None:
    """What the second still holds is sent, the rest is throttled; then the whole call is refused."""
    with running(max_send_rate=5) as desk:
        desk.set_up()
        assert statuses(desk.bulk(*entries(8))) == ["SUCCESS"] * 5 + ["ACCOUNT_THROTTLED"] * 3
        with pytest.raises(desk.client.exceptions.TooManyRequestsException, match="Maximum sending rate exceeded"):
            desk.bulk(*entries(1))
        desk.clock.advance(0.4)
        assert statuses(desk.bulk(*entries(3))) == ["SUCCESS"] * 2 + ["ACCOUNT_THROTTLED"]
        desk.clock.advance(3600)
        assert statuses(desk.bulk(*entries(8))).count("SUCCESS") == 5
        assert len(desk.mails()) == 12


def test_a_bulk_call_may_be_refused_as_a_whole() -> None:
    """With throttle='request' a call that does not fit is refused; a full second always fits."""
    with running(max_send_rate=5, throttle="request") as desk:
        desk.set_up()
        assert statuses(desk.bulk(*entries(4))) == ["SUCCESS"] * 4
        with pytest.raises(desk.client.exceptions.TooManyRequestsException):
            desk.bulk(*entries(2))
        desk.clock.advance(1)
        assert statuses(desk.bulk(*entries(5))) == ["SUCCESS"] * 5


def test_a_message_to_many_passes_on_credit() -> None:
    """SES lets one message to several recipients through, and then makes the account wait."""
    with running(max_send_rate=2) as desk:
        desk.set_up()
        desk.send(Destination={"ToAddresses": [f"a{n}@example.com" for n in range(6)]})
        desk.clock.advance(2)
        with pytest.raises(desk.client.exceptions.TooManyRequestsException):
            desk.send()
        desk.clock.advance(0.5)
        desk.send()


def test_the_daily_quota() -> None:
    """Mails beyond the day's quota are marked or refused; the simulator's do not count."""
    with running(max_24_hour_send=3) as desk:
        desk.set_up()
        desk.send("success@simulator.amazonses.com")
        assert statuses(desk.bulk(*entries(5))) == ["SUCCESS"] * 3 + ["ACCOUNT_DAILY_QUOTA_EXCEEDED"] * 2
        for call in (lambda: desk.bulk(*entries(1)), desk.send):
            with pytest.raises(desk.client.exceptions.TooManyRequestsException, match="Daily message quota"):
                call()
        desk.send("success@simulator.amazonses.com")
        desk.clock.advance(24 * 3600 + 61)
        desk.send()


def test_a_call_that_fails_before_or_after(desk: Desk) -> None:
    """A server error may come before anything was done, or after all of it."""
    desk.json("POST", "/_faults", {"kind": "error"})
    with pytest.raises(ClientError) as error:
        desk.bulk(*entries(2))
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert desk.mails() == []
    desk.json("POST", "/_faults", {"kind": "error_after", "status": 503})
    with pytest.raises(ClientError):
        desk.bulk(*entries(2))
    assert len(desk.mails()) == 2
    desk.bulk(*entries(1))
    assert len(desk.mails()) == 3


def test_a_call_that_is_never_answered(desk: Desk) -> None:
    """A connection is cut or held open, before or after the mails were sent."""
    desk.json("POST", "/_faults", {"kind": "timeout_before"})
    with pytest.raises(ConnectionClosedError):
        desk.bulk(*entries(2))
    assert desk.mails() == []
    desk.json("POST", "/_faults", {"kind": "timeout_after", "operation": "SendBulkEmail"})
    desk.send()
    with pytest.raises(ConnectionClosedError):
        desk.bulk(*entries(2))
    assert len(desk.mails()) == 3


def test_a_client_may_time_out(desk: Desk) -> None:
    """With seconds beyond the client's patience, the client sees a real read timeout."""
    impatient = client_of(desk.server.url, read_timeout=0.1)
    desk.json("POST", "/_faults", {"kind": "timeout_after", "seconds": 30})
    with pytest.raises(ReadTimeoutError):
        impatient.send_bulk_email(**bulk(*entries(2)))
    assert len(desk.mails()) == 2


def test_a_throttled_call(desk: Desk) -> None:
    """A throttle fault refuses that many calls, and leaves other operations alone."""
    desk.json("POST", "/_faults", {"kind": "throttle", "times": 2})
    assert desk.client.get_account()["SendingEnabled"]
    for _ in range(2):
        with pytest.raises(desk.client.exceptions.TooManyRequestsException):
            desk.bulk(*entries(1))
    assert statuses(desk.bulk(*entries(1))) == ["SUCCESS"]


def test_statuses_of_entries(desk: Desk) -> None:
    """Entries get the statuses that a test names, and are sent only if it says so."""
    wish = {"kind": "statuses", "statuses": {"1": "TRANSIENT_FAILURE", "2": "ACCOUNT_THROTTLED"}}
    desk.json("POST", "/_faults", wish)
    results = desk.bulk(*entries(4))
    assert statuses(results) == ["SUCCESS", "TRANSIENT_FAILURE", "ACCOUNT_THROTTLED", "SUCCESS"]
    assert ["MessageId" in result for result in results] == [True, False, False, True]
    assert {mail["recipient"] for mail in desk.mails()} == {"a0@example.com", "a3@example.com"}
    desk.json("POST", "/_faults", wish | {"apply": True})
    desk.bulk(*entries(4))
    assert len(desk.mails()) == 6


def test_faults_are_listed_cleared_and_checked(desk: Desk) -> None:
    """What is still to come can be seen and called off; a wish without sense is refused."""
    desk.json("POST", "/_faults", {"kind": "error", "times": 3})
    assert [fault["times"] for fault in desk.json("GET", "/_faults")] == [3]
    desk.json("DELETE", "/_faults")
    desk.bulk(*entries(1))
    for wish in (b'{"kind": "nonsense"}', b"{}", b'{"kind": "statuses", "statuses": {"0": "FINE"}}'):
        assert desk.http("POST", "/_faults", wish)[0] == 400


def test_the_statuses_are_those_of_the_service_model(desk: Desk) -> None:
    """The list of entry statuses is that of botocore's model."""
    shape = desk.client.meta.service_model.shape_for("BulkEmailStatus")
    assert set(shape.enum) == STATUSES


def test_the_bulk_request_of_the_tests_is_one_of_the_service_model(desk: Desk) -> None:
    """Every error code that is raised for sending is declared by the model for both operations."""
    declared = {
        name: {error.name for error in desk.client.meta.service_model.operation_model(name).error_shapes}
        for name in ("SendEmail", "SendBulkEmail")
    }
    used = {
        "BadRequestException",
        "MessageRejected",
        "NotFoundException",
        "TooManyRequestsException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
    }
    assert all(used <= errors for errors in declared.values()) and bulk()["BulkEmailEntries"] == []
