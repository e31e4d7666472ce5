"""Alarms on what the program counts itself: each one's trouble is made, and what is emitted then sets it off.

An alarm and a metric that do not fit together are silent for ever: a wrong name, a further
dimension or another unit, and nothing rings. So each alarm's scenario runs the program, takes the
lines that CloudWatch would read, and evaluates the alarm on them as CloudWatch does.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib import observe
from chalicelib.domain.campaign import HoldReason, State
from chalicelib.domain.ledger import Result
from chalicelib.events import worker
from chalicelib.observe import METRICS, NAMESPACE, JsonLines
from chalicelib.usecases import plan
from infra.intrinsics import resolve
from tests.fakes.world import FakeWorld
from tests.operation.test_log_lines import record
from tests.sending.stage import CAMPAIGN, PARTNER, PER_SLICE, START, Runner, Stage
from tests.sending.test_send import Says

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"App": "countersign", "Stage": "prod"}
Values = list[float]


def own_alarms() -> dict[str, dict[str, Any]]:
    """Name -> properties of the alarms in our namespace, with names put in."""
    resources = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))["Resources"]
    alarms = [r["Properties"] for r in resources.values() if r.get("Type") == "AWS::CloudWatch::Alarm"]
    ours = [a for a in alarms if a.get("Namespace") == NAMESPACE]
    return {str(resolve(a["AlarmName"], NAMES)).removeprefix("countersign-prod-"): resolve(
        {name: value for name, value in a.items() if name != "AlarmActions"}, NAMES) for a in ours}


@contextmanager
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines that a function of the deployment ``countersign-prod`` writes inside."""
    stream, logger = io.StringIO(), logging.getLogger("countersign")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("countersign-prod"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def extracted(line: dict[str, Any], alarm: dict[str, Any]) -> Values:
    """What CloudWatch takes out of a line for exactly this alarm (CloudWatch user guide, EMF specification)."""
    found: Values = []
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
        dimensions = [{name: line[name] for name in names} for names in directive["Dimensions"]]
        wanted = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        names = [m["Name"] for m in directive["Metrics"]]
        if directive["Namespace"] == alarm["Namespace"] and wanted in dimensions and alarm["MetricName"] in names:
            found.append(float(line[alarm["MetricName"]]))
    return found


def rings(alarm: dict[str, Any], told: list[dict[str, Any]]) -> bool:
    """Whether a period with these lines, and others like it, breaches the alarm."""
    values = [value for line in told for value in extracted(line, alarm)]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["Statistic"] in ("Sum", "Maximum")
    total = sum(values) if alarm["Statistic"] == "Sum" else max(values, default=0.0)
    return total > float(alarm["Threshold"])


def paused_by_the_guard() -> None:
    """A campaign is found hours after its time: the program pauses it."""
    stage = Stage()
    stage.fakes.clock.set(START + timedelta(hours=3))
    plan.look(stage.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)
    assert stage.campaign.hold_reason is HoldReason.LATE


def refused_by_ses() -> None:
    """SES has paused the account."""
    stage = Stage()
    stage.fakes.bulk_mailer = Says(Result.UNSENT, took=False, times=1, refused="SendingPausedException")
    Runner(stage).run(START + timedelta(hours=1))
    assert stage.campaign.state is State.HELD


def unanswered_by_ses() -> None:
    """SES answers nothing, batch after batch."""
    stage = Stage(contacts=300, rate=50.0)
    stage.fakes.bulk_mailer = Says(Result.UNKNOWN, took=True, rate=50.0)
    Runner(stage).run(START + timedelta(minutes=14))


def started_late() -> None:
    """The queue was behind: a campaign starts ten minutes after its time."""
    stage = Stage()
    stage.fakes.clock.set(START + timedelta(minutes=10))
    plan.look(stage.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)
    assert stage.campaign.state is State.SENDING


def failing_again_and_again() -> None:
    """A release that can't read its messages."""
    def fail(message: object, world: object) -> None:
        raise ValueError("broken")

    for number in range(11):
        worker.each("plan", {"Records": [{**record({}), "messageId": f"m-{number}"}]}, FakeWorld(), fail)


def all_is_well() -> None:
    """A campaign is sent in time, one message fails once, and its partner pauses another."""
    stage = Stage()
    Runner(stage).run(START + timedelta(hours=1))
    other = Stage()
    other.hold()
    other.fakes.clock.set(START + timedelta(hours=1))
    other.resume()
    plan.look(other.world, PARTNER, CAMPAIGN, per_slice=PER_SLICE)
    assert other.campaign.state is State.SENDING

    def fail(message: object, world: object) -> None:
        raise ValueError("once")

    worker.each("plan", {"Records": [record({})]}, FakeWorld(), fail)


TROUBLES: dict[str, Callable[[], None]] = {
    "campaigns-held": paused_by_the_guard, "sending-refused": refused_by_ses, "mails-unconfirmed": unanswered_by_ses,
    "starts-late": started_late, "messages-failing": failing_again_and_again,
}


def test_every_own_alarm_has_its_trouble() -> None:
    """A new alarm on a metric of ours needs a scenario here; the metrics exist in the program's list."""
    assert set(own_alarms()) == set(TROUBLES)
    for alarm in own_alarms().values():
        assert alarm["MetricName"] in METRICS
        assert alarm["TreatMissingData"] == "notBreaching", "a metric of ours is silent while all is well"


@pytest.mark.parametrize("name", TROUBLES)
def test_the_trouble_sets_off_its_alarm(name: str) -> None:
    """What the program emits in that trouble, in the form in which CloudWatch reads it, breaches the alarm."""
    with lines() as told:
        TROUBLES[name]()
    assert rings(own_alarms()[name], told())


@pytest.mark.parametrize("name", TROUBLES)
def test_a_sound_day_sets_off_none(name: str) -> None:
    """A campaign sent in time, a pause by its partner and a single failure wake nobody."""
    with lines() as told:
        all_is_well()
    assert any("_aws" in line for line in told())
    assert not rings(own_alarms()[name], told())


def test_another_dimension_would_be_noticed() -> None:
    """The evaluation itself is strict: a metric of another deployment or with a further dimension sets nothing off."""
    alarm = own_alarms()["campaigns-held"]
    good = observe.embedded({"held": 1}, "countersign-prod", 0)
    assert rings(alarm, [good])
    assert not rings(alarm, [observe.embedded({"held": 1}, "countersign-test", 0)])
    directive = good["_aws"]["CloudWatchMetrics"][0]  # type: ignore[index]
    assert not rings(alarm, [{**good, "f": "x", "_aws": {"CloudWatchMetrics": [
        {**directive, "Dimensions": [["deployment", "f"]]}]}}])
    assert not rings(alarm, [{**good, "_aws": {"CloudWatchMetrics": [{**directive, "Namespace": "Other"}]}}])
