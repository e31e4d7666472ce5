"""The doctor: looks at everything that a deployment needs to send lawfully and says what to do.

Each examination stands alone: one that can't be made (a missing right, an emulator without that
service) is told as such and hides nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.errors import CountersignError, Problem
from chalicelib.domain.record import dataclass
from chalicelib.ports.operation import IdentityState, Inspector, Resolver
from chalicelib.usecases.world import World

SKEW = timedelta(seconds=120)
"""SigV4 refuses a clock that is five minutes wrong; schedules are wrong long before."""
LOW_QUOTA = 0.8
EVENTS = frozenset({"SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"})
"""Without these the numbers of a campaign never settle."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: how it stands, and as a sentence what it means and what to do."""

    level: Level
    name: str
    told: Problem


@dataclass(frozen=True, slots=True)
class Health:
    """All checks."""

    checks: tuple[Check, ...] = field(default=())

    @property
    def worst(self) -> Level:
        """FAIL, else UNKNOWN, else WARN, else OK."""
        levels = {check.level for check in self.checks}
        return next((level for level in (Level.FAIL, Level.UNKNOWN, Level.WARN) if level in levels), Level.OK)


def examine(world: World, inspector: Inspector, resolver: Resolver | None, senders: Sequence[str] = ()) -> Health:
    """Look at everything; ``resolver`` None leaves the name system out (a machine without a network)."""
    domains = sorted({address.rpartition("@")[2] for address in (world.facts.mail_from, *senders) if address})
    examinations: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("clock", lambda: _clock(world, inspector)), ("mail", lambda: _mail(inspector)),
        ("tables", lambda: _tables(inspector)), ("queues", lambda: _queues(inspector)),
        ("alarms", lambda: _alarms(inspector)), ("switch", lambda: _switch(world)),
    ]
    examinations += [(domain, lambda d=domain: _sender(inspector, resolver, d)) for domain in domains]  # type: ignore[misc]
    return Health(tuple(check for name, look in examinations for check in _made(name, look)))


def _made(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    found: list[Check] = []
    try:
        found.extend(look())
    except CountersignError as error:
        found.append(_check(Level.UNKNOWN, name, "doctor.unknown", why=str(error)))
    return found


def _check(level: Level, name: str, code: str, **params: str | int) -> Check:
    return Check(level, name, Problem(code, params={"name": name, **params}))


def _verdict(good: bool, name: str, code: str, level: Level = Level.FAIL, **params: str | int) -> Check:
    return _check(Level.OK if good else level, name, "doctor.ok" if good else code, **params)


def _clock(world: World, inspector: Inspector) -> Iterator[Check]:
    wrong = abs(world.clock.now() - inspector.remote_time())
    yield _verdict(wrong <= SKEW, "clock", "doctor.clock", seconds=int(wrong.total_seconds()))


def _mail(inspector: Inspector) -> Iterator[Check]:
    mail = inspector.mail()
    yield _verdict(mail.production, "SES production access", "doctor.sandbox", Level.WARN)
    yield _verdict(mail.sending, "SES sending", "doctor.sending")
    full = mail.per_day > 0 and mail.sent_today >= mail.per_day * LOW_QUOTA
    yield _verdict(
        not full, "SES quota", "doctor.quota", Level.WARN, sent=int(mail.sent_today), limit=int(mail.per_day))
    yield _verdict(mail.set_found, "configuration set", "doctor.set")
    if mail.set_found:
        yield _verdict(mail.suppressed == (), "configuration set's suppression", "doctor.suppression")
        missing = ", ".join(sorted(EVENTS - mail.events))
        yield _verdict(not missing, "SES events", "doctor.events", missing=missing)


def _tables(inspector: Inspector) -> Iterator[Check]:
    for table in inspector.tables():
        yield _verdict(table.found, table.name, "doctor.table")
        if table.found:
            yield _verdict(table.ttl or not table.wants_ttl, f"{table.name} time to live", "doctor.ttl")
            code = "doctor.recovery" if table.wants_recovery else "doctor.no_recovery"
            yield _verdict(table.recovery == table.wants_recovery, f"{table.name} recovery", code)
            yield _verdict(table.protected, f"{table.name} deletion protection", "doctor.protection", Level.WARN)


def _queues(inspector: Inspector) -> Iterator[Check]:
    for queue in inspector.queues():
        yield _verdict(queue.found, f"queue {queue.name}", "doctor.queue")
        if queue.found:
            yield _verdict(
                not queue.dead, f"queue {queue.name}-dead", "doctor.dead", count=queue.dead, queue=queue.name.value)


def _alarms(inspector: Inspector) -> Iterator[Check]:
    alarms = inspector.alarms()
    yield _verdict(bool(alarms), "alarms", "doctor.no_alarms", Level.WARN)
    for name in sorted(name for name, state in alarms.items() if state == "ALARM"):
        yield _check(Level.FAIL, f"alarm {name}", "doctor.alarm", page=f"docs/runbook/{name}.md")


def _switch(world: World) -> Iterator[Check]:
    yield _verdict(not world.programmes.stopped(), "sending", "doctor.stopped", Level.WARN)


def _sender(inspector: Inspector, resolver: Resolver | None, domain: str) -> Iterator[Check]:
    identity, above = None, domain
    while identity is None and "." in above:
        identity = inspector.identity(above)
        above = above if identity else above.partition(".")[2]
    yield _verdict(identity is not None and identity.verified, f"sender {domain}", "doctor.identity")
    if identity is None:
        return
    yield _verdict(identity.dkim == "SUCCESS", f"DKIM of {identity.name}", "doctor.dkim", status=identity.dkim or "-")
    if resolver is not None:
        yield from _names(resolver, identity, domain)


def _names(resolver: Resolver, identity: IdentityState, domain: str) -> Iterator[Check]:
    """DKIM's aliases (SES developer guide, "Easy DKIM"), SPF of the envelope, DMARC (RFC 7489, section 6.3)."""
    for token in identity.tokens:
        name = f"{token}._domainkey.{identity.name}"
        good = resolver.alias(name).rstrip(".").lower() == f"{token}.dkim.amazonses.com"
        yield _verdict(good, f"DNS {name}", "doctor.dkim_record", target=f"{token}.dkim.amazonses.com")
    if identity.mail_from:
        spf = [text for text in resolver.texts(identity.mail_from) if text.lower().startswith("v=spf1")]
        good = len(spf) == 1 and "include:amazonses.com" in spf[0].lower()
        yield _verdict(good, f"SPF of {identity.mail_from}", "doctor.spf", count=len(spf))
    else:
        # Without a MAIL FROM of its own the envelope is amazonses.com's, whose SPF is not ours to mend.
        yield _check(Level.WARN, f"SPF of {domain}", "doctor.mail_from")
    found = _dmarc(resolver, domain)
    policy = next((t.partition("=")[2].strip() for t in found.split(";") if t.strip().startswith("p=")), "")
    yield _verdict(bool(found), f"DMARC of {domain}", "doctor.dmarc")
    if found:
        yield _verdict(policy in ("quarantine", "reject"), f"DMARC policy of {domain}", "doctor.dmarc_weak", Level.WARN,
                       policy=policy or "-")


def _dmarc(resolver: Resolver, domain: str) -> str:
    """The record of the domain, or of the one that the organisation registered above it."""
    while domain.count(".") >= 1:
        found = [t for t in resolver.texts(f"_dmarc.{domain}") if t.lower().startswith("v=dmarc1")]
        if len(found) == 1:
            return found[0]
        domain = domain.partition(".")[2]
    return ""
