"""``python -m infra.deploy check|deploy|rollback|remove|releases|cli STAGE``: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from chalicelib.adapters.clock import SystemClock
from infra.deploy import cli, stage
from infra.deploy.releases import PACKAGE
from infra.deploy.run import Deployer
from infra.deploy.stage import DeployError


def main(arguments: Sequence[str], stages: Path = stage.STAGES, package: Path = PACKAGE) -> int:
    """Do one command; 0 done, 1 refused (with the reason), 3 the person said no. ``cli`` has its own."""
    command, *rest = arguments or ("",)
    if command == "cli":  # what follows the stage belongs to the program's own command line, options too
        asked = argparse.Namespace(command=command, stage=rest[0] if rest else "", yes=False, data="", rest=rest[1:])
    else:
        asked = parser().parse_args(arguments)
    try:
        return _do(_deployer(asked, stages, package), asked)
    except DeployError as error:
        print(error, file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"AWS refuses: {str(error).rstrip('.')}. Nothing further was done; mend the cause and run the same "
              "command again.", file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("Stopped; what CloudFormation has begun it finishes. Run the same command again to see where it is.",
              file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    root.add_argument("command", choices=("check", "deploy", "rollback", "remove", "releases", "cli"))
    root.add_argument("stage")
    root.add_argument("--release", default="", help="the release to go back to (rollback)")
    root.add_argument("--yes", action="store_true", help="make the changes without asking (never destroys data)")
    root.add_argument("--data", default="", choices=("", "destroy"), help="destroy the stage's data as well (remove)")
    return root


def _deployer(asked: argparse.Namespace, stages: Path, package: Path) -> Deployer:
    where, session = stage.read(asked.stage, stages), get_session()
    # AWS answers by https only: an address without it is an emulator's (AWS_ENDPOINT_URL).
    address = session.create_client("sts", region_name=where.region).meta.endpoint_url
    return Deployer(
        clients=lambda service: session.create_client(service, region_name=where.region), stage=where,
        ask=(lambda question: "y") if asked.yes and not asked.data else input, say=print, now=SystemClock().now,
        emulator=address if address.startswith("http://") else "", package=package,
    )


def _do(deployer: Deployer, asked: argparse.Namespace) -> int:
    if asked.command == "check":
        print(f"Stage {deployer.stage.name}: account {deployer.account()}, {deployer.stage.region}")
        return 0
    if asked.command == "cli":
        return cli.run(deployer.clients("lambda"), deployer.stage, asked.rest)
    if asked.command == "releases":
        current = deployer.stack.outputs.get("DeployedRelease", "")
        for release, since in deployer.releases().newest().items():
            print(f"{release}  {since:%Y-%m-%d %H:%M} UTC{'  (deployed)' if release == current else ''}")
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
