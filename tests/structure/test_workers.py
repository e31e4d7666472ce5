"""Tests are shared out to workers by file, and by nothing else."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "xdist_" + "group"


def test_files_are_not_torn_apart() -> None:
    """The Makefile shares out whole files, and no test counts on a mark that this pytest does not tell the workers.

    pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no longer reads, so a group is torn apart
    without a word.
    """
    runs = [line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "pytest" in line and " -n " in line]
    assert runs
    assert all("--dist loadfile" in line for line in runs)
    assert [path.name for path in (ROOT / "tests").rglob("*.py") if MARK in path.read_text("utf-8")] == []
