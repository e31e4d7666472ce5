"""The sentences people read: codes with parameters become text in the person's language.

Each part of the program keeps its English sentences in a module here, as ``MESSAGES`` (code
-> format string). A sentence says what is wrong, where, and what to do. Translations are
gettext catalogues in ``chalicelib/locale/<language>/LC_MESSAGES/countersign.po``, keyed by
the English text; ``infra.catalogues`` compiles them, ``make texts`` brings them up to date.
"""

from __future__ import annotations

import functools
import gettext as gettext_module
import importlib
import pkgutil
import re
from collections.abc import Mapping
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path

from chalicelib.domain.errors import Problem
from chalicelib.texts.languages import NAMES
from chalicelib.texts.words import MOMENTS, PARAMETERS

LOCALE = Path(__file__).resolve().parents[1] / "locale"
DOMAIN = "countersign"
DEFAULT = "en"
LANGUAGES = tuple(NAMES)
UNKNOWN = "This entry was refused ({code}). Check it and try again."


@functools.cache
def messages() -> Mapping[str, str]:
    """Every code's English sentence; a test sees to it that no two modules word one code differently."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        part = importlib.import_module(f"{__name__}.{module.name}")
        for code, text in getattr(part, "MESSAGES", {}).items():
            found.setdefault(code, text)
    return found


@functools.lru_cache(maxsize=16)
def translations(language: str) -> NullTranslations:
    """The catalogue of a language, read when it is first asked for; English where there is none."""
    return gettext_module.translation(DOMAIN, LOCALE, [language or DEFAULT], fallback=True)


def sentence(problem: Problem, language: str = DEFAULT) -> str:
    """What a person reads for a problem. A parameter is inserted as text, never interpreted."""
    template = messages().get(problem.code)
    if template is None:
        return translations(language).gettext(UNKNOWN).format(code=problem.code)
    params = {name: _worded(problem.code, name, value, language) for name, value in problem.params.items()}
    return translations(language).gettext(template).format_map(_Params(params))


def of_rule(code: str, language: str = DEFAULT) -> tuple[str, str, str]:
    """What a rule says, why, and what to do, where no finding is at hand: an ellipsis for what one would tell."""
    said = translations(language).gettext
    found = (said(messages()[key]) for key in (code, f"{code}.why", f"{code}.fix"))
    says, why, fix = (re.sub(r"\{[a-z]+\}(\.\Z)?", "…", text) for text in found)
    return says, why, fix


def _worded(code: str, name: str, value: str | int, language: str) -> str | int:
    """A parameter whose words are ours in the person's language; all else as it is."""
    code = code.removeprefix("compliance.")
    if (code, name) in MOMENTS and isinstance(value, str):
        return _moment(value, language)
    words = PARAMETERS.get((code, name)) or PARAMETERS.get((code.partition(".")[0], name))
    if not words or not isinstance(value, str):
        return value
    gettext = translations(language).gettext
    return ", ".join(gettext(words[one]) if one in words else one for one in value.split(", "))


def _moment(value: str, language: str) -> str:
    """A stored instant as people read it, in UTC; a text that is none as it is."""
    from chalicelib.texts.times import local_time

    try:
        return local_time(datetime.fromisoformat(value), language=language)
    except ValueError:
        return value


class _Params(dict[str, str | int]):
    """Parameters of a sentence; one that is missing shows as an ellipsis, not as an error page."""

    def __missing__(self, key: str) -> str:
        return "…"


def pick(wanted: str, accept_language: str = "") -> str:
    """The language of a page: the person's (or partner's), then Accept-Language (RFC 9110 12.5.4), then English."""
    for tag in (wanted, *_ranked(accept_language)):
        primary = tag.lower().partition("-")[0]
        if primary in LANGUAGES:
            return primary
    return DEFAULT


def _ranked(header: str) -> list[str]:
    """Language tags by their quality, best first; at most ten are read."""
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(header[:400].split(",")[:10]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            ranked.append((-quality, position, tag))
    return [tag for _, _, tag in sorted(ranked)]
