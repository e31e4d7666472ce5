"""Which libraries each floor may use; import-linter holds the floors among themselves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.structure.sources import ROOT, imports_of, python_files

AWS = {"boto3", "botocore", "pynamodb", "s3transfer"}
EAGER: Mapping[str, set[str]] = {
    "chalicelib/domain": {"tzdata"},
    "chalicelib/ports": set(),
    "chalicelib/rendering": {"jinja2", "markupsafe"},
    "chalicelib/usecases": set(),
    "chalicelib/texts": set(),
    "chalicelib/commands": set(),
    "chalicelib/adapters": {"botocore", "pynamodb"},
    "chalicelib/events": {"chalice"},
    "chalicelib/web": {"chalice", "jinja2", "markupsafe"},
    "chalicelib/observe.py": set(),
    "chalicelib/settings.py": set(),
    "chalicelib/wiring.py": set(),
    "app.py": {"chalice"},
}
"""What a floor may import at the top of a module."""
LAZY: Mapping[str, set[str]] = {
    "chalicelib/domain": {"idna", "lxml", "tinycss2", "yaml"},
    "chalicelib/rendering": {"lxml", "mrml", "nh3", "premailer", "tinycss2"},
    "chalicelib/adapters": {"PIL", "boto3", "cryptography", "msgspec"},
    "chalicelib/texts": {"babel"},
}
"""What it may import inside functions only, because it is slow to load and seldom needed."""


def foreign_imports(floor: str) -> list[tuple[Path, str, int, bool]]:
    """(file, library, line, whether it is loaded with the module) of a floor."""
    return [
        (path.relative_to(ROOT), found.top, found.line, not (found.lazy or found.typing))
        for path in python_files(floor) for found in imports_of(path)
        if found.top not in sys.stdlib_module_names and found.top != "chalicelib"
    ]


@pytest.mark.parametrize("floor", EAGER)
def test_a_floor_uses_its_own_libraries_only(floor: str) -> None:
    """No module imports a library that its floor does not list."""
    allowed = EAGER[floor] | LAZY.get(floor, set())
    assert [entry for entry in foreign_imports(floor) if entry[1] not in allowed] == []


@pytest.mark.parametrize("floor", EAGER)
def test_slow_libraries_are_loaded_where_they_are_needed(floor: str) -> None:
    """What stands in the lazy list is never imported at the top of a module."""
    assert [entry for entry in foreign_imports(floor) if entry[3] and entry[1] not in EAGER[floor]] == []


def test_every_package_has_a_floor() -> None:
    """A new package or module of chalicelib must be given its list here."""
    found = {
        "/".join(path.relative_to(ROOT).parts[:2]) for path in python_files("chalicelib")
    } - {"chalicelib/__init__.py"}
    assert found - {"chalicelib/cli.py"} <= set(EAGER)


def test_use_cases_and_pages_never_see_adapters() -> None:
    """The pages, the events and the use cases reach the world through ports only."""
    seen = [
        (path.relative_to(ROOT), found.line)
        for path in python_files("chalicelib/usecases", "chalicelib/web", "chalicelib/events", "chalicelib/rendering")
        for found in imports_of(path) if found.module.startswith("chalicelib.adapters")
    ]
    assert seen == []
