"""The words that ``static/app.js`` writes by itself; each page hands them to it in its language."""

from __future__ import annotations

from chalicelib import texts

WORDS: dict[str, str] = {
    "count": "{n} of {max}", "over": "{n} of {max}: {more} too many", "saving": "Saving …", "saved": "Saved {at}",
    "failed": "Not saved yet. We keep trying while this page is open.",
    "signedOut": "Not saved: you are signed out. Sign in again in another tab and come back; your text stays here.",
    "large": "This file is too large.",
    "unreadable": "This file can’t be read as UTF-8 text.",
    "sending": "The file is being sent. Stay on this page …",
}


def words(language: str) -> dict[str, str]:
    """The words by their names, in a language."""
    gettext = texts.translations(language).gettext
    return {name: gettext(text) for name, text in WORDS.items()}
