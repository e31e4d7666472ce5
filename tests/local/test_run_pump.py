"""The pump hands messages over as Lambda's SQS poller does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local.clock import OffsetClock
from infra.local.lambdas import failures
from infra.local.pump import BATCH_SIZES, DUE, Pump, carry_delays, queue_urls

REGION = "eu-central-1"


class Standing:
    """A machine whose time stands still."""

    def now(self) -> datetime:
        """Always the same moment."""
        return datetime(2026, 11, 22, 12, tzinfo=UTC)


class Recorder:
    """Handlers that note what they get; ``answers`` says what the next calls return or raise."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[Callable[[Mapping[str, Any]], object]] = []
        self.arrived = threading.Event()

    def find(self, name: str) -> Callable[[Mapping[str, Any], object], object]:
        """The handler of a function."""

        def handler(event: Mapping[str, Any], context: object) -> object:
            self.calls.append((name, event))
            if "Records" in event:
                self.arrived.set()
            return self.answers.pop(0)(event) if self.answers else None

        return handler

    @property
    def bodies(self) -> list[list[str]]:
        """The bodies of each call that had records."""
        return [[r["body"] for r in event["Records"]] for _, event in self.calls if "Records" in event]


@pytest.fixture
def sqs() -> Iterator[Any]:
    """An SQS client on moto with the deployment's queues; a message is tried twice."""
    with mock_aws():
        client = boto3.client(
            "sqs", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        )
        for name in BATCH_SIZES:
            dead = client.create_queue(QueueName=f"cs-local-{name}-dead")["QueueUrl"]
            arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
            client.create_queue(QueueName=f"cs-local-{name}", Attributes={"RedrivePolicy": redrive})
        yield client


@pytest.fixture
def handlers() -> Recorder:
    """Handlers that succeed."""
    return Recorder()


@pytest.fixture
def clock() -> OffsetClock:
    """A clock that moves only when it is advanced."""
    return OffsetClock(machine=Standing())


@pytest.fixture
def pump(sqs: Any, handlers: Recorder, clock: OffsetClock) -> Pump:
    """A pump that is not started: the test polls."""
    return Pump(sqs, queue_urls(sqs, "cs-local"), clock, region=REGION, find=handlers.find)


def left_in(sqs: Any, name: str) -> int:
    """Messages in a queue, those in flight included."""
    url = sqs.get_queue_url(QueueName=f"cs-local-{name}")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return sum(int(found[key]) for key in found if key.startswith("ApproximateNumberOfMessages"))


def send(sqs: Any, name: str, *bodies: str, **more: Any) -> None:
    """Put messages into a queue."""
    url = sqs.get_queue_url(QueueName=f"cs-local-{name}")["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, **more)


def appear_again(sqs: Any, name: str, event: Mapping[str, Any]) -> None:
    """End the visibility of a batch, as time would."""
    url = sqs.get_queue_url(QueueName=f"cs-local-{name}")["QueueUrl"]
    for record in event["Records"]:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0)


def test_a_message_arrives_in_lambdas_shape(sqs: Any, pump: Pump, handlers: Recorder) -> None:
    """A record has the fields that Lambda documents, and is deleted when the handler returns nothing."""
    send(sqs, "notices", '{"v":1}', MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
    pump.settle()
    (name, event), = handlers.calls
    record, = event["Records"]
    assert name == "notices"
    assert record["body"] == '{"v":1}'
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":cs-local-notices")
    assert record["awsRegion"] == REGION
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {"a": {"stringValue": "b", "dataType": "String"}}
    assert left_in(sqs, "notices") == 0


def test_batches_are_as_large_as_the_function_asks(sqs: Any, pump: Pump, handlers: Recorder) -> None:
    """Notices come by tens, plans one by one."""
    send(sqs, "notices", *"abcdefghijkl")
    send(sqs, "plan", "x", "y")
    pump.settle()
    assert sorted(len(bodies) for bodies in handlers.bodies) == [1, 1, 2, 10]


