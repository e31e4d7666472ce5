"""The judge sees every call, and whatever no role may do or nobody taught it fails the test that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import QueueName
from chalicelib.wiring import Container
from infra.local.emulator import REGION
from tests.contract.backends import Backend, new_partner, own_keys
from tests.fakes.system import FakeClock
from tests.isolation.judge import JUDGE, Judge, Noted, acting, administrator

TABLE = "countersign-test-workflow"


@pytest.fixture
def world(moto: Backend) -> Iterator[Container]:
    """A container on moto, and a judge without memory."""
    stands, _ = moto.container(FakeClock())
    JUDGE.clear()
    # Clients of its own: those of the contract suite have a recorder that stops at the first scan.
    yield Container(stands.settings, clock=stands.clock, clients=Clients(REGION, own=own_keys))
    JUDGE.clear()


def test_a_foreign_key_is_refused(world: Container) -> None:
    """With one partner's keys another partner's item is out of reach, whatever the code meant."""
    mine, yours = (world.sessions.open(new_partner(), Zone.PARTNER) for _ in range(2))
    key = {"pk": {"S": f"P#{yours.partner}#HOME"}, "sk": {"S": "PARTNER"}}
    with acting_as(yours):
        world.clients.get("dynamodb").get_item(TableName=TABLE, Key=key)
    assert JUDGE.wrong == []
    with acting_as(mine):
        world.clients.get("dynamodb").get_item(TableName=TABLE, Key=key)
    assert len(JUDGE.wrong) == 1
    assert "partner-data" in JUDGE.wrong[0]


def test_a_function_may_not_do_what_another_may(world: Container) -> None:
    """Ticks queue plans; a tick that queued a notice would be refused, as would a reviewer's page that plans."""
    for function, queue, allowed in (
        ("tick", QueueName.PLAN, True), ("tick", QueueName.NOTICES, False), ("pages-hq", QueueName.PLAN, False),
        ("plan", QueueName.SEND, True), ("feedback", QueueName.IMPORTS, False),
    ):
        JUDGE.clear()
        with acting(function):
            world.queue.put(queue, {"v": 1, "kind": "x"})
        assert (JUDGE.wrong == []) is allowed, (function, queue, JUDGE.wrong)


def test_a_partners_role_is_not_for_reviewers_pages(world: Container) -> None:
    """HQ's function can't become a partner: neither its own policy nor the role's trust lets it."""
    with acting("pages-hq"):
        world.sessions.open(new_partner(), Zone.PARTNER)
    assert len(JUDGE.wrong) == 1
    assert "sts:AssumeRole" in JUDGE.wrong[0]


@pytest.mark.parametrize("call", ["scan", "describe_limits", "execute_statement"])
def test_a_call_that_nobody_taught_the_judge_fails(world: Container, call: str) -> None:
    """Scans are refused by every role; an unknown operation is not passed over."""
    arguments = {"scan": {"TableName": TABLE}, "execute_statement": {"Statement": "SELECT * FROM x"}}
    try:
        getattr(world.clients.get("dynamodb"), call)(**arguments.get(call, {}))
    except Exception as error:
        assert type(error).__name__ != "AssertionError"
    assert len(JUDGE.wrong) == 1


def test_the_administrator_is_not_judged(world: Container) -> None:
    """Setting up and looking behind the curtain are declared, not guessed."""
    with administrator():
        world.clients.get("dynamodb").scan(TableName=TABLE)
    assert JUDGE.wrong == []


def test_a_request_that_cant_be_read_is_wrong() -> None:
    """A call without what the judge needs counts against the test."""
    class Request:
        headers: dict[str, str] = {}  # noqa: RUF012
        url = "https://sqs.example/"
        body = b"not json"

    judge = Judge()
    judge.sent(Request(), "before-send.sqs.SendMessage")
    assert len(judge.wrong) == 1
    assert "can't be judged" in judge.wrong[0]


def test_what_another_process_notes_is_judged_alike(tmp_path: Path) -> None:
    """A function's own process writes down what it sends; half a line waits until it is whole."""
    def line(**told: object) -> str:
        return json.dumps({"function": "countersign-ci-tick", **told}) + "\n"

    def put(queue: str) -> str:
        body = json.dumps({"QueueUrl": f"http://127.0.0.1/0/countersign-ci-{queue}", "MessageBody": "{}"})
        return line(call="before-send.sqs.SendMessage", url="http://127.0.0.1/", body=body, key="test")

    judge, file = Judge(), tmp_path / "calls"
    judge.noted.append(Noted(file, "countersign-ci-"))
    judge.catch_up()
    file.write_text(put("plan") + put("notices")[:40], "utf-8")
    judge.catch_up()
    assert judge.wrong == []
    file.write_text(put("plan") + put("notices"), "utf-8")
    judge.catch_up()
    assert [wrong.partition(":")[0] for wrong in judge.wrong] == ["sqs.SendMessage of tick "]
    assert judge.noted[0].count == {"tick": 2}


def test_keys_of_another_process_are_known_by_partner(tmp_path: Path) -> None:
    """Whom keys are for is noted with them, so that the same call is right with the one partner's and wrong else."""
    mine, yours = new_partner(), new_partner()
    role = "arn:aws:iam::000000000000:role/countersign-ci-partner"
    body = json.dumps({"TableName": "countersign-ci-trust", "Key": {"pk": {"S": f"P#{mine}#CONTACT#00"},
                                                                    "sk": {"S": "x"}}})
    lines = [{"function": "countersign-ci-send", "keys": partner, "role": role, "tags": {"partner": partner}}
             for partner in (mine, yours)]
    lines += [{"function": "countersign-ci-send", "call": "before-send.dynamodb.GetItem", "url": "", "body": body,
               "key": partner} for partner in (mine, yours)]
    judge, file = Judge(), tmp_path / "calls"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    judge.noted.append(Noted(file, "countersign-ci-"))
    judge.catch_up()
    assert len(judge.wrong) == 1
    assert yours in judge.wrong[0]
