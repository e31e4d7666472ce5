"""The restore drill: tables rolled back behind a campaign that was sent; nobody is mailed twice, nobody comes back.

What SES told of the mails decides how many are confirmed after the restore, so the drill decides when it tells:
before the rollback, which forgets it, or after the restore.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.domain.campaign import Actor, Campaign, State
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import PersonId
from chalicelib.domain.totals import Totals
from chalicelib.usecases import control, progress
from chalicelib.usecases.restore import Restored, restore
from infra.local.emulator import ACCOUNT, Emulator, free_port
from tests.isolation import journey as steps
from tests.isolation.journey import Journey
from tests.isolation.judge import acting, administrator

MAILED = 120
"""The partner's customers; an address that had unsubscribed before the import is none."""
TABLES = ("workflow", "trust", "keys")
OPERATOR = PersonId("prs_" + "0" * 26)


def tables(j: Journey, names: Sequence[str] = TABLES) -> dict[str, list[dict[str, Any]]]:
    """Every item of every table, as a backup has them."""
    client, prefix = j.container.clients.get("dynamodb"), j.container.names.prefix
    with administrator():
        pages = {t: client.get_paginator("scan").paginate(TableName=f"{prefix}-{t}") for t in names}
        return {t: [item for page in found for item in page["Items"]] for t, found in pages.items()}


