"""Sentences of the frame: requests that no page of ours makes, and conflicts of HQ's pages."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "request.too_large": "That is more than this form takes (5 MB). Make it smaller and send it again.",
    "request.type": "This page takes forms only. Open it in a browser and use its form.",
    "request.encoding": "The form was not sent as UTF-8. Open the page again in a current browser.",
    "request.fields": "The form has more fields than we take. Open the page again and send it from there.",
    "request.csrf": (
        "This form is too old, or it did not come from our own page. Nothing was changed. Go back, load the page "
        "again and send it once more."
    ),
    "request.origin": (
        "This form came from another website. Nothing was changed. Open the page here and send it from here."
    ),
}
