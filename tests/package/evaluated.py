"""A template as CloudFormation sees it with given parameters: conditions decided, names put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012",
          "AWS::URLSuffix": "amazonaws.com"}
NOTHING = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class Evaluated:
    """What a template comes to; references to resources stay as ``<Resource>`` or ``<Resource.Attribute>``."""

    def __init__(self, template: Mapping[str, Any], **parameters: str) -> None:
        self._template = template
        defaults = {name: str(p["Default"]) for name, p in template["Parameters"].items() if "Default" in p}
        self._values = PSEUDO | defaults | parameters

    def holds(self, condition: Any) -> bool:
        """Whether a condition, by its name or written out, is true."""
        if isinstance(condition, str):
            return self.holds(self._template["Conditions"][condition])
        (kind, given), = condition.items()
        if kind == "Condition":
            return self.holds(given)
        if kind == "Fn::Equals":
            return bool(self.value(given[0]) == self.value(given[1]) or str(given[0]) == str(given[1]))
        return {"Fn::Not": lambda: not self.holds(given[0]), "Fn::And": lambda: all(map(self.holds, given)),
                "Fn::Or": lambda: any(map(self.holds, given))}[kind]()

    def value(self, given: Any) -> Any:
        """A value with its functions done; parts that come to nothing are left out."""
        if isinstance(given, list):
            return [self.value(part) for part in given if part != NOTHING]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            (kind, inside), = given.items()
            if kind == "Ref":
                return self._values.get(inside, f"<{inside}>")
            if kind == "Fn::GetAtt":
                return f"<{inside if isinstance(inside, str) else '.'.join(inside)}>"
            if kind == "Fn::If":
                return self.value(inside[1] if self.holds(inside[0]) else inside[2])
            if kind == "Fn::Sub" and isinstance(inside, str):
                return _VARIABLE.sub(lambda m: f"${{{m[2]}}}" if m[1] else self._values.get(m[2], f"<{m[2]}>"), inside)
        return {name: done for name, part in given.items() if (done := self.value(part)) != NOTHING}

    def resources(self, kind: str = "") -> dict[str, dict[str, Any]]:
        """The properties of the resources of a kind that are made."""
        return {
            name: self.value(resource.get("Properties", {})) for name, resource in self._template["Resources"].items()
            if kind in ("", resource["Type"]) and ("Condition" not in resource or self.holds(resource["Condition"]))
        }

    def outputs(self) -> dict[str, str]:
        """The outputs that there are."""
        return {
            name: self.value(output["Value"]) for name, output in self._template["Outputs"].items()
            if "Condition" not in output or self.holds(output["Condition"])
        }
