"""Pages that were compiled ahead, as the package has them, are the pages of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import FileSystemLoader, ModuleLoader

from chalicelib.web import forms, pages
from chalicelib.web.guard import open_visit
from chalicelib.web.http import Request
from chalicelib.web.urls import Urls
from tests.fakes.world import FakeWorld


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every page, compiled."""
    folder = tmp_path_factory.mktemp("compiled")
    pages.compile_ahead(folder)
    return folder


def test_the_checkout_takes_the_sources() -> None:
    """Nothing compiled lies in the checkout, where a change of a template must show at once."""
    assert isinstance(pages.environment("en").loader, FileSystemLoader)
    assert not pages.COMPILED.exists()


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_page_is_there_and_has_its_blocks(compiled: Path, language: str) -> None:
    """A compiled page loads in every language and has what its source has."""
    source = pages.environment(language)
    ahead = source.overlay(loader=pages.loader(compiled))
    assert isinstance(ahead.loader, ModuleLoader)
    names = source.list_templates()
    assert len(names) > 40
    for name in names:
        assert ahead.get_template(name).blocks.keys() == source.get_template(name).blocks.keys(), name


@pytest.mark.parametrize("language", ["en", "de", "hu"])
def test_a_compiled_page_reads_the_same(compiled: Path, language: str) -> None:
    """Compiled in English, a page still speaks the language of its environment."""
    world = FakeWorld()
    urls = Urls("https://a.example", "https://b.example", "https://a.example")
    visit = open_visit(world, Request(method="GET", path="/sign-in"), urls, load=False)
    context = {
        "visit": visit, "urls": urls, "csrf": visit.csrf, "language": language, "org_name": "Brand", "nav": [],
        "desk": None, "errors": forms.NONE, "sentence": str,
    }
    source = pages.environment(language)
    ahead = source.overlay(loader=pages.loader(compiled))
    name = "errors/not_found.html"
    assert ahead.get_template(name).render(context) == source.get_template(name).render(context)
