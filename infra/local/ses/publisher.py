"""Publishes events to the destinations of a mail's configuration set.

As on AWS, a mail without a configuration set, or whose set has no destination for an event's type,
publishes nothing. SNS notifications go out at once, one by one; Firehose collects records and
writes an object after a while (``buffer_seconds`` of the clock that was passed in, or
``buffer_records``). What is not out yet lies in ``outbox/`` too, so that a killed process
publishes it when it starts again. Like AWS, this may publish an event twice; it loses none.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.local.ses import events
from infra.local.ses.account import Account
from infra.local.ses.files import append_file, replace_file
from infra.local.ses.model import Mail
from infra.local.ses.sinks import Sinks

_LOG = logging.getLogger(__name__)
_STREAM = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PAUSE = 0.25
"""Real seconds between two looks at the buffers."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event to be published."""

    mail: Mail
    kind: str
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A destination that takes an event: ``sns`` with a topic's ARN, ``firehose`` with a stream's name."""

    kind: str
    target: str


class Publisher:
    """Buffers, retries and hands events to the sinks from one thread of its own."""

    def __init__(
        self,
        account: Account,
        sinks: Sinks,
        clock: Callable[[], datetime],
        *,
        outbox: Path | None = None,
        prefix: str = "EVENTS/",
        buffer_seconds: float = 60.0,
        buffer_records: int = 5_000,
    ) -> None:
        self._account, self._sinks, self._clock = account, sinks, clock
        self._prefix, self._seconds, self._records = prefix, buffer_seconds, buffer_records
        self._notes = _Notes(outbox / "sns" if outbox else None)
        self._streams = _Streams(outbox / "firehose" if outbox else None, clock())
        self._work = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="ses-events", daemon=True)

    def start(self) -> None:
        """Begin to publish, with what an earlier process left."""
        self._thread.start()

    def stop(self) -> None:
        """Publish what is there and end; what a sink refuses stays in the outbox."""
        self._ended = True
        self._wake.set()
        self._thread.join(timeout=5)
        self.flush()

    def routes(self, configuration_set: str, kind: str) -> list[Route]:
        """Where events of a type go for mails of a configuration set."""
        found = self._account.sets.get(configuration_set)
        name = events.matching_name(kind)
        return [_route(one.definition, one.kind) for one in (found.destinations if found else ()) if one.takes(name)]

    def publish(self, happened: Iterable[Event]) -> None:
        """Take events; they are on disk when this returns, and with the sinks soon after."""
        lines: dict[str, list[bytes]] = {}
        noted = False
        known: dict[tuple[str, str], list[Route]] = {}
        for event in happened:
            key = (event.mail.configuration_set, event.kind)
            if key not in known:
                known[key] = self.routes(*key)
            if not known[key]:
                continue
            record = events.record(event.mail, event.kind, event.at, event.detail)
            for route in known[key]:
                if route.kind == "sns":
                    self._notes.add(json.dumps(events.sns_envelope(json.dumps(record), route.target, event.at)))
                    noted = True
                elif route.kind == "firehose":
                    lines.setdefault(route.target, []).append(events.firehose_line(record))
        full = [self._streams.add(stream, added, self._clock()) >= self._records for stream, added in lines.items()]
        if noted or any(full):
            self._wake.set()

    def announce(self, topic: str) -> None:
        """The message that SES sends to a topic when it is made a destination; it is no JSON."""
        text = "Successfully validated SNS topic for Amazon SES event publishing."
        self._notes.add(json.dumps(events.sns_envelope(text, topic, self._clock())))
        self._wake.set()

    def flush(self) -> None:
        """Publish everything now; returns when the sinks have it (or have refused it)."""
        self._step(everything=True)

    def waiting(self) -> int:
        """How many events are not with the sinks yet."""
        return len(self._notes) + len(self._streams)

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(_PAUSE)
            self._wake.clear()
            if not self._step(everything=False):
                self._wake.wait(2.0)  # a sink refused; do not hammer it

    def _step(self, *, everything: bool) -> bool:
        with self._work:
            try:
                while (note := self._notes.first()) is not None:
                    self._sinks.publish_sns(json.loads(note[1]))
                    self._notes.done(note[0])
                for stream in self._streams.due(self._clock(), 0 if everything else self._seconds, self._records):
                    batch = self._streams.take(stream)
                    try:
                        key = events.firehose_key(self._prefix, stream, self._clock())
                        self._sinks.put_object(key, b"".join(batch.lines))
                    except Exception:
                        self._streams.give_back(stream, batch, self._clock())
                        raise
                    batch.forget()
            except Exception as error:
                _LOG.warning("Events wait in the outbox: %s", error)
                return False
        return True


def _route(definition: dict[str, object], kind: str) -> Route:
    member = definition.get("SnsDestination") or definition.get("KinesisFirehoseDestination") or {}
    fields = member if isinstance(member, dict) else {}
    if kind == "sns":
        return Route(kind, str(fields.get("TopicArn", "")))
    return Route(kind, stream_name(str(fields.get("DeliveryStreamArn", ""))))


def stream_name(arn: str) -> str:
    """The name of a delivery stream by its ARN; raises ValueError for what is no stream."""
    name = arn.rpartition("/")[2]
    if not _STREAM.fullmatch(name):
        raise ValueError(f"{arn!r} is not the ARN of a delivery stream")
    return name


class _Notes:
    """Notifications in order, each with its file if there is a directory."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, str]] = deque()
        for path in sorted(directory.glob("*.json")) if directory else ():
            self._waiting.append((int(path.stem), path.read_text("utf-8")))
        self._next = self._waiting[-1][0] + 1 if self._waiting else 1

    def add(self, text: str) -> None:
        with self._lock:
            number, self._next = self._next, self._next + 1
            if self._directory:
                replace_file(self._path(number), text.encode())
            self._waiting.append((number, text))

    def first(self) -> tuple[int, str] | None:
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def done(self, number: int) -> None:
        with self._lock:
            if self._waiting and self._waiting[0][0] == number:
                self._waiting.popleft()
        if self._directory:
            self._path(number).unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._waiting)

    def _path(self, number: int) -> Path:
        if self._directory is None:
            raise ValueError("kept in memory only")
        return self._directory / f"{number:012d}.json"


