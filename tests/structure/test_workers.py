"""Tests are shared out to workers by file, and those of the one journey together."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.workers import ByFile

ROOT = Path(__file__).resolve().parents[2]
MARK = "xdist_" + "group"


def runs() -> list[list[str]]:
    """The words of the Makefile's lines that share tests out."""
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    return [shlex.split(line) for line in lines if "pytest" in line and " -n " in line]


def test_files_are_not_torn_apart() -> None:
    """The Makefile shares out whole files, and no test counts on a mark that this pytest does not tell the workers.

    pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no longer reads, so a group is torn apart
    without a word.
    """
    assert runs()
    assert all(words[words.index("--dist") + 1] == "loadfile" for words in runs())
    assert [path.name for path in (ROOT / "tests").rglob("*.py") if MARK in path.read_text("utf-8")] == []


def test_files_come_in_the_order_of_the_tree() -> None:
    """By their number of tests the few that take longest would come last, while the other workers have no work."""
    assert all("--no-loadscope-reorder" in words for words in runs())


def test_the_journey_is_made_by_one_worker(pytestconfig: pytest.Config) -> None:
    """All files that look at it are one unit of work; every other file is a unit of its own."""
    asked = SimpleNamespace(getvalue={"dist": "loadfile", "tx": ["2*popen"]}.get)
    made = pytestconfig.hook.pytest_xdist_make_scheduler(config=asked, log=None)
    assert isinstance(made, ByFile)
    unit = made._split_scope
    units = {unit(f"tests/isolation/{path.name}::test_x") for path in (ROOT / "tests" / "isolation").glob("test_*.py")}
    assert len(units) == 1
    assert unit("tests/web/test_a.py::test_x") == unit("tests/web/test_a.py::test_y[1::2]") == "tests/web/test_a.py"
    assert units.isdisjoint({unit("tests/web/test_a.py::test_x"), unit("tests/web/test_b.py::test_x")})
