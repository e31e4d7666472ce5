"""What AWS does between the parts: SQS to Lambda, and EventBridge's tick each minute.

One thread per queue receives messages and calls the function's handler with the event that Lambda
would build, deletes what succeeded and leaves the rest to SQS: a message whose handler failed comes
again when its visibility ends, and goes to the dead-letter queue after as many tries as the queue
allows. Visibility is shorter than on AWS (``VISIBILITY``), since no second worker competes and a
crash of the application should not cost a quarter of an hour.

**Delays and the advanceable clock.** SQS counts delays in the machine's seconds, so a message that
was sent with a delay would come too late after the clock was advanced. Therefore the delay does not
reach SQS: :func:`carry_delays` turns it, at the client of the application, into an attribute with the
time at which the message is due *by our clock*, and the pump keeps such a message (invisible in SQS,
its receipt in memory) until then. The application itself notices nothing of it.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.events.registry import FUNCTIONS
from chalicelib.ports.system import Clock
from infra.local.lambdas import Context, Handler, failures, find_handler, record_of

log = logging.getLogger(__name__)

BATCH_SIZES: Mapping[str, int] = {"plan": 1, "send": 1, "feedback": 10, "imports": 1, "notices": 10}
"""Messages handed over at once, as infra/resources.yaml has it (a test compares the two)."""
VISIBILITY = 30
"""Seconds after which a message that failed, or whose application died, comes again."""
MAX_VISIBILITY = 43_200
"""SQS hides a message for twelve hours at most."""
IDLE = 1.0
"""Seconds between two looks at an empty queue; what this process sends is looked for at once."""
DUE = "countersign-due"
TICK = timedelta(minutes=1)


def carry_delays(client: Any, clock: Clock, sent: Callable[[], None] = lambda: None) -> None:
    """Make delays of an SQS client follow ``clock``, and call ``sent`` after each send."""

    def keep_due(params: dict[str, Any], **_: object) -> None:
        delay = params.pop("DelaySeconds", 0)
        if delay:
            due = clock.now() + timedelta(seconds=delay)
            attributes = params.setdefault("MessageAttributes", {})
            attributes[DUE] = {"DataType": "String", "StringValue": due.isoformat()}

    def tell(**_: object) -> None:
        sent()

    for operation in ("SendMessage", "SendMessageBatch"):
        client.meta.events.register(f"after-call.sqs.{operation}", tell)
    client.meta.events.register("before-parameter-build.sqs.SendMessage", keep_due)


class Consumer:
    """One queue and the function behind it."""

    def __init__(
        self, name: str, client: Any, url: str, clock: Clock, *,
        region: str, batch: int, find: Callable[[str], Handler] = find_handler,
    ) -> None:
        self.name = name
        self.wake = threading.Event()
        self._client = client
        self._url = url
        self._clock = clock
        self._region = region
        self._batch = batch
        self._find = find
        self._arn = ""
        self._held: list[tuple[datetime, int, Mapping[str, Any]]] = []
        self._numbers = itertools.count()

    def poll(self) -> int:
        """Receive once and deliver what is due; returns the number of messages delivered."""
        due = self._due_of_held()
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=self._batch, VisibilityTimeout=VISIBILITY, WaitTimeSeconds=0,
            AttributeNames=["All"], MessageAttributeNames=["All"],
        )
        due += [message for message in answer.get("Messages", []) if not self._hold(message)]
        for batch in _chunks(due, self._batch):
            self.deliver(batch)
        return len(due)

    def deliver(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Call the handler with a batch and delete what did not fail."""
        if not self._arn:
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
            self._arn = answer["Attributes"]["QueueArn"]
        event = {"Records": [
            record_of(message, self._arn, self._region, without=DUE) for message in messages]}
        ids = [message["MessageId"] for message in messages]
        try:
            failed = failures(self._find(self.name)(event, Context(self.name)), ids)
        except Exception:
            log.exception("%s failed; SQS delivers its %d message(s) again in %d s", self.name, len(ids), VISIBILITY)
            return
        if failed:
            log.warning("%s: %d of %d message(s) come again in %d s", self.name, len(failed), len(ids), VISIBILITY)
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            self._client.delete_message_batch(QueueUrl=self._url, Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(done)
            ])

    def waits(self) -> float:
        """Seconds until the next look: a held message's due time, or ``IDLE``."""
        if not self._held:
            return IDLE
        return min(IDLE, max(0.0, (self._held[0][0] - self._clock.now()).total_seconds()))

    def release(self) -> None:
        """Show the held messages in SQS again, so that the next start sees them at once."""
        for _, _, message in self._held:
            self._hide(message, 0)
        self._held.clear()

    def _hold(self, message: Mapping[str, Any]) -> bool:
        """Keep a message that is not due by our clock yet; tells whether it did."""
        text = message.get("MessageAttributes", {}).get(DUE, {}).get("StringValue")
        if text is None:
            return False
        due = datetime.fromisoformat(text)
        wait = (due - self._clock.now()).total_seconds()
        if wait <= 0:
            return False
        # Should this process die, SQS shows the message again a little after it is due.
        self._hide(message, min(MAX_VISIBILITY, int(wait) + VISIBILITY))
        heapq.heappush(self._held, (due, next(self._numbers), message))
        return True

    def _due_of_held(self) -> list[Mapping[str, Any]]:
        now = self._clock.now()
        due = []
        while self._held and self._held[0][0] <= now:
            due.append(heapq.heappop(self._held)[2])
        return due

    def _hide(self, message: Mapping[str, Any], seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds,
        )


