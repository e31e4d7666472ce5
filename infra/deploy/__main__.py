"""``python -m infra.deploy deploy|rollback|remove|releases|cli STAGE``: what the Makefile calls."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from botocore.session import get_session

from chalicelib.adapters.clock import SystemClock
from infra.deploy import cli, stage
from infra.deploy.releases import PACKAGE
from infra.deploy.run import Deployer
from infra.deploy.stage import DeployError


def main(arguments: Sequence[str]) -> int:
    """Do one command; 0 done, 1 refused (with the reason), 3 the person said no."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("command", choices=("deploy", "rollback", "remove", "releases", "cli"))
    parser.add_argument("stage")
    parser.add_argument("--release", default="", help="the release to go back to (rollback)")
    parser.add_argument("--yes", action="store_true", help="make the changes without asking (never destroys data)")
    parser.add_argument("--data", default="", choices=("", "destroy"), help="destroy the stage's data as well (remove)")
    asked, rest = parser.parse_known_args(arguments)
    if rest and asked.command != "cli":
        parser.error(f"what is {' '.join(rest)}?")
    try:
        if not (PACKAGE / "stack.json").exists():
            raise DeployError("There is nothing to deploy: run `make package` first.")
        known = json.loads((PACKAGE / "stack.json").read_text("utf-8"))["Parameters"]
        where = stage.read(asked.stage, known)
        session = get_session()
        deployer = Deployer(
            clients=lambda service: session.create_client(service, region_name=where.region), stage=where,
            ask=(lambda question: "y") if asked.yes and not asked.data else input, say=print, now=SystemClock().now,
        )
        return cli.run(deployer.clients("lambda"), where, rest) if asked.command == "cli" else _do(deployer, asked)
    except DeployError as error:
        print(error, file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("Stopped; what CloudFormation has begun it finishes. Run the same command again to see where it is.",
              file=sys.stderr)
    return 1


def _do(deployer: Deployer, asked: argparse.Namespace) -> int:
    if asked.command == "releases":
        current = deployer.stack.outputs.get("DeployedRelease", "")
        for release in deployer.releases().newest():
            print(f"{release}{'  (deployed)' if release == current else ''}")
        return 0
    if asked.command == "remove":
        return 0 if deployer.remove(data=asked.data == "destroy") else 3
    if asked.command == "rollback" and not asked.release:
        raise DeployError("Say which release: make rollback STAGE=... RELEASE=... (make releases lists them).")
    if not deployer.deploy(asked.release):
        return 3
    for name, value in sorted(deployer.stack.outputs.items()):
        print(f"  {name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
