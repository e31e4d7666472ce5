"""In-memory stores of the workflow, with the conditions of the real ones; they obey the contract suite.

What DynamoDB's indexes do to a reader is here, too: ``FakeIndexes.lag()`` freezes what they show
until ``catch_up()``. ``FakeCampaigns.fail`` makes the next commits lose.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Ask, Campaign, Draft, Revision
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.frame import Frame, Proposal, standing
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId, ProgrammeId, TemplateId
from chalicelib.domain.partner import Participation, Partner
from chalicelib.domain.people import Account, Colleague, Link, Membership, Person, Role, Session
from chalicelib.domain.programme import Programme
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.domain.track import Track, differs, noted, of
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import (
    DUE_SHARDS,
    CampaignCard,
    Change,
    Control,
    Desk,
    Due,
    History,
    PartnerCard,
    PartnerDesk,
    PartnerHome,
)
from tests.fakes.sending import FakeLedger
from tests.fakes.trust import FakeContacts


class FakePeople:
    """See ``ports.workflow.People``."""

    def __init__(self) -> None:
        self.persons: dict[PersonId, Person] = {}
        self.memberships: dict[tuple[PersonId, str, str], Membership] = {}
        self.sessions: dict[tuple[PersonId, str], Session] = {}

    def account(self, person: PersonId) -> Account:
        """In the order of keys."""
        if person not in self.persons:
            raise NotFound("no such person")
        return Account(
            self.persons[person],
            tuple(m for key, m in sorted(self.memberships.items()) if key[0] == person),
            tuple(s for key, s in sorted(self.sessions.items()) if key[0] == person),
        )

    def find(self, address: str) -> PersonId | None:
        """By address."""
        return next((p.id for p in self.persons.values() if p.address == address), None)

    def add(self, person: Person, memberships: Sequence[Membership]) -> None:
        """Id and address must be free."""
        if person.id in self.persons or self.find(person.address) is not None:
            raise Conflict("person.exists")
        self.persons[person.id] = person
        for membership in memberships:
            self._put(membership)

    def save(self, person: Person, *, expected_generation: int) -> None:
        """The address stays."""
        stands = self.persons.get(person.id)
        if stands is None:
            raise NotFound("no such person")
        if stands.generation != expected_generation or stands.address != person.address:
            raise Conflict("person.changed")
        self.persons[person.id] = person

    def grant(self, membership: Membership) -> None:
        """Raises the generation."""
        person = self.persons.get(membership.person)
        if person is None:
            raise NotFound("no such person")
        self._put(membership)
        self.persons[person.id] = replace(person, generation=person.generation + 1)

    def describe(self, membership: Membership) -> None:
        """In place of one that is there."""
        alike = (membership.person, membership.role, membership.partner)
        if not any((m.person, m.role, m.partner) == alike for m in self.memberships.values()):
            raise NotFound("no such membership")
        self._put(membership)

    def revoke(self, person: PersonId, role: Role, partner: PartnerId | None) -> None:
        """Raises the generation."""
        found = [key for key, m in self.memberships.items() if (m.person, m.role, m.partner) == (person, role, partner)]
        if not found:
            raise NotFound("no such membership")
        del self.memberships[found[0]]
        stands = self.persons[person]
        self.persons[person] = replace(stands, generation=stands.generation + 1)

    def colleagues(self) -> Sequence[Colleague]:
        """In the order of keys."""
        lines = [m for m in self.memberships.values() if m.partner is None and m.person in self.persons]
        return [
            Colleague(person=m.person, role=m.role, name=self.persons[m.person].name,
                      address=self.persons[m.person].address)
            for m in sorted(lines, key=lambda m: (m.person, m.role.value))
        ]

    def start_session(self, session: Session) -> None:
        """Kept until it is ended."""
        self.sessions[session.person, session.secret_hash] = session

    def end_session(self, person: PersonId, secret_hash: str) -> None:
        """Gone or not."""
        self.sessions.pop((person, secret_hash), None)

    def _put(self, membership: Membership) -> None:
        where = membership.partner or membership.org
        self.memberships[membership.person, where, membership.role.value] = membership


class FakeLinks:
    """See ``ports.workflow.Links``."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self.uses: Counter[tuple[str, str]] = Counter()

    def put(self, link: Link) -> None:
        """Never replaces."""
        if link.token_hash in self.links:
            raise Conflict("link.exists")
        self.links[link.token_hash] = link

    def get(self, token_hash: str) -> Link:
        """By hash."""
        if token_hash not in self.links:
            raise NotFound("no such link")
        return self.links[token_hash]

    def use(self, token_hash: str, at: datetime) -> None:
        """Once."""
        link = self.get(token_hash)
        if link.used_at is not None:
            raise Conflict("link.used", at=_stamp(link.used_at))
        self.links[token_hash] = replace(link, used_at=at)

    def count_try(self, token_hash: str, *, limit: int) -> int:
        """Up to the limit."""
        link = self.get(token_hash)
        if link.tries >= limit:
            raise Conflict("link.tries", limit=limit)
        self.links[token_hash] = replace(link, tries=link.tries + 1)
        return link.tries + 1

    def forgive_try(self, token_hash: str) -> None:
        """Not below nothing."""
        link = self.get(token_hash)
        self.links[token_hash] = replace(link, tries=max(0, link.tries - 1))

    def allow(self, subject: str, now: datetime, *, per_hour: int) -> bool:
        """Per clock hour."""
        place = (subject, f"{now:%Y%m%d%H}")
        if self.uses[place] >= per_hour:
            return False
        self.uses[place] += 1
        return True


