"""C5: SES's events doubled, reordered, forged and lost; the same end whatever their order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.campaign import HoldReason, State
from chalicelib.domain.contact import SuppressionReason
from chalicelib.domain.ledger import Result, Seen
from chalicelib.domain.tag import read_tag
from chalicelib.events import feedback as handler
from chalicelib.events.ses import Foreign, event_of, lines, uploaded_keys
from chalicelib.ports.sending import BulkAnswer, BulkBatch
from chalicelib.usecases.feedback import absorb
from tests.fakes.sending import FakeBulkMailer
from tests.sending.stage import CAMPAIGN, NOON, PARTNER, START, Runner, Stage, event, judge

AT = "2026-03-02T13:05:00.000Z"


def sent_stage(contacts: int = 10) -> Stage:
    """A stage whose campaign has been sent."""
    stage = Stage(contacts=contacts, rate=50.0)
    Runner(stage).run(NOON + timedelta(hours=3))
    assert stage.campaign.state is State.SENT
    return stage


def payload(kind: str, tag: str, to: str, **detail: Any) -> dict[str, Any]:
    """An event as SES writes it."""
    key = {"Rendering Failure": "failure"}.get(kind, kind[0].lower() + kind[1:])
    return {
        "eventType": kind, key: {"timestamp": AT, **detail},
        "mail": {"timestamp": AT, "destination": [to], "tags": {"message": [tag], "ses:source-ip": ["127.0.0.1"]}},
    }


def test_the_order_and_repetition_of_events_do_not_matter() -> None:
    """Every order of six events of one message, doubled, leads to the same ledger and totals."""
    kinds = (Seen.ACCEPTED, Seen.DELIVERED, Seen.OPENED, Seen.CLICKED, Seen.COMPLAINED, Seen.REJECTED)
    stage = sent_stage()
    ends = set()
    for order in itertools.permutations(kinds):
        stage = _fresh(stage)
        for seen in (*order, order[0]):
            assert not absorb(stage.fakes, [event(stage, 0, seen)]).refused
        totals = judge(stage)
        ends.add((totals.sent, totals.failed, totals.delivered, totals.opened, totals.clicked, totals.complained))
    assert ends == {(8, 0, 1, 1, 1, 1)}


def _fresh(stage: Stage) -> Stage:
    """The same stage without any event so far."""
    ledger = stage.fakes.ledger
    for place, attempts in ledger._attempts.items():
        ledger._attempts[place] = {key: replace(a, seen={}) for key, a in attempts.items()}
    return stage


def test_events_settle_what_the_call_left_unknown() -> None:
    """A rejection makes an unknown recipient failed, anything else makes it sent."""
    stage = Stage(rate=50.0)

    class Silent(FakeBulkMailer):
        def send(self, batch: BulkBatch) -> BulkAnswer:
            count = len(batch.entries)
            return self.take(batch, [Result.UNKNOWN] * count, [True] * count)

    stage.fakes.bulk_mailer = Silent(rate=50.0)
    Runner(stage).run(START + timedelta(minutes=5), finish=False)
    assert stage.recount().unknown == 8
    told = (Seen.ACCEPTED, Seen.DELIVERED, Seen.BOUNCED)
    absorb(stage.fakes, [event(stage, number, seen) for number, seen in enumerate(told, 1)])
    absorb(stage.fakes, [event(stage, 0, Seen.REJECTED)])
    totals = stage.recount()
    assert (totals.failed, totals.sent, totals.unknown, totals.conserved) == (1, 3, 4, True)


def test_a_hard_bounce_and_a_complaint_suppress_the_customer() -> None:
    """Nobody who bounced or complained is mailed again; a soft bounce changes nothing but the proof."""
    stage = sent_stage()
    entries = stage.fakes.bulk_mailer.accepted
    bodies = [
        payload("Bounce", entries[0].tag, entries[0].to, bounceType="Permanent"),
        payload("Bounce", entries[1].tag, entries[1].to, bounceType="Transient"),
        payload("Complaint", entries[2].tag, entries[2].to.upper()),
    ]
    messages = [{"messageId": str(number), "body": sns(body)} for number, body in enumerate(bodies)]
    assert handler.handle(messages, stage.fakes) == []
    records = stage.fakes.contacts.read(stage.session, [stage.ids[e.to] for e in entries[:3]])
    reasons = [r.suppression.reason if r.suppression else None for r in records]
    assert reasons == [SuppressionReason.BOUNCED, None, SuppressionReason.COMPLAINED]
    totals = judge(stage)
    assert (totals.bounced, totals.complained, totals.sent) == (1, 1, 8)


def sns(body: object) -> str:
    """What a queue gets of an SNS notification."""
    return json.dumps({"Type": "Notification", "Message": json.dumps(body)})


def test_an_object_of_firehose_is_taken_in_whole() -> None:
    """Events by the line, garbage between them, an event of another mail, and a half line at the end."""
    stage = sent_stage()
    entries = stage.fakes.bulk_mailer.accepted
    texts = [json.dumps(payload("Delivery", e.tag, e.to)) for e in entries]
    texts[3:3] = ["", "{", "[]", "null", json.dumps({"eventType": "Send", "mail": {"tags": {}}})]
    stage.fakes.blobs.put(None, "EVENTS/2026/a", "\n".join(texts).encode(), "text/plain")
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": "EVENTS/2026/a"}}}
    body = json.dumps({"Records": [record]})
    for _ in range(2):
        assert handler.handle([{"messageId": "1", "body": body}], stage.fakes) == []
        assert judge(stage).delivered == 8


Forge = Callable[[Stage], dict[str, Any]]


def _entry(stage: Stage, number: int = 0) -> Any:
    return stage.fakes.bulk_mailer.accepted[number]


FORGED: dict[str, Forge] = {
    "another recipient": lambda s: payload("Complaint", _entry(s).tag, _entry(s, 1).to),
    "a stranger": lambda s: payload("Complaint", _entry(s).tag, "stranger@example.com"),
    "not an address": lambda s: payload("Complaint", _entry(s).tag, "\u0000"),
    "another partner": lambda s: payload("Complaint", _tag(s, 0, "prt_" + "2" * 26), _entry(s).to),
    "another campaign": lambda s: payload("Complaint", _tag(s, 1, "cmp_" + "2" * 26), _entry(s).to),
    "an attempt that never was": lambda s: payload("Complaint", _tag(s, 6, "9"), _entry(s).to),
    "a batch that never was": lambda s: payload("Complaint", _tag(s, 5, "77"), _entry(s).to),
    "a place that never was": lambda s: payload("Complaint", _tag(s, 7, "49"), _entry(s).to),
    "an unsubscribed place": lambda s: payload("Complaint", _suppressed_tag(s), list(s.ids)[2]),
}


def _tag(stage: Stage, part: int, value: str) -> str:
    parts = _entry(stage).tag.split("-")
    parts[part] = value
    return "-".join(parts)


def _suppressed_tag(stage: Stage) -> str:
    """The tag of a place whose customer was left out."""
    wanted = stage.ids[list(stage.ids)[2]]
    for entry in stage.fakes.bulk_mailer.accepted:
        ref = read_tag(entry.tag)
        manifest = stage.fakes.ledger.manifest(stage.session, ref.key.slice)
        assert manifest is not None
        members = manifest.members(ref.key.batch)
        if wanted in members:
            return entry.tag.rpartition("-")[0] + f"-{members.index(wanted)}"
    raise AssertionError


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_event_changes_nothing(name: str) -> None:
    """Promise of C5: 0 forged events accepted."""
    stage = sent_stage()
    before, writes = stage.recount(), stage.fakes.contacts.writes
    body = sns(FORGED[name](stage))
    assert handler.handle([{"messageId": "1", "body": body}], stage.fakes) == []
    assert stage.recount() == before == judge(stage)
    assert stage.fakes.contacts.writes == writes


@pytest.mark.parametrize("body", [
    None, 1, [], {}, {"eventType": "Delivery"}, {"eventType": "Nonsense", "mail": {"tags": {"message": ["x"]}}},
    payload("Delivery", "x", "a@example.com"), payload("Delivery", "-------", "a@example.com"),
    payload("Delivery", f"{PARTNER}-{CAMPAIGN}-1-1-0-0-1-01", "a@example.com"),
    payload("Delivery", f"{PARTNER}-{CAMPAIGN}-1-1-256-0-1-1", "a@example.com"),
    payload("Delivery", f"{PARTNER}-{CAMPAIGN}-1-1-0-0-0-1", "a@example.com"),
    payload("Delivery", f"{PARTNER}-{CAMPAIGN}-1-1-0-0-1-٣", "a@example.com"),
    payload("Delivery", f"{PARTNER}#-{CAMPAIGN}-1-1-0-0-1-1", "a@example.com"),
    {**payload("Delivery", f"{PARTNER}-{CAMPAIGN}-1-1-0-0-1-1", "a@example.com"), "delivery": {"timestamp": "soon"}},
    payload("Bounce", f"{PARTNER}-{CAMPAIGN}-1-1-0-0-1-1", "a@example.com"),
])
def test_what_is_no_event_of_ours_is_foreign(body: object) -> None:
    """Garbage is told from an event by its shape alone."""
    with pytest.raises(Foreign):
        event_of(body)


def test_a_failure_of_the_store_brings_the_message_again() -> None:
    """What could not be written is tried again; the rest of the batch is not."""
    from chalicelib.domain.errors import Retryable
    from tests.fakes.sending import FakeLedger

    stage = sent_stage()

    class Weak(FakeLedger):
        def saw(self, *args: Any, **kwargs: Any) -> None:
            raise Retryable("throttled")

    weak = Weak()
    weak.__dict__.update(stage.fakes.ledger.__dict__)
    stage.fakes.ledger = weak
    records = [
        {"messageId": "good", "body": "not JSON"},
        {"messageId": "again", "body": sns(payload("Open", _entry(stage).tag, _entry(stage).to))},
        {"messageId": "test", "body": json.dumps({"Event": "s3:TestEvent"})},
    ]
    assert handler.handle(records, stage.fakes) == ["again"]


@pytest.mark.parametrize(("seen", "reason"), [
    (Seen.BOUNCED, HoldReason.BOUNCES), (Seen.COMPLAINED, HoldReason.COMPLAINTS),
])
def test_too_many_bounces_or_complaints_hold_the_campaign(seen: Seen, reason: HoldReason) -> None:
    """The guard holds once; what a person resumed is not held for the same reason again."""
    stage = Stage(contacts=600, rate=10.0)
    runner = Runner(stage)
    while sum(stage.accepted.values()) < 450:
        runner.run(runner.clock.now() + timedelta(milliseconds=500), finish=False)
    assert stage.campaign.state is State.SENDING
    absorb(stage.fakes, [event(stage, n, seen) for n in range(40)])
    assert (stage.campaign.state, stage.campaign.hold_reason) == (State.HELD, reason)
    runner.run(runner.clock.now() + timedelta(minutes=5))
    judge(stage)
    stage.resume()
    absorb(stage.fakes, [event(stage, n, seen) for n in range(41)])
    assert not _held(stage)
    runner.run(runner.clock.now() + timedelta(hours=2))
    assert judge(stage).pending == 0
    assert stage.campaign.state.final


def _held(stage: Stage) -> bool:
    return stage.campaign.state is State.HELD


def test_keys_of_uploads_are_read_from_both_kinds_of_notification() -> None:
    """S3's own notification (URL-encoded keys) and EventBridge's."""
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"object": {"key": "EVENTS/a+b%3D"}}}
    assert uploaded_keys({"Records": [record]}) == ["EVENTS/a b="]
    assert uploaded_keys({"detail-type": "Object Created", "detail": {"object": {"key": "EVENTS/x"}}}) == ["EVENTS/x"]
    assert uploaded_keys({"Event": "s3:TestEvent"}) == uploaded_keys("x") == []


def test_lines_are_cut_from_any_chunks_and_endless_ones_are_dropped() -> None:
    """A stream is never held whole."""
    text = b"one\n\ntwo\nthree"
    for size in range(1, 9):
        assert list(lines(text[i:i + size] for i in range(0, len(text), size))) == [b"one", b"two", b"three"]
    endless = [b"a\n", *[b"x" * 100_000] * 4, b"tail\nb\n"]
    assert list(lines(endless)) == [b"a", b"b"]
