"""Build what is deployed: ``build/package/deployment.zip``, ``sam.json`` and ``stack.json``.

``chalice package`` ships app.py, chalicelib and vendor only, and compiles nothing, so of its work only the
templates and its runtime are taken. Chalice works on a stage, a fresh folder: its own cache hashes
contents without names. The zip is made from the stage, the page templates and the locked wheels
(``infra.artefact``), the stack's template from Chalice's two (``infra.template``); ``stack.json`` is its
translation to plain CloudFormation, which is what ``make deploy`` uses.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from infra import artefact, catalogues
from infra.artefact import PackageError
from infra.template import SURFACES, compose

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
PRODUCTION_SETTINGS = {
    "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
}
"""Chalice and the SAM translator ask for a region even where they call nothing."""


def main() -> int:
    """Build into ``build/package`` and say how large it is."""
    try:
        out = build(BUILD)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    archive = out / "deployment.zip"
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB, "
          f"unzipped {artefact.unzipped_size(archive) / 1e6:.1f} MB; "
          f"templates sam.json and stack.json beside it")
    return 0


def build(place: Path) -> Path:
    """Build below ``place``; returns the folder with zip and templates. Raises PackageError."""
    stage, task, out = place / "stage", place / "task", place / "package"
    for folder in (stage, task, out):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    make_stage(stage)
    templates = {surface: run_chalice(stage, surface, place / f"chalice-{surface}") for surface in SURFACES}
    make_task(place / "chalice-partner" / "deployment.zip", task)
    artefact.write_zip(task, out / "deployment.zip")
    artefact.check_sizes(out / "deployment.zip")
    (out / "sam.json").write_text(json.dumps(compose(templates), indent=1, sort_keys=True), "utf-8")
    _run("The SAM translator", [sys.executable, "-m", "infra.translate", str(out / "sam.json"),
                                str(out / "stack.json")], ROOT)
    return out


def make_stage(stage: Path) -> None:
    """Copy what Chalice reads. Its requirements.txt is empty: the wheels are not its business."""
    artefact.copy_sources(stage, ("app.py", "chalicelib"))
    catalogues.replace_sources(stage / "chalicelib" / "locale")
    shutil.copytree(ROOT / "infra" / "policies", stage / "infra" / "policies")
    (stage / ".chalice").mkdir()
    shutil.copy(ROOT / ".chalice" / "config.json", stage / ".chalice")
    (stage / "requirements.txt").write_text("", "utf-8")


def make_task(chalice_zip: Path, task: Path) -> None:
    """Lay out ``/var/task``: the program with Chalice's runtime, the page templates, the wheels; trimmed, compiled."""
    artefact.install_wheels(task, ROOT / "requirements.txt")
    with zipfile.ZipFile(chalice_zip) as archive:
        archive.extractall(task)
    artefact.copy_sources(task, ("templates",))
    artefact.trim(task)
    artefact.compile_pages(task)
    artefact.compile_all(task)


def run_chalice(stage: Path, surface: str, out: Path) -> dict[str, Any]:
    """Have Chalice build template and zip of a surface; raises PackageError with what it said."""
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())",
        "--project-dir", str(stage), "package", "--stage", surface, str(out),
    ]
    _run("chalice package", command, stage, {"COUNTERSIGN_SURFACE": surface})
    template: dict[str, Any] = json.loads((out / "sam.json").read_text("utf-8"))
    return template


def _run(what: str, command: list[str], folder: Path, more: dict[str, str] | None = None) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COUNTERSIGN_"))}
    done = subprocess.run(
        command, cwd=folder, env=clean | PRODUCTION_SETTINGS | (more or {}), capture_output=True, text=True,
        check=False,
    )
    if done.returncode:
        raise PackageError(f"{what} failed:\n{done.stdout.strip()}\n{done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
