"""The list of a partner's marketing starts, one item: its order is what the frequency cap goes by.

``P#<partner>#STARTS`` / ``STARTS``: ``n`` counts the writes, ``starts`` holds a text each:
``<at>|<campaign>|<mailing>|<variant>|<slices>|<ended at>|<reached>``. A new start is entered by a
write on condition of ``n``, so that no two can both believe to be the last.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.codec import check, moment_of, stamp
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Permanent, Retryable
from chalicelib.domain.frequency import Started, Starts
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.manifest import Run
from chalicelib.ports.system import PartnerSession

SK = _TYPE = "STARTS"
TRIES = 6


def place(session: PartnerSession) -> tuple[str, str]:
    """The item's keys."""
    return f"P#{session.partner}#STARTS", SK


def read(table: Table, session: PartnerSession) -> Starts:
    """The list, read consistently."""
    return starts_of(table.of(session).get(*place(session), consistent=True))


def change(table: Table, session: PartnerSession, make: Callable[[Starts], Starts]) -> Starts:
    """Replace the list by what ``make`` makes of it and return that; raises Retryable if others are always faster."""
    bound = table.of(session)
    for _ in range(TRIES):
        item = bound.get(*place(session), consistent=True)
        before = starts_of(item)
        after = make(before)
        if after == before:
            return after
        number = int(item["n"]) if item else 0
        stands = ex.equals("n", number) if item else ex.absent("pk")
        pk, sk = place(session)
        try:
            bound.put({
                "pk": pk, "sk": sk, "type": _TYPE, "v": 1, "n": number + 1, "starts": [_text(one) for one in after],
            }, condition=stands)
        except ConditionFailed:
            # Somebody else's start, or our own write of which the answer was lost: the next look tells.
            continue
        return after
    raise Retryable("a partner's starts are in great demand")


def starts_of(item: Item | None) -> Starts:
    """The list that an item holds; empty where there is none."""
    if item is None:
        return ()
    check(item, _TYPE, 1)
    return tuple(_started(text) for text in item["starts"])


def _text(one: Started) -> str:
    run = one.run
    return "|".join((
        stamp(one.at), run.campaign, str(run.mailing), str(run.variant), str(one.slices),
        stamp(one.ended_at) if one.ended_at else "", "" if one.reached is None else str(one.reached),
    ))


def _started(text: str) -> Started:
    try:
        at, campaign, mailing, variant, slices, ended_at, reached = text.split("|")
        return Started(
            run=Run(CampaignId(campaign), int(mailing), int(variant)), at=moment_of(at), slices=int(slices),
            ended_at=moment_of(ended_at) if ended_at else None, reached=int(reached) if reached else None)
    except ValueError:
        raise Permanent("a stored start is damaged") from None
