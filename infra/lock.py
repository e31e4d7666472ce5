"""Write the four lock files from their ``.in`` files: ``make lock``.

Every pin carries the hashes of its files, so that an install takes exactly what was tested. The
tool's own header is left out: it would name the index and the paths of the machine it ran on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made from {source} by `make lock`; do not edit.\n"

# The order matters: each lock constrains the next one, so that a package has one version in all.
LOCKS = ("requirements", "requirements-dev", "infra/local/requirements-app", "infra/local/requirements")

OPTIONS = (
    "--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-header", "--quiet",
    "--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--annotation-style=line",
)


def compile_lock(name: str, *, upgrade: bool) -> None:
    """Resolve one ``.in`` file; what is pinned already stays unless ``upgrade``."""
    source, target = ROOT / f"{name}.in", ROOT / f"{name}.txt"
    command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, "--output-file", target.name, source.name]
    subprocess.run(command + ["--upgrade"] * upgrade, cwd=source.parent, check=True, stdout=subprocess.DEVNULL)
    pins = [line for line in target.read_text("utf-8").splitlines(keepends=True) if not line.startswith("# Made from")]
    text = HEADER.format(source=source.name) + "".join(pins)
    if any(word in text for word in ("://", "--index-url", "--find-links", str(ROOT))):
        raise SystemExit(f"{target}: a lock file names no index and no path of a machine")
    target.write_text(text, "utf-8")


def main(arguments: list[str]) -> None:
    """Compile all of them; ``--upgrade`` takes the newest versions that fit together."""
    for name in LOCKS:
        print(f"locking {name}.in", flush=True)
        compile_lock(name, upgrade="--upgrade" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