@dataclass(slots=True)
class _Batch:
    """Records of one stream, the time of the first, and the file that holds them."""

    lines: list[bytes]
    since: datetime
    path: Path | None = None

    def forget(self) -> None:
        if self.path:
            self.path.unlink(missing_ok=True)


class _Streams:
    """The buffers of the delivery streams."""

    def __init__(self, directory: Path | None, now: datetime) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._open: dict[str, _Batch] = {}
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
            for path in sorted(directory.glob("*.taken"), reverse=True):
                self.give_back(path.stem, _Batch(path.read_bytes().splitlines(keepends=True), now, path), now)
            for path in directory.glob("*.jsonl"):
                self._open[path.stem] = _Batch(path.read_bytes().splitlines(keepends=True), now, path)

    def add(self, stream: str, lines: list[bytes], now: datetime) -> int:
        """Buffer records; returns how many the stream holds."""
        with self._lock:
            batch = self._open.get(stream)
            if batch is None:
                path = self._directory / f"{stream}.jsonl" if self._directory else None
                batch = self._open[stream] = _Batch([], now, path)
            if batch.path:
                append_file(batch.path, b"".join(lines))
            batch.lines += lines
            return len(batch.lines)

    def due(self, now: datetime, seconds: float, records: int) -> list[str]:
        """The streams whose records are old enough or many enough; a clock set back makes them due."""
        with self._lock:
            return [
                stream
                for stream, batch in self._open.items()
                if len(batch.lines) >= records or not 0 <= (now - batch.since).total_seconds() < seconds
            ]

    def take(self, stream: str) -> _Batch:
        """Take a stream's records out, so that later ones go into the next object."""
        with self._lock:
            batch = self._open.pop(stream)
            if batch.path:
                batch.path = batch.path.replace(batch.path.with_suffix(".taken"))
            return batch

    def give_back(self, stream: str, batch: _Batch, now: datetime) -> None:
        """Put records back in front of those that came meanwhile."""
        with self._lock:
            later = self._open.pop(stream, None)
            path = self._directory / f"{stream}.jsonl" if self._directory else None
            lines = batch.lines + (later.lines if later else _left(path))
            if path:
                replace_file(path, b"".join(lines))
                batch.forget()
            self._open[stream] = _Batch(lines, now, path)

    def __len__(self) -> int:
        with self._lock:
            return sum(len(batch.lines) for batch in self._open.values())


def _left(path: Path | None) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path and path.exists() else []
