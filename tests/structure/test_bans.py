"""Constructions that have no place here, found in the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, imports_of, our_files, parsed, python_files

JINJA_FACTORIES = {"chalicelib/rendering/jinja.py", "chalicelib/rendering/mails.py", "chalicelib/web/pages.py"}
"""The modules that may make a Jinja2 environment (GHSA-hj8m: a plain one on users' templates)."""
ENTROPY, CLOCK, SETTINGS = "chalicelib/adapters/entropy.py", "chalicelib/adapters/clock.py", "chalicelib/settings.py"
# Written apart, so that this file does not find itself.
PLACES = "|".join(["home", "root", "Users", "wo" + "rk", "private"])
MACHINE_PATH = re.compile(rf"(?<![\w.:/}}-])/(?:{PLACES})/[\w.-]+")
REGISTRIES = re.compile("|".join(re.escape(a + b) for a, b in [
    ("pypi", ".org"), ("pythonhosted", ".org"), ("registry.npmjs", ".org"), ("deb.debian", ".org"), ("--index", "-url"),
]))


def name_of(path: Path) -> str:
    """A file's name as it stands in the tree."""
    return path.relative_to(ROOT).as_posix()


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of an expression, or ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every call in a module."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node.lineno


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of ours."""
    for path in our_files():
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(("module", "home"), [("random", ""), ("secrets", ENTROPY)])
def test_chance_and_time_are_passed_in(module: str, home: str) -> None:
    """The program takes clock and entropy from its world (Mautic CVE-2021-27913: weak randomness)."""
    found = [
        (name_of(path), found.line) for path in python_files("chalicelib", "app.py") for found in imports_of(path)
        if found.top == module and name_of(path) != home
    ]
    assert found == []


@pytest.mark.parametrize(("call", "home"), [
    ("datetime.now", CLOCK), ("datetime.utcnow", ""), ("date.today", ""), ("time.time", ""),
    ("os.getenv", ""), ("os.urandom", ENTROPY),
    ("uuid.uuid4", ""), ("eval", ""), ("exec", ""), ("yaml.load", ""), ("pickle.loads", ""),
])
def test_banned_calls(call: str, home: str) -> None:
    """Each of these has at most one home in the program."""
    found = [
        (name_of(path), line) for path in python_files("chalicelib", "app.py") for name, line in calls(path)
        if name == call and name_of(path) != home
    ]
    assert found == []


def test_the_environment_has_one_reader() -> None:
    """Only the settings read the environment, so that all of its problems are told at once."""
    found = [
        (name_of(path), node.lineno) for path in python_files("chalicelib", "app.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and dotted(node) == "os.environ" and name_of(path) != SETTINGS
    ]
    assert found == []


def test_templates_are_compiled_in_known_places_only() -> None:
    """A Jinja2 environment is made by the listed factories alone, each for templates that are ours."""
    found = [
        name_of(path) for path in python_files("chalicelib") for name, _ in calls(path)
        if name.split(".")[-1] in ("Environment", "SandboxedEnvironment", "ImmutableSandboxedEnvironment", "Template")
        and any(i.top == "jinja2" for i in imports_of(path)) and name_of(path) not in JINJA_FACTORIES
    ]
    assert found == []


def test_tests_patch_nothing() -> None:
    """Tests pass fakes; they neither mock nor replace attributes of our code."""
    found = [
        (name_of(path), line) for path in python_files("tests") for name, line in calls(path)
        if name.endswith(("monkeypatch.setattr", "mock.patch", "patch.object", "mocker.patch"))
    ]
    assert found == []


def test_no_test_sleeps_long() -> None:
    """A test that waits is told by an event; a sleep is a second at most."""
    found = [
        (name_of(path), node.lineno) for path in python_files("tests") for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and dotted(node.func) in ("time.sleep", "sleep") and node.args
        and not (isinstance(node.args[0], ast.Constant) and float(str(node.args[0].value)) <= 1)
    ]
    assert found == []


def test_no_path_of_a_machine() -> None:
    """The tree works wherever it is cloned to: no file names a place on somebody's machine."""
    found = [(name_of(path), match[0]) for path, text in texts() for match in MACHINE_PATH.finditer(text)]
    assert found == []


def test_no_registry_is_named() -> None:
    """Where packages come from is the business of whoever installs them."""
    found = [(name_of(path), match[0]) for path, text in texts() for match in REGISTRIES.finditer(text)
             if name_of(path) not in ("infra/lock.py", "tests/structure/test_bans.py")]
    assert found == []
