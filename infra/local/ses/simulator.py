"""What happens to a mail, told by its recipient's address.

Two kinds of addresses: SES's own mailbox simulator (developer guide, "Using the mailbox
simulator"; labels allowed, as in ``bounce+a1@simulator.amazonses.com``), and, on this machine
only, any address whose local part ends in ``+ses-<word>``, as in ``kata+ses-bounce@example.com``.
Every other mail is delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from infra.local.ses.model import Outcome

DOMAIN = "simulator.amazonses.com"


@dataclass(frozen=True, slots=True)
class Fate:
    """The outcome of a mail, the events that tell of it in order, and a sentence for people."""

    outcome: Outcome
    events: tuple[str, ...]
    says: str


DELIVERED = Fate(Outcome.DELIVERED, ("Send", "Delivery"), "is delivered")
REJECTED = Fate(Outcome.REJECTED, ("Send", "Reject"), "is rejected as if it held a virus, and not delivered")
RENDERING_FAILURE = Fate(Outcome.RENDERING_FAILURE, ("Send", "Rendering Failure"), "cannot be rendered")
ON_SUPPRESSION_LIST = Fate(
    Outcome.SUPPRESSED, ("Send", "Bounce:OnAccountSuppressionList"), "is on the account's suppression list"
)

_BOUNCE = Fate(Outcome.BOUNCED, ("Send", "Bounce"), "bounces for good: user unknown")
_COMPLAINT = Fate(Outcome.COMPLAINED, ("Send", "Delivery", "Complaint"), "is delivered, then reported as spam")
_SUPPRESSED = Fate(Outcome.SUPPRESSED, ("Send", "Bounce:Suppressed"), "bounces: the address is suppressed by SES")

SIMULATOR: dict[str, Fate] = {
    "success": DELIVERED,
    "bounce": _BOUNCE,
    "complaint": _COMPLAINT,
    "suppressionlist": _SUPPRESSED,
    "ooto": Fate(
        Outcome.DELIVERED, ("Send", "Delivery", "Bounce:Transient"), "is delivered, then answered: out of the office"
    ),
}
"""SES's simulator addresses by local part."""

LOCAL: dict[str, Fate] = {
    "bounce": _BOUNCE,
    "softbounce": Fate(Outcome.BOUNCED, ("Send", "Bounce:MailboxFull"), "bounces for now: mailbox full"),
    "complaint": _COMPLAINT,
    "suppressed": _SUPPRESSED,
    "reject": REJECTED,
    "delay": Fate(Outcome.DELAYED, ("Send", "DeliveryDelay"), "is delayed and never arrives"),
    "late": Fate(Outcome.DELIVERED, ("Send", "DeliveryDelay", "Delivery"), "is delayed, then delivered"),
    "open": Fate(Outcome.DELIVERED, ("Send", "Delivery", "Open"), "is delivered and opened"),
    "click": Fate(
        Outcome.DELIVERED, ("Send", "Delivery", "Open", "Click"), "is delivered, opened, and its first link clicked"
    ),
    "silent": Fate(Outcome.SILENT, (), "is delivered, and no event tells of it"),
}
"""Words of this machine's own addresses, ``name+ses-<word>@...``."""


def is_simulator(address: str) -> bool:
    """Whether an address is one of SES's simulator; those do not count against the daily quota."""
    return address.lower().endswith("@" + DOMAIN)


def fate_of(address: str, suppressed: Callable[[str], bool]) -> Fate:
    """What happens to a mail to a bare address."""
    local, _, domain = address.lower().rpartition("@")
    if domain == DOMAIN:
        # An unlisted name of the simulator's domain is unknown there, and so bounces.
        return SIMULATOR.get(local.partition("+")[0], _BOUNCE)
    if suppressed(address):
        return ON_SUPPRESSION_LIST
    _, marked, word = local.rpartition("+ses-")
    return LOCAL.get(word, DELIVERED) if marked else DELIVERED
