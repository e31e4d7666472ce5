"""Queues, blobs and partner sessions: the same on every backend."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.aws import Clients
from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.usecases.world import World
from chalicelib.wiring import Container
from infra.local.emulator import REGION
from tests.contract.backends import new_partner, own_keys
from tests.fakes.world import FakeWorld
from tests.isolation.judge import administrator


@pytest.fixture
def session(world: World) -> PartnerSession:
    """A partner's session."""
    return world.sessions.open(new_partner(), Zone.PARTNER)


def received(world: World, queue: QueueName) -> list[dict[str, Any]]:
    """Takes what waits in a queue and may be seen."""
    if isinstance(world, FakeWorld):
        found: list[Any] = []
        world.queue.deliver(queue, found.append)
        return found
    assert isinstance(world, Container)
    sqs = world.clients.get("sqs")
    url = sqs.get_queue_url(QueueName=world.names.queue(queue))["QueueUrl"]
    bodies: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def test_messages_arrive_as_they_were_sent(world: World) -> None:
    """Single and many, across the ten that SQS takes at once; texts of any script."""
    world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "sign_in", "person": "Zoë ✓"})
    world.queue.put_many(QueueName.NOTICES, [{"v": 1, "kind": "plan", "n": n} for n in range(23)])
    world.queue.put_many(QueueName.NOTICES, [])
    found = received(world, QueueName.NOTICES)
    assert {"v": 1, "kind": "sign_in", "person": "Zoë ✓"} in found
    assert sorted(m["n"] for m in found if m["kind"] == "plan") == list(range(23))


def test_a_delayed_message_is_not_seen_yet(world: World) -> None:
    """A delay holds a message back."""
    world.queue.put(QueueName.SEND, {"v": 1, "kind": "send"}, delay=900)
    assert received(world, QueueName.SEND) == []


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_that_sqs_does_not_take(world: World, delay: int) -> None:
    """Refused before it is sent."""
    with pytest.raises(Permanent):
        world.queue.put(QueueName.PLAN, {"v": 1, "kind": "plan"}, delay=delay)


def test_a_message_has_a_version_and_a_kind(world: World) -> None:
    """What a consumer could not tell apart is not sent."""
    for message in ({"kind": "plan"}, {"v": 1}, {"v": "1", "kind": "plan"}):
        with pytest.raises(Permanent):
            world.queue.put(QueueName.PLAN, message)
    assert received(world, QueueName.PLAN) == []


def test_an_object_is_what_was_stored(world: World, session: PartnerSession) -> None:
    """Whole, in chunks, its size, and replaced by the next of its key."""
    key = f"P/{session.partner}/content/abc.json"
    for data in (b"first", bytes(range(256)) * 4):
        world.blobs.put(session, key, data, "application/json")
        assert world.blobs.get(session, key) == data
        assert world.blobs.size(session, key) == len(data)
    chunks = list(world.blobs.lines(session, key, chunk=100))
    assert b"".join(chunks) == data and len(chunks) > 1


def test_a_temporary_object_says_so(world: World, session: PartnerSession) -> None:
    """What is temporary carries the tag by which the bucket lets it expire; what replaces it says so anew."""
    key, plain = f"P/{session.partner}/imports/imp_1.csv", f"P/{session.partner}/content/a"
    for _ in range(2):
        world.blobs.put(session, key, b"rows", "text/csv", temporary=True)
        assert kept(world, key) == {"keep": "30-days"}
    world.blobs.put(session, plain, b"x", "text/plain")
    assert kept(world, plain) == {}


def test_a_form_for_a_temporary_object_binds_the_tag(world: World, session: PartnerSession) -> None:
    """The field is in the form, and in the signed conditions: a browser can't upload without it."""
    key = f"P/{session.partner}/imports/imp_1.csv"
    form = world.blobs.upload_form(session, key, max_bytes=9, seconds=60, temporary=True)
    assert "tagging" in form.fields
    assert "tagging" not in world.blobs.upload_form(session, key, max_bytes=9, seconds=60).fields
    if isinstance(world, Container):
        policy = json.loads(base64.b64decode(form.fields["policy"]))
        wanted = "<Tagging><TagSet><Tag><Key>keep</Key><Value>30-days</Value></Tag></TagSet></Tagging>"
        assert form.fields["tagging"] == wanted
        assert {"tagging": wanted} in policy["conditions"]


def kept(world: World, key: str) -> dict[str, str]:
    """The tags of an object, as the administrator sees them."""
    if isinstance(world, FakeWorld):
        return {"keep": "30-days"} if key in world.blobs.temporary else {}
    assert isinstance(world, Container)
    # Clients of its own: those of the suite have a recorder, which knows the program's calls only.
    clients = Clients(REGION, endpoint=world.settings.endpoint, own=own_keys)
    with administrator():
        answer = clients.get("s3").get_object_tagging(Bucket=world.settings.bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def test_the_org_has_objects_of_its_own(world: World) -> None:
    """Without a session, under the function's role."""
    world.blobs.put(None, "ORG/kits/logo.png", b"\x89PNG", "image/png")
    assert world.blobs.get(None, "ORG/kits/logo.png") == b"\x89PNG"


def test_an_object_that_is_not_there(world: World, session: PartnerSession) -> None:
    """NotFound, whichever way it is asked for."""
    key = f"P/{session.partner}/imports/none.csv"
    tries: list[Callable[[], object]] = [
        lambda: world.blobs.get(session, key), lambda: world.blobs.size(session, key),
        lambda: list(world.blobs.lines(session, key)),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize("key", [
    "P/{other}/content/a", "P/{own}", "P/{own}x/a", "ORG/a", "EVENTS/a", "P/{own}/../{other}/a", "P/{own}/./a",
    "P/{own}//a", "P/{own}/a\n", "P/{own}/a\x00", "P/{own}/a\\b", "/P/{own}/a", "", "P/{own}/" + "x" * 1024,
])
def test_a_key_outside_of_the_partner_s_prefix(world: World, session: PartnerSession, key: str) -> None:
    """Traversal, control characters and foreign prefixes are NotFound before any call."""
    key = key.format(own=session.partner, other=new_partner())
    tries: list[Callable[[], object]] = [
        lambda: world.blobs.get(session, key), lambda: world.blobs.put(session, key, b"x", "text/plain"),
        lambda: world.blobs.size(session, key), lambda: world.blobs.lines(session, key),
        lambda: world.blobs.upload_form(session, key, max_bytes=9, seconds=60),
        lambda: world.blobs.get(None, key if key.startswith("P") else "P/x/a"),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()


def test_a_partner_id_that_is_none(world: World) -> None:
    """What is no partner's id opens no session."""
    for nothing in ("", "org_" + "0" * 26, "*"):
        with pytest.raises(NotFound):
            world.sessions.open(PartnerId(nothing), Zone.PARTNER)


def test_a_session_says_whose_it_is(world: World) -> None:
    """Partner and zone are those that were asked for."""
    partner = new_partner()
    for zone in Zone:
        session = world.sessions.open(partner, zone)
        assert (session.partner, session.zone) == (partner, zone)
