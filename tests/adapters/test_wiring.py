"""Wiring: nothing is made before it is needed, and only once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.adapters.schema import KEYS, TRUST, WORKFLOW
from chalicelib.usecases.world import World
from chalicelib.wiring import Container
from tests.adapters.wire import Wire, clients_on
from tests.contract.backends import SETTINGS
from tests.fakes.system import FakeClock
from tests.fakes.world import FakeWorld

ROOT = Path(__file__).parents[2]
HEAVY = ("boto3", "botocore", "pynamodb", "msgspec", "cryptography", "premailer", "lxml", "jinja2", "pydantic", "PIL")


def loaded_after(code: str) -> set[str]:
    """Which heavy libraries a fresh process has after some code."""
    tell = f"import sys; {code}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_wiring_loads_no_aws_library() -> None:
    """A cold start pays for an adapter when it is used."""
    assert loaded_after("import chalicelib.wiring") == set()


def test_a_container_makes_no_client_by_itself() -> None:
    """Neither the container nor a store makes a client or a call; the first read makes one client."""
    wire = Wire()
    clients = clients_on(wire)
    container = Container(SETTINGS, clock=FakeClock(), clients=clients)
    ports = [name for name in vars(World) if not name.startswith("_")]
    assert len(ports) >= 20
    made = {name: getattr(container, name) for name in ports}
    assert wire.sent == [] and clients._made == {}
    assert container.people.find("a@example.com") is None
    assert len(wire.sent) == 1
    assert all(getattr(container, name) is port for name, port in made.items())


def test_each_table_has_its_name() -> None:
    """Tables are named by app and stage."""
    container = Container(SETTINGS)
    assert [container.names.table(schema) for schema in (WORKFLOW, TRUST, KEYS)] == [
        "countersign-test-workflow", "countersign-test-trust", "countersign-test-keys"]


def test_the_installed_world_is_what_everybody_gets(request: pytest.FixtureRequest) -> None:
    """The local runner and tests put their own in place of the environment's."""
    world = FakeWorld()
    seen: list[World] = []
    wiring.install(world)
    request.addfinalizer(lambda: wiring.install(None))
    threads = [threading.Thread(target=lambda: seen.append(wiring.container())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(seen) == 4 and all(one is world for one in seen)
