"""The journey is made once in a process, for all tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from tests.contract.conftest import clock, emulator, moto
from tests.isolation import journey as making
from tests.isolation import scenes
from tests.isolation.journey import Journey

__all__ = ["clock", "emulator", "journey", "moto"]


@pytest.fixture(scope="session")
def journey() -> Iterator[Journey]:
    """A whole campaign on moto and a day with trouble after it, over and done with."""
    # moto ends with the journey: as long as it is there, it answers in the place of other tests' servers.
    with mock_aws(), making.deployment("", DEFAULT_ACCOUNT_ID) as made:
        making.run(made)
        scenes.run(made)
    yield made
