"""The restore drill: tables rolled back behind a campaign that was sent; nobody is mailed twice, nobody comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.domain.campaign import Actor, State
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import PersonId
from chalicelib.usecases import control, progress
from chalicelib.usecases.restore import restore
from tests.isolation import journey as steps
from tests.isolation.journey import Journey
from tests.isolation.judge import acting, administrator

TABLES = ("workflow", "trust", "keys")
OPERATOR = PersonId("prs_" + "0" * 26)


def tables(j: Journey) -> dict[str, list[dict[str, Any]]]:
    """Every item of every table, as a backup has them."""
    client, prefix = j.container.clients.get("dynamodb"), j.container.names.prefix
    with administrator():
        return {t: client.scan(TableName=f"{prefix}-{t}")["Items"] for t in TABLES}


def middle(backup: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same after the first batch: later claims and the slices' own notes are not there yet."""
    def early(item: dict[str, Any]) -> bool:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        return not pk.endswith("#RUN") and not ("#B#" in pk and sk.split("#")[-2] != "000000")

    return {**backup, "trust": [item for item in backup["trust"] if early(item)]}


def roll_back(j: Journey, backup: dict[str, list[dict[str, Any]]]) -> None:
    """Make the tables what they were."""
    client, prefix = j.container.clients.get("dynamodb"), j.container.names.prefix
    now = tables(j)
    with administrator():
        for table, items in now.items():
            for item in items:
                client.delete_item(TableName=f"{prefix}-{table}", Key={"pk": item["pk"], "sk": item["sk"]})
        for table, items in backup.items():
            for item in items:
                client.put_item(TableName=f"{prefix}-{table}", Item=item)


def suppressed(j: Journey) -> int:
    """How many of the partner's customers may not be mailed."""
    with acting("pages-partner"):
        session = j.session()
        return sum(
            record.suppression is not None
            for byte in range(256) for record in j.at("pages-partner").contacts.scan(session, byte))


def go_on(j: Journey, *, minutes: int = 20) -> None:
    """Lift the switch, resume, and let the clock do what it does."""
    assert j.campaign is not None
    with administrator():
        j.container.programmes.stop(False, OPERATOR, j.clock.now())
    with acting("pages-partner"):
        try:
            control.resume(j.at("pages-partner"), j.session(), j.campaign.id, actor=Actor.PARTNER, by="x")
        except Conflict:
            assert j.at("pages-partner").campaigns.get(j.session(), j.campaign.id).state is State.CANCELLED
    for _ in range(minutes):
        with administrator():
            j.pump.tick()
        j.settle()
        j.clock.advance(minutes=2)


@pytest.mark.parametrize("restored_to", ["before the start", "in the middle"])
def test_nobody_is_mailed_twice_and_no_unsubscribe_is_lost(restored_to: str) -> None:
    """Whatever the moment restored to: each customer has one mail, those who left stay away, and all of it adds up."""
    with mock_aws(), steps.deployment("", DEFAULT_ACCOUNT_ID) as j:
        steps.people_and_programme(j)
        steps.customers(j, 120)
        steps.approved(j)
        assert j.campaign is not None
        assert j.campaign.start is not None
        moment = j.clock.now()
        backup = tables(j)
        if restored_to == "in the middle":
            j.clock.set(j.campaign.start.at)
            with administrator():
                j.pump.tick()
                while not j.received():
                    assert sum(consumer.poll() for consumer in j.pump.consumers)
            moment, backup = j.clock.now(), middle(tables(j))
        steps.sent(j)
        steps.left(j)
        assert j.campaign.state is State.SENT
        before, gone = j.received(), suppressed(j)
        assert len(before) == 120
        assert gone >= 2

        roll_back(j, backup)
        assert suppressed(j) < gone
        with administrator():
            done = restore(j.container, j.container.journal, moment, by=OPERATOR)
            again = restore(j.container, j.container.journal, moment, by=OPERATOR)
        assert j.container.programmes.stopped()
        assert done.claims + done.cancelled > 0
        assert (again.claims, again.cancelled, again.suppressions) == (0, 0, 0), "a second run finds nothing to do"
        assert suppressed(j) == gone

        go_on(j)
        assert j.received() == before, "nobody has a second mail"
        assert {len(texts) for texts in before.values()} == {1}
        with acting("pages-partner"):
            now = j.at("pages-partner").campaigns.get(j.session(), j.campaign.id)
            totals = progress.recount(j.at("pages-partner"), j.session(), now)
        assert now.epoch > int((moment - timedelta(days=1)).timestamp())
        assert totals.conserved
        if restored_to == "before the start":
            assert now.state is State.CANCELLED
        else:
            # Nothing is left to be sent, and it stays open exactly as long as somebody is not confirmed. A run in
            # which every one of them ended as confirmed was seen; what decides that is not pinned down here.
            assert totals.pending == 0
            assert now.state is (State.SENDING if totals.unknown else State.SENT)
