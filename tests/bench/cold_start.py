"""Cold starts in the unzipped artefact: ``python -m tests.bench.cold_start``.

Each function's module is imported in a fresh process (``-I -S``, nothing but the artefact), in turns:
compiled as it is deployed, the same files without any bytecode, and bare ``chalice.app`` beside it. Only
CPU time counts, medians of the rounds. The limits are those that the program promises for its pages.

What an import leaves out must not come back with the first click, so the pages' functions are asked
for their sign-in page too: "first page" is the CPU of that request in the same process, in which nothing
is read from AWS, and "second" that of the same page again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from infra import package
from tests.package.test_package import SETTINGS, page_event

MOST_OF_UNCOMPILED = 0.45
MOST_OF_CHALICE = 6.0
_IMPORT = (
    "import importlib, json, sys, time; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; "
    "t = time.process_time(); module = importlib.import_module(sys.argv[2]); "
    "told = [time.process_time() - t]"
)
_PAGE = (
    "\nfor _ in range(2):\n    t = time.process_time(); answer = module.app(json.loads(sys.argv[3]), None); "
    "told.append(time.process_time() - t); assert answer['statusCode'] == 200, answer"
)


def cpu(folder: Path, module: str, surface: str = "all", *, page: bool = False) -> list[float]:
    """CPU milliseconds to import a module there in a fresh process; with ``page`` those of two requests as well."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _IMPORT + (_PAGE if page else "") + "\nprint(json.dumps(told))",
         str(folder), module, json.dumps(page_event("/sign-in"))],
        capture_output=True, text=True, check=False, env=SETTINGS | {
            "COUNTERSIGN_SURFACE": surface, "AWS_DEFAULT_REGION": "eu-central-1",
            "COUNTERSIGN_HQ_BASE_URL": "https://hq.example.com"},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    told: list[float] = json.loads(done.stdout)
    return [seconds * 1000 for seconds in told]


def functions(template: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Function -> module and surface, as the template says."""
    found: dict[str, tuple[str, str]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            module = str(resource["Properties"]["Handler"]).rpartition(".")[0]
            found[name] = (module, {"PartnerPages": "partner", "HqPages": "hq"}.get(name, "all"))
    return found


def measure(built: Path, rounds: int) -> dict[str, list[float]]:
    """Function -> medians: import compiled, import uncompiled, and of pages the first and the second request.

    ``chalice`` is bare Chalice.
    """
    times: dict[str, list[list[float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        compiled, plain = Path(place, "compiled"), Path(place, "plain")
        with zipfile.ZipFile(built / "deployment.zip") as archive:
            archive.extractall(compiled)
        shutil.copytree(compiled, plain, ignore=shutil.ignore_patterns("__pycache__"))
        told = functions(json.loads((built / "stack.json").read_text("utf-8")))
        for _ in range(rounds):
            times["chalice"].append(cpu(compiled, "chalice.app") + cpu(plain, "chalice.app"))
            for name, (module, surface) in told.items():
                first, *pages = cpu(compiled, module, surface, page=name.endswith("Pages"))
                times[name].append([first, *cpu(plain, module, surface), *pages])
    return {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}


def main() -> int:
    """Print a table; 1 if a function of pages is above a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        found = measure(package.build(Path(place)), rounds)
    bare = found.pop("chalice")[0]
    over = 0
    print(f"bare chalice {bare:.0f} ms CPU; medians of {rounds}")
    for name, (compiled, plain, *pages) in sorted(found.items()):
        ratios = compiled / plain, compiled / bare
        bad = bool(pages) and (ratios[0] > MOST_OF_UNCOMPILED or ratios[1] > MOST_OF_CHALICE)
        over += bad
        also = f"; first page {pages[0]:.0f} ms, second {pages[1]:.1f} ms" if pages else ""
        print(f"{name:14} {compiled:5.0f} ms, uncompiled {plain:5.0f} ms: {ratios[0]:.2f} of it, "
              f"{ratios[1]:.1f} times bare chalice{also}{'  ABOVE THE LIMIT' if bad else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
