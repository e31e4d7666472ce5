"""C4 in the default run: SIGKILL before and after each call of the sending path, against the local emulator."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sending.kills import SIDES, Outcome, campaign, judge


@pytest.mark.emulator
def test_a_killed_process_neither_repeats_nor_loses_a_mail() -> None:
    """Wherever the process dies: nobody is mailed twice, everybody is accounted for, what is unknown is shown."""
    outcomes, taken = campaign()
    judge(outcomes, taken)
    calls = {side: [one.call for one in outcomes if one.side == side] for side in SIDES}
    assert set(calls["before"]) == set(calls["after"])
    assert {
        "indexes.due", "queue.put", "queue.put_many", "campaigns.commit", "ledger.enter", "ledger.freeze",
        "ledger.announce", "ledger.claim", "bulk_mailer.send", "ledger.settle", "ledger.count", "ledger.advance",
        "ledger.end", "contacts.read", "contacts.ids", "campaigns.control", "rate.reserve", "vault.open",
    } <= set(calls["before"])
    lost = {(one.side, one.call) for one in outcomes if one.unknown}
    # Between the claim and its answer, and nowhere else, a death leaves people of whom nobody can tell.
    assert lost == {("after", "ledger.claim"), ("before", "bulk_mailer.send"), ("after", "bulk_mailer.send"),
                    ("before", "ledger.settle")}


def _outcome(**changed: object) -> Outcome:
    good: dict[str, object] = {
        "campaign": "cmp_1", "call": "ledger.claim", "side": "after", "state": "sent", "conserved": True, "pending": 0,
        "unknown": 0, "suppressed": {"no_consent": 1, "unsubscribed": 1, "frequency": 1},
        "statuses": {f"c{n}@example.com": "suppressed" if n in (1, 2, 3) else "sent" for n in range(7)},
    }
    return Outcome(**{**good, **changed})  # type: ignore[arg-type]


def _taken(**more: int) -> Counter[tuple[str, str]]:
    found = Counter({("cmp_1", f"c{n}@example.com"): 1 for n in (0, 4, 5, 6)})
    found.update({("cmp_1", f"{name}@example.com"): count for name, count in more.items()})
    return found


@pytest.mark.parametrize(("outcome", "more"), [
    (_outcome(), {"c0": 1}),
    (_outcome(), {"c1": 1}),
    (_outcome(), {"c4": -1}),
    (_outcome(state="sending"), {}),
    (_outcome(conserved=False), {}),
    (_outcome(pending=1), {}),
    (_outcome(suppressed={}), {}),
], ids=["twice", "left out", "never", "open", "lost", "pending", "unexplained"])
def test_the_judge_notices(outcome: Outcome, more: dict[str, int]) -> None:
    """A duplicate, a loss or a wrong account fails; a good run passes."""
    judge([_outcome()], _taken())
    with pytest.raises(AssertionError):
        judge([outcome], _taken(**more))
