"""The sentences of marking fields in plain HTML."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "mark.element": "This element cannot become that, or the source has changed since. Choose it again from the list.",
    "mark.choices": "Write at least one choice, each on a line of its own.",
    "mark.choose": "Choose an element of the list first.",
}
"""Code -> English sentence."""
