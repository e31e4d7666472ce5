"""SendEmail and SendBulkEmail.

Where AWS's documents leave it open, the stricter reading is taken. A fault of the whole request is
an error of the call; a fault of one entry of a bulk call is that entry's status, and the others
are sent. A call beyond the rate is refused with TooManyRequestsException; a bulk call of which a
part fits has its other entries marked ACCOUNT_THROTTLED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from infra.local.ses import checks, drafts, ids, simulator, wire
from infra.local.ses.account import Account
from infra.local.ses.aftermath import Aftermath
from infra.local.ses.config import Config
from infra.local.ses.drafts import Draft
from infra.local.ses.errors import SesError, bad_request, mail_from_not_verified, not_found, paused, rejected, throttled
from infra.local.ses.events import ACCOUNT_ID
from infra.local.ses.faults import Fault
from infra.local.ses.mime import Raw
from infra.local.ses.model import Mail, stamp
from infra.local.ses.publisher import Event
from infra.local.ses.rate import Limits, Mode
from infra.local.ses.store import Store
from infra.local.ses.templating import RenderingError

MAX_ENTRIES = 50
MAX_BULK_REQUEST = 10 * 1024 * 1024
"""Bytes of a bulk call. AWS gives no figure for the call as a whole; this bound is ours."""

_OTHER_FEATURES = (
    "FromEmailAddressIdentityArn",
    "FeedbackForwardingEmailAddressIdentityArn",
    "EndpointId",
    "TenantName",
    "ListManagementOptions",
    "ConfigurationOverrides",
)


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who sends, checked."""

    source: str
    source_arn: str
    reply_to: tuple[str, ...]
    configuration_set: str
    operation: str