class FakeTemplates:
    """See ``ports.workflow.Templates``."""

    def __init__(self) -> None:
        self.versions: dict[tuple[TemplateId, int], TemplateVersion] = {}

    def publish(self, version: TemplateVersion) -> None:
        """Never replaces."""
        if (version.template, version.number) in self.versions:
            raise Conflict("template.version_exists", number=version.number)
        self.versions[version.template, version.number] = version

    def get(self, template: TemplateId, number: int) -> TemplateVersion:
        """By template and number."""
        if (template, number) not in self.versions:
            raise NotFound("no such template version")
        return self.versions[template, number]

    def recent(self) -> Sequence[TemplateSummary]:
        """Never old here."""
        return self.list()

    def list(self) -> Sequence[TemplateSummary]:
        """By the time of publishing, newest first."""
        summaries = [
            TemplateSummary(
                template=v.template, number=v.number, name=v.name, language=v.language, regions=len(v.regions),
                published_at=v.published_at, family=v.family,
            )
            for v in self.versions.values()
        ]
        return sorted(summaries, key=lambda s: (s.published_at, s.template, s.number), reverse=True)


class FakePartners:
    """See ``ports.workflow.Partners``."""

    def __init__(self, contacts: FakeContacts, ledger: Callable[[], FakeLedger]) -> None:
        self.registry: dict[PartnerId, PartnerCard] = {}
        self._contacts = contacts
        self._ledger = ledger
        self.partners: dict[PartnerId, Partner] = {}
        self.participations: dict[tuple[PartnerId, ProgrammeId], Participation] = {}
        self.tracks: dict[PartnerId, Track] = {}
        """None for a partner from before tracks were kept."""

    def register(self, card: PartnerCard) -> None:
        """The last write stands."""
        self.registry[card.id] = card

    def cards(self) -> Sequence[PartnerCard]:
        """In the order of ids."""
        return [card for _, card in sorted(self.registry.items())]

    def home(self, session: PartnerSession) -> PartnerHome:
        """The session's partner."""
        if session.partner not in self.partners:
            raise NotFound("no such partner")
        parts = (p for key, p in sorted(self.participations.items()) if key[0] == session.partner)
        return PartnerHome(self.partners[session.partner], tuple(parts))

    def desk(self, session: PartnerSession, programme: ProgrammeId) -> PartnerDesk:
        """The five, of the session's partner."""
        return PartnerDesk(
            self.home(session).partner, self.participations.get((session.partner, programme)),
            self._contacts.tally(session), self._ledger().starts(session), self.tracks.get(session.partner))

    def save(self, session: PartnerSession, partner: Partner, *, expected_version: int) -> None:
        """Conditional on the version."""
        if partner.id != session.partner:
            raise NotFound("no such partner")
        stands = self.partners.get(partner.id)
        if stands is None and expected_version:
            raise NotFound("no such partner")
        if (stands.version if stands else 0) != expected_version:
            raise Conflict("partner.changed")
        self.partners[partner.id] = partner
        if stands is None:
            self.tracks[partner.id] = Track()

    def participate(self, session: PartnerSession, participation: Participation) -> None:
        """The last write stands."""
        if participation.partner != session.partner:
            raise NotFound("no such partner")
        self.participations[session.partner, participation.programme] = participation


