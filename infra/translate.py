"""Turn the SAM template into plain CloudFormation: ``python -m infra.translate sam.json stack.json``.

AWS could do this at each deployment. Done here, what is linted and tested is what is deployed, to the
letter, and the emulator, which has no SAM, takes the same file. It runs in a process of its own: the
translator loads a lot and wants a region in the environment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class NoManagedPolicies:
    """Our functions name no managed policies, so nothing needs to be looked up at AWS."""

    def load(self) -> dict[str, str]:
        """The managed policies by name: none."""
        return {}


def translate(template: dict[str, Any]) -> dict[str, Any]:
    """The CloudFormation template; raises the translator's InvalidDocumentException."""
    from samtranslator.translator.transform import transform

    result: dict[str, Any] = transform(template, {}, NoManagedPolicies())
    return result


def main(source: str, target: str) -> None:
    """Translate a file."""
    stack = translate(json.loads(Path(source).read_text("utf-8")))
    Path(target).write_text(json.dumps(stack, indent=1, sort_keys=True), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
