"""The log: JSON lines, a correlation id through the queues, metrics, nothing of what an error quotes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import observe
from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.events import worker
from chalicelib.observe import JsonLines, blot
from chalicelib.ports.system import QueueName
from chalicelib.usecases.world import World
from tests.contract.backends import Backend
from tests.fakes.system import START, FakeClock
from tests.fakes.world import FakeWorld
from tests.isolation.judge import administrator


class Lines:
    """What was logged, as the objects of its lines."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in self._stream.getvalue().splitlines())

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of our loggers, in the form in which a function writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("countersign-test"))
    loggers = [logging.getLogger(name) for name in ("countersign", "chalicelib")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield Lines(stream)
    for logger, level in zip(loggers, before, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def record(body: object, **more: Any) -> dict[str, Any]:
    """A record of SQS as Lambda gives it, sent ten seconds before the fake clock's start."""
    sent = str(int(START.timestamp() * 1000) - 10_000)
    return {
        "messageId": "m-1", "body": json.dumps(body), "messageAttributes": {},
        "attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "2"}, **more,
    }


def test_a_failing_message_is_told_without_what_the_error_quotes(lines: Lines) -> None:
    """Of a foreign error its type and places are logged, its text is not; the message comes again."""
    def fail(message: object, world: World) -> None:
        raise ValueError("can't parse 'Jane Canary <jane.canary@example.com>'")

    world = FakeWorld()
    answer = worker.each("plan", {"Records": [record({})]}, world, fail)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    told = [line for line in lines if line["level"] == "ERROR"]
    assert [line["error"]["type"] for line in told] == ["builtins.ValueError"]
    assert told[0]["function"] == "plan"
    assert told[0]["correlation"] == "m-1"
    assert any("test_log_lines.py" in place and "fail" in place for place in told[0]["error"]["at"])
    assert "anary" not in lines.text.replace("test_a_failing", "")
    assert [line["age"] for line in lines if "age" in line] == [10.0]
    assert [line["errors"] for line in lines if "errors" in line] == [1]


def test_our_own_errors_keep_their_text(lines: Lines) -> None:
    """What this program says of an error is written for the log, and addresses in it are blotted out all the same."""
    def fail(message: object, world: World) -> None:
        raise Permanent("no such thing for jane@example.com")

    worker.each("plan", {"Records": [record({})]}, FakeWorld(), fail)
    assert [line["error"]["text"] for line in lines if "error" in line] == ["no such thing for <address>"]


def test_what_is_gone_is_dropped_only_where_that_is_meant(lines: Lines) -> None:
    """A notice for something that is gone ends; a plan for it goes to the dead-letter queue, where a person looks."""
    def gone(message: object, world: World) -> None:
        raise NotFound("x")

    event = {"Records": [record({})]}
    assert worker.each("notices", event, FakeWorld(), gone, drop_missing=True) == {"batchItemFailures": []}
    assert worker.each("plan", event, FakeWorld(), gone)["batchItemFailures"]


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "null"])
def test_a_body_that_is_no_message_fails_alone(body: str, lines: Lines) -> None:
    """Garbage is reported, and the messages beside it are handled."""
    seen: list[object] = []
    event = {"Records": [{**record({}), "body": body, "messageId": "bad"}, record({"v": 1}, messageId="good")]}
    answer = worker.each("plan", event, FakeWorld(), lambda message, world: seen.append(message))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert seen == [{"v": 1}]


def test_the_correlation_id_goes_through_a_queue(moto: Backend) -> None:
    """What a request queues carries the request's id, in single messages and in batches."""
    world, _ = moto.container(FakeClock())
    with observe.story("plan", "req-77"):
        world.queue.put(QueueName.PLAN, {"v": 1, "kind": "plan"})
        world.queue.put_many(QueueName.SEND, [{"v": 1, "kind": "send"}])
    sqs = world.clients.get("sqs")
    for name in ("plan", "send"):
        with administrator():
            url = sqs.get_queue_url(QueueName=f"countersign-test-{name}")["QueueUrl"]
            found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
            sqs.purge_queue(QueueUrl=url)
        ids = {m["MessageAttributes"]["correlation"]["StringValue"] for m in found if "MessageAttributes" in m}
        assert ids == {"req-77"}
    carried = {"correlation": {"stringValue": "req-77", "dataType": "String"}}
    seen: list[str] = []
    worker.each(
        "plan", {"Records": [record({"v": 1}, messageAttributes=carried)]}, world,
        lambda message, world: seen.append(observe.current().correlation))
    assert seen == ["req-77"]


def test_a_strange_id_is_not_taken_over() -> None:
    """An id from outside can't break a line or carry a text along."""
    with observe.story("pages", 'x" injected\n'):
        assert observe.current().correlation == ""


def test_metrics_are_a_closed_set_in_cloudwatchs_form(lines: Lines) -> None:
    """A metric line names namespace, dimension, unit and value; an unknown name is a mistake of ours."""
    observe.count(sent=49, failed=0, lag=1.5)
    line, = lines
    directive, = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Countersign"
    assert directive["Dimensions"] == [["deployment"]]
    assert directive["Metrics"] == [{"Name": "sent", "Unit": "Count"}, {"Name": "lag", "Unit": "Seconds"}]
    assert (line["deployment"], line["sent"], line["lag"]) == ("countersign-test", 49, 1.5)
    assert "failed" not in line
    with pytest.raises(KeyError):
        observe.count(sold=1)


@pytest.mark.parametrize(("text", "kept"), [
    ("to jane@example.com now", "to <address> now"),
    ("GET /r/Ab3dEf6hIj9k/decide", "GET /r/<token>/decide"),
    ("https://x.example/u/AAAA-BBBB_CCCC", "https://x.example/u/<token>"),
    ("campaign cmp_01 of prt_02", "campaign cmp_01 of prt_02"),
])
def test_addresses_and_tokens_are_blotted_out(text: str, kept: str) -> None:
    """Even a careless message of ours leaks neither an address nor a link that somebody could use."""
    assert blot(text) == kept


def test_a_function_writes_json_lines_from_its_first_line() -> None:
    """``install`` gives Lambda's own handler our format and keeps other libraries to warnings."""
    root = logging.getLogger()
    before, level, handlers = [h.formatter for h in root.handlers], root.level, list(root.handlers)
    stream = io.StringIO()
    try:
        observe.install("countersign-prod", stream)
        logging.getLogger("countersign.x").info("ours %d", 1)
        logging.getLogger("botocore.y").info("theirs")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for handler, formatter in zip(handlers, before, strict=True):
            handler.setFormatter(formatter)
        for name in ("countersign", "chalicelib"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ours 1"]
