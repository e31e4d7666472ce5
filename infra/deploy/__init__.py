"""Bring a stage to AWS and take it away: ``make deploy``, ``make rollback``, ``make remove``."""
