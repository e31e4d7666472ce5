"""How the compiled catalogues come to be: from their sources, when they are missing or older."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from infra import catalogues

SOURCE = '''# Words.
msgid ""
msgstr ""
"Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"Content-Type: text/plain; charset=utf-8\\n"

#: a.py
msgid "Save"
msgstr "Speichern"

#, fuzzy
msgid "Send"
msgstr "Vielleicht senden"

msgid "Empty"
msgstr ""

msgctxt "campaign"
msgid "Sent"
msgstr "Versendet"

msgid "one \\"day\\""
msgid_plural ""
"%(n)s "
"days"
msgstr[0] "ein Tag\\t"
msgstr[1] "%(n)s Tage"

#~ msgid "Gone"
#~ msgstr "Weg"
'''


def place(folder: Path, source: str = SOURCE) -> Path:
    """A locale folder with one catalogue."""
    at = folder / "de" / "LC_MESSAGES" / "countersign.po"
    at.parent.mkdir(parents=True)
    at.write_text(source, "utf-8")
    return at


def test_a_catalogue_is_compiled_and_read_by_gettext(tmp_path: Path) -> None:
    """Escapes, lines that go on, contexts and plural forms; what is fuzzy, empty or gone is not there."""
    source = place(tmp_path)
    assert catalogues.compile_stale(tmp_path) == [source.with_suffix(".mo")]
    read = gettext.translation("countersign", tmp_path, ["de"])
    assert read.gettext("Save") == "Speichern"
    assert [read.gettext(text) for text in ("Send", "Empty", "Gone", "Sent")] == ["Send", "Empty", "Gone", "Sent"]
    assert read.pgettext("campaign", "Sent") == "Versendet"
    counted = ('one "day"', "%(n)s days")
    assert [read.ngettext(*counted, n) for n in (0, 1, 2)] == ["%(n)s Tage", "ein Tag\t", "%(n)s Tage"]
    assert read.info()["language"] == "de"


def test_only_what_is_older_than_its_source_is_made_again(tmp_path: Path) -> None:
    """A second start reads two times of change and writes nothing; an edited source is compiled at once."""
    source = place(tmp_path)
    catalogues.compile_stale(tmp_path)
    assert catalogues.compile_stale(tmp_path) == []
    made = source.with_suffix(".mo").stat().st_mtime
    source.write_text(SOURCE.replace("Speichern", "Sichern"), "utf-8")
    os.utime(source, (made + 1, made + 1))
    assert catalogues.compile_stale(tmp_path) == [source.with_suffix(".mo")]
    assert b"Sichern" in source.with_suffix(".mo").read_bytes()


def test_a_process_reads_one_language_at_a_time() -> None:
    """A cold start reads no catalogue, a first page in German the German one, and neither ever Babel's data."""
    import subprocess
    import sys

    code = """
import gettext, sys
from chalicelib import texts
texts.translations("en").gettext("Save")
assert not gettext._translations, gettext._translations
assert texts.translations("de").gettext("Save") == "Speichern"
assert len(gettext._translations) == 1 and "babel" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=catalogues.LOCALE.parents[1], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_package_holds_the_compiled_ones_only(tmp_path: Path) -> None:
    """The sources stay at home: a function does not read them."""
    source = place(tmp_path)
    catalogues.replace_sources(tmp_path)
    assert [path.name for path in source.parent.iterdir()] == ["countersign.mo"]


@pytest.mark.parametrize("line", ["msgid Save", "nonsense", 'msgstr[x] "a"'])
def test_what_is_no_catalogue_says_where(tmp_path: Path, line: str) -> None:
    """A line that is none of a .po's is an error with its number, never silently skipped."""
    with pytest.raises(catalogues.CatalogueError, match="line 3"):
        catalogues.compiled(f'msgid "a"\nmsgstr "b"\n{line}\n')


def test_the_same_source_gives_the_same_bytes() -> None:
    """A package is built twice to the byte."""
    assert catalogues.compiled(SOURCE) == catalogues.compiled(SOURCE)


def test_collecting_finds_what_people_read() -> None:
    """Sentences of codes, of pages, of mails and of scripts all reach the catalogues."""
    from chalicelib import texts as program
    from infra.texts import collected

    found = {text for message in collected() for text in (
        [message.id] if isinstance(message.id, str) else message.id)}
    assert set(program.messages().values()) <= found
    assert {"Sign in", "Publish a template", "My customers", "Jan", "Approved", "Saving …"} <= found
    assert any(text.startswith("Hello %(name)s") for text in found)


def test_collecting_knows_texts_from_codes() -> None:
    """Values of dictionaries and what N_ marks are texts whatever they look like; keys, codes and formats are not."""
    import io

    from infra.babel_messages import extract

    source = b'''"""Docstring of the module."""
MESSAGES = {"some.code": "Write it anew.", "other": "Done", "pair": ("Why", "%H:%M", ".")}
MARKED = N_("Jan")
CODE, CLOCK = "en", "%Y-%m-%dT%H:%M"
SENTENCE = "Two " "parts."
'''
    found = [text for _, _, text, _ in extract(io.BytesIO(source), (), (), {})]
    assert sorted(found) == ["Done", "Jan", "Two parts.", "Why", "Write it anew."]
