"""The operator's commands against the deployed stage, and a release that meets what a newer one has written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.schema import TABLES, WORKFLOW
from chalicelib.domain.campaign import Campaign, State
from chalicelib.ports.system import PartnerSession
from chalicelib.wiring import Container
from infra.deploy.cli import settings_of
from infra.local import seed
from infra.local.emulator import REGION, SECRET_KEY
from tests.deploy.campaigns import approve, asked, session_of, submitted
from tests.deploy.conftest import Deployed, Visitor, until
from tests.isolation.judge import ADMINISTRATOR

pytestmark = [pytest.mark.package, pytest.mark.emulator]
ROOT = Path(__file__).resolve().parents[2]
SUBJECT = "Still here after the update"
LATER = 99
"""A version of items and messages that no program knows yet."""


def run(deployed: Deployed, *command: str) -> subprocess.CompletedProcess[str]:
    """``python -m chalicelib.cli`` with the stage's settings and the operator's own keys, as `make cli` runs it."""
    variables = settings_of(deployed.client("lambda"), deployed.deployer.stage) | {
        "AWS_ENDPOINT_URL": deployed.emulator.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    surrounded = ["env", *(f"{name}={value}" for name, value in variables.items())]
    return subprocess.run(
        [*surrounded, sys.executable, "-m", "chalicelib.cli", *command], cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )


def examined(deployed: Deployed) -> tuple[int, dict[str, list[str]]]:
    """The doctor's exit status, and what it found by level."""
    done = run(deployed, "doctor", "--json")
    found: dict[str, list[str]] = {}
    for check in json.loads(done.stdout)["checks"]:
        found.setdefault(check["level"], []).append(check["code"])
    return done.returncode, found


def test_the_doctor_finds_what_is_wrong_with_the_stage(deployed: Deployed, world: Container) -> None:
    """The emulator's CloudFormation leaves expiry off: status 1 and what to do; mended, nothing is wrong any more."""
    status, found = examined(deployed)
    assert (status, found["fail"]) == (1, ["doctor.ttl", "doctor.ttl"])
    shown = run(deployed, "doctor")
    assert shown.returncode == 1
    assert re.search("(?m)^FAIL .*In countersign-ci-trust nothing expires", shown.stdout)
    for table in (table for table in TABLES if table.ttl):
        deployed.client("dynamodb").update_time_to_live(
            TableName=world.names.table(table), TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    status, found = examined(deployed)
    assert "fail" not in found
    assert status == 3, "what can't be looked at here, such as alarms, is said to be unknown"
    assert {"doctor.emulated.alarms", "doctor.no_names"} <= set(found["unknown"])


@pytest.fixture(scope="module")
def campaign(deployed: Deployed, world: Container) -> tuple[PartnerSession, Campaign]:
    """The second dealer's approved campaign."""
    session, made = submitted(world, 1, SUBJECT)
    approve(world, *asked(deployed, 1))
    return session, world.campaigns.get(session, made.id)


def test_a_campaign_is_paused_and_goes_on(
    deployed: Deployed, world: Container, campaign: tuple[PartnerSession, Campaign],
) -> None:
    """The operator's two words, by the names that the partner's page shows, and a refusal for what there is not."""
    session, made = campaign
    for word, state in (("hold", State.HELD), ("resume", State.APPROVED)):
        done = run(deployed, word, session.partner, made.id)
        assert (done.returncode, done.stdout) == (0, f"{made.id} is {state.value}.\n")
        assert world.campaigns.get(session, made.id).state is state
    wrong = run(deployed, "hold", session.partner, made.id[:-1] + ("0" if made.id[-1] != "0" else "1"))
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


def control(world: Container, made: Campaign) -> dict[str, Any]:
    """The key of a campaign's control item."""
    return {"pk": {"S": keys.campaigns(made.partner)}, "sk": {"S": made.id}}


def test_an_earlier_release_leaves_newer_items_alone(
    deployed: Deployed, world: Container, campaign: tuple[PartnerSession, Campaign],
) -> None:
    """After a rollback: refused clearly on pages and behind queues, nothing changed; after the update it goes on."""
    session, made = campaign
    dynamodb, sqs, table = deployed.client("dynamodb"), deployed.client("sqs"), world.names.table(WORKFLOW)
    place = {"TableName": table, "Key": control(world, made)}
    url, dead = (sqs.get_queue_url(QueueName=f"countersign-ci-{name}")["QueueUrl"] for name in ("plan", "plan-dead"))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})

    ours = dynamodb.get_item(**place)["Item"]
    dynamodb.update_item(**place, UpdateExpression="SET v = :v, newer = :n", ExpressionAttributeValues={
        ":v": {"N": str(LATER)}, ":n": {"S": "a field of the later release"}})
    stored = dynamodb.get_item(**place)["Item"]
    assert made.start
    deployed.clock.advance(made.start.at - world.clock.now() + timedelta(seconds=1))

    def given_up() -> bool:
        deployed.tick()
        return int(sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessages"]) > 0

    until(given_up)
    assert dynamodb.get_item(**place)["Item"] == stored
    assert not [entry for entry in deployed.mail.store.newest() if entry.subject == SUBJECT]
    refused = run(deployed, "hold", session.partner, made.id)
    assert refused.returncode == 1
    assert "A newer program wrote it: update this one." in refused.stdout
    assert "plan v1" in run(deployed, "redrive", "plan", "--look").stdout

    dynamodb.put_item(TableName=table, Item=ours)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})
    done = run(deployed, "redrive", "plan")
    assert done.returncode == 0
    assert "put back into plan" in done.stdout

    def sent() -> bool:
        deployed.advance(timedelta(seconds=10))  # a tick leaves what it has queued to its function for some minutes
        return world.campaigns.get(session, made.id).state is State.SENT

    until(sent)
    receivers = [entry.recipient for entry in deployed.mail.store.newest() if entry.subject == SUBJECT]
    assert len(receivers) >= 60
    assert len(set(receivers)) == len(receivers), "redriven, and still nobody gets it twice"


