"""Commands of an operator: doctor, hold, resume, redrive, restore."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TextIO

from chalicelib import texts
from chalicelib.domain.campaign import Actor, HoldReason
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId
from chalicelib.domain.scope import Zone
from chalicelib.ports.operation import DeadLetters, Journal
from chalicelib.ports.system import QueueName
from chalicelib.usecases import control, doctor, restore
from chalicelib.usecases.doctor import Health, Level
from chalicelib.usecases.world import World

AREAS = ("doctor", "hold", "resume", "redrive", "restore")
OPERATOR = PersonId("prs_" + "0" * 26)
"""Who threw the switch, where no person of the program did: the administrator of the account."""
EXIT = {Level.OK: 0, Level.WARN: 0, Level.FAIL: 1, Level.UNKNOWN: 3}
"""The doctor's exit status: 0 sound (warnings included), 1 something is wrong, 3 something could not be looked at."""
_MARK = {Level.OK: "ok  ", Level.WARN: "WARN", Level.FAIL: "FAIL", Level.UNKNOWN: "?   "}


def add_to(areas: Any) -> None:
    """Add the commands to the parser."""
    look = areas.add_parser("doctor", help="look at everything that sending needs, and say what to do")
    look.add_argument("--json", action="store_true", help="for scripts; the exit status is 0, 1 or 3 either way")
    look.add_argument("--all", action="store_true", help="show what is in order, too")
    look.add_argument("--sender", action="append", default=[], metavar="ADDRESS", help="a further sender to look at")
    for name, text in (("hold", "pause one campaign, or all sending"), ("resume", "let it go on")):
        command = areas.add_parser(name, help=text)
        command.add_argument("partner", nargs="?", help="prt_...")
        command.add_argument("campaign", nargs="?", help="cmp_...")
        command.add_argument("--all", action="store_true", help="head office's switch for all sending")
    redrive = areas.add_parser("redrive", help="put dead messages back into their queue")
    redrive.add_argument("queue", choices=[name.value for name in QueueName])
    redrive.add_argument("--limit", type=int, default=1000, help="at most so many (1000)")
    redrive.add_argument("--look", action="store_true", help="only show what lies there, without their contents")
    back = areas.add_parser("restore", help="after tables were restored: hold everything and replay the journal")
    back.add_argument("moment", type=_moment, help="the moment restored to, such as 2026-11-22T03:37:50+00:00")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as +00:00")
    return moment


class Tools(Protocol):
    """What these commands need beside a world; the container has all of it."""

    @property
    def dead_letters(self) -> DeadLetters: ...
    @property
    def journal(self) -> Journal: ...


def run(asked: argparse.Namespace, world: World, tools: Callable[[], Tools], out: TextIO) -> int:
    """Do what was asked; returns the exit status."""
    if asked.area == "doctor":
        return _doctor(asked, world, out)
    if asked.area == "redrive":
        return _redrive(asked, tools().dead_letters, out)
    if asked.area == "restore":
        return _restore(asked, world, tools().journal, out)
    return _switch(asked, world, out)


def _doctor(asked: argparse.Namespace, world: World, out: TextIO) -> int:
    health = doctor.examine(world, world.inspector, world.resolver, asked.sender)
    if asked.json:
        print(json.dumps(as_data(health), indent=1, ensure_ascii=False), file=out)
    else:
        shown = [check for check in health.checks if asked.all or check.level is not Level.OK]
        for check in shown:
            print(f"{_MARK[check.level]}  {check.area.value:8} {texts.sentence(check.told)}", file=out)
        fine = sum(check.level is Level.OK for check in health.checks)
        print(f"{fine} of {len(health.checks)} in order.", file=out)
    return EXIT[health.worst]


def as_data(health: Health) -> dict[str, object]:
    """The health for scripts: levels and codes are stable, sentences are for people."""
    return {"worst": health.worst.value, "checks": [
        {"level": c.level.value, "area": c.area.value, "code": c.code, "about": c.told.params.get("name", ""),
         "text": texts.sentence(c.told)}
        for c in health.checks
    ]}


def _switch(asked: argparse.Namespace, world: World, out: TextIO) -> int:
    holding = asked.area == "hold"
    if asked.all == bool(asked.campaign):
        print(f"Name a partner and a campaign (prt_... cmp_...), or say {asked.area} --all.", file=out)
        return 2
    if asked.all:
        control.switch_all(world, stopped=holding, person=OPERATOR)
        print("All sending is stopped." if holding else
              "Sending may go on. Paused campaigns stay paused until each is resumed.", file=out)
        return 0
    session = world.sessions.open(PartnerId(asked.partner), Zone.PARTNER)
    campaign = CampaignId(asked.campaign)
    if holding:
        after = control.hold(world, session, campaign, HoldReason.HQ, actor=Actor.HQ, by="operator")
    else:
        after = control.resume(world, session, campaign, actor=Actor.HQ, by="operator")
    print(f"{campaign} is {after.state.value}.", file=out)
    return 0


def _redrive(asked: argparse.Namespace, letters: DeadLetters, out: TextIO) -> int:
    queue = QueueName(asked.queue)
    if asked.look:
        found = letters.look(queue, asked.limit)
        for letter in found:
            print(f"{letter.kind} v{letter.version} {letter.partner} tried {letter.receives} times".strip(), file=out)
        print(f"{len(found)} messages in {queue.value}-dead.", file=out)
        return 0
    print(f"{letters.redrive(queue, asked.limit)} messages put back into {queue.value}.", file=out)
    return 0


def _restore(asked: argparse.Namespace, world: World, journal: Journal, out: TextIO) -> int:
    done = restore.restore(world, journal, asked.moment, by=OPERATOR)
    print(
        f"All sending is stopped. {done.held} campaigns are paused, {done.cancelled} that had started since are "
        f"cancelled. Replayed: {done.suppressions} people who must not be mailed, {done.manifests} audiences, "
        f"{done.claims} batches (their recipients are not confirmed).\nNext: docs/runbook/restore.md.", file=out)
    return 0
