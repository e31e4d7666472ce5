"""The deployments that tests of operation work on: those of the contract suite."""

from __future__ import annotations

from tests.contract.conftest import clock, emulator, moto

__all__ = ["clock", "emulator", "moto"]