class FakeProgrammes:
    """See ``ports.workflow.Programmes``; the desk reads the partners' registry beside it."""

    def __init__(self, partners: FakePartners) -> None:
        self.programmes: dict[ProgrammeId, Programme] = {}
        self.switch: tuple[bool, PersonId, datetime] | None = None
        self._partners = partners

    def add(self, programme: Programme) -> None:
        """Never replaces."""
        if programme.id in self.programmes:
            raise Conflict("programme.exists")
        self.programmes[programme.id] = programme

    def get(self, programme: ProgrammeId) -> Programme:
        """By id."""
        if programme not in self.programmes:
            raise NotFound("no such programme")
        return self.programmes[programme]

    def save(self, programme: Programme, *, expected_version: int) -> None:
        """Conditional on the version."""
        if self.get(programme.id).version != expected_version:
            raise Conflict("programme.changed")
        self.programmes[programme.id] = programme

    def list(self) -> Sequence[Programme]:
        """Newest id first."""
        return [programme for _, programme in sorted(self.programmes.items(), reverse=True)]

    def stopped(self) -> bool:
        """The switch."""
        return self.switch is not None and self.switch[0]

    def stop(self, on: bool, person: PersonId, at: datetime) -> None:
        """The last write stands."""
        self.switch = (on, person, at)

    def desk(self, programme: ProgrammeId | None = None, partners: Sequence[PartnerId] = ()) -> Desk:
        """What is there of what was named."""
        if len(partners) > 98:
            raise Permanent("a desk shows at most 98 partners")
        registry = self._partners.registry
        return Desk(
            stopped=self.stopped(), programme=self.programmes.get(programme) if programme else None,
            partners=tuple(registry[p] for p in dict.fromkeys(partners) if p in registry),
        )


@dataclass(slots=True)
class _Beside:
    """A campaign's draft, revisions, asks and audit entries."""

    draft: Draft
    revisions: dict[int, Revision] = field(default_factory=dict)
    asks: dict[tuple[int, int, PersonId], Ask] = field(default_factory=dict)
    audit: dict[int, AuditEntry] = field(default_factory=dict)
    frames: dict[tuple[int, int], Frame] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)


class FakeCampaigns:
    """See ``ports.workflow.Campaigns``."""

    def __init__(
        self, programmes: FakeProgrammes | None = None, tracks: dict[PartnerId, Track] | None = None,
    ) -> None:
        self._programmes = programmes
        self._tracks = {} if tracks is None else tracks
        self.controls: dict[tuple[PartnerId, CampaignId], Campaign] = {}
        self.beside: dict[tuple[PartnerId, CampaignId], _Beside] = {}
        self.fail: list[Exception] = []
        """Errors for the next commits, first to last; such a commit writes nothing."""
        self.gets: Counter[CampaignId] = Counter()
        self._lock = threading.Lock()

    def create(self, session: PartnerSession, campaign: Campaign, draft: Draft, audit: AuditEntry) -> None:
        """All three must be new."""
        place = _place(session, campaign, draft.campaign, audit.campaign)
        if place in self.controls:
            raise Conflict("campaign.exists")
        self.controls[place] = campaign
        self.beside[place] = _Beside(draft, audit={audit.sequence: audit})

    def get(self, session: PartnerSession, campaign: CampaignId) -> Campaign:
        """By id, of the session's partner."""
        self.gets[campaign] += 1
        if (session.partner, campaign) not in self.controls:
            raise NotFound("no such campaign")
        return self.controls[session.partner, campaign]

    def control(self, session: PartnerSession, campaign: CampaignId) -> Control:
        """Both as they stand."""
        return Control(self.get(session, campaign), self._programmes is not None and self._programmes.stopped())

    def list(self, session: PartnerSession, *, limit: int = 50, before: str = "") -> Sequence[Campaign]:
        """Newest id first."""
        found = [
            campaign for (partner, id_), campaign in sorted(self.controls.items(), reverse=True)
            if partner == session.partner and (not before or id_ < before)
        ]
        return found[:limit]

    def history(self, session: PartnerSession, campaign: CampaignId) -> History:
        """In the order of keys."""
        beside = self.beside.get((session.partner, campaign))
        if beside is None:
            raise NotFound("no such campaign")
        frames = tuple(f for _, f in sorted(beside.frames.items()))
        return History(
            beside.draft,
            standing((r for _, r in sorted(beside.revisions.items())), frames),
            tuple(a for _, a in sorted(beside.asks.items())),
            tuple(e for _, e in sorted(beside.audit.items())),
            frames,
            tuple(p for _, p in sorted(beside.proposals.items())),
        )

    def save_draft(self, session: PartnerSession, draft: Draft) -> None:
        """Conditional on the version before."""
        beside = self.beside.get((session.partner, draft.campaign))
        if beside is None:
            raise NotFound("no such campaign")
        stands = beside.draft
        if stands.version != draft.version - 1:
            raise Conflict(
                "draft.changed", at=stands.saved_at.isoformat(timespec="seconds"), by=stands.saved_by,
            )
        beside.draft = draft

    def commit(self, session: PartnerSession, change: Change) -> None:
        """All or nothing: every condition is looked at before anything is written."""
        parts = (change.audit, change.draft, change.revision, change.frame, change.proposal)
        others = [change.before.id, *(part.campaign for part in parts if part)]
        place = _place(session, change.after, *others, *(ask.campaign for ask in change.asks))
        if change.after.version != change.before.version + 1:
            raise Permanent("a change must count the campaign's version up by one")
        if self.fail:
            raise self.fail.pop(0)
        with self._lock:
            self._commit(place, change)

    def track(self, session: PartnerSession) -> Track:
        """As it is kept, else counted."""
        kept = self._tracks.get(session.partner)
        if kept is not None:
            return kept
        known = [campaign for (partner, _), campaign in self.controls.items() if partner == session.partner]
        return of(known, max(c.updated_at for c in known)) if known else Track()

    def _commit(self, place: tuple[PartnerId, CampaignId], change: Change) -> None:
        stands, beside = self.controls.get(place), self.beside.get(place)
        fits = (
            stands is not None and beside is not None
            and stands.version == change.before.version and stands.state == change.before.state
            and (change.draft is None or beside.draft.version == change.draft.version - 1)
            and (change.revision is None or change.revision.number not in beside.revisions)
            and (change.audit is None or change.audit.sequence not in beside.audit)
            and (change.frame is None or (change.frame.revision, change.frame.sequence) not in beside.frames)
        )
        if not fits or beside is None:
            raise Conflict("campaign.changed")
        if differs(change.before, change.after):
            partner = place[0]
            known = self._tracks.get(partner) or of(
                (c for (whose, _), c in self.controls.items() if whose == partner), change.after.updated_at)
            self._tracks[partner] = noted(known, change.after, change.after.updated_at)
        self.controls[place] = change.after
        beside.draft = change.draft or beside.draft
        if change.revision is not None:
            beside.revisions[change.revision.number] = change.revision
        if change.audit is not None:
            beside.audit[change.audit.sequence] = change.audit
        if change.frame is not None:
            beside.frames[change.frame.revision, change.frame.sequence] = change.frame
        if change.proposal is not None:
            beside.proposals[change.proposal.release] = change.proposal
        for ask in change.asks:
            beside.asks[ask.revision, ask.stage, ask.person] = ask


