"""Compile the translations: ``<language>/LC_MESSAGES/countersign.po``, which people edit, to the ``.mo`` that is read.

The compiled files are made where they are needed, never committed: the local run and the tests make what is
missing or older than its source, ``infra.package`` makes them in its stage. It needs the standard library only,
so that nobody has to have gettext's tools, nor Babel, to start the program (docs/adr: catalogues compiled on use).
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[1] / "chalicelib" / "locale"
DOMAIN = "countersign"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_LINE = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr)?(?:\[(\d)])?\s*"(.*)"$')

Message = tuple[str, str]
"""Original and translation as a .mo holds them: plural forms follow each other after NUL."""


class CatalogueError(Exception):
    """A .po that can't be read, with its line."""


def compile_stale(locale: Path = LOCALE) -> list[Path]:
    """Compile each catalogue that is missing or older than its source; the paths of those that were made."""
    made = []
    for source in sorted(locale.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime_ns <= source.stat().st_mtime_ns:
            # Several test processes may do this at once: each writes a file of its own and puts it in place whole.
            own = target.with_suffix(f".{os.getpid()}")
            own.write_bytes(compiled(source.read_text("utf-8")))
            own.replace(target)
            made.append(target)
    return made


def replace_sources(locale: Path) -> None:
    """Put the compiled catalogues in place of their sources: what a package holds."""
    compile_stale(locale)
    for source in locale.glob(f"*/LC_MESSAGES/{DOMAIN}.po"):
        source.unlink()


def compiled(source: str) -> bytes:
    """The .mo of a .po (GNU gettext manual, "The Format of GNU MO Files"); what is not translated is left out."""
    messages = sorted((a.encode(), b.encode()) for a, b in read(source))
    begin = 28 + 16 * len(messages)
    originals, translations = b"", b""
    first, second = [], []
    for original, _ in messages:
        first.append((len(original), begin + len(originals)))
        originals += original + b"\0"
    for _, translation in messages:
        second.append((len(translation), begin + len(originals) + len(translations)))
        translations += translation + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 8 * len(messages), 0, 0)
    table = b"".join(struct.pack("<2I", *entry) for entry in (*first, *second))
    return head + table + originals + translations


def read(source: str) -> Iterator[Message]:
    """The translated messages of a .po; raises CatalogueError. Fuzzy and obsolete ones do not count."""
    entry: dict[str, str] = {}
    part, fuzzy = "", False
    for number, raw in enumerate([*source.splitlines(), ""], 1):
        line = raw.strip()
        if line.startswith("#"):
            fuzzy |= line.startswith("#,") and "fuzzy" in line
        elif not line:
            if entry and not (fuzzy and entry["msgid"]):
                yield from _message(entry)
            entry, part, fuzzy = {}, "", False
        elif match := _LINE.match(line):
            part = f"{match[1]}{match[2] or ''}" if match[1] else part
            entry[part] = entry.get(part, "") + re.sub(r"\\(.)", _unescaped, match[3])
        else:
            raise CatalogueError(f"line {number}: {raw[:60]}")


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


def _message(entry: dict[str, str]) -> Iterator[Message]:
    original = entry["msgid"]
    if "msgctxt" in entry:
        original = entry["msgctxt"] + "\4" + original
    if "msgid_plural" not in entry:
        if entry.get("msgstr"):
            yield original, entry["msgstr"]
        return
    forms = [text for name, text in sorted(entry.items()) if name.startswith("msgstr")]
    if all(forms):
        yield f"{original}\0{entry['msgid_plural']}", "\0".join(forms)


if __name__ == "__main__":
    compile_stale()
    sys.exit(0)
