"""Runs handlers from the unzipped package: ``python -I -S driver.py FOLDER``, one JSON line per call.

It stands outside of the package and imports nothing but the standard library and what is in FOLDER,
as Lambda would. A line is ``{"handler": "module.name", "event": {...}}`` or ``{"advance": seconds}``;
the answer is ``{"result": ...}`` or ``{"error": ...}``, with the modules of interest that are loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SURROUNDINGS = Path(__file__).parents[1] / "deploy" / "surroundings" / "sitecustomize.py"
WATCHED = ("app", "chalice", "premailer", "lxml", "boto3", "moto", "pytest", "PIL")


class Clock:
    """The machine's time plus what the test added: the package takes its clock from the container."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The present, in milliseconds."""
        moment = datetime.now(UTC) + self.offset  # noqa: TID251 - there is no clock to be given here
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "test"
    function_name = "test"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 300_000


def call(line: dict[str, Any], clock: Clock) -> Any:
    """Do what a line says."""
    if "advance" in line:
        clock.offset += timedelta(seconds=line["advance"])
        return None
    if "world" in line:
        settings, wiring = importlib.import_module("chalicelib.settings"), importlib.import_module("chalicelib.wiring")
        wiring.install(wiring.Container(settings.load(), clock=clock))
        return None
    module, _, name = line["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    return handler(line["event"], Context()) if "event" in line else callable(handler)


def surround() -> None:
    """Have botocore tell of the handlers' calls, where ``SURROUNDINGS_CALLS`` names a file for them."""
    spec = importlib.util.spec_from_file_location("surroundings", SURROUNDINGS)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install()


def main() -> None:
    """Answer lines until there are no more; whatever the handlers print goes to standard error."""
    sys.path.insert(0, sys.argv[1])
    surround()
    answers, sys.stdout = sys.stdout, sys.stderr
    clock = Clock()
    for text in sys.stdin:
        try:
            answer: dict[str, Any] = {"result": call(json.loads(text), clock)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        answer["loaded"] = [name for name in WATCHED if name in sys.modules]
        answer["foreign"] = [
            str(module.__file__) for module in list(sys.modules.values())
            if "site-packages" in str(getattr(module, "__file__", ""))
        ]
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
