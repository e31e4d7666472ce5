"""Import CPU of every function in the unzipped artefact: ``python -m tests.bench.cold_start``.

Each function's module is imported in a fresh process (``-I -S``, nothing but the artefact), in turns:
compiled as it is deployed, the same files without bytecode, and bare ``chalice.app`` beside it. Only
CPU time counts, medians of the rounds. The limits are those that the program promises for its pages.
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

MOST_OF_UNCOMPILED = 0.45
MOST_OF_CHALICE = 6.0
_CODE = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; t = time.process_time(); "
    "__import__(sys.argv[2]); print(time.process_time() - t)"
)


def cpu(folder: Path, module: str, surface: str = "all") -> float:
    """CPU milliseconds to import a module there, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _CODE, str(folder), module], capture_output=True, text=True, check=True,
        env={"COUNTERSIGN_SURFACE": surface, "AWS_DEFAULT_REGION": "eu-central-1"},
    )
    return float(done.stdout) * 1000


def functions(template: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Function -> module and surface, as the template says."""
    found: dict[str, tuple[str, str]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            module = str(resource["Properties"]["Handler"]).rpartition(".")[0]
            found[name] = (module, {"PartnerPages": "partner", "HqPages": "hq"}.get(name, "all"))
    return found


def measure(built: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Function -> medians compiled and uncompiled; ``chalice`` -> bare Chalice, compiled."""
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        compiled, plain = Path(place, "compiled"), Path(place, "plain")
        with zipfile.ZipFile(built / "deployment.zip") as archive:
            archive.extractall(compiled)
        shutil.copytree(compiled, plain, ignore=shutil.ignore_patterns("__pycache__"))
        told = functions(json.loads((built / "stack.json").read_text("utf-8")))
        for _ in range(rounds):
            times["chalice"].append((cpu(compiled, "chalice.app"), cpu(plain, "chalice.app")))
            for name, (module, surface) in told.items():
                times[name].append((cpu(compiled, module, surface), cpu(plain, module, surface)))
    return {name: (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs))
            for name, pairs in times.items()}


def main() -> int:
    """Print a table; 1 if a function of pages is above a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    built = package.BUILD / "package"
    if not (built / "deployment.zip").exists():
        built = package.build(package.BUILD)
    found = measure(built, rounds)
    bare = found.pop("chalice")[0]
    over = 0
    print(f"bare chalice {bare:.0f} ms CPU; medians of {rounds}")
    for name, (compiled, plain) in sorted(found.items()):
        ratios = compiled / plain, compiled / bare
        bad = name.endswith("Pages") and (ratios[0] > MOST_OF_UNCOMPILED or ratios[1] > MOST_OF_CHALICE)
        over += bad
        print(f"{name:14} {compiled:5.0f} ms, uncompiled {plain:5.0f} ms: {ratios[0]:.2f} of it, "
              f"{ratios[1]:.1f} times bare chalice{'  ABOVE THE LIMIT' if bad else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