class Sending:
    """The two operations over one account, its limits and its store."""

    def __init__(
        self,
        config: Config,
        account: Account,
        limits: Limits,
        store: Store,
        aftermath: Aftermath,
        clock: Callable[[], datetime],
    ) -> None:
        self._config, self._account, self._limits = config, account, limits
        self._store, self._aftermath, self._clock = store, aftermath, clock

    def send_email(self, request: wire.Json) -> dict[str, object]:
        """SendEmail: one message to up to 50 recipients."""
        wire.unsupported(request, *_OTHER_FEATURES)
        draft, raw = drafts.single(request)
        operation = "SendEmail" if draft.raw is not None or not draft.body.template.names else "SendTemplatedEmail"
        sender = self._sender(request, operation, raw)
        self._sandbox(draft)
        now = self._clock()
        self._quota(draft, now)
        if not self._limits.take(len(draft.recipients), now, Mode.CREDIT):
            raise throttled()
        return {"MessageId": self._accept([draft], sender, now)[0]}

    def send_bulk_email(self, request: wire.Json, fault: Fault | None = None) -> dict[str, object]:
        """SendBulkEmail: up to 50 messages from one template."""
        wire.unsupported(request, *_OTHER_FEATURES)
        entries = wire.objects(request, "BulkEmailEntries")
        if not 1 <= len(entries) <= MAX_ENTRIES:
            raise bad_request(f"BulkEmailEntries holds 1 to {MAX_ENTRIES} entries, not {len(entries)}.")
        make = drafts.entry_maker(request)
        sender = self._sender(request, "SendBulkEmail")
        results: list[dict[str, object]] = [{} for _ in entries]
        accepted: list[tuple[int, Draft]] = []
        for place, entry in enumerate(entries):
            try:
                draft = make(entry)
                self._sandbox(draft)
                accepted.append((place, draft))
            except SesError as error:
                status = "MESSAGE_REJECTED" if error.code == "MessageRejected" else "INVALID_PARAMETER"
                results[place] = {"Status": status, "Error": error.message}
        accepted = self._faulty(accepted, results, fault)
        now = self._clock()
        accepted = self._within_limits(accepted, results, now)
        for (place, _), message_id in zip(
            accepted, self._accept([draft for _, draft in accepted], sender, now), strict=True
        ):
            results[place] = results[place] or {"Status": "SUCCESS", "MessageId": message_id}
        return {"BulkEmailEntryResults": results}

    def _sender(self, request: wire.Json, operation: str, raw: Raw | None = None) -> _Sender:
        """Check who sends and with what configuration set; raises what SES raises."""
        if not self._config.sending_enabled:
            raise paused("Sending is disabled for this account.")
        source = wire.text(request, "FromEmailAddress") or (raw.source if raw else "")
        if not source:
            raise bad_request("FromEmailAddress is required.")
        address = checks.mailbox(source)
        identity = self._account.identity_for(address)
        feedback = wire.text(request, "FeedbackForwardingEmailAddress")
        unverified = [address] if identity is None else []
        if feedback and self._account.identity_for(checks.mailbox(feedback)) is None:
            unverified.append(feedback)
        if unverified or identity is None:
            raise self._not_verified(unverified)
        if identity.mail_from == "FAILED":
            raise mail_from_not_verified(identity.name)
        name = wire.text(request, "ConfigurationSetName") or (raw.configuration_set if raw else "")
        reply_to = checks.mailboxes(wire.texts(request, "ReplyToAddresses"))
        return _Sender(
            source=source,
            source_arn=f"arn:aws:ses:{self._config.region}:{ACCOUNT_ID}:identity/{identity.name}",
            reply_to=tuple(reply_to) or (raw.reply_to if raw else ()),
            configuration_set=self._configuration_set(name or identity.configuration_set),
            operation=operation,
        )

    def _configuration_set(self, name: str) -> str:
        if not name:
            return ""
        found = self._account.sets.get(name)
        if found is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        if not found.sending:
            raise paused(f"Sending is disabled for configuration set <{name}>.")
        return name

    def _not_verified(self, addresses: list[str]) -> SesError:
        return rejected(
            "Email address is not verified. The following identities failed the check in region "
            f"{self._config.region.upper()}: {', '.join(addresses)}"
        )

    def _sandbox(self, draft: Draft) -> None:
        """In the sandbox recipients must be verified, or be the simulator's."""
        if self._config.production:
            return
        bare = [checks.mailbox(address) for address in draft.recipients]
        unverified = [a for a in bare if not simulator.is_simulator(a) and self._account.identity_for(a) is None]
        if unverified:
            raise self._not_verified(unverified)

    def _quota(self, draft: Draft, now: datetime) -> None:
        if _counted(draft) and self._limits.left_today(now) < 1:
            raise throttled("Daily message quota exceeded.")

    def _faulty(
        self, accepted: list[tuple[int, Draft]], results: list[dict[str, object]], fault: Fault | None
    ) -> list[tuple[int, Draft]]:
        """Give entries the statuses that a test asked for; they are sent only if it asked for that too."""
        statuses: Mapping[int, str] = fault.statuses if fault else {}
        kept = []
        for place, draft in accepted:
            status = statuses.get(place, "SUCCESS")
            if status != "SUCCESS":
                results[place] = {"Status": status, "Error": f"{status} (this one was asked for)."}
            if status == "SUCCESS" or (fault and fault.apply):
                kept.append((place, draft))
        return kept

    def _within_limits(
        self, accepted: list[tuple[int, Draft]], results: list[dict[str, object]], now: datetime
    ) -> list[tuple[int, Draft]]:
        """Mark the entries beyond the rate or the day's quota; refuse the call if none is left."""
        wanted = sum(len(draft.recipients) for _, draft in accepted)
        left = self._limits.left_today(now)
        if wanted and left < 1 and all(_counted(draft) for _, draft in accepted):
            raise throttled("Daily message quota exceeded.")
        mode = Mode.WHOLE if self._config.throttle == "request" else Mode.PART
        granted = self._limits.take(wanted, now, mode) if wanted else 0
        if wanted and not granted:
            raise throttled()
        kept = []
        for place, draft in accepted:
            granted -= len(draft.recipients)
            left -= _counted(draft)
            if granted < 0:
                results[place] = {"Status": "ACCOUNT_THROTTLED", "Error": "Maximum sending rate exceeded."}
            elif left < 0:
                results[place] = {
                    "Status": "ACCOUNT_DAILY_QUOTA_EXCEEDED",
                    "Error": "Daily message quota exceeded.",
                }
            else:
                kept.append((place, draft))
        return kept

    def _accept(self, messages: list[Draft], sender: _Sender, now: datetime) -> list[str]:
        """Store the mails, then publish their events; returns the message ids."""
        made: list[str] = []
        mails: list[Mail] = []
        happened: list[Event] = []
        for draft in messages:
            made.append(ids.new_message_id(now))
            for mail, fate_events in self._mails(draft, sender, made[-1], now):
                mails.append(mail)
                happened += fate_events
        self._store.add(mails)
        self._limits.count(sum(map(_counted, messages)), now)
        self._aftermath.publish(happened)
        return made

    def _mails(self, draft: Draft, sender: _Sender, message_id: str, now: datetime) -> list[tuple[Mail, list[Event]]]:
        fault = _rendering_fault(draft)
        recipients = [checks.mailbox(address) for address in draft.recipients]
        found = []
        for place, recipient in enumerate(recipients):
            fate = self._aftermath.fate(recipient, sender.configuration_set, fault, draft.infected)
            mail = Mail(
                id=ids.mail_id(message_id, place),
                message_id=message_id,
                at=stamp(now),
                source=sender.source,
                recipient=recipient,
                destination=tuple(recipients),
                body=draft.body,
                to=draft.people.to,
                cc=draft.people.cc,
                reply_to=sender.reply_to,
                headers=draft.headers,
                tags=draft.tags,
                configuration_set=sender.configuration_set,
                source_arn=sender.source_arn,
                operation=sender.operation,
                outcome=fate.outcome,
                raw=draft.raw,
            )
            found.append(self._aftermath.apply(mail, fate, fault, now, first=place == 0))
        return found


def _counted(draft: Draft) -> int:
    """Recipients that count against the daily quota."""
    return sum(not simulator.is_simulator(checks.mailbox(address)) for address in draft.recipients)


def _rendering_fault(draft: Draft) -> str:
    try:
        draft.body.check()
    except RenderingError as error:
        return str(error)
    return ""
