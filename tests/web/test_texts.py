"""Every code that the program can raise has a sentence, and sentences fit their parameters."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import texts
from chalicelib.domain.errors import Problem
from chalicelib.texts.times import city, local_time
from tests.fakes.system import START

ROOT = Path(__file__).resolve().parents[2] / "chalicelib"
CARRIERS = {"Problem": 0, "Conflict": 0, "BadRequest": 1}
"""Call -> position of the code."""


def codes() -> Iterator[tuple[str, str]]:
    """(code, where) of every literal code in the program."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = CARRIERS.get(name)
            if place is None or len(node.args) <= place:
                continue
            code = node.args[place]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_code_has_a_sentence() -> None:
    """A refusal that a person may meet is never shown as a bare code."""
    known = texts.messages()
    missing = sorted({f"{code} ({where})" for code, where in codes() if code not in known})
    assert not missing, "no sentence in chalicelib/texts for: " + ", ".join(missing)


def test_no_code_is_worded_twice() -> None:
    """Two modules never word one code differently, or it would depend on their order which one is read."""
    worded: dict[str, dict[str, str]] = {}
    for module in pkgutil.iter_modules(texts.__path__):
        part = importlib.import_module(f"chalicelib.texts.{module.name}")
        for code, text in getattr(part, "MESSAGES", {}).items():
            worded.setdefault(code, {})[text] = module.name
    assert not {code: list(by.values()) for code, by in worded.items() if len(by) > 1}


def test_sentences_are_format_strings_with_named_fields_only() -> None:
    """A sentence takes parameters by name, without attribute access or conversion tricks."""
    for code, text in texts.messages().items():
        for _, field, spec, conversion in string.Formatter().parse(text):
            assert field is None or field.isidentifier(), (code, field)
            assert not spec and not conversion, (code, field)


def test_parameters_are_text_never_a_format() -> None:
    """Braces in a parameter stay braces, and a parameter that is missing is no error."""
    shown = texts.sentence(Problem("address.malformed", "email", {"value": "{0.__class__}{org}"}))
    assert "{0.__class__}{org}" in shown
    assert "…" in texts.sentence(Problem("address.malformed", "email"))


def test_an_unknown_code_says_itself() -> None:
    """At run time a code without a sentence still gives one that names it."""
    assert "no.such_code" in texts.sentence(Problem("no.such_code"))


@pytest.mark.parametrize(("zone", "shown"), [
    ("Europe/Berlin", "(Berlin)"), ("America/Argentina/Buenos_Aires", "(Buenos Aires)"), ("Nowhere/Land", "(UTC)"),
    ("UTC", "(UTC)"),
])
def test_times_name_the_city(zone: str, shown: str) -> None:
    """A time is never shown without the city of its zone."""
    assert local_time(START, zone).endswith(shown)


def test_cities_read_as_words() -> None:
    """The last part of an IANA name, with spaces."""
    assert city("America/New_York") == "New York"


def test_languages_fall_back_to_english() -> None:
    """Where there is no catalogue, English answers, and the preference order is kept."""
    assert texts.pick("xx", "yy;q=0.9, zz") == "en"
    assert texts.pick("", "") == "en"
    assert "en" in texts.LANGUAGES
