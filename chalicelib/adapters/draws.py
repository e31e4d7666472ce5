"""Draws: the same subject is always drawn the same, and nobody without the deployment's secret knows how."""

from __future__ import annotations

import hmac


class MacDraws:
    """See ``ports.system.Draws``: the first six bytes of an HMAC-SHA256 over the subject."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("a secret for draws has at least 16 bytes")
        # A key of its own per use: the deployment's secret serves other purposes as well.
        self._key = hmac.digest(secret, b"countersign draws 1", "sha256")

    def chance(self, subject: str) -> float:
        """Evenly spread over [0, 1)."""
        return int.from_bytes(hmac.digest(self._key, subject.encode(), "sha256")[:6]) / 2**48
