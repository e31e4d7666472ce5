"""What a function unzips to: the program, its templates, Chalice's runtime and the locked wheels for Lambda.

Everything is compiled beforehand, modules and the templates of pages, because ``/var/task`` can't be
written to and each cold start would compile anew, and nothing depends on when or where it was built: the
same sources and the same lock file give the same bytes.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = ("manylinux_2_26_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels that run on Lambda's Python 3.11 (glibc 2.26)."""
ZIPPED_LIMIT = 50_000_000
"""Bytes of the zip (Lambda's quota of 50 MB for a direct upload; a smaller zip also starts faster)."""
UNZIPPED_LIMIT = 170_000_000
"""Bytes that a function unzips to; Lambda's own quota of 250 MB leaves room for what is to come."""
SERVICES = ("cloudwatch", "dynamodb", "kms", "s3", "sesv2", "sqs", "sts")
"""The AWS services whose models are kept; each one that the program asks for must be here (a test compares)."""
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
INSTALLERS = ("pip", "setuptools", "wheel", "pkg_resources", "click")
"""What installs and runs tools has no place in a function."""
# Below a package of a wheel: nothing of it is ever imported by the program.
TRIMMED = ("*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.h", "*.c", "*.md", "*.rst", "py.typed", "LICENSE*", "AUTHORS*")
TEST_FOLDERS = ("tests", "test", "isoschematron")
# One moment for all files: the first that a zip can say.
MOMENT = (1980, 1, 1, 0, 0, 0)


class PackageError(RuntimeError):
    """The package could not be built; the text says why."""


def install_wheels(target: Path, lock: Path, *options: str) -> None:
    """Unpack the locked wheels for Lambda; raises PackageError where one would have to be compiled."""
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
        "--target", str(target), "--upgrade", "--require-hashes", "--only-binary=:all:", "--no-compile",
        "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--abi", "abi3", "--abi", "none",
    ]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    done = subprocess.run([*command, *options, "-r", str(lock)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(
            "The wheels for Lambda could not be fetched; a package without a wheel for Python 3.11 and "
            f"glibc 2.26 is never compiled here:\n{done.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)


def trim(task: Path) -> None:
    """Remove what no function reads: tools, tests, type stubs, and models of AWS services that are not used."""
    for name in INSTALLERS:
        for found in (*task.glob(name), *task.glob(f"{name}-*.dist-info")):
            shutil.rmtree(found)
    for record in task.glob("*.dist-info"):
        for name in ("RECORD", "REQUESTED", "INSTALLER", "direct_url.json"):
            (record / name).unlink(missing_ok=True)
    ours = {task / "templates", task / "chalicelib", task / "tzdata"}
    for folder in sorted(task.rglob("*"), reverse=True):
        if folder.is_dir() and folder.name in TEST_FOLDERS and not ours & set(folder.parents):
            shutil.rmtree(folder)
    for file in task.rglob("*"):
        kept = ours & set(file.parents) or file.parent.name.endswith(".dist-info")
        if file.is_file() and not kept and any(fnmatch.fnmatchcase(file.name, pattern) for pattern in TRIMMED):
            file.unlink()
    models = task / "botocore" / "data"
    for folder in models.iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)


def compile_pages(task: Path) -> None:
    """Compile the templates of pages to modules, with the very libraries that will load them.

    The hash seed is given, so that the bytes are the same each time.
    """
    code = "from chalicelib.web import pages; pages.compile_ahead(pages.COMPILED)"
    clean = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONPATH": str(task), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=clean, cwd=task, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"The pages do not compile:\n{done.stdout.strip()}\n{done.stderr.strip()}")


def compile_all(task: Path) -> None:
    """Compile every module; the .pyc is taken without a look at the source (PEP 552, unchecked-hash).

    The order of compiling is fixed and the hash seed is given, so that the bytes are the same each time.
    """
    command = [
        sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
        "-s", str(task), "-p", "/var/task", str(task),
    ]
    clean = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=clean, cwd=task, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"A module does not compile:\n{done.stdout.strip()}\n{done.stderr.strip()}")


def write_zip(task: Path, archive: Path) -> None:
    """Zip a folder: entries in order of name, with one date and one mode, so that the bytes are the same each time."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as opened:
        for file in sorted(path for path in task.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(task).as_posix(), MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the mode below counts
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, file.read_bytes())


def check_sizes(archive: Path) -> None:
    """Raise PackageError for an artefact that has grown beyond its limits."""
    for what, size, limit in (
        ("The zip has", archive.stat().st_size, ZIPPED_LIMIT),
        ("The function unzips to", unzipped_size(archive), UNZIPPED_LIMIT),
    ):
        if size > limit:
            raise PackageError(f"{what} {size / 1e6:.0f} MB; at most {limit / 1e6:.0f} MB are allowed.")


def unzipped_size(archive: Path) -> int:
    """Bytes of all files in the zip."""
    with zipfile.ZipFile(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


def copy_sources(target: Path, names: Iterable[str]) -> None:
    """Copy files and folders of the checkout, without what tools left there."""
    for name in names:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=UNWANTED)
        else:
            shutil.copy(source, target / name)
