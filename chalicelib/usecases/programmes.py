"""HQ's programmes: define one, tell the partners it is for, and stop all sending."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.domain.cap import MAX_COUNT, MAX_DAYS, Cap, cap_of
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, PersonId, ProgrammeId, TemplateId, is_id, make_id
from chalicelib.domain.partner import Participation, Partner, PartnerState
from chalicelib.domain.people import Person, Role
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import last_moment
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Scope, Zone
from chalicelib.ports.system import QueueName
from chalicelib.ports.workflow import PartnerCard
from chalicelib.texts.times import local_time
from chalicelib.usecases import control
from chalicelib.usecases.people import checked_address, checked_name
from chalicelib.usecases.world import World

TITLE_LENGTH = 120
BRIEF_LENGTH = 4000
REASON_LENGTH = 500
MAX_REVIEWERS = 10
BRIEF_SHOWN = 600
"""So much of the brief stands on a partner's home, which reads its participations only."""
TOLD = "told"
"""Set in a participation's params once its mails are out."""
TAKES_PART = frozenset({PartnerState.INVITED.value, PartnerState.ACTIVE.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A programme's form as it was typed. ``template`` is ``<template id>/<number>``; groups and
    reviewers come one a line or separated by commas; the folds are "0", "1" or ""."""

    id: str
    title: str
    brief: str
    template: str
    opens: str
    closes: str
    zone: str
    opens_fold: str = ""
    closes_fold: str = ""
    groups: str = ""
    reviewers: str = ""
    cap_count: str = ""
    cap_days: str = ""


def define(world: World, by: Person, form: Definition) -> ProgrammeId:
    """Store a programme and tell every partner it is for.

    The id comes with the form, so that a form sent twice makes one programme. Raises Refused
    with every problem at once, NotFound for an id that is none.
    """
    if not is_id(form.id, "prg"):
        raise NotFound
    programme = _checked(world, form)
    try:
        world.programmes.add(programme)
    except Conflict:
        if world.programmes.get(programme.id).title != programme.title:
            raise
    tell(world, programme)
    return programme.id


def tell(world: World, programme: Programme) -> int:
    """Queue an invitation to every partner the programme is for; returns how many. Repeating is harmless."""
    partners = [card.id for card in world.partners.cards() if eligible(programme, card)]
    if partners:
        world.queue.put_many(QueueName.NOTICES, [opened(programme.id, partner) for partner in partners])
    return len(partners)


def tell_again(world: World, programme_id: ProgrammeId) -> int:
    """Tell the partners who were not told yet; those who were get nothing. Raises NotFound."""
    return tell(world, world.programmes.get(programme_id))


def phase(programme: Programme, now: datetime) -> str:
    """``upcoming``, ``open`` or ``closed``."""
    if now < programme.opens_at:
        return "upcoming"
    return "open" if now < programme.closes_at else "closed"


def tell_partner(world: World, card: PartnerCard) -> None:
    """Queue the programmes that are still open to a partner who came later."""
    now = world.clock.now()
    messages = [
        opened(p.id, card.id) for p in world.programmes.list() if p.closes_at > now and eligible(p, card)
    ]
    if messages:
        world.queue.put_many(QueueName.NOTICES, messages)


def opened(programme: ProgrammeId, partner: PartnerId) -> dict[str, object]:
    """The message that opens a programme for one partner."""
    return {"v": 1, "kind": "programme_opened", "programme": programme, "partner": partner}


def eligible(programme: Programme, card: PartnerCard) -> bool:
    """A programme without groups is for everybody."""
    return card.state in TAKES_PART and (not programme.groups or bool(programme.groups & card.groups))


def open_for(world: World, programme_id: ProgrammeId, partner_id: PartnerId) -> None:
    """Put a programme on a partner's home and mail its people.

    A message may come twice: who was told is not told again; after a crash between mail and
    note the people get one mail twice rather than none.
    """
    session = world.sessions.open(partner_id, Zone.REVIEW)
    home = world.partners.home(session)
    programme = world.programmes.get(programme_id)
    stored = next((p for p in home.participations if p.programme == programme_id), None)
    if stored is None:
        stored = Participation(
            partner=partner_id, programme=programme_id, title=programme.title, opens_at=programme.opens_at,
            closes_at=programme.closes_at, params=_params(programme),
        )
        world.partners.participate(session, stored)
    if stored.params.get(TOLD):
        return
    for person in _people(world, home.partner):
        _tell(world, programme, home.partner, person)
    world.partners.participate(session, replace(stored, params={**stored.params, TOLD: "yes"}))


def _params(programme: Programme) -> dict[str, str]:
    """What a partner's pages know of a programme without reading it."""
    shown = {"brief": programme.brief[:BRIEF_SHOWN], "cap": str(programme.cap or "")}
    return {name: text for name, text in shown.items() if text}


def switch(world: World, by: Person, on: bool, reason: str = "") -> None:
    """Stop all sending, or let it go on. Who did it, when and why is kept before it takes effect.

    Raises Refused for a reason that is too long.
    """
    if len(reason) > REASON_LENGTH:
        raise Refused([Problem("value.too_long", "reason", {"length": len(reason), "max": REASON_LENGTH})])
    now = world.clock.now()
    entry = {
        "v": 1, "at": now.isoformat(timespec="milliseconds"), "action": "stop" if on else "go_on", "person": by.id,
        "name": by.name, "reason": reason.strip(),
    }
    key = f"ORG/audit/switch/{make_id('aud', now, world.entropy.bytes(10))}.json"
    world.blobs.put(None, key, json.dumps(entry, ensure_ascii=False).encode(), "application/json")
    control.switch_all(world, stopped=on, person=by.id)


def _people(world: World, partner: Partner) -> list[Person]:
    """The partner's people who still are its members."""
    now = world.clock.now()
    accounts = (world.people.account(person) for person in partner.people)
    return [a.person for a in accounts if a.roles_at(partner.id, now)]


def _tell(world: World, programme: Programme, partner: Partner, person: Person) -> None:
    from chalicelib.rendering.mails import render_mail
    from chalicelib.usecases import system_mail

    language = person.language or partner.language
    mail = render_mail("programme_opened", {
        "person": person, "programme": programme, "partner": partner, "org_name": world.facts.org_name,
        "url": f"{world.facts.base_url}/p/{partner.id}",
        "closes": local_time(programme.closes_at, partner.zone, language=language),
    }, texts.translations(language))
    system_mail.send(world, person, mail, kind="programme_opened")


# --- checking the form

def _checked(world: World, form: Definition) -> Programme:
    """The programme that a form describes; raises Refused with all that is wrong."""
    problems: list[Problem] = []
    title = checked_name(form.title, problems, field="title", limit=TITLE_LENGTH)
    if len(form.brief) > BRIEF_LENGTH:
        problems.append(Problem("value.too_long", "brief", {"length": len(form.brief), "max": BRIEF_LENGTH}))
    template = _template(world, form.template, problems)
    zone = form.zone
    if zone not in schedule.zone_names():
        problems.append(Problem("time.zone", "zone", {"value": zone[:60]}))
        zone = "UTC"  # so that the times are judged all the same
    opens = _time(form.opens, zone, form.opens_fold, "opens", problems)
    closes = _time(form.closes, zone, form.closes_fold, "closes", problems)
    now = world.clock.now()
    if opens and closes:
        if closes.at <= opens.at:
            problems.append(Problem("programme.window", "closes"))
        elif closes.at <= now:
            problems.append(Problem("programme.window_past", "closes"))
    _lasting(world, template, closes, problems)
    reviewers = _reviewers(world, form.reviewers, problems)
    groups = checked_groups(form.groups, problems)
    cap = _cap(form, problems)
    if problems or template is None or opens is None or closes is None:
        raise Refused(problems)
    return Programme(
        id=ProgrammeId(form.id), scope=Scope(world.facts.org_id), title=title, brief=form.brief.strip(),
        template=template[0], template_version=template[1], opens_at=opens.at, closes_at=closes.at, zone=form.zone,
        groups=groups, reviewers=reviewers, cap=cap, created_at=now,
    )


def _lasting(
    world: World, template: tuple[TemplateId, int] | None, closes: SendTime | None, problems: list[Problem],
) -> None:
    """A version that head office lets end must last as long as the programme."""
    end = last_moment(world.releases.retired(), *template) if template else None
    if end is not None and template and (closes is None or end < closes.at):
        problems.append(Problem("programme.template_retired", "template", {
            "version": template[1], "until": end.isoformat(sep=" ", timespec="minutes")[:16] + " UTC"}))


def _template(world: World, chosen: str, problems: list[Problem]) -> tuple[TemplateId, int] | None:
    known = {f"{s.template}/{s.number}": (s.template, s.number) for s in world.templates.list()}
    if chosen not in known:
        problems.append(Problem("programme.template", "template"))
    return known.get(chosen)


def _time(local: str, zone: str, fold: str, field: str, problems: list[Problem]) -> SendTime | None:
    if not local:
        problems.append(Problem("programme.time_missing", field))
        return None
    try:
        return schedule.resolve(local, zone, fold, field=field)
    except Refused as refused:
        problems.extend(refused.problems)
        return None


def _cap(form: Definition, problems: list[Problem]) -> Cap | None:
    """Two numbers, or nothing in both fields for no limit."""
    typed = (form.cap_count.strip(), form.cap_days.strip())
    if not any(typed):
        return None
    cap = cap_of("/".join(typed))
    if cap is None:
        problems.append(Problem("programme.cap", "cap_count", {"count": MAX_COUNT, "days": MAX_DAYS}))
    return cap


def _reviewers(world: World, text: str, problems: list[Problem]) -> tuple[PersonId, ...]:
    """The people of the typed addresses; each must have the role of a reviewer at HQ."""
    typed = split_list(text)
    if not typed:
        problems.append(Problem("programme.reviewers_missing", "reviewers"))
    if len(typed) > MAX_REVIEWERS:
        problems.append(Problem("programme.reviewers_many", "reviewers", {"max": MAX_REVIEWERS}))
        return ()
    found: list[PersonId] = []
    now = world.clock.now()
    for address in typed:
        clean = checked_address(address, problems, field="reviewers")
        person = world.people.find(clean) if clean else None
        if clean and (person is None or Role.REVIEWER not in world.people.account(person).roles_at(None, now)):
            problems.append(Problem("programme.reviewer_unknown", "reviewers", {"value": clean}))
        elif person:
            found.append(person)
    return tuple(dict.fromkeys(found))


def checked_groups(text: str, problems: list[Problem], *, field: str = "groups") -> frozenset[str]:
    """Groups as typed: up to twenty short words, compared without regard to case."""
    groups = frozenset(part.casefold() for part in split_list(text))
    if len(groups) > 20 or any(len(group) > 40 or not group.isprintable() for group in groups):
        problems.append(Problem("partner.groups", field))
    return groups


def split_list(text: str) -> list[str]:
    """What stands one a line or between commas, without empty parts."""
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
