"""C6: whole campaigns of 1 to 100,000 recipients in which much goes wrong, and nobody is lost or mailed twice.

SES throttles, answers in part or too late, functions die in the middle of a call, people leave and are erased
while the batches go out, events come doubled and in any order. The slices are as large as in a deployment.
``python -m tests.sending.full`` runs it with the other campaigns at full size.
"""

from __future__ import annotations

import random  # noqa: TID251  the seed of a campaign is its own entropy
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.campaign import State
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId, bytes_of
from chalicelib.domain.ledger import Result, Seen
from chalicelib.domain.totals import Totals
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import plan, send
from chalicelib.usecases.feedback import absorb
from chalicelib.usecases.world import World
from tests.fakes.sending import FakeBulkMailer
from tests.sending.stage import Died, Runner, Stage, StageContacts, event, judge, people_go_on

SIZES = (1, 50, 51, 10_000, 100_000)
TROUBLE = 0.03


class Partitions(StageContacts):
    """Customers by the first byte of their ids, so that a large list can be gone through."""

    _by_byte: dict[int, list[ContactId]] | None = None

    def ids(self, session: PartnerSession, byte: int) -> Iterator[tuple[ContactId, datetime]]:
        found = self._contacts.get(session.partner, {})
        if self._by_byte is None:
            self._by_byte = {}
            for contact in sorted(found):
                self._by_byte.setdefault(bytes_of(contact)[0], []).append(contact)
        return iter([(c, found[c].created_at) for c in self._by_byte.get(byte, ()) if c in found])


class Troubled(FakeBulkMailer):
    """SES on a bad day."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rate=2_000.0)
        self.rng = rng

    def send(self, batch: BulkBatch) -> BulkAnswer:
        count = len(batch.entries)
        if self.rng.random() >= TROUBLE:
            return super().send(batch)
        kind = self.rng.randrange(5)
        if kind == 0:
            raise Died
        if kind == 1:
            return self.take(batch, [Result.UNSENT] * count, [False] * count)
        if kind == 2:
            took = [self.rng.random() < 0.5 for _ in range(count)]
            said = [Result.SENT if t else self.rng.choice([Result.UNSENT, Result.FAILED]) for t in took]
            return self.take(batch, said, took)
        found = self.take(batch, [Result.UNKNOWN] * count, [True] * count)
        if kind == 3:
            raise Died
        return found


class Large:
    """One campaign with its people."""

    def __init__(self, recipients: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.recipients = recipients
        self.stage = Stage(contacts=0, rate=2_000.0, store=Partitions)
        for number in range(recipients):
            self.stage.add_contact(f"c{number}@example.com", consents=number % 97 != 5)
        self.left = list(self.stage.ids)
        self.erased: set[str] = set()
        self.stage.fakes.bulk_mailer = Troubled(self.rng)

    def run(self) -> Totals:
        """Live through it; raises AssertionError where somebody was lost, mailed twice, or the sum is not right."""
        people_go_on(Runner(self.stage, handler=_handle, between=self._meanwhile), rounds=50)
        totals = judge(self.stage)
        assert self.stage.campaign.state is State.SENT
        # Who was erased before a slice was frozen is in no audience; all others are in exactly one.
        missing = {address for address, status in self.stage.statuses().items() if status is None}
        assert missing <= self.erased and totals.audience == self.recipients - len(missing)
        return totals

    def _meanwhile(self, _: int) -> None:
        """Some leave, some are erased; SES tells of some mails, of a few of them twice."""
        for _ in range(self.rng.randrange(self.recipients // 1_000 + 1)):
            address = self.left.pop(self.rng.randrange(len(self.left)))
            if self.rng.random() < 0.5:
                self.stage.suppress(address)
            else:
                self.erased.add(address)
                self.stage.fakes.contacts.erase(self.stage.session, self.stage.ids[address])
        taken = len(self.stage.fakes.bulk_mailer.accepted)
        if taken:
            seen = [self.rng.choice([Seen.ACCEPTED, Seen.DELIVERED, Seen.OPENED]) for _ in range(20)]
            absorbed = absorb(self.stage.fakes, [event(self.stage, self.rng.randrange(taken), each) for each in seen])
            assert not absorbed.refused, "a genuine event was refused"


def _handle(world: World, message: Mapping[str, Any], stop_at: datetime) -> None:
    """As a deployment does it, with its own size of slices."""
    if message["kind"] == "plan":
        plan.look(world, PartnerId(message["partner"]), CampaignId(message["campaign"]))
    else:
        send.send(world, send.work_of(message), stop_at=stop_at)


def told(totals: Totals) -> str:
    """The sum of a campaign in one line."""
    return (
        f"{totals.audience:,} = {totals.sent:,} sent + {totals.left_out:,} suppressed + {totals.failed:,} failed"
        f" + {totals.unknown:,} unknown")
