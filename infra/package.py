"""Build what is deployed: ``build/package/deployment.zip`` and ``build/package/sam.json``.

``chalice package`` ships app.py, chalicelib and vendor only, so it works on a stage: a fresh folder
in which ``vendor`` holds the runtime's wheels (unpacked, for Lambda's Python and glibc, each with its
hash, a source build refused) and the templates, which the program finds at the same relative place as
in the checkout. The stage is always made anew: Chalice's own cache hashes contents without names.
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

import yaml

from infra.intrinsics import policy

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
STAGE_NAME = "prod"
PLATFORMS = ("manylinux_2_26_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels that run on Lambda's Python 3.11 (glibc 2.26)."""
LIMIT = 250 * 1024 * 1024
"""Bytes that a function may unzip to (AWS quota)."""
ROLES = {"PartnerDataRole": ("partner", "partner-data"), "ReviewDataRole": ("review", "review-data")}
PRODUCTION_SETTINGS = {
    "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
}
"""Chalice asks for a region even where it calls nothing."""
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


class PackageError(RuntimeError):
    """The package could not be built; the text says why."""


def main() -> int:
    """Build into ``build/package`` and say how large it is."""
    try:
        out = build(BUILD)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    archive = out / "deployment.zip"
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB, "
          f"unzipped {unzipped_size(archive) / 1e6:.1f} MB; template {(out / 'sam.json').relative_to(ROOT)}")
    return 0


def build(place: Path) -> Path:
    """Build below ``place``; returns the folder with ``deployment.zip`` and ``sam.json``. Raises PackageError."""
    stage, out = place / "stage", place / "package"
    for folder in (stage, out):
        shutil.rmtree(folder, ignore_errors=True)
    make_stage(stage)
    install_wheels(stage / "vendor")
    extra = place / "resources.json"
    extra.write_text(json.dumps(merged_resources(), indent=2), "utf-8")
    run_chalice(stage, extra, out)
    size = unzipped_size(out / "deployment.zip")
    if size > LIMIT:
        raise PackageError(f"The function unzips to {size / 1e6:.0f} MB; Lambda takes {LIMIT / 1e6:.0f} MB at most.")
    return out


def make_stage(stage: Path) -> None:
    """Copy what Chalice reads. Its requirements.txt is empty: the wheels are in ``vendor`` already."""
    stage.mkdir(parents=True)
    shutil.copy(ROOT / "app.py", stage)
    shutil.copytree(ROOT / "chalicelib", stage / "chalicelib", ignore=UNWANTED)
    shutil.copytree(ROOT / "templates", stage / "vendor" / "templates", ignore=UNWANTED)
    shutil.copytree(ROOT / "infra" / "policies", stage / "infra" / "policies")
    (stage / ".chalice").mkdir()
    shutil.copy(ROOT / ".chalice" / "config.json", stage / ".chalice")
    (stage / "requirements.txt").write_text("", "utf-8")


def install_wheels(target: Path) -> None:
    """Unpack the locked wheels for Lambda; raises PackageError where one would have to be compiled."""
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
        "--target", str(target), "--upgrade", "--require-hashes", "--only-binary=:all:", "--no-compile",
        "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--abi", "abi3", "--abi", "none",
    ]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    done = subprocess.run(
        [*command, "-r", str(ROOT / "requirements.txt")], capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise PackageError(f"The wheels for Lambda could not be fetched:\n{done.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)


def merged_resources() -> dict[str, Any]:
    """``infra/resources.yaml`` and the two assumed roles, whose policies have files of their own."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))
    for resource, (name, policy_name) in ROLES.items():
        document["Resources"][resource] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Fn::Sub": f"${{App}}-${{Stage}}-{name}"},
                "AssumeRolePolicyDocument": policy("assume-with-partner-tag"),
                "Policies": [{"PolicyName": "scoped", "PolicyDocument": policy(policy_name)}],
            },
        }
    return document


def run_chalice(stage: Path, extra: Path, out: Path) -> None:
    """Have Chalice build template and zip; raises PackageError with what it said."""
    command = [
        sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())",
        "--project-dir", str(stage), "package", "--stage", STAGE_NAME, "--merge-template", str(extra), str(out),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COUNTERSIGN_"))}
    done = subprocess.run(
        command, cwd=stage, env=clean | PRODUCTION_SETTINGS, capture_output=True, text=True, check=False,
    )
    if done.returncode:
        raise PackageError(f"chalice package failed:\n{done.stdout.strip()}\n{done.stderr.strip()}")


def unzipped_size(archive: Path) -> int:
    """Bytes of all files in the zip."""
    with zipfile.ZipFile(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


if __name__ == "__main__":
    sys.exit(main())
