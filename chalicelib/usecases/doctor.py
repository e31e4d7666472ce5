"""The doctor: looks at everything that a deployment needs to send lawfully and says what to do.

Each examination stands alone and has its own thread: one that can't be made (a missing right, an
emulator without that service) or that takes too long is told as not checked, and hides nothing of
the others. They only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import field
from datetime import timedelta
from enum import StrEnum
from threading import Event

from chalicelib.domain.errors import CountersignError, Problem
from chalicelib.domain.record import dataclass
from chalicelib.ports.operation import Inspector, Resolver
from chalicelib.usecases.world import World

SKEW = timedelta(seconds=120)
"""SigV4 refuses a clock that is five minutes wrong; schedules are wrong long before."""
LOW_QUOTA = 0.8
EVENTS = frozenset({"SEND", "DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"})
"""Without these the numbers of a campaign never settle."""
PATIENCE = 60.0
"""Seconds for everything together, on the command line."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Area(StrEnum):
    """What an examination is about, in the order in which people read it."""

    SWITCH = "switch"
    MAIL = "mail"
    SENDERS = "senders"
    QUEUES = "queues"
    ALARMS = "alarms"
    TABLES = "tables"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: how it stands, and as a sentence what it means and what to do.

    ``code`` names what was looked at and is the same whether it is in order or not.
    """

    level: Level
    area: Area
    code: str
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

    def count(self, level: Level) -> int:
        """How many checks are of a level."""
        return sum(check.level is level for check in self.checks)


Examination = Callable[[], Iterator[Check]]


def examine(
    world: World, inspector: Inspector, resolver: Resolver | None, senders: Sequence[str] = (), *,
    seconds: float = PATIENCE,
) -> Health:
    """Look at everything, for ``seconds`` at most.

    The senders are those of system mails, of every partner, and ``senders``. ``resolver`` None
    leaves the name system out (a machine without a network).
    """
    from chalicelib.usecases.doctor_senders import examine_senders

    return Health(tuple(_together({
        Area.SWITCH: lambda: _switch(world),
        Area.MAIL: lambda: _mail(inspector),
        Area.SENDERS: lambda: examine_senders(world, inspector, resolver, senders),
        Area.QUEUES: lambda: _queues(inspector),
        Area.ALARMS: lambda: _alarms(inspector),
        Area.TABLES: lambda: _tables(inspector),
        Area.CLOCK: lambda: _clock(world, inspector),
    }, seconds)))


def _together(examinations: dict[Area, Examination], seconds: float) -> Iterator[Check]:
    """Every examination's checks, in order; of one that is late, those that it has made, and that it is late."""
    enough, found = Event(), {area: list[Check]() for area in examinations}
    pool = ThreadPoolExecutor(len(examinations))
    # Each thread needs the story of this one: what it logs belongs to the same request.
    running = {
        area: pool.submit(copy_context().run, _collect, area, look, found[area], enough)
        for area, look in examinations.items()
    }
    wait(running.values(), timeout=seconds)
    enough.set()
    pool.shutdown(wait=False, cancel_futures=True)
    for area, future in running.items():
        if future.done():
            future.result()
            yield from found[area]
        else:
            yield from (*found[area], unknown(area, "doctor.late", seconds=round(seconds)))


def _collect(area: Area, look: Examination, found: list[Check], enough: Event) -> None:
    """Make one examination, as long as somebody waits for it."""
    try:
        for check in look():
            found.append(check)
            if enough.is_set():
                return
    except CountersignError as error:
        found.append(unknown(area, "doctor.unknown", why=str(error)))


def verdict(
    good: bool, area: Area, code: str, level: Level = Level.FAIL, *, name: str = "", **params: str | int,
) -> Check:
    """A check by its outcome: two sentences belong to each code, that of ``<code>.ok`` for what is in order."""
    told = Problem(f"{code}.ok" if good else code, params={"name": name, **params})
    return Check(Level.OK if good else level, area, code, told)


def unknown(area: Area, code: str, **params: str | int) -> Check:
    """Something that was not checked, and why."""
    return Check(Level.UNKNOWN, area, code, Problem(code, params=params))


def _clock(world: World, inspector: Inspector) -> Iterator[Check]:
    if inspector.emulated:
        yield unknown(Area.CLOCK, "doctor.emulated.clock")
        return
    wrong = abs(world.clock.now() - inspector.remote_time())
    yield verdict(wrong <= SKEW, Area.CLOCK, "doctor.clock", seconds=int(wrong.total_seconds()))


def _mail(inspector: Inspector) -> Iterator[Check]:
    mail, here = inspector.mail(), Area.MAIL
    yield verdict(mail.production, here, "doctor.sandbox", Level.WARN)
    yield verdict(mail.sending, here, "doctor.sending")
    full = mail.per_day > 0 and mail.sent_today >= mail.per_day * LOW_QUOTA
    yield verdict(
        not full, here, "doctor.quota", Level.WARN, sent=int(mail.sent_today), limit=int(mail.per_day),
        rate=int(mail.rate))
    yield verdict(mail.set_found, here, "doctor.set")
    if mail.set_found:
        yield verdict(mail.suppressed == (), here, "doctor.suppression")
        missing = ", ".join(sorted(EVENTS - mail.events))
        yield verdict(not missing, here, "doctor.events", missing=missing)


def _tables(inspector: Inspector) -> Iterator[Check]:
    here = Area.TABLES
    for table in inspector.tables():
        yield verdict(table.found, here, "doctor.table", name=table.name)
        if not table.found:
            continue
        if table.wants_ttl:
            yield verdict(table.ttl, here, "doctor.ttl", name=table.name)
        if not inspector.emulated:
            code = "doctor.recovery" if table.wants_recovery else "doctor.no_recovery"
            yield verdict(table.recovery == table.wants_recovery, here, code, name=table.name)
            yield verdict(table.protected, here, "doctor.protection", Level.WARN, name=table.name)
    if inspector.emulated:
        yield unknown(here, "doctor.emulated.tables")


def _queues(inspector: Inspector) -> Iterator[Check]:
    for queue in inspector.queues():
        name = queue.name.value
        yield verdict(queue.found, Area.QUEUES, "doctor.queue", name=name, waiting=queue.waiting)
        if queue.found:
            yield verdict(not queue.dead, Area.QUEUES, "doctor.dead", name=name, count=queue.dead)


def _alarms(inspector: Inspector) -> Iterator[Check]:
    if inspector.emulated:
        yield unknown(Area.ALARMS, "doctor.emulated.alarms")
        return
    alarms = inspector.alarms()
    ringing = sorted(name for name, state in alarms.items() if state == "ALARM")
    yield verdict(bool(alarms), Area.ALARMS, "doctor.no_alarms", Level.WARN, count=len(alarms), ringing=len(ringing))
    for name in ringing:
        yield verdict(False, Area.ALARMS, "doctor.alarm", name=name)


def _switch(world: World) -> Iterator[Check]:
    yield verdict(not world.programmes.stopped(), Area.SWITCH, "doctor.stopped", Level.WARN)
