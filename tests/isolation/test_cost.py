"""docs/cost.md is what counted calls and the file of prices give now."""

from __future__ import annotations

import pytest

from infra import cost
from tests.isolation.costs import LARGE, PLACE, document, made
from tests.isolation.journey import Journey


def test_the_document_is_up_to_date(journey: Journey) -> None:
    """Whoever adds a call to the way of a mail sees here what it costs."""
    text = document(journey, made(LARGE))
    assert PLACE.read_text("utf-8") == text, "run `python -m tests.isolation.costs` and commit docs/cost.md"
    assert "ses.mail | 1000000 | 100.00" in text


def test_a_call_without_a_price_is_not_forgotten() -> None:
    """An unknown call is an error, a free one costs nothing, a mail what SES takes."""
    with pytest.raises(KeyError):
        cost.bill({"dynamodb.Teleport": 1})
    assert cost.bill({"sts.AssumeRole": 9}) == []
    assert cost.total(cost.bill({"sesv2.SendEmail": 10_000})) == pytest.approx(1.0)
