"""Texts can be collected for translation, and a translated catalogue is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib import texts

ROOT = Path(__file__).resolve().parents[2]


def collected() -> set[str]:
    """Every text that Babel finds by our configuration."""
    from babel.messages.extract import extract_from_dir
    from babel.messages.frontend import parse_mapping_cfg

    with (ROOT / "chalicelib" / "locale" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found: set[str] = set()
    for name, _, text, _, _ in extract_from_dir(
        str(ROOT), methods, options, directory_filter=lambda path: not Path(path).name.startswith(".")
        and Path(path).name not in ("build", "docs", "tests", "infra", "node_modules"),
    ):
        assert name
        found.update((text,) if isinstance(text, str) else text)
    return found


def test_babel_finds_what_people_read() -> None:
    """Sentences of codes, pages and mails all reach the catalogue."""
    found = collected()
    assert set(texts.messages().values()) <= found
    assert {"Sign in", "Publish a template", "My customers", "Jan"} <= found
    assert any(text.startswith("Hello %(name)s") for text in found)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_language_has_its_catalogue(language: str) -> None:
    """A language that is offered gives a translator; English needs no catalogue."""
    assert texts.translations(language).gettext("") is not None