class FakeIndexes:
    """See ``ports.workflow.CampaignIndexes``; can lag behind the table, as the real ones do."""

    def __init__(self, campaigns: FakeCampaigns) -> None:
        self._campaigns = campaigns
        self._frozen: list[Campaign] | None = None

    def lag(self) -> None:
        """From now on, show what is there now."""
        self._frozen = list(self._campaigns.controls.values())

    def catch_up(self) -> None:
        """Show the present again."""
        self._frozen = None

    def cards(self, programme: ProgrammeId, *, limit: int = 100) -> Sequence[CampaignCard]:
        """Newest change first."""
        found = sorted(
            (c for c in self._seen() if c.programme == programme), key=lambda c: (c.updated_at, c.id), reverse=True,
        )
        return [
            CampaignCard(
                id=c.id, partner=c.partner, programme=c.programme, name=c.name, state=c.state, bracket=c.bracket,
                start_local=c.start.local if c.start else "", start_zone=c.start.zone if c.start else "",
                updated_at=c.updated_at,
            )
            for c in found[:limit]
        ]

    def due(self, shard: int, until: datetime, *, limit: int = 200) -> Sequence[Due]:
        """Oldest first."""
        found = [
            Due(c.partner, c.id, c.next_at) for c in self._seen()
            if c.next_at is not None and c.next_at <= until and shard_of(c.id) == shard
        ]
        return sorted(found, key=lambda d: (d.at, d.partner, d.campaign))[:limit]

    def _seen(self) -> list[Campaign]:
        return self._frozen if self._frozen is not None else list(self._campaigns.controls.values())


def shard_of(campaign: CampaignId) -> int:
    """The shard a campaign is in."""
    return hashlib.sha256(campaign.encode()).digest()[0] % DUE_SHARDS


def _place(session: PartnerSession, campaign: Campaign, *others: CampaignId) -> tuple[PartnerId, CampaignId]:
    if campaign.partner != session.partner or any(other != campaign.id for other in others):
        raise NotFound("no such campaign")
    return session.partner, campaign.id


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
