"""The operator's commands: hold, resume, redrive."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field

from chalicelib import cli
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.doctor import SqsDeadLetters
from chalicelib.adapters.schema import Names, ensure
from chalicelib.domain.campaign import State, Verdict
from chalicelib.ports.operation import DeadLetters, Journal
from infra.local.emulator import REGION
from tests.contract.backends import Backend, own_keys
from tests.fakes.world import FakeWorld
from tests.isolation.judge import administrator
from tests.stage import decide_as_shown, stage

NAMES = Names("op", "test", "op-test-data")


@dataclass
class FakeTools:
    """What the commands get beside a world."""

    dead_letters: DeadLetters = field(init=False)
    journal: Journal = field(init=False)


def test_one_campaign_is_paused_and_goes_on() -> None:
    """Hold and resume name a partner and a campaign; half a name is refused, a wrong state is told."""
    set_up, out = stage(), io.StringIO()
    campaign = set_up.submitted()
    names = [str(set_up.partner), str(campaign.id)]
    tools = FakeTools()
    assert cli.main(["hold", *names], set_up.world, out, tools=tools) == 1, "nobody pauses what is in review"
    for name in ("rita", "ron"):
        if set_up.now_of(campaign).state is not State.APPROVED:
            token, code = set_up.token_and_code(name)
            decide_as_shown(set_up.world, token, Verdict.APPROVE, code=code)
    assert cli.main(["hold", *names], set_up.world, out, tools=tools) == 0
    assert set_up.now_of(campaign).state is State.HELD
    assert cli.main(["resume", *names], set_up.world, out, tools=tools) == 0
    assert set_up.now_of(campaign).state is State.APPROVED
    assert cli.main(["hold", names[0]], set_up.world, out, tools=tools) == 2
    assert cli.main(["hold"], set_up.world, out, tools=tools) == 2


def test_dead_messages_are_shown_without_contents_and_put_back(moto: Backend) -> None:
    """Looking shows kind, version and partner only; putting back keeps body and correlation id."""
    world, clients, out = FakeWorld(), Clients(REGION, own=own_keys), io.StringIO()
    tools = FakeTools()
    tools.dead_letters = SqsDeadLetters(clients, NAMES)
    sqs = clients.get("sqs")
    with administrator():
        ensure(clients, NAMES)
        urls = {n: sqs.get_queue_url(QueueName=f"op-test-{n}")["QueueUrl"] for n in ("notices", "notices-dead")}
        for number in range(12):
            body = {"v": 0, "kind": "old", "partner": "prt_x", "to": f"jane{number}@example.com"}
            sqs.send_message(QueueUrl=urls["notices-dead"], MessageBody=json.dumps(body), MessageAttributes={
                "correlation": {"DataType": "String", "StringValue": "req-1"}})
        assert cli.main(["redrive", "notices", "--look", "--limit", "1"], world, out, tools=tools) == 0
        assert "old v0 prt_x" in out.getvalue()
        assert "jane" not in out.getvalue()
        assert cli.main(["redrive", "notices"], world, out, tools=tools) == 0
        assert "11 messages put back into notices." in out.getvalue()
        found = sqs.receive_message(
            QueueUrl=urls["notices"], MessageAttributeNames=["All"], MaxNumberOfMessages=10)["Messages"]
    assert {m["MessageAttributes"]["correlation"]["StringValue"] for m in found} == {"req-1"}
