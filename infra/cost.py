"""What a deployment costs: counted calls times a file of prices. ``docs/cost.md`` is written from it.

The calls are those of a whole campaign, seen by the recorder that judges them; the unit is a request.
A consistent read of up to 4 KB and a write of up to 1 KB are one unit each; a transaction's write
counts twice, and a batch counts its items (DynamoDB developer guide, "Read and write operations"). What AWS
bills where nobody does anything is computed from the template: keys, alarms, ticks, and Lambda's polling.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRICES = Path(__file__).resolve().parent / "prices.json"
_UNITS: Mapping[str, tuple[str, int]] = {
    "dynamodb.GetItem": ("dynamodb.read", 1), "dynamodb.BatchGetItem": ("dynamodb.read", 1),
    "dynamodb.Query": ("dynamodb.read", 1), "dynamodb.PutItem": ("dynamodb.write", 1),
    "dynamodb.UpdateItem": ("dynamodb.write", 1), "dynamodb.DeleteItem": ("dynamodb.write", 1),
    "dynamodb.TransactWriteItems": ("dynamodb.write", 2), "s3.PutObject": ("s3.put", 1), "s3.GetObject": ("s3.get", 1),
    "s3.HeadObject": ("s3.get", 1), "sqs.SendMessage": ("sqs.request", 3), "sqs.SendMessageBatch": ("sqs.request", 12),
    "sqs.GetQueueUrl": ("sqs.request", 1), "kms.Decrypt": ("kms.request", 1), "kms.GenerateDataKey": ("kms.request", 1),
}
"""Call -> what is billed, and how many units one takes: a message is sent, received and deleted. Of the calls that
carry several items, each item counts."""
FREE = frozenset({"sts.AssumeRole", "sesv2.GetAccount", "sesv2.GetEmailIdentity", "sesv2.SendBulkEmail"})
"""Nothing is billed for the call; bulk mails are counted by recipient."""
TICKS = 60 * 24 * 30
TICK_SECONDS, TICK_GB, TICK_LOG = 0.25, 0.25, 600
"""What a tick takes that finds nothing: seconds and gigabytes of Lambda (generously), bytes of log."""
POLLERS, POLL_SECONDS = 5, 20
"""Lambda asks an idle queue with five long polls at a time (Lambda developer guide, "Using Lambda with Amazon SQS")."""
EVENTS, EVENT_KB = 2, 5
"""SES's events by Firehose that a mail is taken to have (delivered, and some are opened), each billed as 5 KB."""
OPENED, PICTURES, PICTURE_KB = 0.5, 1, 100
"""What is taken of a mail with pictures from the library: the share of receivers whose mail program loads them, how
many there are, and what one weighs."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """What the template has that AWS bills at rest; ``watched`` counts the metrics of all alarms."""

    keys: int
    alarms: int
    watched: int
    queues: int
    metrics: int


def at_rest(here: Resting, tick: Mapping[str, int]) -> list[tuple[str, float]]:
    """What a month costs in which nobody does anything, line by line."""
    found = prices()
    month, million = found["per_month"], found["per_million"]
    ticks = bill({name: count * TICKS for name, count in tick.items()})
    polls = here.queues * POLLERS * 86400 * 30 // POLL_SECONDS
    running = TICKS * (TICK_SECONDS * TICK_GB * found["per_gb_second"]["lambda"] + million["lambda.request"] / 1e6)
    return [
        (f"{here.keys} KMS keys", here.keys * month["kms.key"]),
        (f"{here.alarms} alarms on {here.watched} metrics", here.watched * month["alarm.metric"]),
        ("dashboard", month["dashboard"]),
        (f"{TICKS} ticks: {', '.join(f'{x.units} {x.what}' for x in ticks)}", total(ticks)),
        (f"the same in Lambda: {TICK_SECONDS} s and {TICK_GB} GB each", running),
        (f"their log: {TICKS * TICK_LOG / 1e9:.2f} GB", TICKS * TICK_LOG / 1e9 * found["per_gb"]["logs"]),
        (f"{here.queues} empty queues that Lambda asks: {polls} sqs.request", polls * million["sqs.request"] / 1e6),
    ]


def render(
    join: Mapping[str, int], file: Mapping[str, int], approve: Mapping[str, int], send: Mapping[str, int],
    leave: Mapping[str, int], tick: Mapping[str, int], *, customers: int, resting: Resting, counted: int,
) -> str:
    """The document. ``send`` are the calls that ``counted`` further mails of a campaign take."""
    found = prices()
    million, month = found["per_million"], found["per_month"]
    idle = at_rest(resting, tick)
    per_mails = _per_mails(send, counted)
    ses = MAILS * million["ses.mail"] / 1_000_000
    out = [
        "# What it costs", "",
        f"Computed from counted calls and `infra/prices.json` ({found['region']}, written down on {found['written']}",
        "from the price pages that it names, without free tiers); a test counts again and compares. Compare the prices",
        "with the pages before you rely on them. What is left out stands at the end.", "",
        "## Nothing happens", "",
        "No server, no provisioned capacity, no compute that waits. It is not nothing all the same; what AWS bills a",
        "month in which nobody does anything:", "",
        "| | US dollars |", "|---|---|", *(f"| {what} | {dollars:.2f} |" for what, dollars in idle),
        f"| **together** | **{sum(dollars for _, dollars in idle):.2f}** |", "",
        "With free tiers the dashboard, ten of the alarms' metrics, a million requests of SQS and the ticks' Lambda "
        "cost",
        f"nothing. Each of a key's first two yearly rotations adds {month['kms.key']:.2f} a month to its price.",
        f"In a month with campaigns, up to {resting.metrics} metrics of the program's own add",
        f"{resting.metrics * month['custom.metric']:.2f}: CloudWatch bills a metric by the hours in which it is "
        "written.", "",
        "## A partner", "", "| Once | Calls that are billed | US dollars |", "|---|---|---|",
        _row("joins", join), _row(f"imports a file of {customers} customers", file),
        _row("has a campaign approved", approve), "",
        "At rest a partner costs its storage: about 1 KB a customer.", "",
        "## A million mails", "", "| | Units | US dollars |", "|---|---|---|", f"| ses.mail | {MAILS} | {ses:.2f} |",
        *(f"| {x.what} | {x.units} | {x.dollars:.2f} |" for x in per_mails),
        f"| **together** | | **{ses + total(per_mails):.2f}** |", "",
        "Mails are priced à la carte. An account new to SES since July 2026 begins on the plan Essentials, with",
        f"{MAILS * million['ses.mail.essentials'] / 1_000_000:.2f} in place of {ses:.2f}, until you choose otherwise "
        "([deploy.md](deploy.md#first-deployment), step 4).", "",
        f"The last two lines are one picture of {PICTURE_KB} KB from the library, loaded in {OPENED:.0%} of the mails, "
        "in Europe; each",
        "further one costs as much again. CloudFront's free tier (ten million requests and a terabyte a month) is not",
        "counted: within it pictures cost nothing.", "",
        f"An unsubscribe: {total(bill(leave)) * 1_000_000:.2f} dollars a million.", "",
        "## Not in here", "",
        "Lambda's time beyond the ticks, logs of campaigns, storage and backups, the pages' traffic, API Gateway's "
        "requests,", "SNS, and taxes.", "",
    ]
    return "\n".join(out)


MAILS = 1_000_000
VARIES = frozenset({"dynamodb.read"})
"""What is said to one digit: how customers lie over the partitions follows from random keys, and with it the reads."""


def _per_mails(send: Mapping[str, int], counted: int) -> list[Line]:
    """What a million mails take beside SES itself, from the calls of ``counted`` of them."""
    million = prices()["per_million"]
    # Each contact is read once more, to freeze the audience: four to a unit.
    read = Line("dynamodb.read for the audience", MAILS // 4, MAILS / 4e6 * million["dynamodb.read"])
    sent = [(x.what, _about(x.units * MAILS / counted, 1 if x.what in VARIES else 2)) for x in bill(send)]
    gigabytes = MAILS * EVENTS * EVENT_KB / 1_000_000
    events = Line(f"events of SES, {EVENTS} a mail, GB by Firehose", round(gigabytes),
                  gigabytes * prices()["per_gb"]["firehose"])
    shown = round(MAILS * OPENED * PICTURES)
    pictures = Line("cloudfront.request for pictures", shown, shown * million["cloudfront.request"] / 1_000_000)
    seen = shown * PICTURE_KB / 1_000_000
    traffic = Line("pictures, GB by CloudFront", round(seen), seen * prices()["per_gb"]["cloudfront"])
    return [read, *(Line(what, units, units * million[what] / 1_000_000) for what, units in sent), events, pictures,
            traffic]


def _about(number: float, digits: int) -> int:
    """To so many digits."""
    return int(round(number, digits - len(str(int(number)))))


def _row(what: str, calls: Mapping[str, int]) -> str:
    lines = bill(calls)
    return f"| {what} | {', '.join(f'{x.units} {x.what}' for x in lines)} | {total(lines):.6f} |"
