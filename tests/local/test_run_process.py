"""``make run`` as a person meets it: started, stopped, crashed and started again, as real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.deployment import CannotStart, Ports
from infra.local.emulator import port_taken
from infra.local.keeper import is_emulator
from tests.isolation.judge import JUDGE, Noted
from tests.local.ports import three_free_ports

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.emulator
READY_SECONDS = 60.0


class Started:
    """One ``python -m infra.local.run`` with what it prints."""

    def __init__(self, ports: Ports, data: Path) -> None:
        self.ports = ports
        self.data = data
        self.output = data.parent / "output.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                Noted(data.parent / "calls.jsonl", "").command(
                    sys.executable, "-m", "infra.local.run", "--port", str(ports.pages), "--data", str(data)),
                cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.output.read_text("utf-8")

    def ready(self) -> Started:
        """Wait until it says that it is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while "Ctrl-C stops" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)
        return self

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def emulator(self) -> int:
        """The process id of the emulator."""
        return int(json.loads((self.data / "emulator" / "emulator.json").read_text("utf-8"))["pid"])

    def mails(self) -> int:
        """How many mails the mailbox has."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.mailbox}/_mails", timeout=5) as answer:
            return int(json.load(answer)["total"])

    def page(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.pages}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A data folder; what ran there is judged, and an emulator that a failed test left is ended by its id."""
    data, noted = tmp_path / "data", Noted(tmp_path / "calls.jsonl", "")
    JUDGE.noted.append(noted)
    yield data
    JUDGE.catch_up()
    JUDGE.noted.remove(noted)
    note = data / "emulator" / "emulator.json"
    if note.exists():
        pid = int(json.loads(note.read_text("utf-8"))["pid"])
        if is_emulator(pid):
            os.kill(pid, signal.SIGKILL)


def test_its_life(place: Path) -> None:
    """Started, stopped by Ctrl-C, started again, crashed, found again, and told when the emulator was killed."""
    ports = three_free_ports()
    first = Started(ports, place).ready()
    assert first.said.count("http://") == 2, "one address of the pages and one of the mailbox"
    assert "Demo data" in first.said
    status, body = first.page("/sign-in")
    assert status == 200
    assert "Sign in" in body
    emulator = first.emulator
    assert first.end(signal.SIGINT) == 0
    assert first.said.rstrip().endswith("Stopped.")
    assert not is_emulator(emulator)
    assert not any(map(port_taken, (ports.pages, ports.mailbox, ports.emulator)))

    second = Started(ports, place).ready()
    assert "Demo data" not in second.said, "a second start has the data"
    mails = second.mails()
    assert mails > 0
    emulator = second.emulator
    second.end(signal.SIGKILL)
    assert is_emulator(emulator), "the emulator outlives a crash of the application"

    third = Started(ports, place).ready()
    assert third.emulator == emulator
    assert "still running" in third.said
    assert third.mails() >= mails
    os.kill(emulator, signal.SIGKILL)
    assert third.process.wait(60) == 1
    assert "ended by itself" in third.said

    fourth = Started(ports, place).ready()
    assert "was not stopped cleanly" in fourth.said
    assert "Demo data" not in fourth.said, "what was saved after the seed is there"
    assert fourth.end(signal.SIGTERM) == 0


def test_a_taken_port_is_one_sentence(place: Path) -> None:
    """The sentence names the port and the way out, and nothing is left running."""
    ports = three_free_ports()
    with socket.create_server(("127.0.0.1", ports.mailbox)):
        started = Started(ports, place)
        assert started.process.wait(60) == 1
    line, = [line for line in started.said.splitlines() if line]
    assert f"Port {ports.mailbox} is taken" in line
    assert "PORT=" in line
    assert not port_taken(ports.emulator)


def test_a_second_start_in_the_same_folder_is_refused(place: Path) -> None:
    """Two runners on one data folder would spoil it; the sentence names the first."""
    first = Started(three_free_ports(), place).ready()
    other = subprocess.run(
        [sys.executable, "-m", "infra.local.run", "--port", str(three_free_ports().pages), "--data", str(place)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )
    assert other.returncode == 1
    assert f"process {first.process.pid}" in other.stderr
    assert len(other.stderr.strip().splitlines()) == 1
    assert first.end(signal.SIGINT) == 0


@pytest.mark.parametrize(("port", "expected"), [
    (8000, (8000, 8001, 4566)), (9000, (9000, 9001, 5566)), (4458, (4458, 4459, 1024)), (3000, (3000, 3001, 3002)),
])
def test_one_number_moves_all_ports(port: int, expected: tuple[int, int, int]) -> None:
    """PORT=8000 gives the documented ports; the others follow by one rule."""
    ports = Ports.beside(port)
    assert (ports.pages, ports.mailbox, ports.emulator) == expected
    with pytest.raises(CannotStart, match="PORT="):
        Ports.beside(80)
