"""C1: every call of the sending path goes wrong in every way, once and twice, however it is redelivered.

The default run takes every single fault (of the 256 partition reads of a manifest some stand for
all) and a fixed sample of the pairs; ``python -m tests.sending.full`` takes many more.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import cache

import pytest

from chalicelib.domain.campaign import State
from chalicelib.domain.cap import Cap
from chalicelib.domain.ledger import Seen
from tests.sending.faults import LAGGING, Fault, Faulty
from tests.sending.stage import Redelivery, Runner, Stage, judge, people_go_on, tell_all

WAYS = (Redelivery.LAMBDA, Redelivery.SQS, Redelivery.MANUAL)
PAIRS = 1_500


def capped_stage() -> Stage:
    """A campaign under a frequency cap, which one of its customers has reached."""
    stage = Stage(cap=Cap(1, 7))
    enough = list(stage.ids)[3]
    stage.mailed_before(enough)
    stage.capped = frozenset({enough})
    return stage


@cache
def checkpoints() -> tuple[tuple[str, str], ...]:
    """The calls that a run without faults makes."""
    stage = capped_stage()
    faulty = Faulty(stage)
    people_go_on(Runner(stage, faulty.world))
    return tuple(faulty.calls)


def play(script: Mapping[int, Fault], redelivery: int | None, *, tell: bool) -> int:
    """Run a campaign to its end under a script of faults and judge it, half-way and at the end.

    Returns how many of the faults came to happen: after the first one the calls may be others.
    """
    stage = capped_stage()
    faulty = Faulty(stage, script)
    runner = Runner(stage, faulty.world, redelivery=redelivery)
    try:
        runner.run(runner.clock.now() + timedelta(hours=2))
        if any(faulty.calls[n] == ("ledger", "attempts") and fault is Fault.STALE for n, fault in faulty.applied):
            # That nobody is mailed twice rests on conditional writes alone; the cap rests on consistent reads.
            stage.capped = frozenset()
        judge(stage)
        if tell:
            tell_all(stage, Seen.DELIVERED)
        people_go_on(runner)
        totals = judge(stage)
        assert stage.campaign.state is State.SENT, stage.campaign
        assert not tell or totals.delivered == totals.sent
        return len(faulty.applied)
    except AssertionError as error:
        where = {number: (checkpoints()[number], fault.value) for number, fault in script.items()}
        raise AssertionError(f"{where}, redelivery {redelivery}: {error}") from error


def singles(*, thin: int) -> list[tuple[int, Fault]]:
    """Every call with every fault that it can have; of long rows of reads only each ``thin``-th."""
    return [
        (number, fault) for number, call in enumerate(checkpoints()) for fault in Fault
        if _possible(call, fault) and (call != ("contacts", "ids") or number % thin == 0)
    ]


def _possible(call: tuple[str, str], fault: Fault) -> bool:
    if fault is Fault.PARTIAL:
        return call in (("queue", "put_many"), ("bulk_mailer", "send"))
    return call in LAGGING if fault is Fault.STALE else True


@pytest.mark.parametrize("redelivery", WAYS, ids=("lambda", "sqs", "manual"))
@pytest.mark.parametrize("tell", (True, False), ids=("events", "no-events"))
def test_one_fault_anywhere_neither_repeats_nor_loses_a_mail(redelivery: int | None, tell: bool) -> None:
    """Whatever call goes wrong, nobody is mailed twice and everybody is accounted for."""
    faults = singles(thin=32)
    assert {checkpoints()[number] for number, _ in faults} == set(checkpoints())
    assert [play({number: fault}, redelivery, tell=tell) for number, fault in faults] == [1] * len(faults)


def test_two_faults_anywhere_neither_repeat_nor_lose_a_mail() -> None:
    """The same with a second fault, which may well hit what mends the first."""
    pairs = list(itertools.combinations(singles(thin=64), 2))
    happened = Counter(
        play(dict(pair), WAYS[number % 3], tell=number % 2 == 0)
        for number, pair in enumerate(pairs[::max(1, len(pairs) // PAIRS)])
    )
    assert happened[2] > PAIRS // 2, happened


def test_the_checkpoints_are_all_the_calls_of_the_path() -> None:
    """The campaign of crashes covers every step that the sending path is made of."""
    calls = set(checkpoints())
    assert {
        ("indexes", "due"), ("bulk_mailer", "account"), ("queue", "put"), ("queue", "put_many"), ("campaigns", "get"),
        ("campaigns", "control"), ("campaigns", "commit"), ("campaigns", "history"), ("blobs", "get"),
        ("programmes", "stopped"), ("programmes", "get"), ("mailer", "sender_verified"),
        ("contacts", "ids"), ("contacts", "read"), ("vault", "open"), ("ledger", "freeze"), ("ledger", "manifest"),
        ("ledger", "attempts"), ("ledger", "claim"),
        ("ledger", "settle"), ("ledger", "advance"), ("ledger", "count"), ("ledger", "slice"), ("ledger", "slices"),
        ("ledger", "starts"), ("ledger", "enter"), ("ledger", "end"),
        ("rate", "reserve"), ("rate", "publish"), ("bulk_mailer", "send"), ("sessions", "open"), ("partners", "home"),
    } <= calls
