"""CloudFormation's intrinsics, as far as our policies use them, put in by hand.

The policies in ``infra/policies`` are written once, for CloudFormation; the local runner and the
tests read the same files with the names of one deployment put in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parent / "policies"
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


def policy(name: str) -> dict[str, Any]:
    """A policy document as it stands in its file, intrinsics included."""
    document: dict[str, Any] = json.loads((POLICIES / f"{name}.json").read_text("utf-8"))
    return document


def resolve(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace ``Fn::Sub``, ``Fn::GetAtt`` and ``Ref`` by ``variables``; raises KeyError for one that is missing.

    ``${!x}`` is CloudFormation's way to leave ``${x}`` alone, which IAM fills in at each request.
    An attribute is looked up as ``Resource.Attribute``.
    """
    if isinstance(value, list):
        return [resolve(item, variables) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::Sub"}:
        return _VARIABLE.sub(lambda m: f"${{{m[2]}}}" if m[1] else variables[m[2]], value["Fn::Sub"])
    if set(value) == {"Fn::GetAtt"}:
        return variables[".".join(value["Fn::GetAtt"])]
    if set(value) == {"Ref"}:
        return variables[value["Ref"]]
    return {key: resolve(item, variables) for key, item in value.items()}
