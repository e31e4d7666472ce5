"""docs/cost.md is what counted calls and the file of prices give now."""

from __future__ import annotations

import re

import pytest

from infra import cost
from tests.contract.policy import Access
from tests.isolation.costs import LARGE, PLACE, document, resting, sent
from tests.isolation.journey import Journey
from tests.isolation.judge import Call


def test_the_document_is_up_to_date(journey: Journey) -> None:
    """Whoever adds a call to the way of a mail sees here what it costs."""
    text = document(journey, sent(LARGE))
    assert PLACE.read_text("utf-8") == text, "run `python -m tests.isolation.costs` and commit docs/cost.md"
    assert "ses.mail | 1000000 | 100.00" in text


def test_a_call_without_a_price_is_not_forgotten() -> None:
    """An unknown call is an error, a free one costs nothing, a mail what SES takes."""
    with pytest.raises(KeyError):
        cost.bill({"dynamodb.Teleport": 1})
    assert cost.bill({"sts.AssumeRole": 9}) == []
    assert cost.total(cost.bill({"sesv2.SendEmail": 10_000})) == pytest.approx(1.0)


def test_rest_is_told_honestly() -> None:
    """Keys, each metric of each alarm, ticks and Lambda's polling of empty queues are in the sum."""
    here = resting()
    assert here.watched > here.alarms, "an alarm on a sum of metrics is billed by metric"
    lines = dict(cost.at_rest(here, {"dynamodb.Query": 4}))
    month = cost.prices()["per_month"]
    assert lines[f"{here.keys} KMS keys"] == here.keys * month["kms.key"] > 0
    alarms = lines[f"{here.alarms} alarms on {here.watched} metrics"]
    assert alarms == pytest.approx(here.watched * month["alarm.metric"])
    polls = next(dollars for what, dollars in lines.items() if "empty queues" in what)
    assert polls == pytest.approx(here.queues * 5 * 3 * 60 * 24 * 30 * 0.4e-6)


def test_the_way_to_a_deployment_tells_the_same() -> None:
    """docs/deploy.md rounds what a month without work costs."""
    found = re.search(r"\| \*\*together\*\* \| \*\*([\d.]+)\*\* \|", PLACE.read_text("utf-8"))
    assert found
    assert round(float(found[1])) == 10
    assert "about ten dollars a month" in (PLACE.parent / "deploy.md").read_text("utf-8")


def test_every_price_names_its_page() -> None:
    """Whoever checks a price finds the page by its name; nothing that is billed is without one."""
    found = cost.prices()
    groups = ("per_million", "per_gb_second", "per_gb", "per_month")
    used = {name.split(".")[0] for group in groups for name in found[group]}
    pages = {"alarm": "cloudwatch", "custom": "cloudwatch", "dashboard": "cloudwatch", "logs": "cloudwatch"}
    assert {pages.get(name, name) for name in used} == set(found["sources"])
    assert all("pricing" in source for source in found["sources"].values())
    assert len(found["written"]) == 10


def test_pictures_are_told_with_what_they_weigh() -> None:
    """A picture of the library costs a request and its weight for each mail that is opened, as if nothing were free."""
    found, text = cost.prices(), PLACE.read_text("utf-8")
    shown = cost.MAILS * cost.OPENED * cost.PICTURES
    gigabytes = shown * cost.PICTURE_KB / 1e6
    requests = shown / 1e6 * found["per_million"]["cloudfront.request"]
    assert f"| cloudfront.request for pictures | {shown:.0f} | {requests:.2f} |" in text
    assert f"| pictures, GB by CloudFront | {gigabytes:.0f} | {gigabytes * found['per_gb']['cloudfront']:.2f} |" in text
    assert f"one picture of {cost.PICTURE_KB} KB" in text
    assert f"{cost.MAILS / 1e6 * found['per_million']['ses.mail.essentials']:.2f} in place of" in text


def test_a_batch_counts_its_items() -> None:
    """A batch of forty keys is forty reads, a transaction of three items six writes."""
    keys = Access("dynamodb:BatchGetItem", "t", {"dynamodb:LeadingKeys": tuple("k" * 40)})
    assert Call("dynamodb.BatchGetItem", "send", "", "", (keys,)).items == 40
    step = Access("dynamodb:PutItem", "t", {"dynamodb:LeadingKeys": ("k",)})
    assert Call("dynamodb.TransactWriteItems", "send", "", "", (step,) * 3).items == 3
    assert cost.bill({"dynamodb.TransactWriteItems": 3})[0].units == 6
