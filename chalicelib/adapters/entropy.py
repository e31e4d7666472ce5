"""The one place that makes randomness."""

from __future__ import annotations

import secrets


class SystemEntropy:
    """Unpredictable bytes from the operating system."""

    def bytes(self, count: int) -> bytes:
        """That many bytes, fit for tokens, nonces and ids."""
        return secrets.token_bytes(count)
