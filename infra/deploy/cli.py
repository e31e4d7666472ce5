"""The program's command line, with the settings of a deployed stage and the caller's own credentials.

``python -m infra.deploy cli STAGE admin add ADDRESS`` reads the settings from where they are in force: the
configuration of HQ's function.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from infra.deploy.stage import DeployError, Stage


def settings_of(client: Any, stage: Stage, function: str = "pages-hq") -> dict[str, str]:
    """The ``COUNTERSIGN_*`` settings of a deployed function; raises DeployError if there is none."""
    try:
        told = client.get_function_configuration(FunctionName=f"{stage.stack}-{function}")
    except client.exceptions.ResourceNotFoundException as error:
        raise DeployError(f"{stage.stack} is not deployed in {stage.region}.") from error
    variables: Mapping[str, str] = told["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if name.startswith("COUNTERSIGN_")}


def run(client: Any, stage: Stage, arguments: Sequence[str]) -> int:
    """Run ``chalicelib.cli`` for a stage; returns its exit status."""
    settings = settings_of(client, stage) | {"AWS_REGION": stage.region, "AWS_DEFAULT_REGION": stage.region}
    return subprocess.run([sys.executable, "-m", "chalicelib.cli", *arguments], env={**os.environ, **settings},
                          check=False).returncode
