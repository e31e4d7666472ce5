"""One suite, three worlds: the fakes, moto in this process, and the local emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.usecases.world import World
from infra.local.emulator import ACCOUNT, PYTHON, Emulator, free_port
from tests.contract.backends import Backend
from tests.fakes.system import FakeClock
from tests.fakes.world import FakeWorld


@pytest.fixture(scope="module")
def moto() -> Iterator[Backend]:
    """moto, with the deployment's resources; it ends with the module, since it takes over every client."""
    with mock_aws():
        yield Backend("", DEFAULT_ACCOUNT_ID)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The local emulator in a process of its own, ended by its id."""
    if not PYTHON.exists() and not os.environ.get("CI"):  # noqa: TID251 - CI must not skip
        pytest.skip("the local AWS emulator is not installed: run `make setup`")
    process = Emulator(free_port(), tmp_path_factory.mktemp("emulator"))
    process.start()
    try:
        yield Backend(process.url, ACCOUNT)
    finally:
        process.stop()


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the world under test."""
    return FakeClock()


@pytest.fixture(params=["fake", "moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def world(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[World]:
    """A world of its own org; at the end, every AWS call of the test is judged."""
    if request.param == "fake":
        yield FakeWorld(clock=clock)
        return
    backend: Backend = request.getfixturevalue(request.param)
    container, recorder = backend.container(clock)
    yield container
    assert recorder.wrong() == []
