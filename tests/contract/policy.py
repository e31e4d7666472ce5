"""Judges calls by the policies that are deployed: the documents in ``infra/policies`` themselves.

No emulator enforces them, so this evaluates the few constructs they use, and refuses to guess at
any other (IAM User Guide, "Policy evaluation logic": a deny wins, nothing is allowed by default).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from infra.intrinsics import policy, resolve

_TAG = "${aws:PrincipalTag/partner}"


@dataclass(frozen=True, slots=True)
class Access:
    """One thing a call does: an IAM action on a resource, with the keys of its conditions."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]


class Policy:
    """A policy document of ``infra/policies`` with its CloudFormation functions resolved."""

    def __init__(self, name: str, names: Mapping[str, str]) -> None:
        self._statements: list[dict[str, Any]] = resolve(policy(name), names)["Statement"]

    @classmethod
    def of(cls, statements: list[dict[str, Any]]) -> Policy:
        """A policy of statements that are resolved already."""
        made = cls.__new__(cls)
        made._statements = statements
        return made

    def allows(self, access: Access, partner: str) -> bool:
        """Whether a session with that value of the tag ``partner`` may."""
        effects = {s["Effect"] for s in self._statements if _applies(s, access, partner)}
        return effects == {"Allow"}


def _applies(statement: dict[str, Any], access: Access, partner: str) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    assert not unknown, f"the judge does not know {unknown}"
    return (
        _matches(access.action, _listed(statement["Action"]), partner)
        # The trust policy of a role has no resource: it stands at one.
        and _matches(access.resource, _listed(statement.get("Resource", "*")), partner)
        and all(
            _holds(operator, access.context.get(key, ()), _listed(wanted), partner)
            for operator, tests in statement.get("Condition", {}).items() for key, wanted in tests.items()
        )
    )


def _holds(operator: str, found: tuple[str, ...], wanted: list[str], partner: str) -> bool:
    if operator == "Null":
        return (not found) == (wanted == ["true"])
    if operator == "ForAllValues:StringLike":
        return all(_matches(value, wanted, partner) for value in found)
    if operator in ("StringLike", "ArnLike"):
        return bool(found) and any(_matches(value, wanted, partner) for value in found)
    if operator == "StringEquals":
        return bool(found) and found[0] in [text.replace(_TAG, partner) for text in wanted]
    raise AssertionError(f"the judge does not know the operator {operator}")


def _matches(value: str, patterns: Iterable[str], partner: str) -> bool:
    # fnmatch also reads [...]; no pattern of ours has one.
    return any(fnmatchcase(value, pattern.replace(_TAG, partner)) for pattern in patterns)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
