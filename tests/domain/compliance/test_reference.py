"""The rule reference is what the code says."""

from __future__ import annotations

from infra.rules_reference import TARGET, render


def test_the_reference_is_up_to_date() -> None:
    """docs/rules.md is made from the rules; ``python -m infra.rules_reference`` writes it anew."""
    assert TARGET.read_text("utf-8") == render()
