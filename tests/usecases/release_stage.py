"""A stage for releases: two people at head office, a template that got a second version, campaigns in flight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import ids
from chalicelib.domain.campaign import Campaign, Verdict
from chalicelib.domain.people import Role
from chalicelib.domain.release import Record, Release
from chalicelib.domain.template import TemplateVersion
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import releases
from chalicelib.usecases.releases import Plan
from tests.stage import SOURCE, Stage, decide_as_shown, person, stage

LOGO = (b"<p>Hello {{", b'<img src="https://brand.example/logo-1.png" alt="Fjord Bikes" width="120"><p>Hello {{')
OLD_LOGO, NEW_LOGO = "https://brand.example/logo-1.png", "https://brand.example/logo-2.png"
STAMP = ((OLD_LOGO, NEW_LOGO),)


def set_stage(**options: object) -> Stage:
    """The stage with a logo in the template, Henry beside Hanna at head office, and the partner's people known."""
    here = stage(**options)  # type: ignore[arg-type]
    here.people["henry"] = person(here.world, "henry", (Role.HQ_ADMIN, None))
    world, (key, version) = here.world, next(iter(here.world.templates.versions.items()))
    world.templates.versions[key] = of(version, SOURCE.replace(*LOGO), 1)
    known = world.partners.partners[here.partner]
    world.partners.partners[here.partner] = replace(
        known, people=(here.people["paula"].id, here.people["peter"].id))
    return here


def of(version: TemplateVersion, source: bytes, number: int) -> TemplateVersion:
    """A source as a version of the same template."""
    return compile_source(source).version(
        template=version.template, number=number, scope=version.scope, name=version.name,
        published_by=version.published_by, published_at=version.published_at)


def publish_next(here: Stage, change: tuple[bytes, bytes]) -> TemplateVersion:
    """A second version, published the plain way."""
    first = next(iter(here.world.templates.versions.values()))
    made = of(first, SOURCE.replace(*LOGO).replace(*change), 2)
    here.world.templates.publish(made)
    return made


def template(here: Stage) -> str:
    """The template's id."""
    return next(iter(here.world.templates.versions))[0]


def plan(here: Stage, **changes: object) -> Plan:
    """A form that puts the new logo everywhere."""
    made = Plan(id=ids.make_id("rel", here.world.clock.now(), here.world.entropy.bytes(10)), title="New logo",
                pairs=STAMP)
    return replace(made, **changes)  # type: ignore[arg-type]


def moving(here: Stage, **changes: object) -> Plan:
    """A form that moves the template to its newest version."""
    return plan(here, pairs=(), templates=(template(here),), **changes)


def prepared(here: Stage, form: Plan | None = None) -> Release:
    """Prepared by Hanna."""
    return releases.prepare(here.world, here.people["hanna"], form or plan(here))


def approved(here: Stage, form: Plan | None = None) -> Release:
    """Prepared by Hanna, approved by Henry."""
    made = prepared(here, form)
    return releases.approve(here.world, here.people["henry"], made.id, shown=made.fingerprint)


def applied(here: Stage, form: Plan | None = None) -> Record:
    """Approved, and worked off to the end."""
    made = approved(here, form)
    here.deliver()
    return here.world.releases.get(made.id)


def decide(here: Stage, name: str = "rita", verdict: Verdict = Verdict.APPROVE) -> None:
    """A reviewer answers from the newest mail."""
    token, code = here.token_and_code(name)
    decide_as_shown(here.world, token, verdict, code=code)


def approved_campaign(here: Stage, by: str = "paula", **values: str) -> Campaign:
    """A campaign that a reviewer approved."""
    campaign = here.submitted(by, **values)
    decide(here)
    here.deliver()
    return here.now_of(campaign)


def later(here: Stage, **delta: float) -> None:
    """Let time pass."""
    here.world.clock.advance(**delta)


DAY = timedelta(days=1)
