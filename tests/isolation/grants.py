"""The grants of all policies one by one: which are used, and whether a change of any would be noticed.

A grant is one action on one resource in one statement that allows. The calls of the journey
and its scenes by the functions' own handlers are the evidence; ``machinery`` has the grants that Lambda itself needs.
A grant that neither uses fails a test.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib.events.registry import FUNCTIONS
from chalicelib.ports.system import QueueName
from infra.intrinsics import policy, resolve
from tests.contract.policy import Access, Policy
from tests.isolation.calls import NAMES
from tests.isolation.judge import ASSUMED, PAGES, Call

ROLES = (*PAGES, *FUNCTIONS, *ASSUMED.values())
"""Every policy that a role of the program has."""
LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
POLLER = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility")
"""What Lambda does with a function's role (Lambda developer guide, "Defining Lambda function permissions with an
execution role", "Using Lambda with Amazon SQS"); none of our calls shows it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource, as a statement of a role allows it."""

    role: str
    sid: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.role} {self.sid} {self.action} {self.resource}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that was done with a role, once, and must stay allowed."""

    role: str
    partner: str
    access: Access


def statements(role: str) -> list[dict[str, Any]]:
    """A role's statements with names put in."""
    found: list[dict[str, Any]] = resolve(policy(role), NAMES)["Statement"]
    return found


def grants(role: str) -> Iterator[Grant]:
    """Every grant of a role."""
    for statement in statements(role):
        if statement["Effect"] == "Allow":
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield Grant(role, statement["Sid"], action, resource)


def machinery(role: str) -> dict[Grant, str]:
    """The grants that Lambda needs to run a function, with what for: its log, its queue, the queue's key."""
    if role in ASSUMED.values():
        return {}
    log = f"arn:aws:logs:region:account:log-group:/aws/lambda/app-stage-{role}:*"
    found = {Grant(role, "OwnLogs", action, log): "Lambda writes the log" for action in LOGS}
    if role in set(QueueName):
        queue = f"arn:aws:sqs:region:account:app-stage-{role}"
        found |= {Grant(role, "OwnQueue", action, queue): "Lambda's poller" for action in POLLER}
    if role == QueueName.FEEDBACK:
        key = Grant(role, "QueueKey", "kms:Decrypt", NAMES["FeedbackKey.Arn"])
        found[key] = "Lambda's poller opens what is encrypted"
    return found


def without(grant: Grant) -> Policy:
    """The role's policy with that grant taken out."""
    kept: list[dict[str, Any]] = []
    for statement in copy.deepcopy(statements(grant.role)):
        if statement["Sid"] != grant.sid:
            kept.append(statement)
            continue
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        rest = [action for action in actions if action != grant.action]
        others = [resource for resource in resources if resource != grant.resource]
        if rest:
            kept.append({**statement, "Action": rest})
        if others:
            kept.append({**statement, "Action": [grant.action], "Resource": others})
    return Policy.of(kept)


def evidence(calls: Iterable[Call]) -> set[Evidence]:
    """What calls did with which role; a store's call by nobody in particular proves nothing about a function."""
    return {
        Evidence(call.actors[0], call.partner, _frozen(access))
        for call in calls if len(call.actors) == 1 for access in call.accesses
    }


def used(grant: Grant, seen: Iterable[Evidence]) -> bool:
    """Whether anything that was done would be refused without the grant."""
    less = without(grant)
    return any(not less.allows(e.access, e.partner) for e in seen if e.role == grant.role)


def widened(role: str) -> Iterator[tuple[str, Policy]]:
    """The role's policy with one statement made too wide: all actions, all resources, no condition, any key."""
    whole = statements(role)
    for number, statement in enumerate(whole):
        if statement["Effect"] == "Deny":
            continue
        changes: dict[str, dict[str, Any]] = {
            "Action *": {"Action": ["*"]},
            "service:*": {"Action": sorted({f"{a.partition(':')[0]}:*" for a in _listed(statement["Action"])})},
        }
        # A statement about all resources is as wide as it gets in that direction.
        if _listed(statement["Resource"]) != ["*"]:
            changes["Resource *"] = {"Resource": ["*"]}
        if "Condition" in statement:
            changes["no condition"] = {"Condition": {}}
            text = json.dumps(statement["Condition"])
            for narrow, wide in (("P#${aws:PrincipalTag/partner}#*", "P#*"), ("ORG#*", "*"), ("prt_*", "*")):
                if narrow in text:
                    changes[f"{narrow} -> {wide}"] = {"Condition": json.loads(text.replace(narrow, wide))}
        for name, change in changes.items():
            changed = [*whole[:number], {**statement, **change}, *whole[number + 1:]]
            yield f"{statement['Sid']}: {name}", Policy.of(changed)


def _frozen(access: Access) -> Access:
    return Access(access.action, access.resource, _Keys(access.context))


class _Keys(dict[str, tuple[str, ...]]):
    """Condition keys that can stand in a set."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
