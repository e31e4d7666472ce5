"""The deployed stack at work: pages through its API Gateway, everything else through its queues."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable

import pytest

from chalicelib.adapters.schema import TRUST
from chalicelib.domain.campaign import State
from chalicelib.domain.totals import Totals
from chalicelib.events.registry import FUNCTIONS
from chalicelib.usecases import progress
from chalicelib.wiring import Container
from infra.deploy.stack import Stack
from infra.local import seed
from tests.deploy.campaigns import approve, asked, submitted
from tests.deploy.conftest import Deployed, Visitor, until
from tests.isolation.judge import PAGES, administrator

pytestmark = [pytest.mark.package, pytest.mark.emulator]
SUBJECT = "Your bike wakes up"


def test_the_stack_is_whole(deployed: Deployed, record_property: Callable[[str, object], None]) -> None:
    """After both steps the secret is sealed, tables are protected, and the stack can't be deleted by mistake."""
    record_property("measured", f"deployment: both steps to the emulator in {deployed.seconds:.1f} s")
    stack: Stack = deployed.deployer.stack
    assert stack.outputs["IsSealed"] == "yes"
    told = stack.describe()
    assert told is not None and told["EnableTerminationProtection"] is True
    for table in ("workflow", "trust", "keys"):
        described = deployed.client("dynamodb").describe_table(TableName=f"countersign-ci-{table}")["Table"]
        assert described["DeletionProtectionEnabled"] is True
        assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    surfaces = {
        name: deployed.client("lambda").get_function_configuration(FunctionName=f"countersign-ci-pages-{name}")
        for name in ("partner", "hq")
    }
    assert surfaces["partner"]["Role"] != surfaces["hq"]["Role"]
    assert {s["Environment"]["Variables"]["COUNTERSIGN_SURFACE"] for s in surfaces.values()} == {"partner", "hq"}


def test_deploying_again_changes_nothing(deployed: Deployed) -> None:
    """A second deployment of the same release finds nothing to do and keeps org and secret."""
    before = deployed.deployer.stack.parameters
    assert deployed.deployer.deploy()
    after = deployed.deployer.stack.parameters
    assert {"OrgId", "Bucket"} <= set(before)
    assert before == after


def test_a_person_signs_in_through_the_gateway(deployed: Deployed, world: Container) -> None:
    """Page, form, mail, link, session: head office's page opens, and its routes are not on the partners' API."""
    hq = world.settings.hq_base_url
    person = Visitor()
    page = person.get(f"{hq}/sign-in")
    assert (page.status, "<title>Sign in" in page.text) == (200, True)
    assert person.submit(page, f"{hq}/sign-in", email=seed.ADMIN.address).status == 200
    mail = until(lambda: deployed.newest_mail(seed.ADMIN.address, "ign in"))
    link = re.search(r"http://[^\s\"]+/sign-in/[\w-]+", json.dumps(mail))
    assert link
    shown = person.get(link[0])
    home = person.submit(shown, link[0])
    assert (home.status, home.url) == (200, f"{hq}/hq")
    assert seed.ORG_NAME in home.text
    assert person.get(f"{world.settings.base_url}/hq").status in (403, 404)
    assert Visitor().get(f"{hq}/hq").url.startswith(f"{hq}/sign-in"), "nobody is let in without the cookie"


def test_a_forged_form_is_refused(deployed: Deployed, world: Container) -> None:
    """The gateway hands on method, type, cookies and body as they came: a form without its token gets 403."""
    hq = world.settings.hq_base_url
    person = Visitor()
    page = person.get(f"{hq}/sign-in")
    body = urllib.request.Request(f"{hq}/sign-in", data=b"email=x@example.com", headers={"Origin": "https://evil.example"})
    assert person.send(body).status == 403
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_campaign_goes_out(deployed: Deployed, world: Container) -> None:
    """Import, review page, plan, send, feedback and unsubscribe, each by the deployed function behind its queue."""
    session, campaign = submitted(world, 2, SUBJECT)
    token, code = asked(deployed, 2)
    looked = Visitor().get(f"{world.settings.hq_base_url}/r/{token}")
    assert looked.status == 200 and SUBJECT in looked.text
    approve(world, token, code)

    start = world.campaigns.get(session, campaign.id).start
    assert start
    deployed.advance(start.at - world.clock.now())

    def sent() -> bool:
        deployed.tick()
        return world.campaigns.get(session, campaign.id).state is State.SENT

    until(sent)
    mails = [entry for entry in deployed.mail.store.newest() if entry.subject == SUBJECT]
    assert len(mails) >= 30
    assert len({entry.recipient for entry in mails}) == len(mails), "nobody gets it twice"

    deployed.mail.publisher.flush()

    def delivered() -> Totals | None:
        found = progress.progress(world, session, world.campaigns.get(session, campaign.id))
        return found if found.delivered else None

    totals = until(delivered)
    assert (totals.unknown, totals.pending) == (0, 0)
    assert totals.sent + totals.failed == len(mails)
    unsubscribed(deployed, world)


def unsubscribed(deployed: Deployed, world: Container) -> None:
    """One click of the mail program leaves the list, through the gateway."""
    # One that arrived: what bounced is suppressed already.
    entry = next(e for e in deployed.mail.store.newest() if e.subject == SUBJECT and "bounce" not in e.recipient)
    mail = deployed.mail.store.get(entry.id)
    assert mail
    headers = dict(mail.headers)
    link = re.search(r"<(http[^>]+/u/[^>]+)>", headers["List-Unsubscribe"])
    assert link and link[1].startswith(world.settings.base_url)
    contact = world.unsubscribe.read(link[1].rpartition("/u/")[2]).contact
    assert not suppressed(world, contact)
    request = urllib.request.Request(link[1], data=b"List-Unsubscribe=One-Click", headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert Visitor().send(request).status == 200
    assert suppressed(world, contact)


def suppressed(world: Container, contact: str) -> bool:
    """Whether there is a suppression of that customer, looked up in the table itself."""
    with administrator():
        items = world.clients.get("dynamodb").scan(TableName=world.names.table(TRUST))["Items"]
    return any(item["sk"]["S"] == f"{contact}#S" for item in items)


def test_every_function_was_heard(deployed: Deployed, world: Container) -> None:
    """The calls of each function's own process were noted, and judged by what that function may do."""
    assert set(deployed.noted.count) == {*FUNCTIONS, *PAGES}, "each of them calls AWS for a campaign"
    assert sum(deployed.noted.count.values()) > 200


def test_a_poisoned_message_ends_in_the_dead_letter_queue(deployed: Deployed) -> None:
    """What no function can work on is tried five times and then kept aside, alone."""
    sqs = deployed.client("sqs")
    url = sqs.get_queue_url(QueueName="countersign-ci-notices")["QueueUrl"]
    dead = sqs.get_queue_url(QueueName="countersign-ci-notices-dead")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    poison = json.dumps({"v": 99, "kind": "from a later version"})
    sqs.send_message(QueueUrl=url, MessageBody=poison)
    found = until(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"), 90)
    assert [message["Body"] for message in found] == [poison]


def test_the_rule_ticks_each_minute(deployed: Deployed, world: Container) -> None:
    """EventBridge calls the tick function by itself, besides the ticks that tests asked for."""
    logs, group = deployed.client("logs"), "/aws/lambda/countersign-ci-tick"

    def more() -> bool:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="START")
        return sum(len(page["events"]) for page in pages) > deployed.ticks

    assert until(more, 90)
