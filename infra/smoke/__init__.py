"""What only a real account can show: ``make smoke STAGE=...``."""
