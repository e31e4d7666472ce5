"""The documents agree with the tree."""

from __future__ import annotations

import re

import pytest

from chalicelib.domain.template import RegionType, SystemBlock
from chalicelib.rendering.metadata import METADATA
from tests.structure.sources import ROOT, our_files

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
DOCUMENTS = sorted(path for path in our_files() if path.suffix == ".md")
CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_documents_exist(document: object) -> None:
    """Every ``make target`` that a document shows is in the Makefile."""
    text = ROOT.joinpath(str(document)).read_text("utf-8")
    shown = set(re.findall(r"(?:`|^\s*\$? ?)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert shown <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_in_documents_lead_somewhere(document: object) -> None:
    """Every relative link of a document points to a file."""
    place = ROOT.joinpath(str(document))
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", place.read_text("utf-8"))
    assert [target for target in targets if not (place.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_headings_find_them(document: object) -> None:
    """What stands behind a # is a heading of the document that it leads to, as GitHub writes it."""
    place = ROOT.joinpath(str(document))
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", place.read_text("utf-8")):
        text = ((place.parent / target) if target else place).read_text("utf-8")
        headings = (re.sub(r"[^\w -]", "", title.lower()) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE))
        assert anchor in {heading.replace(" ", "-") for heading in headings}, f"{target}#{anchor}"


def test_pictures_are_small_and_told() -> None:
    """Each picture of a document is under 150 KB, has a text for who cannot see it, and is shown somewhere."""
    shown: set[str] = set()
    for document in DOCUMENTS:
        text = re.sub(r"```.*?```|`[^`]*`", "", document.read_text("utf-8"), flags=re.DOTALL)
        found = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text)
        found += [(alt, src) for src, alt in re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]*)"', text)]
        assert text.count("<img ") + text.count("![") == len(found), document
        assert all(alt for alt, _ in found), document
        shown |= {(document.parent / src).resolve().name for _, src in found if (document.parent / src).exists()}
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert {path.name for path in pictures} == shown
    assert [path.name for path in pictures if path.stat().st_size > 150_000] == []


def test_every_attribute_of_a_field_is_documented() -> None:
    """docs/templates.md names each field type, each of its attributes and each system block."""
    text = (ROOT / "docs" / "templates.md").read_text("utf-8")
    names = [f"-{name}`" for name in METADATA] + [f"`{kind}`" for kind in RegionType if kind is not RegionType.SYSTEM]
    names += [f'"{block}"' for block in SystemBlock]
    assert [name for name in names if name not in text] == []


def test_help_names_every_command() -> None:
    """Each target that people may want says in one line what it does."""
    internal = {"setup", "checked"}
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert explained | internal == TARGETS


def test_changelog_keeps_its_form() -> None:
    """CHANGELOG.md is a Keep a Changelog: Unreleased first, versions with dates, six kinds of change."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert [v for v in versions[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", v)] == []
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= set(CHANGES)


def test_decisions_are_numbered_without_gaps() -> None:
    """docs/adr has one file per decision, numbered from 0001, each with status and consequences."""
    files = sorted(path for path in DOCUMENTS if path.parent == ROOT / "docs" / "adr")
    assert [path.name[:4] for path in files] == [f"{n:04d}" for n in range(1, len(files) + 1)]
    for path in files:
        text = path.read_text("utf-8")
        assert re.search(r"^Status: (accepted|superseded by \d{4})", text, re.MULTILINE), path.name
        assert "## Consequences" in text, path.name
