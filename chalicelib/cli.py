"""The command line of a deployment: ``python -m chalicelib.cli --help``.

It works with the settings and credentials of whoever runs it, like any function of the program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from chalicelib import texts, wiring
from chalicelib.commands import operate, template
from chalicelib.domain.errors import CountersignError, Refused
from chalicelib.domain.ids import make_id
from chalicelib.settings import SettingsError
from chalicelib.usecases import people
from chalicelib.usecases.world import World


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    root = argparse.ArgumentParser(prog="python -m chalicelib.cli", description="Administer a Countersign deployment.")
    areas = root.add_subparsers(dest="area", required=True)
    admin = areas.add_parser("admin", help="people and the organisation").add_subparsers(dest="verb", required=True)
    add = admin.add_parser("add", help="make somebody an HQ admin; the first one of a deployment comes from here")
    add.add_argument("address", help="the e-mail address with which the person signs in")
    add.add_argument("--name", default="", help="the person's name (default: what stands before the @)")
    admin.add_parser("org", help="print a new organisation id for COUNTERSIGN_ORG_ID")
    template.add_to(areas)
    operate.add_to(areas)
    return root


def main(
    arguments: Sequence[str], world: World | None = None, out: TextIO | None = None, *,
    tools: operate.Tools | None = None,
) -> int:
    """Run one command; 0 for success, 1 for a refusal, 2 for wrong usage (argparse)."""
    asked = parser().parse_args(arguments)
    out = out or sys.stdout
    if asked.area == "template":
        return template.run(asked, out)
    try:
        if asked.area in operate.AREAS:
            return operate.run(asked, world or wiring.container(), (lambda: tools) if tools else wiring.tools, out)
        if (asked.area, asked.verb) == ("admin", "org"):
            return _new_org(out)
        return _add_admin(world or wiring.container(), asked.address, asked.name, out)
    except Refused as refused:
        for problem in refused.problems:
            print(texts.sentence(problem), file=out)
    except (SettingsError, CountersignError) as error:
        print(error, file=out)
        if str(error).startswith("AssumeRole: Access"):
            print("This acts for one partner, with a role that must trust you: set OperatorArn in the stage's file and "
                  "deploy (docs/deploy.md, Operating it).", file=out)
    return 1


def _add_admin(world: World, address: str, name: str, out: TextIO) -> int:
    person = people.add_admin(world, address, name or address.partition("@")[0])
    print(f"{address} is an HQ admin ({person}). Sign in at {world.facts.hq_base_url}/sign-in", file=out)
    return 0


def _new_org(out: TextIO) -> int:
    """An id needs no deployment, and so no settings: only time and chance."""
    clock, entropy = wiring.machine()
    print(make_id("org", clock.now(), entropy.bytes(10)), file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
