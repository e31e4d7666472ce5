"""Every alarm has its page, and every page its alarm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
ALONE = {"README", "restore"}
"""Pages that no alarm leads to."""
PAGES = sorted(path for path in RUNBOOK.glob("*.md") if path.stem not in ALONE)


def alarms() -> dict[str, dict[str, Any]]:
    """Name (without app and stage) -> properties of each alarm."""
    resources = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))["Resources"]
    found = [r["Properties"] for r in resources.values() if r.get("Type") == "AWS::CloudWatch::Alarm"]
    return {p["AlarmName"]["Fn::Sub"].removeprefix("${App}-${Stage}-"): p for p in found}


def test_alarms_and_pages_are_the_same_set() -> None:
    """An alarm without a page leaves people alone at night; a page without an alarm is never read."""
    assert set(alarms()) == {page.stem for page in PAGES}


def test_every_alarm_names_its_page() -> None:
    """The mail that wakes somebody says where to read on."""
    assert alarms()
    for name, properties in alarms().items():
        assert str(properties["AlarmDescription"]).endswith(f"docs/runbook/{name}.md"), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_symptom_check_act(page: Path) -> None:
    """Three parts, in this order, each with something in it."""
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Symptom", "Check", "Act"]
    assert all(len(part.strip()) > 40 for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:])
