"""Campaigns of one partner: small control items, and everything else of a campaign beside it."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys, track
from chalicelib.adapters.dynamo.codec import Kind
from chalicelib.adapters.dynamo.control import CONTROL, control_item, control_of
from chalicelib.adapters.dynamo.failures import ConditionFailed, Contended, TransactionFailed
from chalicelib.adapters.dynamo.programmes import is_on
from chalicelib.adapters.dynamo.steps import Put, Step
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Ask, Campaign, Draft, Revision
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Retryable
from chalicelib.domain.frame import Frame, Proposal, standing
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId
from chalicelib.domain.track import YEAR, Track, differs, noted, of
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, Control, History

DRAFT = Kind(Draft, "draft")
REVISION = Kind(Revision, "revision")
ASK = Kind(Ask, "ask")
AUDIT = Kind(AuditEntry, "audit")
FRAME = Kind(Frame, "frame")
PROPOSAL = Kind(Proposal, "proposal")
PAGE, PAGES = 50, 4
"""Campaigns that are counted for a track that is not kept yet; of more than that it is not known."""
TRIES = 6
__all__ = ["ASK", "AUDIT", "CONTROL", "DRAFT", "REVISION", "DynamoCampaigns"]


class DynamoCampaigns:
    """See ``ports.workflow.Campaigns``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table = table
        self._org = org

    def create(self, session: PartnerSession, campaign: Campaign, draft: Draft, audit: AuditEntry) -> None:
        """Three items that must be new, in one transaction."""
        _must_agree(session, campaign, draft.campaign, audit.campaign)
        pk, absent = keys.history(session.partner, campaign.id), ex.absent("pk")
        try:
            self._table.of(session).transact([
                Put(self._control(campaign), absent),
                Put(DRAFT.item(draft, pk, "DRAFT"), absent),
                Put(AUDIT.item(audit, pk, _audit_key(audit)), absent),
            ])
        except TransactionFailed:
            raise Conflict("campaign.exists") from None

    def get(self, session: PartnerSession, campaign: CampaignId) -> Campaign:
        """A consistent read: a hold must be seen before the next batch."""
        item = self._table.of(session).get(keys.campaigns(session.partner), keys.part(campaign), consistent=True)
        if item is None:
            raise NotFound("no such campaign")
        return self._read(session.partner, item)

    def control(self, session: PartnerSession, campaign: CampaignId) -> Control:
        """One consistent BatchGetItem: the partner's role may read the switch's partition, and only read it."""
        pk, switch = keys.campaigns(session.partner), keys.switch(self._org)
        items = self._table.of(session, shared=switch).batch_get(
            [(pk, keys.part(campaign)), (switch, "STOP")], consistent=True)
        found = {item["pk"]: item for item in items}
        if pk not in found:
            raise NotFound("no such campaign")
        return Control(self._read(session.partner, found[pk]), is_on(found.get(switch)))

    def list(self, session: PartnerSession, *, limit: int = 50, before: str = "") -> Sequence[Campaign]:
        """Ids sort by the time they were made."""
        items = self._table.of(session).query(
            keys.campaigns(session.partner), before=before, limit=limit, newest_first=True, consistent=True,
        )
        return [self._read(session.partner, item) for item in items]

    def history(self, session: PartnerSession, campaign: CampaignId) -> History:
        """One query over the campaign's own partition."""
        items = list(self._table.of(session).query(keys.history(session.partner, campaign), consistent=True))
        drafts = [DRAFT.read(item) for item in items if item["sk"] == "DRAFT"]
        if not drafts:
            raise NotFound("no such campaign")
        frames = tuple(FRAME.read(item) for item in items if item["sk"].startswith("FRAME#"))
        return History(
            drafts[0],
            standing((REVISION.read(item) for item in items if item["sk"].startswith("REV#")), frames),
            tuple(ASK.read(item) for item in items if item["sk"].startswith("ASK#")),
            tuple(AUDIT.read(item) for item in items if item["sk"].startswith("AUDIT#")),
            frames,
            tuple(PROPOSAL.read(item) for item in items if item["sk"].startswith("OFFER#")),
        )

    def save_draft(self, session: PartnerSession, draft: Draft) -> None:
        """Conditional on the version before."""
        put = self._put_draft(session, draft)
        try:
            self._table.of(session).put(put.item, condition=put.condition)
        except ConditionFailed as failed:
            if failed.was_ours(put.item):
                return
            if failed.item is None:
                raise NotFound("no such campaign") from None
            stands = DRAFT.read(failed.item)
            raise Conflict(
                "draft.changed", at=stands.saved_at.isoformat(timespec="seconds"), by=stands.saved_by,
            ) from None

    def commit(self, session: PartnerSession, change: Change) -> None:
        """All of a step or nothing, on the condition that what was decided upon still stands."""
        before, after = change.before, change.after
        _must_agree(session, after, before.id)
        if after.version != before.version + 1:
            raise Permanent("a change must count the campaign's version up by one")
        steps = [Put(self._control(after), _stands(before)), *self._beside(session, change)]
        if differs(before, after):
            self._decide(session, after, steps)
            return
        try:
            self._table.of(session).transact(steps)
        except TransactionFailed:
            raise Conflict("campaign.changed") from None

    def _decide(self, session: PartnerSession, after: Campaign, steps: Sequence[Step]) -> None:
        """The steps of a decision and the partner's track, together; another's decision only makes it try again."""
        table = self._table.of(session)
        for _ in range(TRIES):
            item = table.get(*track.place(session.partner), consistent=True)
            known = track.track_of(item) if item else self._counted(session)
            try:
                table.transact([*steps, track.put(session.partner, noted(known, after, after.updated_at), item)])
            except TransactionFailed as failed:
                if failed.failed != {len(steps)}:
                    raise Conflict("campaign.changed") from None
            except Contended:
                continue
            else:
                return
        raise Retryable("a partner's campaigns are being decided all at once")

    def track(self, session: PartnerSession) -> Track:
        """By key; a partner from before tracks were kept has its campaigns read, and the next decision keeps them."""
        item = self._table.of(session).get(*track.place(session.partner), consistent=True)
        return track.track_of(item) if item else self._counted(session)

    def _counted(self, session: PartnerSession) -> Track:
        """Of the newest campaigns; where there are more within a year, the record says that it does not know all."""
        known: list[Campaign] = []
        for _ in range(PAGES):
            page = self.list(session, limit=PAGE, before=known[-1].id if known else "")
            known += page
            if not known:
                return Track()
            latest = max(campaign.updated_at for campaign in known)
            if len(page) < PAGE or page[-1].updated_at < latest - YEAR:
                return of(known, latest)
        return of(known, latest, unseen=latest)

    def _beside(self, session: PartnerSession, change: Change) -> Sequence[Step]:
        """Draft, revision, audit entry, frame, proposal and asks of a change."""
        campaign, absent = change.after, ex.absent("pk")
        pk = keys.history(session.partner, campaign.id)
        steps: list[Step] = []
        if change.draft is not None:
            _must_agree(session, campaign, change.draft.campaign)
            steps.append(self._put_draft(session, change.draft))
        if change.revision is not None:
            _must_agree(session, campaign, change.revision.campaign)
            steps.append(Put(REVISION.item(change.revision, pk, f"REV#{change.revision.number:06d}"), absent))
        if change.audit is not None:
            _must_agree(session, campaign, change.audit.campaign)
            steps.append(Put(AUDIT.item(change.audit, pk, _audit_key(change.audit)), absent))
        if change.frame is not None:
            _must_agree(session, campaign, change.frame.campaign)
            steps.append(Put(FRAME.item(change.frame, pk, _frame_key(change.frame)), absent))
        if change.proposal is not None:
            _must_agree(session, campaign, change.proposal.campaign)
            steps.append(Put(PROPOSAL.item(change.proposal, pk, f"OFFER#{keys.part(change.proposal.release)}")))
        for ask in change.asks:
            _must_agree(session, campaign, ask.campaign)
            steps.append(Put(ASK.item(ask, pk, f"ASK#{ask.revision:06d}#{ask.stage}#{keys.part(ask.person)}")))
        return steps

    def _put_draft(self, session: PartnerSession, draft: Draft) -> Put:
        pk = keys.history(session.partner, draft.campaign)
        return Put(DRAFT.item(draft, pk, "DRAFT"), ex.equals("version", draft.version - 1))

    def _control(self, campaign: Campaign) -> Item:
        if campaign.org != self._org:
            raise NotFound("no such org")
        return control_item(campaign)

    def _read(self, partner: PartnerId, item: Item) -> Campaign:
        return control_of(item, self._org, partner)


def _stands(before: Campaign) -> ex.Condition:
    """The version alone would do; the state makes the table of transitions hold in the store, too."""
    same_version = ex.equals("version", before.version)
    same_state = ex.equals("state", before.state.value)
    return ex.all_of(same_version, same_state)


def _must_agree(session: PartnerSession, campaign: Campaign, *others: CampaignId) -> None:
    """All that one call writes belongs to one campaign of the session's partner."""
    if campaign.partner != session.partner or any(other != campaign.id for other in others):
        raise NotFound("no such campaign")


def _audit_key(entry: AuditEntry) -> str:
    return f"AUDIT#{entry.sequence:06d}"


def _frame_key(frame: Frame) -> str:
    return f"FRAME#{frame.revision:06d}#{frame.sequence:04d}"
