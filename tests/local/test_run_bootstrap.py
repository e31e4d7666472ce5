"""The set-up says what is missing in one sentence, and an old Python can read it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from infra.local import bootstrap

PRESENT = object()
SOURCE = Path(bootstrap.__file__).read_text("utf-8")


def one_sentence(text: str) -> bool:
    """Whether a text has one line, ends like a sentence and says what to do."""
    return "\n" not in text and text.endswith(".") and len(text) < 320


def test_python_3_8_can_read_it() -> None:
    """A syntax error would tell nobody that the Python is too old."""
    assert "def check_python" in ast.unparse(ast.parse(SOURCE, feature_version=(3, 8)))
    with pytest.raises(SyntaxError):
        ast.parse(SOURCE + "\nmatch PRESENT:\n    case _: pass\n", feature_version=(3, 8))


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 13), (2, 7, 18)])
def test_an_old_python_is_told_so(version: tuple[int, int, int]) -> None:
    """The sentence names the version that is there, the one that is needed, and how to choose it."""
    with pytest.raises(bootstrap.Hindrance) as caught:
        bootstrap.check_python(version, lambda name: PRESENT)
    assert one_sentence(str(caught.value))
    assert ".".join(map(str, version)) in str(caught.value)
    assert "PYTHON=python3.11" in str(caught.value)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_so(missing: str) -> None:
    """Debian splits both off; the sentence names the package to install."""
    with pytest.raises(bootstrap.Hindrance, match="apt install python3-venv") as caught:
        bootstrap.check_python((3, 11, 2), lambda name: None if name == missing else PRESENT)
    assert one_sentence(str(caught.value))


def test_a_newer_python_gets_one_warning() -> None:
    """It may work, so it is tried."""
    warning = bootstrap.check_python((3, 13, 0), lambda name: PRESENT)
    assert one_sentence(warning)
    assert "3.13.0" in warning
    assert bootstrap.check_python((3, 11, 9), lambda name: PRESENT) == ""


@pytest.mark.parametrize(("output", "says"), [
    ("WARNING: Retrying ... NewConnectionError ... [Errno -3] Temporary failure in name resolution", "go online"),
    ("ERROR: THESE PACKAGES DO NOT MATCH ... do not match the hashes", "hash differs"),
    ("ERROR: No matching distribution found for lxml==6.1.3", "does not offer"),
    ("error: something else\n", "something else"),
    ("", "without a word"),
])
def test_a_failing_pip_is_explained(output: str, says: str) -> None:
    """Whatever pip says becomes a sentence or two and a place to look."""
    text = bootstrap.explain(output)
    assert says in text
    assert "\n" not in text
    assert ".local/setup.log" in text


def test_every_goal_has_its_steps() -> None:
    """``make run`` installs neither test tools nor linters; ``make test`` adds them."""
    assert bootstrap.GOALS["run"] == ("app", "emulator")
    for goal in bootstrap.GOALS.values():
        for step in goal:
            _, lock, contained = bootstrap.STEPS[step]
            assert (Path(bootstrap.ROOT) / lock).is_file()
            assert all(name in bootstrap.STEPS for name in contained)
    app_lock = (Path(bootstrap.ROOT) / bootstrap.STEPS["app"][1]).read_text("utf-8")
    assert not re.search(r"^(pytest|ruff|mypy|moto|playwright)==", app_lock, re.MULTILINE)


def test_what_the_development_lock_contains_is_the_run_lock() -> None:
    """After ``make test`` a ``make run`` needs nothing more: the same versions stand in both locks."""
    pin = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
    locks = [
        dict(pin.findall((Path(bootstrap.ROOT) / bootstrap.STEPS[step][1]).read_text("utf-8")))
        for step in ("app", "dev")
    ]
    assert locks[0].items() <= locks[1].items()
