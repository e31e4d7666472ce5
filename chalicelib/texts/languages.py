"""The languages of pages and of the program's own mails, by their own names, which need no translation."""

from __future__ import annotations

NAMES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "hu": "Magyar"}
"""Code (ISO 639-1) -> name; each but English has a catalogue in ``chalicelib/locale``."""
