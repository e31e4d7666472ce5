"""C2: several workers, people, SES and the clock at once, all in one thread and one seed.

Every port call of a worker is a point at which another one may go on, time may pass, or the
worker may die. The seed decides everything; a failing seed is printed and can be run alone:
``python -m tests.sending.full --seed N``.
"""

from __future__ import annotations

import random  # noqa: TID251  the seed of a simulation is its own entropy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped, unused-ignore]

from chalicelib.domain.campaign import State
from chalicelib.domain.errors import Conflict, Retryable
from chalicelib.domain.ids import ContactId
from chalicelib.domain.ledger import Mark, Result, Seen, Status, status
from chalicelib.domain.manifest import BatchKey
from chalicelib.domain.sending import FRESH
from chalicelib.domain.tag import MessageRef, read_tag
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.usecases import progress, tick
from chalicelib.usecases.feedback import Event, absorb
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.world import World
from tests.fakes.sending import FakeLedger
from tests.sending.faults import PORTS
from tests.sending.stage import CAMPAIGN, CONTENT, LIFE, PARTNER, PERSON, START, Died, Stage, handle, judge

WORKERS = 4
_MANY = frozenset({"ids", "open"})
"""Calls that come by the hundred; as much trouble at each would drown the others."""
STEPS = 3_000
Handler = Callable[[World, Mapping[str, Any], datetime], None]
Resend = Callable[[World, Any, Any], object]


@dataclass
class Task:
    """One invocation of a function: its message, its end, and when it wants to go on."""

    message: Mapping[str, Any]
    stop_at: datetime
    green: greenlet
    wake_at: datetime
    late_claims: int = 0


@dataclass(order=True)
class Waiting:
    """A message in a queue."""

    at: datetime
    number: int
    message: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True)
class Taken:
    """SES accepted a mail, at a step."""

    step: int
    at: datetime
    to: str
    ref: MessageRef
    html: str


