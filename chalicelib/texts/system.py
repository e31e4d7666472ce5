"""Sentences for conflicts between workers; a person meets them only in an operator's tools."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "batch.claimed": "This batch was claimed by another worker already.",
    "batch.settled": "The outcome of this batch was recorded already.",
    "batch.too_early": "It is too early to send these mails again: the first attempt may still be running.",
    "campaign.exists": "This campaign was stored already. Open it from the list.",
    "link.exists": "This link was made already. Ask for a fresh one.",
    "slice.moved": "Another worker moved this part of the campaign on.",
}
