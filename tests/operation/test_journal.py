"""What the journal keeps of claims: everybody who may be mailed, before the mail, a page of batches in one object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as_self
from chalicelib.adapters.journal import GOOD_FOR, Announced, united
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.ledger import Attempt, Mark
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.scope import Zone
from chalicelib.domain.tag import read_tag
from chalicelib.ports.operation import Replay
from chalicelib.ports.system import PartnerSession
from chalicelib.wiring import Container
from tests.contract.backends import SETTINGS, Backend, new_partner, own_keys
from tests.contract.values import new_id
from tests.fakes.system import START, FakeClock
from tests.isolation.judge import administrator
from tests.sending.stage import Runner, Stage, judge, people_go_on

A, X = Mark.ADDRESSED, Mark.ABSENT


def attempt(key: SliceKey, batch: int, *marks: int, number: int = 1) -> Attempt:
    """A claim of one batch."""
    return Attempt(
        key=BatchKey(key, batch, number), marks=bytes(marks), nonce=b"n" * 8, claimed_at=START,
        deadline=START + timedelta(minutes=2))


@pytest.fixture
def key() -> SliceKey:
    """A slice of a campaign that no other test has."""
    return SliceKey(Run(CampaignId(new_id("cmp"))), 0)


@pytest.fixture
def deployment(moto: Backend) -> Iterator[tuple[Container, PartnerSession]]:
    """A deployment on moto and a partner's session; reading the journal is an operator's, so nothing is judged."""
    clients = Clients(SETTINGS.region, own=own_keys)
    settings = moto.container(FakeClock())[0].settings
    container = Container(settings, clock=FakeClock(), clients=clients)
    yield container, container.sessions.open(new_partner(), Zone.PARTNER)


def objects(container: Container, session: PartnerSession) -> int:
    """How many objects the partner's journal has."""
    with administrator(), acting_as_self():
        found = container.clients.get("s3").list_objects_v2(
            Bucket=container.settings.bucket, Prefix=f"JOURNAL/{session.partner}/")
    return int(found["KeyCount"])


def kept(container: Container, session: PartnerSession) -> Replay:
    """What an operator finds there."""
    with administrator():
        return container.journal.since(session.partner, START - timedelta(minutes=1))


def test_announced_claims_are_one_object(deployment: tuple[Container, PartnerSession], key: SliceKey) -> None:
    """Ten batches that were announced together cost one object, and come back as ten claims."""
    container, session = deployment
    claims = [attempt(key, n, A, A, X) for n in range(10)]
    container.ledger.announce(session, [replace(claim, nonce=b"") for claim in claims])
    for claim in claims:
        container.ledger.claim(session, replace(claim, claimed_at=START + timedelta(seconds=20)))
    assert objects(container, session) == 1
    found = kept(container, session).claims
    assert [c.key for c in found] == [c.key for c in claims]
    assert {c.marks for c in found} == {bytes([A, A, X])}


@pytest.mark.parametrize("case", ["not announced", "long ago", "somebody more", "another attempt", "another process"])
def test_a_claim_that_no_announcement_covers_is_kept_by_itself(
    deployment: tuple[Container, PartnerSession], key: SliceKey, case: str,
) -> None:
    """Nobody can be mailed under a claim that the journal has not got, whatever a caller forgets."""
    container, session = deployment
    claim = attempt(key, 0, A, A, X)
    if case != "not announced":
        container.ledger.announce(session, [claim])
    if case == "long ago":
        claim = replace(claim, claimed_at=START + GOOD_FOR + timedelta(seconds=1))
    elif case == "somebody more":
        claim = replace(claim, marks=bytes([A, A, A]))
    elif case == "another attempt":
        claim = replace(claim, key=claim.key._replace(attempt=2))
    elif case == "another process":
        container.ledger.announced = Announced()  # type: ignore[attr-defined]
    before = objects(container, session)
    container.clock.advance(seconds=1)  # type: ignore[attr-defined]
    container.ledger.claim(session, claim)
    assert objects(container, session) == before + 1
    assert {c.key: c.marks for c in kept(container, session).claims}[claim.key] == claim.marks


def test_who_is_left_out_costs_no_object(deployment: tuple[Container, PartnerSession], key: SliceKey) -> None:
    """A batch that addresses nobody has nothing to remember."""
    container, session = deployment
    container.ledger.announce(session, [attempt(key, 0, X, X)])
    container.ledger.claim(session, attempt(key, 0, Mark.UNSUBSCRIBED, X))
    assert objects(container, session) == 0


def test_starts_and_the_bits_of_the_cap_are_kept(deployment: tuple[Container, PartnerSession], key: SliceKey) -> None:
    """What the frequency cap goes by outlives the tables, too."""
    container, session = deployment
    start = Started(run=key.run, at=START, slices=4)
    manifest = Manifest(key=key, ids=b"i" * 48, window=2, made_at=START, capped=b"\x05")
    container.ledger.enter(session, start)
    container.ledger.freeze(session, manifest)
    found = kept(container, session)
    assert (found.starts, found.manifests) == ((start,), (manifest,))


def test_of_two_entries_of_a_claim_everybody_counts(key: SliceKey) -> None:
    """Announced, not claimed, and announced again with others: whoever stands in either may have been mailed."""
    first, second = attempt(key, 0, A, X, X), replace(attempt(key, 0, X, X, A), deadline=START + timedelta(hours=1))
    other = attempt(key, 1, A)
    assert united([first, other, second]) == (
        replace(first, marks=bytes([A, X, A]), deadline=second.deadline), other)


class _Kept:
    """The ledger's port as the sender sees it; ``known`` is what a journal would hold."""

    def __init__(self, stage: Stage) -> None:
        self._real = stage.fakes.ledger
        self._last = Announced()
        self.known: set[tuple[BatchKey, int]] = set()
        self.by_itself = self.pages = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def announce(self, session: PartnerSession, attempts: list[Attempt]) -> None:
        """As the journal does it."""
        self._last = Announced(attempts)
        self.known |= {(a.key, i) for a in attempts for i in a.addressed()}
        self.pages += 1

    def claim(self, session: PartnerSession, claim: Attempt) -> None:
        """As the journal does it."""
        if claim.addressed() and not self._last.covers(claim):
            self.by_itself += 1
            self.known |= {(claim.key, i) for i in claim.addressed()}
        self._real.claim(session, claim)


@pytest.mark.parametrize("rate", [1.0, 3.0, 50.0])
def test_the_sender_announces_whatever_it_claims(rate: float) -> None:
    """No claim of a whole campaign has to be written by itself, and everybody who was mailed was announced."""
    stage = Stage(contacts=40, rate=rate)
    ledger = _Kept(stage)
    stage.fakes.ledger = ledger  # type: ignore[assignment]
    people_go_on(Runner(stage))
    judge(stage)
    refs = [read_tag(entry.tag) for entry in stage.fakes.bulk_mailer.accepted]
    assert {(ref.key, ref.ordinal) for ref in refs} == ledger.known
    assert ledger.by_itself == 0
    assert ledger.pages <= len(stage.fakes.bulk_mailer.calls)