def test_a_page_of_a_newer_item_fails_without_a_trace_of_it(deployed: Deployed, world: Container) -> None:
    """A person who opens what a later release has written reads that it is our fault, and nothing is written."""
    session = session_of(world, 1)
    dynamodb, table = deployed.client("dynamodb"), world.names.table(WORKFLOW)
    person = Visitor()
    base = world.settings.base_url
    page = person.get(f"{base}/sign-in")
    address = seed.PARTNER_PEOPLE[1].address
    person.submit(page, f"{base}/sign-in", email=address)
    mail = until(lambda: deployed.newest_mail(address, "ign in"))
    link = next(word for word in mail["text"].split() if "/sign-in/" in word)
    assert person.submit(person.get(link), link).status == 200
    place = {"TableName": table, "Key": {"pk": {"S": keys.home(session.partner)}, "sk": {"S": "PARTNER"}}}
    dynamodb.update_item(**place, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": str(LATER)}})
    stored = dynamodb.get_item(**place)["Item"]
    shown = person.get(f"{base}/p/{session.partner}")
    assert shown.status == 500
    assert "newer program" not in shown.text
    assert dynamodb.get_item(**place)["Item"] == stored
    dynamodb.update_item(**place, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "1"}})
    assert person.get(f"{base}/p/{session.partner}").status == 200


def test_all_sending_is_stopped_and_let_go(deployed: Deployed, world: Container) -> None:
    """Head office's switch from the operator's desk."""
    done = run(deployed, "hold", "--all")
    assert (done.returncode, world.programmes.stopped()) == (0, True)
    done = run(deployed, "resume", "--all")
    assert (done.returncode, world.programmes.stopped()) == (0, False)
    assert run(deployed, "hold").returncode == 2
