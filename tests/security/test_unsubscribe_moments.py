"""Promise 7: who unsubscribes before a batch reads its contacts gets no mail, at whatever moment it happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.campaign import State
from chalicelib.ports.sending import BulkBatch
from tests.sending.faults import Faulty
from tests.sending.stage import Runner, Stage, judge, people_go_on

FRESH_SECONDS = 10
"""A page of contacts may be this old when the claim is made, and no older."""


class Leaving(Faulty):
    """Everybody who has no mail yet unsubscribes right before the ``moment``-th call.

    ``read`` holds who had been read by then, and when: only they may still get a mail.
    """

    def __init__(self, stage: Stage, moment: int = -1, *, pause: float = 0) -> None:
        super().__init__(stage)
        self.moment, self.pause = moment, pause
        self.read: dict[str, float] = {}
        self.late: list[str] = []
        self._left = False
        self._claimed = 0.0

    def call(self, port: str, name: str, real: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Let them leave, then make the call."""
        stage = self._stage
        names = {contact: address for address, contact in stage.ids.items()}
        if len(self.calls) == self.moment:
            self._left = True
            for address in set(stage.ids) - set(stage.accepted):
                stage.suppress(address)
            stage.fakes.clock.advance(seconds=self.pause)
        if (port, name) == ("contacts", "read") and not self._left:
            self.read |= {names[c]: stage.fakes.clock.now().timestamp() for c in args[1]}
        if (port, name) == ("ledger", "claim"):
            self._claimed = args[1].claimed_at.timestamp()
        if (port, name) == ("bulk_mailer", "send") and self._left:
            self._judge(args[0])
        return super().call(port, name, real, args, kwargs)

    def _judge(self, batch: BulkBatch) -> None:
        self.late += [e.to for e in batch.entries if self._claimed - self.read.get(e.to, 0) > FRESH_SECONDS]


def checkpoints() -> list[tuple[str, str]]:
    """The calls of a run in which nobody leaves."""
    stage = Stage()
    leaving = Leaving(stage)
    people_go_on(Runner(stage, leaving.world))
    return leaving.calls


def moments() -> list[int]:
    """Every call; of the long row that reads a manifest's 256 partitions each sixteenth stands for the others."""
    return [n for n, call in enumerate(checkpoints()) if call != ("contacts", "ids") or n % 16 == 0]


@pytest.mark.parametrize("pause", [0, FRESH_SECONDS + 1], ids=["at once", "after a pause"])
def test_no_mail_after_an_unsubscribe_at_any_moment(pause: float) -> None:
    """Before each call of the sending path everybody leaves: whoever was not read within ten seconds gets no mail."""
    found = moments()
    assert len(found) > 50
    for moment in found:
        stage = Stage()
        leaving = Leaving(stage, moment, pause=pause)
        people_go_on(Runner(stage, leaving.world))
        assert leaving.late == [], (moment, checkpoints()[moment])
        totals = judge(stage)
        assert stage.campaign.state is State.SENT and totals.conserved


def test_the_judge_notices_a_mail_to_somebody_who_left() -> None:
    """A sender that ignores suppressions is caught by the same judgement."""
    stage = Stage()
    leaving = Leaving(stage, 0)
    stage.fakes.contacts.suppress = lambda *args: True  # type: ignore[method-assign]
    people_go_on(Runner(stage, leaving.world))
    assert leaving.late