def test_only_the_failed_messages_come_again(sqs: Any, pump: Pump, handlers: Recorder) -> None:
    """What ``batchItemFailures`` names stays in the queue, the rest is deleted."""
    handlers.answers = [lambda event: {"batchItemFailures": [
        {"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "b"
    ]}]
    send(sqs, "notices", "a", "b", "c")
    pump.settle()
    assert left_in(sqs, "notices") == 1
    appear_again(sqs, "notices", {"Records": [r for r in handlers.calls[0][1]["Records"] if r["body"] == "b"]})
    pump.settle()
    assert handlers.bodies[1:] == [["b"]]
    assert left_in(sqs, "notices") == 0


def test_a_handler_that_raises_fails_its_batch_until_the_dead_letter_queue(
    sqs: Any, pump: Pump, handlers: Recorder,
) -> None:
    """A poison message is tried as often as the queue allows, and is then kept aside."""

    def fail(event: Mapping[str, Any]) -> object:
        raise RuntimeError("boom")

    handlers.answers = [fail, fail]
    send(sqs, "imports", "poison")
    for _ in range(2):
        pump.settle()
        appear_again(sqs, "imports", handlers.calls[-1][1])
    pump.settle()
    assert handlers.bodies == [["poison"], ["poison"]]
    assert (left_in(sqs, "imports"), left_in(sqs, "imports-dead")) == (0, 1)


@pytest.mark.parametrize(("answer", "failed"), [
    (None, ""), ({}, ""), ({"batchItemFailures": []}, ""), ({"batchItemFailures": None}, ""),
    ({"batchItemFailures": [{"itemIdentifier": "b"}]}, "b"),
    ({"batchItemFailures": [{"itemIdentifier": "foreign"}]}, "abc"),
    ({"batchItemFailures": [{"itemIdentifier": ""}]}, "abc"),
    ({"batchItemFailures": [{}]}, "abc"), ("text", "abc"), ({"other": 1}, "abc"),
])
def test_an_answer_is_read_as_lambda_reads_it(answer: object, failed: str) -> None:
    """An answer that can't be read, or names a message of no batch, fails the whole batch."""
    assert failures(answer, "abc") == frozenset(failed)


def test_a_delayed_message_follows_our_clock(
    sqs: Any, pump: Pump, handlers: Recorder, clock: OffsetClock,
) -> None:
    """A message sent with a delay is delivered when *our* clock says so, without waiting."""
    carry_delays(sqs, clock)
    send(sqs, "plan", "later", DelaySeconds=600)
    pump.settle()
    assert (handlers.bodies, left_in(sqs, "plan")) == ([], 1)
    clock.advance(timedelta(seconds=599))
    pump.settle()
    assert handlers.bodies == []
    clock.advance(timedelta(seconds=1))
    pump.settle()
    assert handlers.bodies == [["later"]]
    assert DUE not in handlers.calls[0][1]["Records"][0]["messageAttributes"]
    assert left_in(sqs, "plan") == 0


def test_a_held_message_is_released_at_the_stop(sqs: Any, pump: Pump, clock: OffsetClock, handlers: Recorder) -> None:
    """The next start sees delayed messages at once, whatever SQS thought of them before."""
    carry_delays(sqs, clock)
    send(sqs, "plan", "later", DelaySeconds=600)
    pump.settle()
    assert pump.stop()
    clock.advance(timedelta(seconds=600))
    Pump(sqs, queue_urls(sqs, "cs-local"), clock, region=REGION, find=handlers.find).settle()
    assert handlers.bodies == [["later"]]


def test_sending_wakes_the_pump(sqs: Any, clock: OffsetClock) -> None:
    """What this process sends is looked for at once, not after a pause."""
    woken: list[int] = []
    carry_delays(sqs, clock, lambda: woken.append(1))
    send(sqs, "send", "x")
    assert woken == [1]


def test_a_tick_is_eventbridges_event_by_our_clock(pump: Pump, handlers: Recorder, clock: OffsetClock) -> None:
    """An advance ticks once, with the time that the clock then shows."""
    clock.on_advance(pump.on_advance)
    clock.advance(timedelta(days=1, minutes=3))
    (name, event), = handlers.calls
    assert (name, event["time"], event["source"]) == ("tick", "2026-11-23T12:03:00Z", "aws.events")


def test_a_failing_tick_does_not_end_the_pump(pump: Pump, handlers: Recorder) -> None:
    """The next tick does what this one could not."""

    def fail(event: Mapping[str, Any]) -> object:
        raise RuntimeError("boom")

    handlers.answers = [fail]
    pump.tick()
    pump.tick()
    assert len(handlers.calls) == 2


def test_threads_deliver_and_stop(sqs: Any, pump: Pump, handlers: Recorder, clock: OffsetClock) -> None:
    """The running pump ticks, delivers what is sent, and ends when told."""
    carry_delays(sqs, clock, pump.nudge)
    pump.start()
    send(sqs, "feedback", "event")
    assert handlers.arrived.wait(10)
    assert pump.stop(10)
    assert handlers.bodies == [["event"]]
    assert "tick" in {name for name, _ in handlers.calls}
