"""A campaign as its own partition tells it: one query for a whole page.

Every step writes its audit entry in the same transaction as the control item, so the trail
knows the state, too; a page need not read both. What *decides* reads the control item.
"""

from __future__ import annotations

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Campaign, HoldReason, Revision, State
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId, ProgrammeId, is_id
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import History
from chalicelib.usecases.drafts import EDITABLE
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a page shows of a campaign. ``revision`` is the last one submitted, if any."""

    id: CampaignId
    name: str
    programme: ProgrammeId
    state: State
    history: History

    @property
    def revision(self) -> Revision | None:
        """The last submitted revision; it still tells what was submitted after a withdrawal."""
        return max(self.history.revisions, key=lambda r: r.number, default=None)

    @property
    def editable(self) -> bool:
        """Whether the partner may change the draft now."""
        return self.state in EDITABLE

    @property
    def started(self) -> bool:
        """Whether it ever began to send, so that a ledger exists."""
        return any(entry.action == "start" for entry in self.history.audit)

    @property
    def paused(self) -> AuditEntry | None:
        """The last pause, if the campaign is paused."""
        holds = [entry for entry in self.history.audit if entry.action == "hold"]
        return holds[-1] if holds and self.state is State.HELD else None

    @property
    def hold_reason(self) -> HoldReason | None:
        """Why it is paused, if it is."""
        reason = self.paused.details.get("reason") if self.paused else None
        return HoldReason(reason) if reason in set(HoldReason) else None


def read(world: World, session: PartnerSession, campaign_id: str) -> Story:
    """The campaign's story in one query; raises NotFound for whatever is not the partner's."""
    if not is_id(campaign_id, "cmp"):
        raise NotFound("campaign")
    campaign = CampaignId(campaign_id)
    history = world.campaigns.history(session, campaign)
    first = history.audit[0].details if history.audit else {}
    if "name" not in first or "programme" not in first:
        return of_control(world.campaigns.get(session, campaign), history)
    return Story(
        id=campaign, name=str(first["name"]), programme=ProgrammeId(str(first["programme"])),
        state=_state(history), history=history,
    )


def of_control(control: Campaign, history: History) -> Story:
    """The same from the control item, for a trail whose first entry does not name the programme."""
    return Story(
        id=control.id, name=control.name, programme=control.programme, state=control.state, history=history,
    )


def _state(history: History) -> State:
    """Where the last step led; entries that moved nothing do not name a state."""
    moves = [entry.details["to"] for entry in history.audit if "to" in entry.details]
    return State(str(moves[-1])) if moves else State.DRAFT


def revision_of(history: History, number: int) -> Revision:
    """One revision of a history; raises NotFound."""
    found = next((r for r in history.revisions if r.number == number), None)
    if found is None:
        raise NotFound
    return found
