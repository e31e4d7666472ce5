"""Copies of the sending path with one guard taken out: the campaigns must notice each of them.

A mutant is made from the source text and lives in modules of its own; the real modules are not
touched. A guard whose text changed makes the mutant fail to build, so the list cannot rot.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.domain.ledger import Attempt
from chalicelib.domain.manifest import BatchKey
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World
from tests.fakes.sending import FakeLedger
from tests.sending.stage import CAMPAIGN, PER_SLICE

_MODULES = (
    "chalicelib.domain.ledger", "chalicelib.domain.totals", "chalicelib.domain.frequency", "chalicelib.domain.sending",
    "chalicelib.usecases.approved", "chalicelib.usecases.freeze", "chalicelib.usecases.control",
    "chalicelib.usecases.plan", "chalicelib.usecases.batch", "chalicelib.usecases.send_page",
    "chalicelib.usecases.send_turn", "chalicelib.usecases.send", "chalicelib.usecases.progress",
)


@dataclass(frozen=True)
class Mutant:
    """A guard by name, and where it stands: (module, text, what stands there without the guard)."""

    guard: str
    edits: tuple[tuple[str, str, str], ...] = ()
    ledger: type[FakeLedger] = FakeLedger


@dataclass(frozen=True)
class Built:
    """What a campaign needs of a mutant."""

    handler: Callable[[World, Mapping[str, Any], datetime], None]
    resend: Callable[[World, Any, Any], object]


class _ClaimsTwice(FakeLedger):
    """A store whose put has no condition."""

    def claim(self, session: PartnerSession, attempt: Attempt) -> None:
        stored = self._attempts.setdefault((session.partner, attempt.key.slice), {})
        stored[attempt.key[1:]] = attempt


class _ReleasesEarly(FakeLedger):
    """A store whose release does not look at the claim's deadline."""

    def release(self, session: PartnerSession, key: BatchKey, ordinals: frozenset[int], until: datetime) -> None:
        super().release(session, key, ordinals, datetime.max.replace(tzinfo=until.tzinfo))


_TURN, _LEDGER = "chalicelib.usecases.send_turn", "chalicelib.domain.ledger"
MUTANTS: Sequence[Mutant] = (
    Mutant("claim condition", ledger=_ClaimsTwice),
    Mutant("epoch", ((_TURN, "campaign.state is State.SENDING and campaign.epoch == epoch",
                      "campaign.state is State.SENDING"),)),
    Mutant("digest check", (("chalicelib.usecases.approved", "hashlib.sha256(data).hexdigest() != revision.content",
                             "not data"),)),
    Mutant("suppression read", (("chalicelib.usecases.batch", "record.contact.consents, record.suppression,",
                                 "record.contact.consents, None,"),)),
    Mutant("control-item read", ((_TURN, "if not self._may_send():", "if not records:"),)),
    Mutant("attempt rule", ((_LEDGER, "here is Status.OPEN or (", "here in (Status.OPEN, Status.UNKNOWN) or ("),)),
    Mutant("resend deadline", ((_LEDGER, "return now >= attempt.deadline + RESEND_MARGIN", "return True"),),
           _ReleasesEarly),
)


def build(mutant: Mutant) -> Built:
    """Make a mutant's own copies of the sending path."""
    sources = {name: _source(name) for name in _MODULES}
    for name, old, new in mutant.edits:
        assert sources[name].count(old) == 1, f"the guard {mutant.guard!r} is not where it was"
        sources[name] = sources[name].replace(old, new)
    with _own_modules():
        copies = {name: _load(name, source) for name, source in sources.items()}
    plan, send = copies["chalicelib.usecases.plan"], copies["chalicelib.usecases.send"]
    progress = copies["chalicelib.usecases.progress"]

    def handle(world: World, message: Mapping[str, Any], stop_at: datetime) -> None:
        if message["kind"] == "plan":
            plan.look(world, PartnerId(message["partner"]), CampaignId(message["campaign"]), per_slice=PER_SLICE)
        elif message["kind"] == "send":
            send.send(world, send.work_of(message), stop_at=stop_at)

    return Built(handle, lambda world, session, by: progress.resend_unknown(world, session, CAMPAIGN, by=by))


def _source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        return file.read()


def _load(name: str, source: str) -> ModuleType:
    """Run a module's text as the module of that name, for as long as the copies are made."""
    module = ModuleType(name)
    sys.modules[name] = module
    package, _, short = name.rpartition(".")
    setattr(sys.modules[package], short, module)
    exec(compile(source, f"<mutant of {name}>", "exec"), module.__dict__)  # noqa: S102  our own text, in a test
    return module


@contextmanager
def _own_modules() -> Iterator[None]:
    """Give the real modules back their names afterwards."""
    real = {name: importlib.import_module(name) for name in _MODULES}
    try:
        yield
    finally:
        for name, module in real.items():
            sys.modules[name] = module
            package, _, short = name.rpartition(".")
            setattr(sys.modules[package], short, module)
