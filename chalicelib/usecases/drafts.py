"""The partner's draft: begin one, save it while it is typed, use an old campaign anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from chalicelib.domain import ids
from chalicelib.domain import undo as steps
from chalicelib.domain.campaign import Campaign, Draft, OnLapse, State
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import CampaignId, ProgrammeId
from chalicelib.domain.people import Person
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.step import record
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.values import defaults, open_keys
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, PartnerHome
from chalicelib.usecases.world import World

EDITABLE = frozenset({State.DRAFT, State.CHANGES_REQUESTED})
MAX_TYPED = 20_000
"""A field holds no more than this while it is typed; the region's own limit is checked as well."""
MAX_TIME = 64
"""Characters of a typed time, its zone or its fold; what they mean is judged later."""
MAX_DRAFT = 150_000
"""Bytes of all texts of a draft together."""
MAX_NAME = 80
LAST_LISTED, LAST_READ = 20, 4
"""How many of the newest campaigns a new draft looks at for its predecessor, and how many of those it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the form sent; None leaves a part as it is."""

    values: Mapping[str, str] | None = None
    subject: str | None = None
    preheader: str | None = None
    local_time: str | None = None
    zone: str | None = None
    fold: str | None = None
    on_lapse: str | None = None


def open_programme(world: World, home: PartnerHome, programme_id: ProgrammeId) -> Programme:
    """The programme, if this partner takes part in it; raises NotFound for any other."""
    if all(p.programme != programme_id for p in home.participations):
        raise NotFound
    return world.programmes.get(programme_id)


def start(
    world: World, session: PartnerSession, person: Person, programme_id: ProgrammeId, name: str = "", *, once: str = "",
) -> Campaign:
    """Begin a campaign with HQ's defaults; raises NotFound, Conflict ``programme.closed``.

    ``once`` is an id that came with the form, so that a double click begins one campaign: the
    second finds what the first made. It counts among the partner's own campaigns only.
    """
    home = world.partners.home(session)
    programme = open_programme(world, home, programme_id)
    version = world.templates.get(programme.template, programme.template_version)
    values = defaults(version.regions) | dict(programme.defaults)
    return _create(
        world, session, person, programme, name=name or programme.title, zone=home.partner.zone,
        subject=version.subject, preheader=version.preheader, values=values, once=once,
        previous=_previous(world, session, version),
    )


def _previous(world: World, session: PartnerSession, version: TemplateVersion) -> str:
    """The partner's newest campaign that was ever submitted on this template or another of its family.

    Of the newest campaigns only a few are looked at, each by a query; one that lies further back is not offered.
    """
    submitted = (c for c in world.campaigns.list(session, limit=LAST_LISTED) if c.revision)
    for campaign in islice(submitted, LAST_READ):
        draft = world.campaigns.history(session, campaign.id).draft
        family = world.templates.get(draft.template, draft.template_version).family if version.family else ""
        if draft.template == version.template or (version.family and family == version.family):
            return campaign.id
    return ""


def use_again(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, *, once: str = "",
) -> Campaign:
    """Begin a new draft with the texts of an older campaign; its schedule is asked anew.

    ``once`` is what it is for :func:`start`.
    """
    old = world.campaigns.get(session, campaign_id)
    draft = world.campaigns.history(session, campaign_id).draft
    home = world.partners.home(session)
    programme = open_programme(world, home, old.programme)
    values = draft.values
    if draft.template_version != programme.template_version:
        from chalicelib.usecases import versions  # versions builds on this module

        old_version = world.templates.get(draft.template, draft.template_version)
        new_version = world.templates.get(programme.template, programme.template_version)
        values = versions.carry(old_version, new_version, values).values
    return _create(
        world, session, person, programme, name=old.name, zone=home.partner.zone, subject=draft.subject,
        preheader=draft.preheader, values=values, once=once,
    )


def _create(
    world: World, session: PartnerSession, person: Person, programme: Programme, *, name: str, zone: str,
    subject: str, preheader: str, values: Mapping[str, str], once: str, previous: str = "",
) -> Campaign:
    now = world.clock.now()
    if now >= programme.closes_at:
        raise Conflict("programme.closed", title=programme.title)
    given = ids.is_id(once, "cmp")
    campaign_id = CampaignId(once if given else ids.make_id("cmp", now, world.entropy.bytes(10)))
    blank = Campaign(
        id=campaign_id, org=programme.scope.org, partner=session.partner, programme=programme.id,
        name=_name(name), created_by=person.id, updated_at=now, version=0,
    )
    # The first entry names both, so that one query over the campaign's own partition fills a page.
    campaign, entry = record(
        blank, "create", now=now, by=person.id, details={"name": blank.name, "programme": programme.id},
    )
    draft = Draft(
        campaign=campaign_id, template=programme.template, template_version=programme.template_version,
        subject=subject, preheader=preheader, values=dict(values), zone=zone, saved_at=now, saved_by=person.id,
        previous=previous,
    )
    try:
        world.campaigns.create(session, campaign, draft, entry)
    except Conflict:
        if not given:
            raise
        return world.campaigns.get(session, campaign_id)
    return campaign


