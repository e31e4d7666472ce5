"""HQ's pages of rules: the brand kit, the approval routes, the reference, and exceptions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib import texts
from chalicelib.domain import book as books
from chalicelib.domain import kit as kit_text
from chalicelib.domain import policy as policies
from chalicelib.domain.book import BookKind
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, is_id
from chalicelib.domain.kit import EMPTY
from chalicelib.domain.people import Role
from chalicelib.usecases import exceptions, kits, lanes
from chalicelib.web import hq_kit_form
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, market_choices, market_of, number_of, scope_of
from chalicelib.web.http import Answer, plain, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
EXAMPLE = """lanes:
  - name: untouched
    if:
      changed_regions_risk: {at_most: none}
      findings: {warn: 0, undecidable: 0, exceptions: 0}
    requires: {reviewers: 0}
    audit_sample: 0.1
  - name: people
    requires: {reviewers: 1}
default: people
"""
"""The small routes of ``docs/lanes.md``, for whoever writes the first."""
KINDS = {"kit": BookKind.KIT, "lanes": BookKind.LANES}


@routes.get("/hq/rules")
@hq_page(*STAFF)
def reference(visit: Visit) -> Answer:
    """Every rule with its sentences and the brand's own examples."""
    from chalicelib.domain.compliance import RULES

    kit = kits.in_force(visit.world, scope_of(visit, "all")).kit
    listed = [(rule, *texts.of_rule(rule.code, visit.language), kit.examples.get(rule.code))
              for rule in sorted(RULES, key=lambda rule: rule.code)]
    return render(visit, "hq/rules.html", desk=visit.world.programmes.desk(), active="Rules", rules=listed,
                  has_kit=kit is not EMPTY)


@routes.get("/hq/rules/{kind}")
@hq_page(*STAFF)
def edit(visit: Visit, kind: str) -> Answer:
    """The text in force in a scope, to change and publish anew; ``example`` begins with small routes."""
    market, book_kind = market_of(visit.request.query.get("market")), _kind(kind)
    example = EXAMPLE if book_kind is BookKind.LANES and visit.request.query.get("example") else None
    return _page(visit, book_kind, market, source=example)


@routes.get("/hq/rules/{kind}/text")
@hq_page(*STAFF)
def download(visit: Visit, kind: str) -> Answer:
    """The published text as a file of its own."""
    scope = scope_of(visit, market_of(visit.request.query.get("market")))
    found = [b for b in visit.world.books.current() if b.kind is _kind(kind)]
    book = books.nearest(found, scope)
    if book is None:
        raise NotFound
    return plain(book.source)


@routes.post("/hq/rules/{kind}")
@hq_page(Role.HQ_ADMIN)
def publish(visit: Visit, kind: str) -> Answer:
    """Publish the text, or (``try``) only tell what it would do."""
    form, book_kind = visit.form, _kind(kind)
    market, source = market_of(form.get("market")), form.get("yaml")
    number = number_of(form.get("number"))
    try:
        if form.get("try"):
            return _page(visit, book_kind, market, source=source, trial=_trial(visit, book_kind, market, source))
        use = kits.publish if book_kind is BookKind.KIT else lanes.publish
        use(visit.world, visit.person, scope_of(visit, market), source, number=number, note=form.get("note"))
    except Refused as refused:
        return _page(visit, book_kind, market, source=source, problems=refused.problems, status=422)
    except Conflict as conflict:
        problem = replace(conflict.problem, field="yaml")
        return _page(visit, book_kind, market, source=source, problems=(problem,), status=409)
    return redirect(visit.urls.rules(kind) + (f"?market={market}" if market != "all" else ""))


