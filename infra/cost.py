"""What a deployment costs: counted calls times a file of prices. ``docs/cost.md`` is written from it.

The calls are those of a whole campaign, seen by the recorder that judges them; the unit is a request.
A consistent read of up to 4 KB and a write of up to 1 KB are one unit each; a transaction's write
counts twice (DynamoDB developer guide, "Read and write operations").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRICES = Path(__file__).resolve().parent / "prices.json"
_UNITS: Mapping[str, tuple[str, int]] = {
    "dynamodb.GetItem": ("dynamodb.read", 1), "dynamodb.BatchGetItem": ("dynamodb.read", 100),
    "dynamodb.Query": ("dynamodb.read", 1), "dynamodb.PutItem": ("dynamodb.write", 1),
    "dynamodb.UpdateItem": ("dynamodb.write", 1), "dynamodb.DeleteItem": ("dynamodb.write", 1),
    "dynamodb.TransactWriteItems": ("dynamodb.write", 8), "s3.PutObject": ("s3.put", 1), "s3.GetObject": ("s3.get", 1),
    "s3.HeadObject": ("s3.get", 1), "sqs.SendMessage": ("sqs.request", 3), "sqs.SendMessageBatch": ("sqs.request", 12),
    "sqs.GetQueueUrl": ("sqs.request", 1), "kms.Decrypt": ("kms.request", 1), "kms.GenerateDataKey": ("kms.request", 1),
}
"""Call -> what is billed, and how many units one takes at most: a message is sent, received and deleted."""
FREE = frozenset({"sts.AssumeRole", "sesv2.GetAccount", "sesv2.GetEmailIdentity", "sesv2.SendBulkEmail"})
"""Nothing is billed for the call; bulk mails are counted by recipient."""
TICKS = 60 * 24 * 30


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: how many units, and US dollars."""

    what: str
    units: int
    dollars: float


def prices() -> dict[str, Any]:
    """The file of prices."""
    found: dict[str, Any] = json.loads(PRICES.read_text("utf-8"))
    return found


def bill(calls: Mapping[str, int]) -> list[Line]:
    """What calls cost; raises KeyError for a call without a price, so that none is forgotten."""
    units: dict[str, int] = {}
    for name, count in calls.items():
        if name in FREE:
            continue
        what, each = ("ses.mail", 1) if name == "sesv2.SendEmail" else _UNITS[name]
        units[what] = units.get(what, 0) + count * each
    per_million = prices()["per_million"]
    return [Line(what, number, number * per_million[what] / 1_000_000) for what, number in sorted(units.items())]


def total(lines: list[Line]) -> float:
    """Dollars of all lines."""
    return sum(line.dollars for line in lines)


def render(
    join: Mapping[str, int], file: Mapping[str, int], approve: Mapping[str, int], send: Mapping[str, int],
    leave: Mapping[str, int], tick: Mapping[str, int], *, customers: int, keys: int, alarms: int, counted: int,
) -> str:
    """The document. ``send`` are the calls that ``counted`` further mails of a campaign take."""
    mails = 1_000_000
    scale = mails / counted
    # Each contact is read once more, to freeze the audience: four to a unit.
    read = Line("dynamodb.read for the audience", mails // 4, mails / 4e6 * prices()["per_million"]["dynamodb.read"])
    million = prices()["per_million"]
    sent = [(x.what, _about(x.units * scale)) for x in bill(send)]
    per_mails = [read, *(Line(what, units, units * million[what] / 1_000_000) for what, units in sent)]
    ses = mails * prices()["per_million"]["ses.mail"] / 1_000_000
    month = prices()["per_month"]
    ticks = bill({name: count * TICKS for name, count in tick.items()})
    idle = keys * month["kms.key"] + alarms * month["alarm"] + month["dashboard"]
    out = [
        "# What it costs", "",
        f"Computed from counted calls and `infra/prices.json` ({prices()['region']}, {prices()['checked']}, without",
        "free tiers); a test counts again and compares. What is left out stands at the end.", "",
        "## Nothing happens", "",
        "No server, no provisioned capacity, no compute that waits. What AWS bills at rest, a month:", "",
        "| | US dollars |", "|---|---|",
        f"| {keys} KMS keys | {keys * month['kms.key']:.2f} |", f"| {alarms} alarms | {alarms * month['alarm']:.2f} |",
        f"| dashboard | {month['dashboard']:.2f} |",
        f"| {TICKS} ticks: {', '.join(f'{x.units} {x.what}' for x in ticks)} | {total(ticks):.2f} |",
        f"| **together** | **{idle + total(ticks):.2f}** |", "",
        "## A partner", "", "| Once | Calls that are billed | US dollars |", "|---|---|---|",
        _row("joins", join), _row(f"imports a file of {customers} customers", file),
        _row("has a campaign approved", approve), "",
        "At rest a partner costs its storage: about 1 KB a customer.", "",
        "## A million mails", "", "| | Units | US dollars |", "|---|---|---|", f"| ses.mail | {mails} | {ses:.2f} |",
        *(f"| {x.what} | {x.units} | {x.dollars:.2f} |" for x in per_mails),
        f"| **together** | | **{ses + total(per_mails):.2f}** |", "",
        f"An unsubscribe: {total(bill(leave)) * 1_000_000:.2f} dollars a million.", "",
        "## Not in here", "",
        "Lambda's time, logs, storage, traffic, SES's events by SNS and Firehose, and taxes.", "",
    ]
    return "\n".join(out)


def _about(number: float) -> int:
    """To two digits: how customers lie over the partitions follows from random keys, and with it the reads."""
    return int(round(number, 2 - len(str(int(number)))))


def _row(what: str, calls: Mapping[str, int]) -> str:
    lines = bill(calls)
    return f"| {what} | {', '.join(f'{x.units} {x.what}' for x in lines)} | {total(lines):.6f} |"