class Pump:
    """All consumers and the ticker, each in a thread of its own."""

    def __init__(
        self, client: Any, urls: Mapping[str, str], clock: Clock, *,
        region: str, find: Callable[[str], Handler] = find_handler,
    ) -> None:
        self._clock = clock
        self._find = find
        self._stop = threading.Event()
        self._minute = threading.Event()
        self._ticking = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.consumers = tuple(
            Consumer(name, client, urls[name], clock, region=region, batch=BATCH_SIZES[name], find=find)
            for name in FUNCTIONS if name in urls
        )

    def start(self) -> None:
        """Start the threads."""
        for consumer in self.consumers:
            self._spawn(f"pump-{consumer.name}", functools.partial(self._consume, consumer))
        self._spawn("pump-tick", self._tick_each_minute)

    def stop(self, seconds: float = 30.0) -> bool:
        """Let what runs finish and end the threads; True if all ended in time."""
        self._stop.set()
        self._minute.set()
        self.nudge()
        for thread in self._threads:
            thread.join(seconds)
        ended = not any(thread.is_alive() for thread in self._threads)
        if ended:
            for consumer in self.consumers:
                consumer.release()
        return ended

    def nudge(self) -> None:
        """Look at all queues now."""
        for consumer in self.consumers:
            consumer.wake.set()

    def on_advance(self) -> None:
        """After the clock was advanced: tick once, and deliver what became due."""
        self.tick()
        self.nudge()

    def tick(self) -> None:
        """Call the tick function with EventBridge's event of this minute."""
        event = {
            "version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event", "source": "aws.events",
            "time": self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "resources": [], "detail": {},
        }
        with self._ticking:
            try:
                self._find("tick")(event, Context("tick", seconds=60))
            except Exception:
                log.exception("the tick failed; the next one does its work")

    def settle(self, rounds: int = 1_000) -> None:
        """Deliver in this thread until all queues are empty but for delayed messages (for tests)."""
        for _ in range(rounds):
            if not sum(consumer.poll() for consumer in self.consumers):
                return
        raise RuntimeError("the queues do not come to rest")

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _consume(self, consumer: Consumer) -> None:
        while not self._stop.is_set():
            consumer.wake.clear()
            try:
                worked = consumer.poll()
            except Exception as error:
                if not self._stop.is_set():
                    log.warning("queue %s can't be read now: %s", consumer.name, error)
                self._stop.wait(IDLE)
                continue
            if not worked:
                consumer.wake.wait(consumer.waits())

    def _tick_each_minute(self) -> None:
        while not self._stop.is_set():
            self.tick()
            now = self._clock.now()
            next_minute = now.replace(second=0, microsecond=0) + TICK
            self._minute.wait((next_minute - now).total_seconds())


def queue_urls(client: Any, prefix: str) -> dict[str, str]:
    """The URLs of the queues that functions stand behind; raises if one is missing."""
    return {name: client.get_queue_url(QueueName=f"{prefix}-{name}")["QueueUrl"] for name in BATCH_SIZES}


def _chunks(items: list[Mapping[str, Any]], size: int) -> list[list[Mapping[str, Any]]]:
    return [items[start:start + size] for start in range(0, len(items), size)]
