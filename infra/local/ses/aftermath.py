"""What happens after SES accepted a mail: its events, by its address or by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from infra.local.ses import simulator
from infra.local.ses.account import Account
from infra.local.ses.errors import bad_request
from infra.local.ses.events import KINDS, delay
from infra.local.ses.model import Happening, Mail, Outcome, stamp
from infra.local.ses.publisher import Event, Publisher
from infra.local.ses.simulator import Fate
from infra.local.ses.store import Store

BY_HAND = {
    "Delivery": Outcome.DELIVERED,
    "DeliveryDelay": None,
    "Bounce": Outcome.BOUNCED,
    "Bounce:MailboxFull": Outcome.BOUNCED,
    "Complaint": Outcome.COMPLAINED,
    "Open": None,
    "Click": None,
    "Reject": Outcome.REJECTED,
}
"""The events that may be fired for a mail by hand, and what they make of its outcome."""


class Aftermath:
    """Writes events into mails, publishes them, and keeps the suppression list as SES does."""

    def __init__(self, account: Account, store: Store, publisher: Publisher, clock: Callable[[], datetime]) -> None:
        self._account, self._store, self._publisher, self._clock = account, store, publisher, clock

    def fate(self, recipient: str, configuration_set: str, fault: str, infected: bool) -> Fate:
        """What becomes of a mail, before it is made."""
        if fault:
            return simulator.RENDERING_FAILURE
        if infected:
            return simulator.REJECTED
        return simulator.fate_of(recipient, lambda address: self._account.suppresses(address, configuration_set))

    def apply(self, mail: Mail, fate: Fate, fault: str, now: datetime, *, first: bool) -> tuple[Mail, list[Event]]:
        """The mail with what happens to it. A message has one Send event, however many recipients."""
        planned: list[tuple[str, datetime, str]] = []
        later = now
        for spelled in fate.events:
            kind, _, detail = spelled.partition(":")
            if kind != "Send" or first:
                planned.append((kind, later, fault if kind == "Rendering Failure" else detail))
            later += delay(mail)
        mail = mail.with_events(*(self._happening(mail, *event) for event in planned))
        return mail, [Event(mail, *event) for event in planned]

    def publish(self, happened: Sequence[Event]) -> None:
        """Publish events of mails that are stored, and remember bounces and complaints."""
        self._publisher.publish(happened)
        for event in happened:
            hard = event.kind == "Bounce" and event.detail == ""
            if (hard or event.kind == "Complaint") and not simulator.is_simulator(event.mail.recipient):
                self._account.suppress(event.mail.recipient, event.kind.upper(), event.mail.configuration_set)

    def fire(self, mail_id: str, spelled: str, detail: str = "") -> Mail | None:
        """Let an event happen to a mail now; None if there is no such mail."""
        kind, _, sub_type = spelled.partition(":")
        if spelled not in BY_HAND or kind not in KINDS:
            raise bad_request(f"type is one of {', '.join(BY_HAND)}.")
        now = self._clock()
        detail = sub_type or (detail if kind == "Click" else "")

        def change(mail: Mail) -> Mail:
            return mail.with_events(self._happening(mail, kind, now, detail), outcome=BY_HAND[spelled])

        changed = self._store.change(mail_id, change)
        if changed is not None:
            self.publish([Event(changed, kind, now, detail)])
        return changed

    def note(self, mail_id: str, what: str, note: str) -> Mail | None:
        """Write something into a mail's history that is no event of SES's."""
        happening = Happening(what, stamp(self._clock()), note)
        return self._store.change(mail_id, lambda mail: mail.with_events(happening))

    def _happening(self, mail: Mail, kind: str, at: datetime, detail: str) -> Happening:
        routes = self._publisher.routes(mail.configuration_set, kind)
        return Happening(kind, stamp(at), detail, ", ".join(route.kind for route in routes))
