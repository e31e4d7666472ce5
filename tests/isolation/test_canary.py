"""No line of the log and no metric holds anything of a person: a campaign with canaries, every line searched."""

from __future__ import annotations

import json

from tests.isolation.journey import ADDRESS, CANARY, Journey


def test_no_personal_data_in_any_line(journey: Journey) -> None:
    """Names and addresses of customers, partners, reviewers and HQ never reach the log, debug lines included."""
    text = journey.log.getvalue()
    assert len(text.splitlines()) > 10
    for canary in (CANARY, ADDRESS, CANARY.lower(), "example.net", "192.0.2.1"):
        assert canary not in text, canary


def test_metrics_tell_what_happened(journey: Journey) -> None:
    """What was sent, what bounced and how late it was, as numbers of the one deployment."""
    lines = [json.loads(line) for line in journey.sound.splitlines()]
    told = [line for line in lines if "_aws" in line]
    assert {line["deployment"] for line in told} == {"countersign-journey"}
    assert sum(line.get("sent", 0) for line in told) == journey.totals.sent == 60
    assert sum(line.get("bounced", 0) for line in told) == journey.totals.bounced == 1
    assert not any("errors" in line for line in told)


def test_one_search_finds_a_click_with_all_that_it_caused(journey: Journey) -> None:
    """The tick's id stands on the lines of the plan and of the sending that it led to."""
    functions: dict[str, set[str]] = {}
    for line in journey.log.getvalue().splitlines():
        told = json.loads(line)
        if told.get("correlation"):
            functions.setdefault(told["correlation"], set()).add(told["function"])
    assert any({"plan", "send"} <= found for found in functions.values()), functions
