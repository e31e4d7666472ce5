"""The endpoint as a process of its own: it starts, is killed, and starts again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ses import Config, KeptSinks, Server
from tests.local.ses.desk import HandClock, client_of, running, simple

ROOT = Path(__file__).parents[3]


@contextmanager
def process(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``python -m infra.local.ses`` on a free port, and its address."""
    command = [sys.executable, "-m", "infra.local.ses", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as found:
        try:
            assert found.stdout is not None
            yield found, found.stdout.readline().rpartition(" ")[2].strip()
        finally:
            found.kill()


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """After SIGKILL the mails are there, and the events that waited are published by the next one."""
    with process(tmp_path) as (running_one, url):
        client = client_of(url)
        client.create_email_identity(EmailIdentity="partner.example")
        client.create_configuration_set(ConfigurationSetName="campaigns")
        client.create_configuration_set_event_destination(
            ConfigurationSetName="campaigns",
            EventDestinationName="events",
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": ["DELIVERY"],
                "KinesisFirehoseDestination": {"IamRoleArn": "x", "DeliveryStreamArn": "arn:x/ses-events"},
            },
        )
        message_id = client.send_email(**simple(ConfigurationSetName="campaigns"))["MessageId"]
        running_one.kill()
    sinks = KeptSinks()
    server = Server(Config(data=tmp_path, port=0), sinks=sinks, clock=HandClock())
    assert [entry.id for entry in server.store.newest()] == [message_id]
    assert server.account.identity_for("a@partner.example") is not None
    server.start()
    server.stop()
    assert [event["mail"]["messageId"] for event in sinks.records()] == [message_id]


def test_it_ends_cleanly_at_a_signal(tmp_path: Path) -> None:
    """SIGTERM ends it with status 0."""
    with process(tmp_path) as (running_one, _):
        running_one.send_signal(signal.SIGTERM)
        assert running_one.wait(timeout=10) == 0


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    """A port that is in use is said in a sentence with what to do."""
    with running() as desk:
        command = [sys.executable, "-m", "infra.local.ses", "--port", str(desk.server.port), "--data", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == f"Port {desk.server.port} cannot be used: Address already in use. Choose another with --port.\n"
    )