def _trial(visit: Visit, kind: BookKind, market: str, source: str) -> lanes.Simulation | dict[str, Any]:
    """Read the text and run it on past submissions: a kit on the newest, routes on those of the version in force."""
    if kind is BookKind.KIT:
        stands = hq_kit_form.newest(visit, market)
        return hq_kit_form.changes(visit, market, stands, kit_text.read(source), source)
    policy = lanes.policy_of(visit.world.books.current(), scope_of(visit, market))
    return lanes.simulate(visit.world, source, past=policy.version, market=policy.market)


def _page(
    visit: Visit, kind: BookKind, market: str, *, source: str | None = None, problems: tuple[Problem, ...] = (),
    status: int = 200, trial: lanes.Simulation | dict[str, Any] | None = None,
) -> Answer:
    versions = kits.published(visit.world, kind, scope_of(visit, market))
    latest = versions[0] if versions else None
    shown = source if source is not None else (latest.source if latest else "")
    return render(
        visit, "hq/kit.html" if kind is BookKind.KIT else "hq/lanes.html", status=status, errors=problems,
        desk=visit.world.programmes.desk(), active="Rules", kind=kind.value, market=market, trial=trial, change=trial,
        source=shown, versions=versions, kept=_kept(visit, kind, shown),
        number=(latest.number if latest else 0) + 1, is_admin=Role.HQ_ADMIN in visit.hq_roles,
        markets=market_choices(visit),
    )


def _kept(visit: Visit, kind: BookKind, source: str) -> list[tuple[str, str]]:
    """What routes ask for and nothing acts upon yet: lane and sentence, so that nobody takes it for done."""
    if kind is not BookKind.LANES:
        return []
    try:
        policy = policies.read(source)
    except Refused:
        return []
    return [(lane, texts.sentence(problem, visit.language)) for lane, problem in policies.unenforced(policy)]


@routes.get("/hq/exceptions/{partner}")
@hq_page(*STAFF, Role.REVIEWER)
def show_exceptions(visit: Visit, partner: str) -> Answer:
    """A partner's exceptions, and for whom the routes allow it the form that grants one."""
    return _exceptions(visit, _partner(partner))


@routes.post("/hq/exceptions/{partner}")
@hq_page(*STAFF, Role.REVIEWER)
def grant(visit: Visit, partner: str) -> Answer:
    """Grant an exception."""
    form, ours = visit.form, _partner(partner)
    policy = lanes.policy_of(visit.world.books.current(), scope_of(visit, "all"))
    if not policies.may_grant(policy, visit.hq_roles, visit.person.address):
        raise NotFound
    try:
        exceptions.grant(
            visit.world, visit.person, ours, print_=form.get("fingerprint").strip(), code=form.get("code").strip(),
            reason=form.get("reason"), expires=form.get("expires"), policy=policy,
        )
    except Refused as refused:
        return _exceptions(visit, ours, problems=refused.problems, status=422)
    return redirect(visit.urls.exceptions(ours))


def _exceptions(visit: Visit, partner: PartnerId, *, problems: tuple[Problem, ...] = (), status: int = 200) -> Answer:
    policy = lanes.policy_of(visit.world.books.recent(), scope_of(visit, "all"))
    may = policies.may_grant(policy, visit.hq_roles, visit.person.address)
    if not may and Role.HQ_ADMIN not in visit.hq_roles:
        raise NotFound
    desk = visit.world.programmes.desk(partners=[partner])
    if not desk.partners:
        raise NotFound
    names = ("fingerprint", "code", "reason", "expires")
    return render(
        visit, "hq/exceptions.html", status=status, errors=problems, desk=desk, active="Rules",
        partner=desk.partners[0], waivers=[(w, w.stands(visit.now)) for w in exceptions.of(visit.world, partner)],
        form={name: visit.form.get(name) for name in names}, may=may, days=policy.max_days,
    )


def _kind(kind: str) -> BookKind:
    if kind not in KINDS:
        raise NotFound
    return KINDS[kind]


def _partner(partner: str) -> PartnerId:
    if not is_id(partner, "prt"):
        raise NotFound
    return PartnerId(partner)
