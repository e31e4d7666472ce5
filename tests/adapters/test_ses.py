"""SES's answers and silences, by a small server on the loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys
from chalicelib.adapters.ses import SesBulkMailer, SesMailer
from chalicelib.domain.errors import Permanent, Retryable
from chalicelib.domain.ledger import Result
from chalicelib.ports.sending import BulkBatch, BulkEntry, SystemMail

SENT, UNSENT, FAILED, UNKNOWN = Result.SENT, Result.UNSENT, Result.FAILED, Result.UNKNOWN


class Server(HTTPServer):
    """Answers every request with ``status`` and ``answer``; None closes the connection without one."""

    status = 200
    answer: dict[str, Any] | None = None
    error = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def _do(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.requests.append((self.command, self.path, json.loads(body) if body else None))
        if server.answer is None:
            self.close_connection = True
            return
        data = json.dumps(server.answer).encode()
        self.send_response_only(server.status)
        if server.error:
            self.send_header("x-amzn-ErrorType", server.error)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET = _do


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, Clients]]:
    """SES, and the clients that reach it (making them is what takes time)."""
    server = Server()
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    host, port = server.server_address[:2]
    yield server, Clients(
        "eu-central-1", endpoint=f"http://{host!s}:{port}", own=lambda: Keys("test", "test", None, None))
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(running: tuple[Server, Clients]) -> Server:
    """SES without a past."""
    server, _ = running
    server.requests, server.status, server.answer, server.error = [], 200, None, ""
    return server


@pytest.fixture
def clients(running: tuple[Server, Clients]) -> Clients:
    """Clients that reach the server only."""
    return running[1]


@pytest.fixture
def bulk(clients: Clients) -> SesBulkMailer:
    """The mailer under test."""
    return SesBulkMailer(clients, configuration_set="countersign")


def a_batch(count: int = 3) -> BulkBatch:
    """A batch with everything filled."""
    return BulkBatch(
        from_address="nord@mail.example.com", from_name="Rad & Tät, GmbH", reply_to="info@example.com",
        subject="News {{a}}", html="<p>Grüße {{b}}</p>", text="Grüße", headers=(("List-Unsubscribe-Post", "x"),),
        tags=(("campaign", "cmp_1"),),
        entries=tuple(
            BulkEntry(f"a{n}@example.com", '{"a": "ü"}', f"tag-{n}", f"<https://x/{n}>") for n in range(count)),
    )


@pytest.mark.parametrize(("statuses", "results", "refused"), [
    (["SUCCESS"] * 3, [SENT] * 3, ""),
    (["SUCCESS", "ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED"], [SENT, UNSENT, UNSENT], ""),
    (["FAILED", "TRANSIENT_FAILURE", "SOMETHING_NEW"], [UNKNOWN] * 3, ""),
    (["MESSAGE_REJECTED", "INVALID_PARAMETER", "SUCCESS"], [FAILED, FAILED, SENT], ""),
    (["SUCCESS"], [SENT, UNKNOWN, UNKNOWN], ""),
    ([], [UNKNOWN] * 3, ""),
    (["SUCCESS"] * 5, [SENT] * 3, ""),
    (["ACCOUNT_SENDING_PAUSED"] * 3, [UNSENT] * 3, "ACCOUNT_SENDING_PAUSED"),
    (["SUCCESS", "MAIL_FROM_DOMAIN_NOT_VERIFIED", "SUCCESS"], [SENT, UNSENT, SENT], "MAIL_FROM_DOMAIN_NOT_VERIFIED"),
])
def test_each_entry_has_what_ses_says_of_it(
    server: Server, bulk: SesBulkMailer, statuses: list[str], results: list[Result], refused: str,
) -> None:
    """Clear words are certain, everything else is unknown; some words concern every call to come."""
    server.answer = {"BulkEmailEntryResults": [{"Status": status} for status in statuses]}
    answer = bulk.send(a_batch())
    assert (list(answer.results), answer.refused) == (results, refused)


@pytest.mark.parametrize(("status", "error", "result", "refused"), [
    (429, "TooManyRequestsException", UNSENT, False), (400, "LimitExceededException", UNSENT, False),
    (400, "SendingPausedException", UNSENT, True), (400, "MailFromDomainNotVerifiedException", UNSENT, True),
    (404, "NotFoundException", UNSENT, True), (403, "AccessDeniedException", UNSENT, True),
    (400, "BadRequestException", FAILED, True), (400, "MessageRejected", FAILED, True),
    (500, "InternalFailure", UNKNOWN, False), (503, "ServiceUnavailable", UNKNOWN, False),
])
def test_a_call_that_ses_refuses_is_made_once(
    server: Server, bulk: SesBulkMailer, status: int, error: str, result: Result, refused: bool,
) -> None:
    """Throttled and closed: known unsent. Not understood: failed. An error of SES: unknown. Never a second try."""
    server.status, server.error, server.answer = status, error, {"message": "no"}
    answer = bulk.send(a_batch())
    assert (answer.results, bool(answer.refused)) == ((result,) * 3, refused)
    assert len(server.requests) == 1


def test_a_connection_that_breaks_leaves_everybody_unknown(server: Server, bulk: SesBulkMailer) -> None:
    """The request may have arrived, and is not made again (botocore alone would make it three times)."""
    server.answer = None
    assert bulk.send(a_batch()).results == (UNKNOWN,) * 3
    assert len(server.requests) == 1


def test_where_nobody_listens_nothing_was_sent() -> None:
    """A connection that was never made carried no mail."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    nowhere = Clients("eu-central-1", endpoint=f"http://127.0.0.1:{port}", own=lambda: Keys("test", "test", None, None))
    assert SesBulkMailer(nowhere, configuration_set="x").send(a_batch()).results == (UNSENT,) * 3


