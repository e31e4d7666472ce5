"""One build of the package for all tests of this folder, unzipped as Lambda has it."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra import package

DRIVER = Path(__file__).with_name("driver.py")


class Packaged:
    """A process that runs handlers from the unzipped package, isolated from everything installed."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(DRIVER), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=folder, env={"PATH": "", **environ},
        )

    def ask(self, **line: Any) -> dict[str, Any]:
        """Send one line, read its answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        assert answer["foreign"] == []
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def build_once(factory: pytest.TempPathFactory) -> Path:
    """The package of this test run, for the tests of all folders and of every worker."""
    shared = factory.getbasetemp()
    if shared.name.startswith("popen-"):  # the worker's own part of the run's folder
        shared = shared.parent
    with (shared / "package.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "built" / "done"
        if not done.exists():
            began = time.monotonic()
            package.build(done.parent)
            done.write_text(f"{time.monotonic() - began:.1f}", "utf-8")
    return done.parent / "package"


def seconds_of(built: Path) -> str:
    """How long the build of this run took, in seconds; wheels that pip has cached are not fetched again."""
    return (built.parent / "done").read_text("utf-8")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with ``deployment.zip``, ``sam.json`` and ``stack.json``."""
    return build_once(tmp_path_factory)


@pytest.fixture(scope="session")
def template(built: Path) -> dict[str, Any]:
    """The packaged CloudFormation template."""
    document: dict[str, Any] = json.loads((built / "sam.json").read_text("utf-8"))
    return document


@pytest.fixture(scope="session")
def unzipped(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package's files."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        archive.extractall(folder)
    yield folder
