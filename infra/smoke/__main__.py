"""``python -m infra.smoke STAGE``: run the checks against a real account, or say in one sentence why not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from botocore.session import get_session

from infra.deploy import stage
from infra.deploy.stack import Stack
from infra.deploy.stage import DeployError
from infra.smoke.checks import CHECKS, Site


def main(arguments: Sequence[str]) -> int:
    """0: all is well, or there is nothing to try; 1: a check failed; 2: the stage can't be tried."""
    session = get_session()
    if session.get_credentials() is None:
        print("Skipped: there are no AWS credentials here, so there is no deployed stage to try.")
        return 0
    try:
        where = stage.read(arguments[0] if arguments else "")

        def client(service: str) -> Any:
            return session.create_client(service, region_name=where.region)

        stack = Stack(client("cloudformation"), where.stack, print)
        if stack.describe() is None:
            raise DeployError(f"{where.stack} is not deployed in {where.region}.")
        account = client("sts").get_caller_identity()["Account"]
        return run(Site(client, where, account, stack.outputs))
    except DeployError as error:
        print(error, file=sys.stderr)
        return 2


def run(site: Site) -> int:
    """Run every check and print a line for each; 1 if any failed."""
    failed = 0
    for check in CHECKS:
        try:
            check(site)
        except Exception as error:
            failed += 1
            print(f"FAILED  {check.__name__}: {type(error).__name__}: {error}")
        else:
            print(f"ok      {check.__name__}")
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
