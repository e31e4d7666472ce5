"""Commands of ``python -m chalicelib.cli``, one module per area."""
