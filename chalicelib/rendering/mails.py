"""System mails (sign-in, review request, notices): one folder each with three Jinja2 templates.

``templates/mail/<name>/subject.txt``, ``body.txt`` and ``body.html``; the HTML is escaped
automatically, and a name that the context lacks is an error, never an empty string.
"""

from __future__ import annotations

import functools
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.domain.record import dataclass

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
"""Beside ``chalicelib`` in the checkout, and at the same place in the packaged zip."""


@dataclass(frozen=True, slots=True)
class MailText:
    """The three texts of a system mail."""

    subject: str
    text: str
    html: str


@functools.lru_cache(maxsize=16)
def _environment(translations: NullTranslations | GNUTranslations | None) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=True),
        extensions=["jinja2.ext.i18n"],
    )
    translations = translations or NullTranslations()
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["language"] = translations.info().get("language", "en")
    return environment


def render_mail(
    name: str, context: dict[str, Any], translations: NullTranslations | GNUTranslations | None = None,
) -> MailText:
    """Render the mail of that folder; the subject comes out as one line.

    ``translations`` is the catalogue of the addressee's language; its code stands in the HTML.

    Raises jinja2.UndefinedError if the context lacks a name that a template uses.
    """
    environment = _environment(translations)
    subject, text, html = (
        environment.get_template(f"{name}/{part}").render(**context)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return MailText(" ".join(subject.split()), text.strip() + "\n", html)
