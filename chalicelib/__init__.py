"""Countersign: a co-marketing approval workflow; the floors are described in docs/architecture.md."""