class Simulation:
    """One seed's world. ``trouble`` is the chance that a call goes wrong."""

    def __init__(
        self, seed: int, *, handler: Handler = handle, resend: Resend | None = None,
        ledger: type[FakeLedger] = FakeLedger,
    ) -> None:
        self.rng = random.Random(seed)
        self.stage = Stage(contacts=self.rng.randint(3, 14), rate=self.rng.choice([1.0, 2.0, 3.0, 50.0]))
        self.stage.fakes.ledger = ledger()
        self.handler = handler
        self.resend: Resend = resend or (lambda world, session, by: progress.resend_unknown(
            world, session, CAMPAIGN, by=by))
        self.clock = self.stage.fakes.clock
        self.clock.set(START - timedelta(minutes=3))
        self.trouble = self.rng.choice([0.0, 0.01, 0.03, 0.1])
        self.meddling = self.rng.choice([0.0, 0.02, 0.1])
        self.deaf = self.rng.random() < 0.4
        self.main = getcurrent()
        self.tasks: list[Task] = []
        self.waiting: list[Waiting] = []
        self.taken: list[Taken] = []
        self.released: dict[tuple[BatchKey, int], int] = {}
        self.resent: set[str] = set()
        self.cut_off = False
        self.unsubscribed: dict[str, datetime] = {}
        self.told: set[int] = set()
        self.steps = 0
        self.tampered = False
        self._number = 0
        self._ticked = self.clock.now() - timedelta(minutes=5)
        self.world = cast(World, _World(self))

    # --- the machine

    def run(self) -> None:
        """Live through the campaign, let trouble end, let everything settle, and judge."""
        while self.steps < STEPS and not (self.stage.campaign.state.final and not self.tasks):
            self._step()
            if self.steps == STEPS // 3:
                self.trouble = self.meddling = 0.0
        self._calm()
        self._judge()

    def _step(self) -> None:
        self.steps += 1
        self._kill_overdue()
        runnable = [t for t in self.tasks if t.wake_at <= self.clock.now()]
        ready = [w for w in self.waiting if w.at <= self.clock.now()]
        if self.meddling and self.rng.random() < self.meddling:
            self._meddle()
        elif ready and len(self.tasks) < WORKERS and (not runnable or self.rng.random() < 0.4):
            self._start(self.rng.choice(ready))
        elif runnable:
            self._resume(self.rng.choice(runnable))
        else:
            self._pass_time()
        if self.clock.now() - self._ticked >= timedelta(minutes=1):
            self._tick()

    def _pass_time(self) -> None:
        """Jump to what comes next, or let a little time pass."""
        moments = [w.at for w in self.waiting] + [t.wake_at for t in self.tasks]
        moments.append(self._ticked + timedelta(minutes=1))
        target = min(moments)
        self.clock.set(max(target, self.clock.now() + timedelta(milliseconds=1)))
        self._tell(self.rng.random() < 0.5)

    def _tick(self) -> None:
        self._ticked = self.clock.now()
        if self.rng.random() < 0.9:
            tick.tick(self.stage.fakes)
            self._drain()

    def _start(self, chosen: Waiting) -> None:
        """Deliver a message; SQS may deliver it a second time."""
        if self.rng.random() > 0.1:
            self.waiting.remove(chosen)
        else:
            chosen.at = self.clock.now() + timedelta(seconds=self.rng.choice([0, 30, 900]))
        stop_at = self.clock.now() + LIFE
        green = greenlet(lambda: self._handle(chosen.message, stop_at))
        task = Task(chosen.message, stop_at, green, self.clock.now())
        self.tasks.append(task)
        self._resume(task)

    def _handle(self, message: Mapping[str, Any], stop_at: datetime) -> None:
        """What a function or a page does; whatever else goes on may come between its calls."""
        if message["kind"] == "feedback":
            absorbed = absorb(self.world, message["events"])
            assert not absorbed.refused, "a genuine event was refused"
            if absorbed.again:
                raise Retryable("SQS brings them again")
        elif message["kind"] == "resend":
            self.cut_off = True
            self.resend(self.world, self.stage.session, PERSON)
            self.cut_off = False
        else:
            self.handler(self.world, message, stop_at)

    def _resume(self, task: Task, error: BaseException | None = None) -> None:
        try:
            if error is None:
                task.green.switch()
            else:
                task.green.throw(error)
        except (Died, Exception) as problem:
            if isinstance(problem, AssertionError):
                raise
            if not isinstance(problem, Conflict) or task.message["kind"] != "resend":
                self._again(task.message)
        if task.green.dead:
            self.tasks.remove(task)
        self._drain()

    def _again(self, message: Mapping[str, Any]) -> None:
        """A failed message comes again at once, after its visibility, or never (dead-letter queue)."""
        # What was absorbed in part would leave totals behind that are not right: such a message is redriven.
        delay = self.rng.choice([0, 900, 900 if message["kind"] == "feedback" else None])
        if delay is not None:
            self._push(message, delay)

    def _kill_overdue(self) -> None:
        """Lambda ends what runs too long, wherever it is."""
        for task in [t for t in self.tasks if self.clock.now() >= t.stop_at]:
            self._resume(task, Died())

    def _push(self, message: Mapping[str, Any], delay: float) -> None:
        self._number += 1
        self.waiting.append(Waiting(self.clock.now() + timedelta(seconds=delay), self._number, message))

    def _drain(self) -> None:
        """Take what was put into the fake queues."""
        queue = self.stage.fakes.queue
        for name, message, delay in queue_items(queue):
            if name in (QueueName.PLAN, QueueName.SEND):
                self._push(message, delay)

    @property
    def task(self) -> Task:
        """The task that runs now."""
        green = getcurrent()
        return next(t for t in self.tasks if t.green is green)

    # --- calls of workers

    def call(self, port: str, name: str, real: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A port call: others may go on before it, and it may go wrong."""
        task = self.task
        if name == "pause":
            task.wake_at = self.clock.now() + timedelta(seconds=args[0])
            self.main.switch()
            return None
        if self.rng.random() < (0.02 if name in _MANY else 0.5):
            self.main.switch()
        if (port, name) == ("ledger", "claim") and self.stage.campaign.epoch > int(task.message.get("epoch", 0)):
            task.late_claims += 1
            assert task.late_claims <= 1, "a worker went on for more than one batch after a pause"
        fault = self.rng.random() < (self.trouble / 50 if name in _MANY else self.trouble)
        if (port, name) == ("bulk_mailer", "send"):
            return self._bulk(args[0], fault)
        if (port, name) == ("ledger", "release"):
            real = self._noted(real)
        if fault:
            return self._fail(real, args, kwargs)
        found = real(*args, **kwargs)
        return list(found) if isinstance(found, Iterator) else found

    def _noted(self, release: Callable[..., None]) -> Callable[..., None]:
        """From the moment in which a person lets unknown recipients be mailed again their old claims are over."""
        def released(session: PartnerSession, key: BatchKey, ordinals: frozenset[int], until: datetime) -> None:
            release(session, key, ordinals, until)
            for ordinal in ordinals:
                self.released[key, ordinal] = self.steps
                self.resent.add(self._address(key, ordinal))

        return released

    def _fail(self, real: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        kind = self.rng.randrange(4)
        if kind == 0:
            raise Died
        if kind == 1:
            raise Retryable("throttled")
        found = real(*args, **kwargs)
        if kind == 2:
            raise Died
        del found
        raise Retryable("timeout")

    def _bulk(self, batch: BulkBatch, fault: bool) -> BulkAnswer:
        count = len(batch.entries)
        kind = self.rng.randrange(5) if fault else -1
        if kind == 0:
            raise Died
        if kind == 1:
            said, took = [Result.UNSENT] * count, [False] * count
        elif kind == 2:
            took = [self.rng.random() < 0.5 for _ in range(count)]
            said = [self.rng.choice([Result.SENT, Result.UNKNOWN]) if t else self.rng.choice(
                [Result.UNSENT, Result.UNKNOWN, Result.FAILED]) for t in took]
        else:
            said, took = [Result.UNKNOWN if kind == 4 else Result.SENT] * count, [True] * count
        for entry, taken in zip(batch.entries, took, strict=True):
            if taken:
                self.taken.append(Taken(
                    self.steps, self.clock.now(), entry.to, read_tag(entry.tag), batch.html))
        found = self.stage.fakes.bulk_mailer.take(batch, said, took)
        if kind == 3:
            raise Died
        if self.rng.random() < 0.3:
            self.main.switch()
        return found

    # --- what else happens meanwhile

    def _meddle(self) -> None:
        """People: pause, go on, the switch, an unsubscribe, a resend; and somebody alters the content."""
        choice = self.rng.randrange(9)
        try:
            if choice == 0:
                self.stage.hold()
            elif choice in (1, 2, 7):
                self.stage.resume()
            elif choice == 3:
                address = self.rng.choice(list(self.stage.ids))
                self.stage.suppress(address)
                self.unsubscribed.setdefault(address, self.clock.now())
            elif choice in (4, 8):
                self._push({"kind": "resend"}, 0)
            elif choice == 5:
                stopped = not self.stage.fakes.programmes.stopped()
                self.stage.fakes.programmes.stop(stopped, PERSON, self.clock.now())
            elif self.rng.random() < 0.2:
                self._tamper(True)
        except Conflict:
            pass
        self._drain()

    def _tamper(self, on: bool) -> None:
        self.tampered = on
        content = replace(CONTENT, html="<p>altered</p>") if on else CONTENT
        key = content_key(PARTNER, CONTENT.sha256)
        self.stage.fakes.blobs.put(self.stage.session, key, content.encode(), "application/json")

    def _address(self, key: BatchKey, ordinal: int) -> str:
        manifest = self.stage.fakes.ledger.manifest(self.stage.session, key.slice)
        assert manifest is not None
        by_id: dict[ContactId | None, str] = {contact: address for address, contact in self.stage.ids.items()}
        return by_id[manifest.member(key.batch, ordinal)]

    def _tell(self, now: bool) -> None:
        """Some events of SES arrive: late, doubled, in any order; one in ten never does."""
        if not now or not self.taken or self.deaf or len(self.waiting) > 20:
            return
        chosen = self.rng.sample(range(len(self.taken)), min(3, len(self.taken)))
        events = []
        for number in chosen:
            if number % 10 != 7:
                taken = self.taken[number]
                seen = self.rng.choice([Seen.ACCEPTED, Seen.DELIVERED, Seen.OPENED])
                events.append(Event(taken.ref, taken.to, seen, self.clock.now()))
                self.told.add(number)
        self._push({"kind": "feedback", "events": events}, 0)

    # --- the end

    def _calm(self) -> None:
        """No more trouble: the switch is off, the content is right, people resume, until it is over."""
        self.trouble = self.meddling = 0.0
        for _ in range(20):
            self.stage.fakes.programmes.stop(False, PERSON, self.clock.now())
            if self.tampered:
                self._tamper(False)
            if self.stage.campaign.state is State.HELD:
                self.stage.resume()
                self._drain()
            if self.cut_off:
                # A person whose click ended in an error presses the button again.
                self._push({"kind": "resend"}, 0)
            for _ in range(STEPS):
                if self.stage.campaign.state.final or self.stage.campaign.state is State.HELD:
                    break
                self._step()
            if self.stage.campaign.state.final and not self.tasks and not self._unread():
                return
            while self.tasks or self._unread():
                self._step()
        raise AssertionError(f"the campaign does not come to an end: {self.stage.campaign}")

    def _unread(self) -> bool:
        """Whether SES has told something that nobody has taken in yet."""
        return any(w.message["kind"] == "feedback" for w in self.waiting)

    def _judge(self) -> None:
        judge(self.stage, resent=frozenset(self.resent))
        copies = Counter(taken.to for taken in self.taken)
        releases = Counter(self._address(*place) for place in self.released)
        for address, count in copies.items():
            assert count <= 1 + releases[address], f"{address} was mailed {count} times"
        for taken in self.taken:
            assert taken.html == CONTENT.html, "something else than the approved content was sent"
            released = self.released.get((taken.ref.key, taken.ref.ordinal))
            assert released is None or taken.step <= released, "sent after it was released to be sent again"
            self._honours_unsubscribe(taken)
        if not self.cut_off:
            for place in self.released:
                assert self._tried_again(*place), f"{self._address(*place)} was to be mailed again, and nobody tried"

    def _tried_again(self, key: BatchKey, ordinal: int) -> bool:
        """Whether a later attempt had somebody in it who was released, unless SES told meanwhile that it was sent."""
        attempts = self.stage.fakes.ledger.attempts(self.stage.session, key.slice, key.batch, key.batch)
        later = any(a.key.attempt > key.attempt and a.marks[ordinal] != Mark.ABSENT for a in attempts)
        return later or status(attempts, ordinal) is Status.SENT

    def _honours_unsubscribe(self, taken: Taken) -> None:
        gone = self.unsubscribed.get(taken.to)
        if gone is None:
            return
        attempts = self.stage.fakes.ledger.attempts(self.stage.session, taken.ref.key.slice, 0, 10_000)
        claimed = next(a.claimed_at for a in attempts if a.key == taken.ref.key)
        assert claimed <= gone + FRESH, f"{taken.to} was mailed long after the unsubscribe"


def queue_items(queue: Any) -> Sequence[tuple[QueueName, Mapping[str, Any], float]]:
    """What was put since the last call."""
    items: list[tuple[QueueName, Mapping[str, Any], float]] = queue.taken
    queue.taken = []
    return items


class _World:
    """The world as a worker sees it."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        recorder = _Recorder()
        simulation.stage.fakes.queue = recorder  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._simulation.stage.fakes, name)
        return _Port(self._simulation, name, port) if name in PORTS else port


class _Recorder:
    """A queue that only notes what was put."""

    def __init__(self) -> None:
        self.taken: list[tuple[QueueName, Mapping[str, Any], float]] = []

    def put(self, queue: QueueName, message: Mapping[str, object], *, delay: int = 0) -> None:
        """Note one message."""
        assert 0 <= delay <= 900
        self.taken.append((queue, message, delay))

    def put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        """Note several."""
        for message in messages:
            self.put(queue, message)


class _Port:
    """One port as a worker sees it."""

    def __init__(self, simulation: Simulation, name: str, real: object) -> None:
        self._simulation = simulation
        self._name = name
        self._real = real

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._simulation.call(self._name, name, real, args, kwargs)

        return call
