"""``make texts``: collect the sentences of the program, bring the catalogues up to date, say what is missing.

A sentence that is gone leaves the catalogue, a new one comes in without a translation (nothing is guessed
from a similar one). ``chalicelib/locale/<language>/LC_MESSAGES/countersign.po`` is what translators edit.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from infra import catalogues

ROOT = catalogues.LOCALE.parents[1]
LANGUAGES = ("de", "es", "fr", "hu")
OUTSIDE = ("build", "docs", "tests", "infra", "node_modules")
WIDTH = 116
_NOISE = tuple(f'"{name}'.encode() for name in (
    "POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "Language-Team", "Report-Msgid", "Generated-By",
))
"""Lines of the header that would change with every run or say nothing."""


def collected() -> Catalog:
    """Every sentence that people read, with the files it stands in."""
    with (catalogues.LOCALE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    catalog = Catalog(charset="utf-8")
    for name, line, text, comments, context in extract_from_dir(
        str(ROOT), methods, options, directory_filter=_inside, keywords=_keywords(),
    ):
        catalog.add(text, None, [(name, line)], auto_comments=comments, context=context)
    return catalog


def _inside(path: str | Path) -> bool:
    name = Path(path).name
    return not name.startswith(".") and name not in OUTSIDE


def _keywords() -> dict[str, tuple[int | tuple[int, str], ...] | None]:
    return {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def path_of(language: str) -> Path:
    """A language's catalogue."""
    return catalogues.LOCALE / language / "LC_MESSAGES" / f"{catalogues.DOMAIN}.po"


def catalogue(language: str) -> Catalog:
    """A language's catalogue as it stands."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, found: Catalog) -> Catalog:
    """The catalogue with the sentences of today, in their order: kept translations, and gaps for new ones."""
    known = catalogue(language)
    known.update(found, no_fuzzy_matching=True, update_creation_date=False)
    known.obsolete.clear()
    return known


def written(catalog: Catalog) -> bytes:
    """A catalogue as it is stored: files without line numbers, so that moving code changes nothing."""
    out = io.BytesIO()
    write_po(out, catalog, width=WIDTH, include_lineno=False, ignore_obsolete=True)
    head, _, rest = out.getvalue().partition(b"\n\n")
    kept = [line for line in head.splitlines() if not line.startswith(_NOISE)]
    return b"\n".join(kept) + b"\n\n" + rest.rstrip() + b"\n"


def gaps(catalog: Catalog) -> Iterator[Message]:
    """The sentences without a whole translation."""
    for message in catalog:
        forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.id and (not all(forms) or message.fuzzy):
            yield message


def main() -> int:
    """Bring every catalogue up to date and compile it; the exit status tells whether anything is missing."""
    found, missing = collected(), 0
    for language in LANGUAGES:
        catalog = updated(language, found)
        after = written(catalog)
        if after != path_of(language).read_bytes():
            path_of(language).write_bytes(after)
        lacking = list(gaps(catalog))
        missing += len(lacking)
        print(f"{language}: {len(catalog)} sentences, {len(lacking)} without a translation")
        for message in lacking:
            print(f"  {message.locations[0][0]}: {message.id if isinstance(message.id, str) else message.id[0]}")
    catalogues.compile_stale()
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