def middle(backup: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same after the first batch: later claims and the slices' own notes are not there yet."""
    def early(item: dict[str, Any]) -> bool:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        return not pk.endswith("#RUN") and not ("#B#" in pk and sk.split("#")[-2] != "000000")

    return {**backup, "trust": [item for item in backup["trust"] if early(item)]}


def roll_back(j: Journey, backup: dict[str, list[dict[str, Any]]]) -> None:
    """Make the tables what they were; what is as it was is not written again."""
    client, prefix = j.container.clients.get("dynamodb"), j.container.names.prefix
    now = tables(j)
    with administrator():
        for table, items in backup.items():
            before, after = ({(i["pk"]["S"], i["sk"]["S"]): i for i in some} for some in (items, now[table]))
            for pk, sk in after.keys() - before.keys():
                client.delete_item(TableName=f"{prefix}-{table}", Key={"pk": {"S": pk}, "sk": {"S": sk}})
            for key, item in before.items():
                if after.get(key) != item:
                    client.put_item(TableName=f"{prefix}-{table}", Item=item)


def suppressed(j: Journey) -> int:
    """How many of the partner's customers may not be mailed: each has an item that says so."""
    items = tables(j, ("trust",))["trust"]
    return sum(item["type"]["S"] == "suppression" and item["pk"]["S"].startswith(f"P#{j.partner}#") for item in items)


def go_on(j: Journey) -> None:
    """Lift the switch, and resume what can be resumed."""
    assert j.campaign is not None
    with administrator():
        j.container.programmes.stop(False, OPERATOR, j.clock.now())
    with acting("pages-partner"):
        try:
            control.resume(j.at("pages-partner"), j.session(), j.campaign.id, actor=Actor.PARTNER, by="x")
        except Conflict:
            assert j.at("pages-partner").campaigns.get(j.session(), j.campaign.id).state is State.CANCELLED


def time_passes(j: Journey, *, minutes: int) -> None:
    """The clock does what it does, every second minute."""
    for _ in range(minutes // 2):
        with administrator():
            j.pump.tick()
        j.settle()
        j.clock.advance(minutes=2)


def ses_tells(j: Journey) -> None:
    """Every mail's events reach the feedback queue and are worked on."""
    with administrator():
        j.mailbox.publisher.flush()
    j.settle()


def stands(j: Journey) -> tuple[Campaign, Totals]:
    """The campaign and its exact totals, which always add up."""
    assert j.campaign is not None
    with acting("pages-partner"):
        now = j.at("pages-partner").campaigns.get(j.session(), j.campaign.id)
        totals = progress.recount(j.at("pages-partner"), j.session(), now)
    assert totals.conserved
    return now, totals


@pytest.fixture(params=["moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def drilled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journey]:
    """A deployment with a partner, its customers and an approved campaign; SES tells what is flushed only."""
    with ExitStack() as stack:
        if request.param == "moto":
            stack.enter_context(mock_aws())
            place = ("", DEFAULT_ACCOUNT_ID)
        else:
            emulator = Emulator(free_port(), tmp_path)
            emulator.start()
            stack.callback(emulator.stop)
            place = (emulator.url, ACCOUNT)
        j = stack.enter_context(steps.deployment(*place, buffer_seconds=math.inf))
        steps.people_and_programme(j)
        steps.imported(j, MAILED)
        steps.approved(j)
        yield j


class Drill:
    """A campaign that was sent, a backup of a moment before its end, and what there was before the rollback."""

    def __init__(self, j: Journey, *, in_the_middle: bool, told: bool) -> None:
        self.j = j
        assert j.campaign is not None
        assert j.campaign.start is not None
        self.moment, backup = j.clock.now(), tables(j)
        if in_the_middle:
            j.clock.set(j.campaign.start.at)
            with administrator():
                j.pump.tick()
                while not j.received():
                    assert sum(consumer.poll() for consumer in j.pump.consumers)
            self.moment, backup = j.clock.now(), middle(tables(j))
        steps.sent(j)
        steps.left(j)
        assert j.campaign.state is State.SENT
        if told:
            ses_tells(j)
            assert stands(j)[1].delivered == MAILED
        self.before, self.gone = j.received(), suppressed(j)
        assert len(self.before) == MAILED
        assert self.gone >= 2
        roll_back(j, backup)
        assert suppressed(j) < self.gone

    def restore(self) -> Restored:
        """Restore, and see that all is held, that a second run finds nothing to do, and who had left is gone again."""
        with administrator():
            done = restore(self.j.container, self.j.container.journal, self.moment, by=OPERATOR)
            again = restore(self.j.container, self.j.container.journal, self.moment, by=OPERATOR)
        assert self.j.container.programmes.stopped()
        assert (again.claims, again.cancelled, again.suppressions) == (0, 0, 0)
        assert suppressed(self.j) == self.gone
        assert stands(self.j)[0].epoch > int((self.moment - timedelta(days=1)).timestamp())
        return done

    def nobody_twice(self) -> None:
        """Each customer has the one mail that it had."""
        assert self.j.received() == self.before
        assert {len(texts) for texts in self.before.values()} == {1}


def test_restored_to_before_the_start_the_campaign_is_over(drilled: Journey) -> None:
    """Its start is lost, so it is cancelled; all whom it mailed are counted, and not confirmed."""
    drill = Drill(drilled, in_the_middle=False, told=True)
    done = drill.restore()
    assert (done.manifests, done.cancelled) == (1, 1)
    go_on(drilled)
    time_passes(drilled, minutes=20)
    drill.nobody_twice()
    now, totals = stands(drilled)
    assert now.state is State.CANCELLED
    assert (totals.audience, totals.unknown, totals.not_attempted) == (MAILED, MAILED, 0)
    with acting("pages-partner"):
        shown = progress.progress(drilled.at("pages-partner"), drilled.session(), now)
    assert shown == totals, "its pages show them, too"
    with acting("pages-partner"):
        starts = drilled.at("pages-partner").ledger.starts(drilled.session())
    assert [start.run.campaign for start in starts] == [now.id], "the frequency cap counts it all the same"


def test_restored_to_the_middle_what_ses_told_before_is_forgotten(drilled: Journey) -> None:
    """Whom only the lost writes confirmed are not confirmed, for as long as the campaign waits and afterwards."""
    drill = Drill(drilled, in_the_middle=True, told=True)
    confirmed = stands(drilled)[1].sent
    assert 0 < confirmed < MAILED
    assert drill.restore().claims > 0
    go_on(drilled)
    time_passes(drilled, minutes=20)
    drill.nobody_twice()
    now, totals = stands(drilled)
    assert now.state is State.SENDING
    assert (totals.sent, totals.unknown, totals.pending) == (confirmed, MAILED - confirmed, 0)
    time_passes(drilled, minutes=40)
    drill.nobody_twice()
    after, final = stands(drilled)
    assert (after.state, final) == (State.SENT, totals), "finished after the time it waits for news, with them shown"


def test_restored_to_the_middle_what_ses_tells_afterwards_confirms_everybody(drilled: Journey) -> None:
    """Events that come after the restore settle the replayed claims, and the campaign ends as it had."""
    drill = Drill(drilled, in_the_middle=True, told=False)
    drill.restore()
    go_on(drilled)
    ses_tells(drilled)
    time_passes(drilled, minutes=20)
    drill.nobody_twice()
    now, totals = stands(drilled)
    assert now.state is State.SENT
    assert (totals.sent, totals.unknown, totals.delivered) == (MAILED, 0, MAILED)
