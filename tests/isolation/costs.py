"""Counts calls of two campaigns of different size and writes docs/cost.md: ``python -m tests.isolation.costs``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import yaml
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.observe import METRICS
from infra import cost
from infra.cost import Resting
from tests.isolation import journey as making
from tests.isolation import judge
from tests.isolation.journey import Journey

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "docs" / "cost.md"
SMALL, LARGE = 60, 560
"""Customers of the two campaigns: what ten further batches take is the difference."""


def calls(j: Journey, phase: str, functions: frozenset[str] = frozenset()) -> Mapping[str, int]:
    """Call -> how often in a phase, of some functions or all; pages that only look are left out."""
    found: Counter[str] = Counter()
    for (function, name), count in j.phases[phase].items():
        if not functions or function in functions:
            found[name] += count
    return found


def document(small: Journey, large: Journey) -> str:
    """docs/cost.md from the two."""
    send = frozenset({"send"})
    more = Counter(calls(large, "a campaign is sent", send))
    more.subtract(calls(small, "a campaign is sent", send))
    return cost.render(
        calls(small, "a partner joins"), calls(small, "a file of customers"), calls(small, "a campaign is approved"),
        {name: count for name, count in more.items() if count > 0}, calls(small, "an unsubscribe"),
        # A tick that finds nothing: the due index, its own note of the share, and SES's rate.
        {"dynamodb.Query": 4, "dynamodb.GetItem": 1, "dynamodb.PutItem": 1, "sesv2.GetAccount": 1},
        customers=SMALL, resting=resting(), counted=LARGE - SMALL,
    )


def resting() -> Resting:
    """What the template has that is billed at rest; an alarm on a formula counts each metric of it."""
    resources = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))["Resources"]
    kinds = Counter(r.get("Type") for r in resources.values())
    alarms = [r["Properties"] for r in resources.values() if r.get("Type") == "AWS::CloudWatch::Alarm"]
    events = [event for r in resources.values() for event in r.get("Properties", {}).get("Events", {}).values()]
    sources = [event["Type"] for event in events]
    return Resting(
        keys=kinds["AWS::KMS::Key"], alarms=len(alarms), queues=sources.count("SQS"), metrics=len(METRICS),
        watched=sum(sum("MetricStat" in m for m in a["Metrics"]) if "Metrics" in a else 1 for a in alarms),
    )


def sent(count: int) -> Journey:
    """The part of a journey that leads to a campaign with so many customers, which is sent."""
    with mock_aws(), making.deployment("", DEFAULT_ACCOUNT_ID) as j:
        making.people_and_programme(j)
        making.imported(j, count)
        making.approved(j)
        making.sent(j)
    return j


def made() -> Journey:
    """A whole journey with the smaller number of customers."""
    with mock_aws(), making.deployment("", DEFAULT_ACCOUNT_ID) as j:
        making.run(j, count=SMALL)
    return j


def main() -> int:
    """Count and write."""
    judge.listen()
    PLACE.write_text(document(made(), sent(LARGE)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
