"""Fakes of clock, entropy, queues, blobs and partner sessions; they obey the contract suite."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession, QueueName, UploadForm

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning, when fake clocks start."""


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Cut to milliseconds, as the real one."""
        return self._now.replace(microsecond=self._now.microsecond // 1000 * 1000)

    def advance(self, **amount: float) -> datetime:
        """Move on by a timedelta's arguments (``minutes=5``); returns the new time."""
        self._now += timedelta(**amount)
        return self.now()

    def set(self, moment: datetime) -> None:
        """Jump to a moment, back in time as well."""
        self._now = moment.astimezone(UTC)


class FakeEntropy:
    """Bytes that differ at every call and are the same in every run."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._calls = 0

    def bytes(self, count: int) -> bytes:
        """SHAKE-256 over seed and number of the call."""
        self._calls += 1
        return hashlib.shake_256(f"{self._seed}:{self._calls}".encode()).digest(count)


@dataclass(frozen=True, slots=True)
class FakeSession:
    """A session for one partner; fakes ask for nothing more."""

    partner: PartnerId
    zone: Zone = Zone.PARTNER


class FakeSessions:
    """Opens sessions and counts how often for whom; ``refuse`` makes partners fail."""

    def __init__(self) -> None:
        self.opened: Counter[tuple[PartnerId, Zone]] = Counter()
        self.refuse: dict[PartnerId, Exception] = {}

    def open(self, partner: PartnerId, zone: Zone) -> FakeSession:
        """Never checks whether the partner exists, as STS does not either."""
        if not partner.startswith("prt_"):
            raise NotFound("no such partner")
        if partner in self.refuse:
            raise self.refuse[partner]
        self.opened[partner, zone] += 1
        return FakeSession(partner, zone)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that waits: its queue, body and when it may be seen."""

    queue: QueueName
    body: Mapping[str, object]
    due: datetime


class FakeQueue:
    """Keeps messages until they are delivered; delays follow the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.waiting: list[Message] = []
        self.sent: list[Message] = []
        self.fail: list[Exception] = []
        """Errors for the next calls, first to last; such a call takes no message."""

    def put(self, queue: QueueName, message: Mapping[str, object], *, delay: int = 0) -> None:
        """Goes through JSON, so that a test sees what a consumer sees."""
        if not 0 <= delay <= 900:
            raise Permanent("a message is delayed by 0 to 900 seconds")
        if not isinstance(message.get("v"), int) or not message.get("kind"):
            raise Permanent("a message has a version (v) and a kind")
        if self.fail:
            raise self.fail.pop(0)
        body = json.loads(json.dumps(message))
        entry = Message(queue, body, self._clock.now() + timedelta(seconds=delay))
        self.waiting.append(entry)
        self.sent.append(entry)

    def put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        """One by one."""
        for message in messages:
            self.put(queue, message)

    def kinds(self, queue: QueueName | None = None) -> list[str]:
        """The kinds of what waits, in order."""
        return [str(m.body["kind"]) for m in self.waiting if queue in (None, m.queue)]

    def deliver(
        self, queue: QueueName, handle: Callable[[Mapping[str, object]], None], *, limit: int = 10_000,
        twice: bool = False,
    ) -> int:
        """Hand over what is due, and what comes due meanwhile; returns how many.

        A message whose handling raises stays, and the error goes to the test. ``twice`` hands each
        over a second time, as SQS may.
        """
        count = 0
        while count < limit:
            due = [m for m in self.waiting if m.queue is queue and m.due <= self._clock.now()]
            if not due:
                break
            handle(due[0].body)
            if twice:
                handle(due[0].body)
            self.waiting.remove(due[0])
            count += 1
        return count


class FakeBlobs:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.gets: Counter[str] = Counter()
        self.temporary: set[str] = set()

    def put(
        self, session: PartnerSession | None, key: str, data: bytes, content_type: str, *, temporary: bool = False,
    ) -> None:
        """Replaces, also what was said of how long it is kept."""
        _judge(session, key)
        self._keep(key, temporary)
        self.objects[key] = bytes(data)
        self.types[key] = content_type

    def put_new(self, session: PartnerSession | None, key: str, data: bytes, content_type: str) -> bool:
        """Never replaces."""
        _judge(session, key)
        if key in self.objects:
            return False
        self.put(session, key, data, content_type)
        return True

    def get(self, session: PartnerSession | None, key: str) -> bytes:
        """Whole."""
        _judge(session, key)
        if key not in self.objects:
            raise NotFound("no such object")
        self.gets[key] += 1
        return self.objects[key]

    def lines(self, session: PartnerSession | None, key: str, *, chunk: int = 65536) -> Iterator[bytes]:
        """In chunks."""
        data = self.get(session, key)
        return iter([data[start:start + chunk] for start in range(0, len(data), chunk)])

    def size(self, session: PartnerSession | None, key: str) -> int:
        """In bytes."""
        return len(self.get(session, key))

    def upload_form(
        self, session: PartnerSession | None, key: str, *, max_bytes: int, seconds: int, redirect: str = "",
        temporary: bool = False,
    ) -> UploadForm:
        """A form that :meth:`upload` takes."""
        _judge(session, key)
        fields = {"key": key, "x-max-bytes": str(max_bytes)}
        if redirect:
            fields["success_action_redirect"] = redirect
        if temporary:
            fields["tagging"] = "temporary"
        return UploadForm("https://uploads.invalid/", fields)

    def upload(self, form: UploadForm, data: bytes) -> None:
        """What a browser does with a form; raises Permanent for a size that S3 would refuse."""
        if not 1 <= len(data) <= int(form.fields["x-max-bytes"]):
            raise Permanent("EntityTooLarge or EntityTooSmall")
        self._keep(form.fields["key"], "tagging" in form.fields)
        self.objects[form.fields["key"]] = data

    def _keep(self, key: str, temporary: bool) -> None:
        (self.temporary.add if temporary else self.temporary.discard)(key)


def _judge(session: PartnerSession | None, key: str) -> None:
    above = ("", "UPLOADS/", "MEDIA/")
    owners = tuple(f"{place}{f'P/{session.partner}' if session else 'ORG'}/" for place in above)
    prefixes = (*owners, "EVENTS/") if session is None else owners
    bad = any(piece in ("", ".", "..") for piece in key.split("/")) or "\\" in key or not key.isprintable()
    if not key.startswith(prefixes) or bad or len(key.encode()) > 1024:
        raise NotFound("no such object")
