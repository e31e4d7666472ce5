"""The emulator's process, and what of the system adapters only a real server can show."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys, ScopedSession
from chalicelib.adapters.queue import SqsQueue
from chalicelib.domain.errors import Retryable
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import QueueName, UploadForm
from infra.local.emulator import ACCOUNT, PYTHON, REGION, Emulator, EmulatorError, free_port
from tests.contract.backends import Backend, new_partner, own_keys
from tests.fakes.system import FakeClock
from tests.isolation.judge import administrator

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(not PYTHON.exists(), reason="the local AWS emulator is not installed: run `make setup`"),
]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """A process that saves its state at its end."""
    process = Emulator(free_port(), tmp_path, persist=True)
    process.start()
    yield process
    process.stop()


def put_message(emulator: Emulator) -> None:
    """One try to reach that process."""
    clients = Clients(REGION, endpoint=emulator.url, own=lambda: Keys("test", "test", None, None), attempts=1)
    SqsQueue(clients, "x").put(QueueName.PLAN, {"v": 1, "kind": "plan"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def post(form: UploadForm, data: bytes) -> tuple[int, str]:
    """Upload a file as a browser does; the status and where it is sent on to."""
    boundary = "x" * 24
    parts = [f'Content-Disposition: form-data; name="{n}"\r\n\r\n{v}'.encode() for n, v in form.fields.items()]
    head = 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    parts.append(head.encode() + data)
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    request = urllib.request.Request(
        form.url, body + b"--" + boundary.encode() + b"--\r\n",
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", "")


def test_state_is_saved_at_an_orderly_end(emulator: Emulator) -> None:
    """What was stored is there after a stop and a start in the same folder; a second stop is fine."""
    backend = Backend(emulator.url, ACCOUNT)
    container, _ = backend.container(FakeClock())
    session = container.sessions.open(new_partner(), Zone.PARTNER)
    key = f"P/{session.partner}/content/a.json"
    container.blobs.put(session, key, b"kept", "application/json")
    container.links.allow("somebody", container.clock.now(), per_hour=1)
    assert emulator.pid is not None
    assert [emulator.stop(), emulator.stop()] == [True, True]
    assert not emulator.health()
    with pytest.raises(Retryable):
        put_message(emulator)
    emulator.start()
    assert not container.links.allow("somebody", container.clock.now(), per_hour=1)
    assert container.blobs.get(session, key) == b"kept"


def test_a_taken_port_is_told(emulator: Emulator, tmp_path: Path) -> None:
    """One sentence says which port and what to do; the process that has it goes on."""
    with pytest.raises(EmulatorError, match=rf"Port {emulator.port} .* is taken"):
        Emulator(emulator.port, tmp_path / "second").start()
    assert emulator.health()


def test_it_answers_on_this_machine_only(emulator: Emulator) -> None:
    """It listens on 127.0.0.1, not on every interface."""
    wanted = f":{emulator.port:04X}"
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F{wanted}"]


def test_an_upload_reaches_its_key_and_is_told(emulator: Emulator) -> None:
    """A form takes one file of the right size for its key, sends the browser on, and S3 tells the queue."""
    container, _ = Backend(emulator.url, ACCOUNT).container(FakeClock())
    session = container.sessions.open(new_partner(), Zone.PARTNER)
    assert isinstance(session, ScopedSession)
    key = f"P/{session.partner}/imports/imp_1.csv"
    form = container.blobs.upload_form(
        session, key, max_bytes=20, seconds=60, redirect="http://127.0.0.1:8000/p/imports/imp_1",
    )
    assert form.fields["key"] == key
    assert form.fields["x-amz-credential"].startswith(f"{session.source().access_key}/")
    assert post(form, b"x" * 21)[0] == 400
    assert post(form, b"")[0] == 400
    foreign = UploadForm(form.url, {**form.fields, "key": f"P/{new_partner()}/imports/imp_1.csv"})
    assert post(foreign, b"email\n")[0] == 403
    status, location = post(form, b"email\na@b.example\n")
    assert (status, location.split("?")[0]) == (303, "http://127.0.0.1:8000/p/imports/imp_1")
    assert container.blobs.get(session, key) == b"email\na@b.example\n"
    sqs = container.clients.get("sqs")
    url = sqs.get_queue_url(QueueName=container.names.queue(QueueName.IMPORTS))["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
    told = [record["s3"]["object"]["key"] for m in messages for record in json.loads(m["Body"])["Records"]]
    assert told == [key]


def test_a_form_with_a_tag_is_held_to_it(emulator: Emulator) -> None:
    """Without the tag that the form's conditions name, the upload is refused.

    AWS gives the object the tag, too (Amazon S3 API reference, "POST Object"); the emulator does not. The last line
    fails once it does: then the contract suite can ask for the tag after an upload.
    """
    container, _ = Backend(emulator.url, ACCOUNT).container(FakeClock())
    session = container.sessions.open(new_partner(), Zone.PARTNER)
    key = f"P/{session.partner}/imports/imp_2.csv"
    form = container.blobs.upload_form(session, key, max_bytes=20, seconds=60, temporary=True)
    fields = dict(form.fields)
    for wrong in (
        {n: v for n, v in fields.items() if n != "tagging"},
        {**fields, "tagging": fields["tagging"].replace("30", "99")},
    ):
        assert post(UploadForm(form.url, wrong), b"email\n")[0] == 403
    assert post(form, b"email\n")[0] == 204
    with administrator():
        s3 = Clients(REGION, endpoint=emulator.url, own=own_keys).get("s3")
        found = s3.get_object_tagging(Bucket=container.settings.bucket, Key=key)
    assert found["TagSet"] == []
