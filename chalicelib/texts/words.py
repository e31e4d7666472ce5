"""Words that stand as codes in the parameters of a sentence: what people read in their place.

A problem carries codes (``in_review``, ``vat_id``, ``de``), because it is stored and mailed in many
languages. Where a parameter's words are ours they stand here, by the problem's code (or the part of it
before the point) and the parameter's name; what is not here is somebody's own text and shown as it is.
"""

from __future__ import annotations

STATES: dict[str, str] = {
    "draft": "draft", "in_review": "in review", "changes_requested": "changes requested", "approved": "approved",
    "sending": "sending", "held": "paused", "sent": "sent", "declined": "declined", "expired": "expired",
    "cancelled": "cancelled",
}
ENTITY: dict[str, str] = {
    "name": "legal name", "street": "street", "postal_code": "postal code", "city": "city", "country": "country",
    "register": "register and number", "vat_id": "VAT number", "represented_by": "who represents it",
    "email": "e-mail address", "phone": "phone",
}
LANGUAGES: dict[str, str] = {
    "en": "English", "de": "German", "es": "Spanish", "fr": "French", "hu": "Hungarian",
}
OFFER: dict[str, str] = {"currency": "currency", "tax": "tax", "validity": "validity"}
FOOTNOTE: dict[str, str] = {"note": "note", "sign": "sign"}
PICTURE: dict[str, str] = {"animation": "animation"}
PLACE: dict[str, str] = {"the text": "the text"}
RISK: dict[str, str] = {"low": "low", "medium": "medium", "high": "high"}
MOMENTS = frozenset({("review.decided", "at"), ("draft.changed", "at")})
"""(code, parameter) of the instants: they are stored as RFC 3339 and read as a local time."""
BOUNDS: dict[str, str] = {"at most": "at most {n}", "at least": "at least {n}", "none of": "none of: {n}"}
"""How a route's condition is said; the words are those of its schema."""

PARAMETERS: dict[tuple[str, str], dict[str, str]] = {
    ("campaign.not_now", "state"): STATES, ("review.not_revocable", "state"): STATES, ("LEG003", "quote"): ENTITY,
    ("LEG004", "missing"): OFFER, ("LEG005", "missing"): FOOTNOTE, ("BRD014", "found"): LANGUAGES,
    ("BRD014", "wanted"): LANGUAGES, ("CLI004", "kind"): PICTURE, ("yaml", "path"): PLACE,
}
"""(code or its first part, parameter) -> the words it may hold; a list divided by commas is read word by word."""
