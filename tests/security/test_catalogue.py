"""The list of published faults and the tests that try them agree (docs/security-tests.md)."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.structure.sources import ROOT, parsed, python_files

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
FAULTS = 52


@cache
def rows() -> dict[int, list[str]]:
    """N -> the tests that its row names."""
    text = (ROOT / "docs" / "security-tests.md").read_text("utf-8")
    return {int(n): re.findall(r"`([^`]+)`", tests) for n, _, _, tests in ROW.findall(text)}


@cache
def known() -> dict[str, str]:
    """``web/test_x.py::test_y`` -> its docstring."""
    found = {}
    for path in python_files("tests"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name = f"{path.relative_to(ROOT / 'tests').as_posix()}::{node.name}"
                found[name] = ast.get_docstring(node) or ""
    return found


def test_every_fault_has_its_row() -> None:
    """The numbers run from 1 to the last without a gap, and each has a test at least."""
    assert sorted(rows()) == list(range(1, FAULTS + 1))
    assert [n for n, named in rows().items() if not named] == []


@pytest.mark.parametrize("number", range(1, FAULTS + 1))
def test_named_tests_exist(number: int) -> None:
    """A row names tests that are there."""
    assert [name for name in rows()[number] if name not in known()] == []


def test_who_names_a_fault_is_listed() -> None:
    """A test whose docstring claims a fault stands in that fault's row, so that nothing of it gets lost."""
    claimed = {
        (int(number), name) for name, text in known().items() for number in re.findall(r"\bN(\d+)\b", text)
    }
    assert sorted((n, name) for n, name in claimed if name not in rows().get(n, ())) == []
