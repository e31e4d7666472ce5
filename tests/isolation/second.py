"""A second evaluator of policies that shares no line with the first: moto's for actions and resources, a table
of predicates over whole documents for conditions. The two must agree (``test_evaluators``).

Differences in method, on purpose: this one first writes the session's tag into the text of the document,
as IAM does before it compares, and decides by set operations; the first matches piece by piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

Values = Sequence[str]


def _like(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards: any run of characters, and exactly one."""
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.DOTALL)


def _any_like(found: Values, wanted: Values) -> bool:
    return any(_like(pattern).fullmatch(value) for value in found for pattern in wanted)


OPERATORS: Mapping[str, Callable[[Values, Values], bool]] = {
    "StringEquals": lambda found, wanted: bool(set(found) & set(wanted)),
    "StringLike": _any_like,
    "ArnLike": _any_like,
    "ForAllValues:StringLike": lambda found, wanted: not [v for v in found if not _any_like([v], wanted)],
    "Null": lambda found, wanted: {"true": not found, "false": bool(found)}[wanted[0]],
}
"""IAM user guide, "IAM JSON policy elements: Condition operators". ``ForAllValues`` holds for no value at all."""


def decide(
    document: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Values], tag: str = "",
) -> bool:
    """Whether the document allows; a deny of any statement wins."""
    verdicts = set()
    for statement in json.loads(json.dumps(document).replace("${aws:PrincipalTag/partner}", tag))["Statement"]:
        if not _concerns(statement, action, resource):
            continue
        conditions = [
            OPERATORS[operator](tuple(context.get(key, ())), [wanted] if isinstance(wanted, str) else wanted)
            for operator, tests in statement.get("Condition", {}).items() for key, wanted in tests.items()
        ]
        if all(conditions):
            verdicts.add(statement["Effect"])
    return "Allow" in verdicts and "Deny" not in verdicts


def _concerns(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """moto's reading of Action and Resource; conditions are not its part."""
    bare = {name: statement[name] for name in ("Effect", "Action", "Resource")}
    return IAMPolicyStatement(bare).is_action_permitted(action, resource) is not PermissionResult.NEUTRAL