def _name(name: str) -> str:
    """A name for lists: one line, printable, short enough for the control item."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MAX_NAME] or "-"


def save(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, version: int, typed: Typed,
) -> Draft:
    """Keep what was typed, finished or not; ``version`` is the one the form was made from.

    Raises Refused for fields that are not the partner's to fill (``region.locked``) or cannot
    be kept (``value.nul``, ``value.far_too_long``, ``draft.too_large``), Conflict ``draft.changed`` where another tab
    or colleague saved first, ``campaign.not_now`` once the campaign is no draft any more.

    A save whose answer was lost on the way comes again with the version before it: where all that the
    form holds is what is stored, there is nothing to keep and no conflict.
    """
    try:
        return change(world, session, person, campaign_id, version, typed, lambda draft, template: draft)
    except Conflict as conflict:
        if conflict.code != "draft.changed":
            raise
        stands = world.campaigns.history(session, campaign_id).draft
        if as_typed(stands, typed) != stands:
            raise
        return stands


def undo(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, version: int, typed: Typed, *,
    forward: bool = False,
) -> Draft:
    """Put the draft back to what it was before its last change, or (``forward``) do again what was undone.

    What is in the form and was not saved yet is a change like any other: it is the first to be undone,
    and can be done again. Raises as :func:`save` does.
    """
    turn = steps.forward if forward else steps.back
    return change(world, session, person, campaign_id, version, typed, lambda draft, template: turn(draft))


def change(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, version: int, typed: Typed,
    made: Callable[[Draft, TemplateVersion], Draft],
) -> Draft:
    """Keep what was typed and what ``made`` makes of it, in one write; raises as :func:`save` does."""
    campaign = world.campaigns.get(session, campaign_id)
    if campaign.state not in EDITABLE:
        raise Conflict("campaign.not_now", state=campaign.state.value, action="save")
    draft = world.campaigns.history(session, campaign_id).draft
    if draft.version != version:
        raise changed(draft)
    template = world.templates.get(draft.template, draft.template_version)
    foreign = _foreign_fields(template, typed.values or {})
    if foreign:
        _note_attempt(world, session, person, campaign, foreign)
    if problems := [*foreign, *_unkeepable(typed)]:
        raise Refused(problems)
    saved = replace(
        made(steps.recorded(draft, as_typed(draft, typed)), template),
        version=draft.version + 1, saved_at=world.clock.now(), saved_by=person.id,
    )
    if problems := _too_large(saved):
        raise Refused(problems)
    world.campaigns.save_draft(session, saved)
    return saved


def as_typed(draft: Draft, typed: Typed) -> Draft:
    """The draft as it reads with what was typed."""
    given = {name: text for name in steps.LINES if (text := getattr(typed, name)) is not None}
    lapse = OnLapse(typed.on_lapse) if typed.on_lapse in set(OnLapse) else draft.on_lapse
    return replace(draft, values={**draft.values, **(typed.values or {})}, on_lapse=lapse, **given)


def changed(draft: Draft) -> Conflict:
    """The conflict that tells when and by whom the draft was saved meanwhile."""
    return Conflict("draft.changed", at=draft.saved_at.isoformat(timespec="seconds"), by=draft.saved_by)


def _foreign_fields(template: TemplateVersion, values: Mapping[str, str]) -> list[Problem]:
    free = open_keys(template)
    return [Problem("region.locked", key[:80]) for key in values if key not in free]


def _note_attempt(
    world: World, session: PartnerSession, person: Person, campaign: Campaign, foreign: list[Problem],
) -> None:
    """Put an attempt at locked fields into the trail: no form of ours posts them."""
    now = world.clock.now()
    fields = ",".join(p.field for p in foreign)[:200]
    after, entry = record(campaign, "refused_locked", now=now, by=person.id, details={"fields": fields})
    # Where somebody wrote meanwhile, the attempt is refused all the same and only not noted.
    with suppress(Conflict):
        world.campaigns.commit(session, Change(before=campaign, after=after, audit=entry))


def _unkeepable(typed: Typed) -> list[Problem]:
    texts = {**(typed.values or {}), "subject": typed.subject or "", "preheader": typed.preheader or ""}
    times = {"local_time": typed.local_time or "", "zone": typed.zone or "", "fold": typed.fold or ""}
    problems = [Problem("value.nul", key) for key, text in (texts | times).items() if "\x00" in text]
    for limit, fields in ((MAX_TYPED, texts), (MAX_TIME, times)):
        problems += [
            Problem("value.far_too_long", key, {"max": limit, "length": len(text)})
            for key, text in fields.items() if len(text) > limit
        ]
    return problems


def _too_large(draft: Draft) -> list[Problem]:
    """All texts of a draft lie in one item, which DynamoDB limits to 400 KB."""
    size = sum(len(text.encode()) for text in (*draft.values.values(), draft.subject, draft.preheader))
    if size <= MAX_DRAFT:
        return []
    return [Problem("draft.too_large", "", {"max": MAX_DRAFT // 1000, "size": size // 1000})]