def test_our_json_is_what_botocore_would_write(server: Server, bulk: SesBulkMailer, clients: Clients) -> None:
    """The body that we write ourselves says the same as one written through botocore's model."""
    server.answer = {"BulkEmailEntryResults": []}
    batch = a_batch()
    bulk.send(batch)
    clients.get("sesv2").send_bulk_email(**bulk._request(batch))
    (_, path, ours), (_, other_path, theirs) = server.requests
    assert (path, ours) == (other_path, theirs)
    assert ours["FromEmailAddress"] == "=?utf-8?q?Rad_=26_T=C3=A4t=2C_GmbH?= <nord@mail.example.com>"
    assert ours["BulkEmailEntries"][2]["ReplacementTags"] == [{"Name": "message", "Value": "tag-2"}]
    assert ours["ConfigurationSetName"] == "countersign"


@pytest.mark.parametrize("hostile", ["a\r\nBcc: x@example.com", "a\nb", "a\x00b"])
def test_a_line_break_in_a_header_is_refused_here(server: Server, bulk: SesBulkMailer, hostile: str) -> None:
    """Nothing reaches SES with a line break in a name or a header (N26, N48)."""
    from dataclasses import replace

    for batch in (replace(a_batch(), from_name=hostile), replace(a_batch(), headers=(("X-Own", hostile),))):
        with pytest.raises(Permanent):
            bulk.send(batch)
    assert server.requests == []


def a_mail() -> SystemMail:
    """A notice."""
    return SystemMail(
        to="emma@example.com", subject="Bitte prüfen", text="Hallo", html="<p>Hallo</p>",
        from_address="countersign@mail.example.com", from_name="Fjord", reply_to="hq@example.com",
        headers=(("Auto-Submitted", "auto-generated"),), tags={"kind": "sign_in"},
    )


def test_a_system_mail_is_sent_whole(server: Server, clients: Clients) -> None:
    """Both parts, headers, tags, Reply-To and the configuration set."""
    server.answer = {"MessageId": "1"}
    SesMailer(clients, configuration_set="countersign").send(a_mail())
    ((_, _, body),) = server.requests
    assert body["Content"]["Simple"]["Headers"] == [{"Name": "Auto-Submitted", "Value": "auto-generated"}]
    assert body["Content"]["Simple"]["Body"]["Text"]["Data"] == "Hallo"
    assert body["EmailTags"] == [{"Name": "kind", "Value": "sign_in"}]
    assert (body["ReplyToAddresses"], body["ConfigurationSetName"]) == (["hq@example.com"], "countersign")


@pytest.mark.parametrize(("status", "error", "raised"), [
    (429, "TooManyRequestsException", Retryable), (500, "InternalFailure", Retryable),
    (400, "MessageRejected", Permanent), (400, "BadRequestException", Permanent),
])
def test_a_refused_system_mail_is_told_apart(
    server: Server, clients: Clients, status: int, error: str, raised: type[Exception],
) -> None:
    """What may be tried again and what must not; the client itself asks once."""
    server.status, server.error, server.answer = status, error, {"message": "no"}
    with pytest.raises(raised):
        SesMailer(clients, configuration_set="x").send(a_mail())
    assert len(server.requests) == 1


def test_a_sender_is_verified_by_its_address_or_its_domain(server: Server, clients: Clients) -> None:
    """SES is asked for both; an identity that is there but not verified is none."""
    mailer = SesMailer(clients, configuration_set="x")
    server.answer = {"VerifiedForSendingStatus": True}
    assert mailer.sender_verified("nord@mail.example.com")
    server.answer = {"VerifiedForSendingStatus": False}
    assert not mailer.sender_verified("nord@mail.example.com")
    server.status, server.error, server.answer = 404, "NotFoundException", {"message": "no"}
    assert not mailer.sender_verified("nord@mail.example.com")
    asked = [path.rpartition("/")[2] for _, path, _ in server.requests]
    assert asked[-2:] == ["mail.example.com", "example.com"]


def test_the_account_tells_its_rate(server: Server, bulk: SesBulkMailer) -> None:
    """Mails a second, and whether sending is enabled."""
    server.answer = {"SendingEnabled": False, "SendQuota": {"MaxSendRate": 14.0}}
    account = bulk.account()
    assert (account.rate, account.enabled) == (14.0, False)
