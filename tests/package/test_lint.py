"""What AWS would say of the templates and policies, said before AWS does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import intrinsics

pytestmark = pytest.mark.package


@pytest.mark.parametrize("name", ["sam.json", "stack.json"])
def test_the_template_is_clean(built: Path, name: str) -> None:
    """cfn-lint finds nothing in the SAM template, nor in its translation, where cycles and twins show."""
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [str(linter), "--region", "eu-central-1", "--template", str(built / name)],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


def statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy of the stack, with the resource that it belongs to."""
    def documents(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if "Statement" in value:
                yield value
            for part in value.values():
                yield from documents(part)
        elif isinstance(value, list):
            for part in value:
                yield from documents(part)

    for name, resource in template["Resources"].items():
        for document in documents(resource):
            for statement in document["Statement"]:
                yield name, statement


def listed(value: Any) -> list[Any]:
    """A single value as a list of it."""
    return value if isinstance(value, list) else [value]


NO_RESOURCE = {"ses:GetAccount", "ses:ListEmailIdentities"}
"""Actions for which AWS knows no resource (Service Authorization Reference, Amazon SES v2); they only read."""


def test_no_policy_has_a_wildcard(built: Path) -> None:
    """No grant names all actions or all resources, but where AWS knows no resource and in a key's own policy."""
    stack = json.loads((built / "stack.json").read_text("utf-8"))
    found = list(statements(stack))
    assert len(found) > 60
    for name, statement in found:
        if statement["Effect"] == "Deny":
            continue
        own = stack["Resources"][name]["Type"] == "AWS::KMS::Key"
        for action in listed(statement["Action"]):
            assert "*" not in action or (own and statement["Sid"] == "Account"), (name, action)
        for resource in listed(statement.get("Resource", [])):
            assert resource != "*" or own or NO_RESOURCE.issuperset(listed(statement["Action"])), (name, statement)
        if statement.get("Principal") == "*":
            raise AssertionError(f"{name} lets everybody in")


def test_services_are_let_in_for_this_account_only(built: Path) -> None:
    """A grant to an AWS service names the account or resource: no other customer can use it (confused deputy)."""
    stack = json.loads((built / "stack.json").read_text("utf-8"))
    own_work = {"lambda.amazonaws.com", "apigateway.amazonaws.com", "firehose.amazonaws.com"}
    for name, statement in statements(stack):
        services = set(listed(statement.get("Principal", {}).get("Service", []))) if isinstance(
            statement.get("Principal"), dict) else set()
        if statement["Effect"] == "Allow" and services - own_work:
            assert {"aws:SourceAccount", "aws:SourceArn"} & {
                key for tests in statement.get("Condition", {}).values() for key in tests}, (name, statement)


@pytest.mark.parametrize("file", sorted(path.stem for path in intrinsics.POLICIES.glob("*.json")))
def test_a_policy_that_reads_keys_denies_the_ways_around_them(file: str) -> None:
    """Scan and PartiQL carry no leading key, which ForAllValues takes for a match: each role denies them."""
    document = intrinsics.policy(file)
    assert all(statement["Sid"] for statement in document["Statement"])
    if file.startswith("assume-"):
        return
    denied = {action for s in document["Statement"] if s["Effect"] == "Deny" for action in s["Action"]}
    assert {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"} <= denied
    for statement in document["Statement"]:
        # What describes a table reads no item.
        items = [a for a in statement["Action"] if a.startswith("dynamodb:") and not a.startswith("dynamodb:Describe")]
        if items and statement["Effect"] == "Allow":
            assert {"ForAllValues:StringLike", "Null"} == set(statement["Condition"])
