"""A partner with a programme, customers and a campaign in every state, for tests of its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.audience import Tally
from chalicelib.domain.campaign import Action, Actor, Campaign, State
from chalicelib.domain.contact import LegalBasis, SuppressionReason
from chalicelib.domain.ids import OrgId, PersonId, ProgrammeId, TemplateId, make_id
from chalicelib.domain.manifest import Run, SliceKey
from chalicelib.domain.partner import Participation, Partner
from chalicelib.domain.people import Membership, Person, Role
from chalicelib.domain.programme import Programme
from chalicelib.domain.scope import Scope
from chalicelib.domain.step import take
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.totals import Totals
from chalicelib.ports.workflow import Change
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import drafts, submit
from chalicelib.web import assets, partner, session
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import Browser, Got

ROUTES = (*assets.routes, *session.routes, *partner.routes)
STARTER = Path(__file__).resolve().parents[2] / "templates" / "starter" / "spring-offer.en.html"
LOCAL = "2026-03-10T09:00"
"""A Tuesday morning in Berlin, eight days after the fake clock starts."""


@dataclass
class Place:
    """The world, who is in it, and a browser of the partner's editor."""

    world: FakeWorld
    watched: stage.Watched
    ours: Partner
    anna: Person
    reviewer: Person
    programme: Programme
    template: TemplateVersion
    browser: Browser
    base: str = field(default="")

    def path(self, *parts: str) -> str:
        """A path below the partner's home."""
        return "/".join([f"/p/{self.ours.id}", *parts])

    def get(self, *parts: str, query: str = "") -> Got:
        """GET one of the partner's pages."""
        self.watched.calls.clear()
        return self.browser.get(self.path(*parts) + (f"?{query}" if query else ""))

    def post(self, *parts: str, **form: str) -> Got:
        """POST with the session's token."""
        return self.send(parts, form)

    def send(self, parts: tuple[str, ...], form: Mapping[str, str], **headers: str) -> Got:
        """POST any fields with the session's token."""
        self.watched.calls.clear()
        return self.browser.post(self.path(*parts), {"csrf": self.csrf, **form}, **headers)

    @property
    def csrf(self) -> str:
        """The token of the signed-in session."""
        secret = self.browser.cookies["__Host-cs"]
        account = self.world.people.account(PersonId(secret.split(".")[0]))
        return account.sessions[0].csrf

    @property
    def session(self) -> Any:
        """The partner's credentials."""
        return self.world.session(self.ours.id)

    def draft(self, **changes: str) -> Campaign:
        """A draft of Anna's; fields as in ``drafts.Typed``, values under ``value_<key>``."""
        made = drafts.start(self.world, self.session, self.anna, self.programme.id)
        if changes:
            values = {name[6:]: text for name, text in changes.items() if name.startswith("value_")}
            rest = {name: text for name, text in changes.items() if not name.startswith("value_")}
            drafts.save(self.world, self.session, self.anna, made.id, 1, drafts.Typed(values=values, **rest))
        return made

    def ready(self) -> Campaign:
        """A draft that can be submitted."""
        return self.draft(subject="Spring check at Acme", local_time=LOCAL, zone="Europe/Berlin")

    def submitted(self) -> Campaign:
        """A campaign in review."""
        made = self.ready()
        version = self.world.campaigns.history(self.session, made.id).draft.version
        return submit.submit(self.world, self.session, self.anna, made.id, version, terms=True)

    def moved(self, campaign: Campaign, action: Action, actor: Actor, to: State | None = None, **more: Any) -> Campaign:
        """The campaign after a step that somebody else takes."""
        before = self.world.campaigns.get(self.session, campaign.id)
        now, by = self.world.clock.now(), more.pop("by", "clock")
        after, entry = take(before, action, actor, now=now, by=by, to=to, **more)
        self.world.campaigns.commit(self.session, Change(before=before, after=after, audit=entry))
        return after

    def sending(self, totals: Totals) -> Campaign:
        """A campaign that is going out, with numbers."""
        approved = self.moved(self.submitted(), Action.APPROVE, Actor.REVIEWER, State.APPROVED, by=self.reviewer.id)
        started = self.moved(
            approved, Action.START, Actor.CLOCK, started_at=self.world.clock.now(), slices=1,
        )
        key = SliceKey(Run(started.id), 0)
        before = self.world.ledger.slice(self.session, key)
        self.world.ledger.advance(
            self.session, before, replace(before, turn=before.turn + 1, touched_at=self.world.clock.now()),
        )
        self.world.ledger.count(self.session, key, totals, self.world.clock.now())
        return started


def place(
    *, name: str = "Acme", customers: bool = True, source: bytes | None = None, sees_contacts: bool = False,
    seed: int = 0,
) -> Place:
    """Make it; ``source`` replaces the starter template, ``seed`` gives it other ids."""
    world = FakeWorld(seed=seed)
    ours = stage.partner(world, name)
    ours = replace(ours, zone="Europe/Berlin", version=2)
    world.partners.save(world.session(ours.id), ours, expected_version=1)
    anna = stage.person(world, "Anna", {Role.PARTNER_EDITOR: ours.id})
    world.people.memberships[anna.id, ours.id, Role.PARTNER_EDITOR.value] = Membership(
        person=anna.id, role=Role.PARTNER_EDITOR, org=OrgId(world.facts.org_id), partner=ours.id, partner_name=name,
        partner_zone=ours.zone, sees_contacts=sees_contacts,
    )
    reviewer = stage.person(world, "Marco", [Role.REVIEWER])
    template = _template(world, source or STARTER.read_bytes(), anna.id)
    programme = _programme(world, template, reviewer.id)
    world.partners.participate(world.session(ours.id), Participation(
        partner=ours.id, programme=programme.id, title=programme.title, opens_at=programme.opens_at,
        closes_at=programme.closes_at, params={"brief": programme.brief},
    ))
    if customers:
        world.contacts.save_tally(world.session(ours.id), Tally(
            at=world.clock.now(), suppressed={SuppressionReason.UNSUBSCRIBED: 83, SuppressionReason.BOUNCED: 24},
            by_bases={frozenset({LegalBasis.DOUBLE_OPT_IN}): 1_204},
        ))
    watched = stage.Watched(world)
    browser = stage.browser(watched, anna, routes=ROUTES, surface="partner")
    return Place(
        world=world, watched=watched, ours=ours, anna=anna, reviewer=reviewer, programme=programme, template=template,
        browser=browser,
    )


def _template(world: FakeWorld, source: bytes, by: PersonId) -> TemplateVersion:
    version = compile_source(source).version(
        template=TemplateId(make_id("tpl", world.clock.now(), world.entropy.bytes(10))), number=1,
        scope=Scope(OrgId(world.facts.org_id)), name="Spring", published_by=by, published_at=world.clock.now(),
    )
    world.templates.publish(version)
    return version


def _programme(world: FakeWorld, template: TemplateVersion, reviewer: PersonId) -> Programme:
    now: datetime = world.clock.now()
    made = Programme(
        id=ProgrammeId(make_id("prg", now, world.entropy.bytes(10))), scope=Scope(OrgId(world.facts.org_id)),
        title="Spring check", brief="Invite your customers to the spring check.", template=template.template,
        template_version=template.number, opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=30),
        reviewers=(reviewer,), created_at=now,
    )
    world.programmes.add(made)
    return made
