"""Amazon SES v2: system mails one by one, campaigns in batches, and never a second try.

No send call of SES takes an idempotency token, so botocore must not repeat one: a timeout would
become three mails. Whether and when to try again is decided above, with the ledger in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from email.utils import formataddr
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, code_of, translated
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ledger import Result
from chalicelib.domain.tag import TAG
from chalicelib.ports.sending import BulkAnswer, BulkBatch, BulkEntry, SesAccount, SystemMail

_body: ContextVar[bytes | None] = ContextVar("ses_bulk_body", default=None)
"""The body of the SendBulkEmail that is being made; see :func:`_give_body`."""

_BULK = "SendBulkEmail"
READ_SECONDS = 20.0
"""SES answers a batch of 50 well within this; ``domain.sending.CALL_TIME`` is a little more."""

_THROTTLED = frozenset({
    "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling", "RequestThrottled",
})
_CLOSED = frozenset({
    "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "NotFoundException",
    "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId",
    "SignatureDoesNotMatch", "ExpiredTokenException", "ExpiredToken", "MissingAuthenticationTokenException",
})
"""Refusals that have nothing to do with the mails: known unsent, and a person must mend the cause."""

_OF_STATUS: Mapping[str, Result] = {
    "SUCCESS": Result.SENT,
    "ACCOUNT_THROTTLED": Result.UNSENT, "ACCOUNT_DAILY_QUOTA_EXCEEDED": Result.UNSENT,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": Result.UNSENT, "CONFIGURATION_SET_NOT_FOUND": Result.UNSENT,
    "TEMPLATE_NOT_FOUND": Result.UNSENT, "ACCOUNT_SUSPENDED": Result.UNSENT,
    "INVALID_SENDING_POOL_NAME": Result.UNSENT, "ACCOUNT_SENDING_PAUSED": Result.UNSENT,
    "CONFIGURATION_SET_SENDING_PAUSED": Result.UNSENT,
    "MESSAGE_REJECTED": Result.FAILED, "INVALID_PARAMETER": Result.FAILED,
}
"""What SES says of an entry; FAILED, TRANSIENT_FAILURE and whatever is new are unknown."""
_REFUSED = frozenset({
    "MAIL_FROM_DOMAIN_NOT_VERIFIED", "CONFIGURATION_SET_NOT_FOUND", "TEMPLATE_NOT_FOUND", "ACCOUNT_SUSPENDED",
    "INVALID_SENDING_POOL_NAME", "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED",
})


class _Ses:
    """The clients: one that never repeats, for sends, and one that may, for reads."""

    def __init__(self, clients: Clients, *, configuration_set: str, endpoint: str = "") -> None:
        self._clients = clients
        self._set = configuration_set
        self._endpoint = endpoint

    @property
    def _sender(self) -> Any:
        return self._clients.get("sesv2", endpoint=self._endpoint, attempts=1, read_seconds=READ_SECONDS)

    @property
    def _reader(self) -> Any:
        return self._clients.get("sesv2", endpoint=self._endpoint)


class SesMailer(_Ses):
    """See ``ports.sending.Mailer``."""

    def send(self, mail: SystemMail) -> None:
        """One SendEmail; raises Retryable (throttled, network, 5xx) or Permanent.

        A retry after a lost answer mails a notice twice, which is harmless; it is still not ours
        to decide, so the call itself is made once.
        """
        _one_line(mail.subject, mail.from_name, *(text for header in mail.headers for text in header))
        request: dict[str, Any] = {
            "FromEmailAddress": _mailbox(mail.from_name, mail.from_address),
            "Destination": {"ToAddresses": [mail.to]},
            "Content": {"Simple": {
                "Subject": _text(mail.subject), "Body": {"Text": _text(mail.text), "Html": _text(mail.html)},
                "Headers": _headers(mail.headers),
            }},
            "EmailTags": [{"Name": name, "Value": value} for name, value in mail.tags.items()],
            "ConfigurationSetName": self._set,
        }
        if mail.reply_to:
            request["ReplyToAddresses"] = [mail.reply_to]
        try:
            with acting_as_self():
                self._sender.send_email(**request)
        except VENDOR_ERRORS as error:
            raise translated(error, "SendEmail") from error

    def sender_verified(self, address: str) -> bool:
        """Whether the address, its domain or a domain above that is an identity that SES lets us send from.

        A verified domain covers its subdomains (SES developer guide, "Verified identities").
        """
        labels = address.rpartition("@")[2].split(".")
        above = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
        return any(self._verified(identity) for identity in (address, *above))

    def _verified(self, identity: str) -> bool:
        try:
            with acting_as_self():
                found = self._reader.get_email_identity(EmailIdentity=identity)
        except VENDOR_ERRORS as error:
            if code_of(error) == "NotFoundException":
                return False
            raise translated(error, "GetEmailIdentity") from error
        return bool(found.get("VerifiedForSendingStatus"))


class SesBulkMailer(_Ses):
    """See ``ports.sending.BulkMailer``."""

    def __init__(self, clients: Clients, *, configuration_set: str, endpoint: str = "") -> None:
        import msgspec

        super().__init__(clients, configuration_set=configuration_set, endpoint=endpoint)
        # On the path of every recipient: in a sixth of the time that ``json`` takes.
        self._written = msgspec.json.encode

    def send(self, batch: BulkBatch) -> BulkAnswer:
        """One SendBulkEmail of at most 50 entries, with the mail inline."""
        count = len(batch.entries)
        client = self._sender
        client.meta.events.register(f"before-call.sesv2.{_BULK}", _give_body, unique_id=_BULK)
        token = _body.set(self._written(self._request(batch)))
        try:
            with acting_as_self():
                answer = client.send_bulk_email(DefaultContent={}, BulkEmailEntries=[])
        except (EndpointConnectionError, ConnectTimeoutError):
            # No connection was made, so no request left this machine.
            return BulkAnswer((Result.UNSENT,) * count)
        except ClientError as error:
            return _refusal(error, count)
        except BotoCoreError:
            # The request may have arrived: a lost answer says nothing.
            return BulkAnswer((Result.UNKNOWN,) * count)
        finally:
            _body.reset(token)
        return _answer(answer.get("BulkEmailEntryResults") or (), count)

    def account(self) -> SesAccount:
        """GetAccount; SES allows it once a second."""
        try:
            with acting_as_self():
                found = self._reader.get_account()
        except VENDOR_ERRORS as error:
            raise translated(error, "GetAccount") from error
        rate = float((found.get("SendQuota") or {}).get("MaxSendRate", 1.0))
        return SesAccount(rate=rate, enabled=bool(found.get("SendingEnabled", True)))

    def _request(self, batch: BulkBatch) -> dict[str, Any]:
        _one_line(batch.from_name, *(text for header in batch.headers for text in header))
        request: dict[str, Any] = {
            "FromEmailAddress": _mailbox(batch.from_name, batch.from_address),
            "DefaultContent": {"Template": {
                "TemplateContent": {"Subject": batch.subject, "Text": batch.text, "Html": batch.html},
                "TemplateData": batch.defaults, "Headers": _headers(batch.headers),
            }},
            "DefaultEmailTags": [{"Name": name, "Value": value} for name, value in batch.tags],
            "BulkEmailEntries": [_entry(entry) for entry in batch.entries],
            "ConfigurationSetName": self._set,
        }
        if batch.reply_to:
            request["ReplyToAddresses"] = [batch.reply_to]
        return request


def _give_body(params: dict[str, Any], **_: object) -> None:
    """Put our own JSON into the request, before it is signed.

    botocore checks and writes each of 50 entries through its model of the service, which costs more
    than everything else of the call. A test compares our JSON with what botocore makes of the same.
    """
    body = _body.get()
    if body is not None:
        params["body"] = body


def _entry(entry: BulkEntry) -> dict[str, Any]:
    return {
        "Destination": {"ToAddresses": [entry.to]},
        "ReplacementTags": [{"Name": TAG, "Value": entry.tag}],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": entry.data}},
        "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": entry.list_unsubscribe}],
    }


def _answer(found: Sequence[Mapping[str, Any]], count: int) -> BulkAnswer:
    """What SES said of each entry; one that it does not mention is unknown."""
    statuses = [str(entry.get("Status", "")) for entry in found[:count]]
    results = [_OF_STATUS.get(status, Result.UNKNOWN) for status in statuses]
    results += [Result.UNKNOWN] * (count - len(results))
    return BulkAnswer(tuple(results), next((status for status in statuses if status in _REFUSED), ""))


def _refusal(error: ClientError, count: int) -> BulkAnswer:
    """A whole call that SES answered with an error: which of the three certainties it is."""
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED or status == 429:
        return BulkAnswer((Result.UNSENT,) * count)
    if code in _CLOSED or status in (401, 403):
        return BulkAnswer((Result.UNSENT,) * count, refused=code or str(status))
    if 400 <= status < 500:
        # SES does not take this very request (validation): the same would be refused again.
        return BulkAnswer((Result.FAILED,) * count, refused=code or str(status))
    return BulkAnswer((Result.UNKNOWN,) * count)


def _text(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _headers(headers: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in headers]


def _mailbox(name: str, address: str) -> str:
    """A From as RFC 5322 wants it; other scripts as an encoded word (RFC 2047)."""
    _one_line(name, address)
    return formataddr((name, address), "utf-8") if name else address


def _one_line(*texts: str) -> None:
    """Refuse what could begin a header of its own; SES would too, AWS's emulators would not."""
    for text in texts:
        if any(character in text for character in "\r\n\0"):
            raise Permanent("a header has a line break")
