"""Imports end to end: from the form to the counts, killed and doubled at every point."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import pytest

from chalicelib.adapters.unsubscribe import MacTokens
from chalicelib.domain.audience import Skip
from chalicelib.domain.contact import ImportBatch, ImportState, LegalBasis, SuppressionReason
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Refused
from chalicelib.domain.ids import PartnerId, PersonId, make_id
from chalicelib.domain.people import Account, Membership, Person, Role
from chalicelib.domain.scope import Zone
from chalicelib.events import imports as events
from chalicelib.ports.system import QueueName
from chalicelib.usecases import contacts, import_run, imports
from chalicelib.usecases.world import World
from tests.fakes.system import START, FakeSession
from tests.fakes.world import ORG, FakeWorld
from tests.trust.files import HEADER, file_of, people, row

PARTNER = PartnerId(make_id("prt", START, b"0123456789"))
EVA = PersonId(make_id("prs", START, b"eva-------"))


@pytest.fixture
def world() -> FakeWorld:
    """A fresh world."""
    return FakeWorld()


@pytest.fixture
def session(world: FakeWorld) -> FakeSession:
    """The partner's session."""
    return world.session(PARTNER)


def start(world: FakeWorld, session: FakeSession, data: bytes) -> ImportBatch:
    """Start an import and upload its file as a browser would."""
    batch, form = imports.start_import(
        world, EVA, session, file_name="C:\\fakepath\\spring.csv", basis="double_opt_in", source="web form",
        wording="Yes, send me news.", attest=True,
    )
    world.blobs.upload(form, data)
    return batch


def announce(batch: ImportBatch) -> dict[str, object]:
    """S3's notification of the upload."""
    key = imports.upload_key(batch.partner, batch.id).replace("_", "%5F")
    return {"Records": [{"eventName": "ObjectCreated:Post", "s3": {"object": {"key": key, "size": 1}}}]}


def work_off(world: FakeWorld, batch: ImportBatch, *, twice: bool = False) -> ImportBatch:
    """Deliver the notification and all messages that follow."""
    for _ in range(2 if twice else 1):
        events.handle(announce(batch), world)
    world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, world), twice=twice)
    return world.imports.get(world.session(batch.partner), batch.id)


def counts(batch: ImportBatch) -> dict[str, int]:
    """What the result page tells."""
    return {n: getattr(batch, n) for n in ("rows", "added", "updated", "unsubscribed", "rejected")}


def stored(world: FakeWorld, session: FakeSession) -> dict[str, tuple[str, SuppressionReason | None]]:
    """Every contact and suppression: id -> address ("" without contact) and reason."""
    found: dict[str, tuple[str, SuppressionReason | None]] = {}
    for byte in range(256):
        for record in world.contacts.scan(session, byte):
            address = world.vault.open(session, record.contact).address if record.contact else ""
            found[record.id] = (address, record.suppression.reason if record.suppression else None)
    return found


# --- start

def test_starting_records_who_attests_what(world: FakeWorld, session: FakeSession) -> None:
    """Source, wording, basis and the person stand on the batch before any file exists."""
    batch, form = imports.start_import(
        world, EVA, session, file_name="C:\\fakepath\\spring.csv", basis="double_opt_in", source=" fair ",
        wording="Yes", attest=True, next_page=lambda made: f"https://p.example.com/{made}",
    )
    assert imports.detail(world, session, batch.id) == batch == imports.listing(world, session)[0]
    assert (batch.file_name, batch.source, batch.attested_by) == ("spring.csv", "fair", EVA)
    assert form.fields["key"] == f"P/{PARTNER}/imports/{batch.id}.csv"
    assert form.fields["success_action_redirect"] == f"https://p.example.com/{batch.id}"


def test_starting_refuses_all_at_once(world: FakeWorld, session: FakeSession) -> None:
    """Everything missing or wrong is told in one answer, and nothing is stored."""
    with pytest.raises(Refused) as caught:
        imports.start_import(world, EVA, session, file_name="customers.xlsx", basis="yes", source="",
                             wording="x" * 2_001, attest=False)
    assert {(p.field, p.code) for p in caught.value.problems} == {
        ("source", "import.source_missing"), ("wording", "text.too_long"), ("basis", "import.basis"),
        ("file_name", "import.file_name"), ("attest", "import.not_attested"),
    }
    assert imports.listing(world, session) == []


def test_the_review_zone_reaches_nothing(world: FakeWorld, session: FakeSession) -> None:
    """A reviewer's session gets NotFound from every use case of customers, before any store is asked."""
    batch = start(world, session, people(1))
    review = world.session(PARTNER, Zone.REVIEW)
    account = account_of(sees=True)
    calls: list[Callable[[], object]] = [
        lambda: imports.listing(world, review), lambda: imports.detail(world, review, batch.id),
        lambda: imports.refused_rows(world, review, batch), lambda: imports.refused_file(world, review, batch),
        lambda: imports.upload_form(world, review, batch), lambda: contacts.summary(world, review),
        lambda: contacts.preflight(world, review, "de"), lambda: contacts.recount(world, review),
        lambda: contacts.ask_recount(world, review), lambda: contacts.find(world, account, review, "a@example.com"),
        lambda: contacts.stop_mailing(world, EVA, review, "a@example.com"),
        lambda: imports.start_import(world, EVA, review, file_name="a.csv", basis="double_opt_in", source="x",
                                     wording="x", attest=True),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize("bad", ["", "imp_x", "../x", "cmp_" + "0" * 26, "imp_" + "0" * 26])
def test_foreign_and_unknown_imports_look_the_same(world: FakeWorld, session: FakeSession, bad: str) -> None:
    """Another partner's import is as absent as nonsense."""
    batch = start(world, session, people(1))
    other = world.session(PartnerId(make_id("prt", START, b"9999999999")))
    for who, identifier in ((session, bad), (other, batch.id)):
        with pytest.raises(NotFound):
            imports.detail(world, who, identifier)


# --- the whole way

def test_an_import_from_file_to_counts(world: FakeWorld, session: FakeSession) -> None:
    """Rows become sealed customers, unsubscribed ones suppressions, broken ones lines of the refused file."""
    batch = work_off(world, start(world, session, people(30, unsubscribed=[3, 29], broken=[5])))
    assert (batch.state, batch.finished_at, batch.notified) == (ImportState.DONE, START, True)
    assert counts(batch) == {"rows": 30, "added": 27, "updated": 0, "unsubscribed": 2, "rejected": 1}
    addresses = stored(world, session)
    assert sum(1 for a, _ in addresses.values() if a) == 27
    assert sum(1 for _, reason in addresses.values() if reason is SuppressionReason.IMPORTED) == 2
    assert world.queue.kinds(QueueName.NOTICES) == ["import_done"]
    assert contacts.summary(world, session).total == 27
    (refused,) = imports.refused_rows(world, session, batch, with_cells=True)
    assert (refused.number, refused.columns, refused.cells[0]) == (7, "consent_at", "person5@example.com")
    assert "2026-05-31" in refused.reason


def test_the_uploaded_file_does_not_stay(world: FakeWorld, session: FakeSession) -> None:
    """Addresses lie in the clear in no place but the refused file once an import is over."""
    for data in (people(5), b"\xff\xfe broken"):
        batch = work_off(world, start(world, session, data))
        assert batch.settled
        assert world.blobs.get(session, imports.upload_key(PARTNER, batch.id)) == b""
    assert not any(b"person" in data for data in world.blobs.objects.values())


def test_a_second_import_updates(world: FakeWorld, session: FakeSession) -> None:
    """Known customers are updated and keep both consents; those who left stay out."""
    work_off(world, start(world, session, people(10, unsubscribed=[4])))
    world.clock.advance(days=30)
    batch = work_off(world, start(world, session, people(12)))
    assert counts(batch) == {"rows": 12, "added": 3, "updated": 9, "unsubscribed": 0, "rejected": 0}
    assert contacts.preflight(world, session, "de").receive == 11
    assert contacts.preflight(world, session, "de").skipped == {Skip.UNSUBSCRIBED: 1}
    contact = world.vault.contact_id(session, "person0@example.com")
    record = world.contacts.read(session, [contact])[0].contact
    assert record is not None and len(record.consents) == 2 and record.created_at == START


def test_unsubscribes_come_before_the_first_customer(world: FakeWorld, session: FakeSession) -> None:
    """An unsubscribed row at the very end is recorded before any row of the file is added."""
    order: list[str] = []

    class Contacts:
        def __getattr__(self, name: str) -> object:
            if name in ("suppress", "upsert"):
                order.append(name)
            return getattr(world.contacts, name)

    data = file_of(row("a@example.com"), row("b@example.com"), "b@example.com,,,,,unsubscribed")
    batch = start(world, session, data)
    watching = Swapped(world, contacts=Contacts()).as_world()
    import_run.run(watching, PARTNER, batch.id)
    world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, watching))
    assert order == ["suppress", "upsert", "upsert"]
    assert contacts.preflight(world, session, "de").receive == 1


@pytest.mark.parametrize(("data", "code"), [
    (b" ", "import.empty"), ("email\n".encode("utf-16"), "import.utf16"), (b"PK\x03\x04....", "import.workbook"),
    (HEADER.encode(), "import.only_header"), (people(3) + b"\xff", "import.not_utf8"),
    (people(3) + b'"', "import.quotes"), (people(1000) + b"\0", "import.binary"),
    (file_of("x", header="mail"), "import.columns_misspelt"),
])
def test_a_file_refused_as_a_whole_changes_nothing(
    world: FakeWorld, session: FakeSession, data: bytes, code: str,
) -> None:
    """Even if the fault stands in the last byte: no customer is touched, the person is told once."""
    batch = work_off(world, start(world, session, data), twice=True)
    assert (batch.state, batch.problems[0].code) == (ImportState.REFUSED, code)
    assert (stored(world, session), world.contacts.writes) == ({}, 0)
    assert world.queue.kinds(QueueName.NOTICES) == ["import_done"]


def test_a_file_that_is_too_big_is_refused_unread(world: FakeWorld, session: FakeSession) -> None:
    """N32: the size is asked for before the first byte is read."""
    batch = start(world, session, people(1))
    key = imports.upload_key(PARTNER, batch.id)
    world.blobs.objects[key] = b"x" * (20 * 1024 * 1024 + 1)
    batch = work_off(world, batch)
    assert batch.problems[0].code == "import.too_big"


def test_all_rows_refused_is_done_not_refused(world: FakeWorld, session: FakeSession) -> None:
    """The file was right, its rows were not: the result page lists each."""
    batch = work_off(world, start(world, session, people(3, broken=range(3))))
    assert batch.state is ImportState.DONE
    assert counts(batch) == {"rows": 3, "added": 0, "updated": 0, "unsubscribed": 0, "rejected": 3}


def test_a_file_replaced_in_the_middle_is_not_followed(world: FakeWorld, session: FakeSession) -> None:
    """What was checked is what is imported: another file under the same key ends the import."""
    batch = start(world, session, people(import_run.ROWS_A_RUN + 10))
    events.handle(announce(batch), world)
    world.blobs.objects[imports.upload_key(PARTNER, batch.id)] = people(import_run.ROWS_A_RUN + 11)
    world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, world))
    batch = world.imports.get(session, batch.id)
    assert (batch.state, batch.problems[0].code) == (ImportState.REFUSED, "import.file_changed")
    assert len(stored(world, session)) == batch.added == import_run.ROWS_A_RUN


def test_a_long_file_takes_several_bounded_runs(world: FakeWorld, session: FakeSession) -> None:
    """No message writes more rows than the bound; hops are counted and the counts are exact."""
    size = import_run.ROWS_A_RUN * 2 + 150
    batch = start(world, session, people(size, unsubscribed=range(0, size, 100)))
    events.handle(announce(batch), world)
    written = []
    while world.queue.kinds(QueueName.IMPORTS):
        before = world.contacts.writes
        world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, world), limit=1)
        written.append(world.contacts.writes - before)
    batch = world.imports.get(session, batch.id)
    assert batch.state is ImportState.DONE and batch.added == size - batch.unsubscribed
    assert max(written) <= import_run.ROWS_A_RUN and len(written) >= 3
    hops = [m.body["hop"] for m in world.queue.sent if m.body["kind"] == "import"]
    assert hops == list(range(1, len(hops) + 1))


def test_a_chain_of_runs_has_an_end(world: FakeWorld, session: FakeSession, caplog: pytest.LogCaptureFixture) -> None:
    """A message past the hop limit queues no further one and says so."""
    batch = start(world, session, people(import_run.ROWS_A_RUN + 1))
    import_run.run(world, PARTNER, batch.id, hop=import_run.MAX_HOPS)
    assert world.queue.kinds(QueueName.IMPORTS) == [] and "stopped after" in caplog.text


# --- killed, doubled, at once

class Killed(Exception):
    """The process died here."""


class Swapped:
    """A world in which some ports are replaced; ``as_world`` tells mypy that it is one."""

    def __init__(self, world: FakeWorld, **ports: object) -> None:
        self._world, self._ports = world, ports

    def __getattr__(self, name: str) -> object:
        return self._ports.get(name) or getattr(self._world, name)

    def as_world(self) -> World:
        """This, with the type that the use cases ask for."""
        return cast(World, self)


class Mortal:
    """A port whose calls are counted together; at the chosen one the process dies before or after it."""

    def __init__(self, port: object, plan: Plan) -> None:
        self._port, self._plan = port, plan

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)

        def call(*args: object, **kwargs: object) -> object:
            self._plan.calls += 1
            dies = self._plan.calls in self._plan.at
            if dies and not self._plan.after:
                raise Killed
            result = method(*args, **kwargs)
            if dies:
                raise Killed
            return result

        return call


@dataclass
class Plan:
    """At which calls to die, and on which side of them."""

    at: tuple[int, ...]
    after: bool
    calls: int = 0


FILE = people(12, unsubscribed=[2, 7], broken=[4])


def expected(world: FakeWorld) -> tuple[dict[str, int], int]:
    """What an undisturbed import gives: its counts and the number of calls it makes."""
    session = world.session(PARTNER)
    batch = start(world, session, FILE)
    plan = Plan((), after=False)
    run_all(world, batch, plan)
    return counts(world.imports.get(session, batch.id)), plan.calls


def run_all(world: FakeWorld, batch: ImportBatch, plan: Plan) -> None:
    """Deliver until nothing waits, as SQS does: a message whose handling died comes again."""
    names = ("imports", "contacts", "vault", "blobs", "queue")
    mortal = Swapped(world, **{name: Mortal(getattr(world, name), plan) for name in names}).as_world()
    handle_until_it_lives(announce(batch), mortal)
    while any(m.queue is QueueName.IMPORTS for m in world.queue.waiting):
        message = next(m for m in world.queue.waiting if m.queue is QueueName.IMPORTS)
        handle_until_it_lives(message.body, mortal)
        world.queue.waiting.remove(message)


def handle_until_it_lives(message: Mapping[str, object], world: World) -> None:
    """Redelivery after every death."""
    for _ in range(5):
        try:
            events.handle(message, world)
            return
        except Killed:
            continue
    raise AssertionError("it died too often")


UNDISTURBED, CALLS = expected(FakeWorld())


def deaths() -> Iterator[tuple[tuple[int, ...], bool]]:
    """Every call, before and after; and pairs of deaths a few calls apart."""
    for call in range(1, CALLS + 1):
        if not recounting(call):
            for after in (False, True):
                yield (call,), after
                yield (call, call + 3), after


def recounting(call: int) -> bool:
    """Most calls are the 256 reads of the count at the end; a sample of them is enough."""
    return 60 < call < CALLS - 20 and call % 41 != 0


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_call_and_run_again(after: bool) -> None:
    """Whatever call the process dies at, once or twice, redelivery ends with the same exact counts."""
    tried = 0
    for at, side in deaths():
        if side is not after:
            continue
        world = FakeWorld()
        session = world.session(PARTNER)
        batch = start(world, session, FILE)
        run_all(world, batch, Plan(at, after))
        batch = world.imports.get(session, batch.id)
        assert (batch.state, batch.notified, at) == (ImportState.DONE, True, at)
        assert (counts(batch), at) == (UNDISTURBED, at)
        assert "import_done" in world.queue.kinds(QueueName.NOTICES)
        assert sum(1 for address, _ in stored(world, session).values() if address) == UNDISTURBED["added"]
        assert world.blobs.objects[imports.upload_key(PARTNER, batch.id)] == b""
        tried += 1
    assert tried > 80


def test_delivered_twice_counts_once(world: FakeWorld, session: FakeSession) -> None:
    """Every message twice, the notification too: the same counts, one customer each, one notice."""
    batch = work_off(world, start(world, session, FILE), twice=True)
    assert counts(batch) == UNDISTURBED
    assert world.queue.kinds(QueueName.NOTICES) == ["import_done"]
    before = world.contacts.writes
    events.handle(announce(batch), world)
    assert world.contacts.writes == before


def test_two_runs_at_once_count_once(world: FakeWorld, session: FakeSession) -> None:
    """A second run that overtakes the first makes the first give up at its next move of the cursor."""
    batch = start(world, session, people(import_run.CHUNK * 3))
    overtaken: list[bool] = []

    class Contacts:
        def __getattr__(self, name: str) -> object:
            if name == "upsert" and not overtaken:
                overtaken.append(True)
                import_run.run(world, PARTNER, batch.id)
            return getattr(world.contacts, name)

    import_run.run(Swapped(world, contacts=Contacts()).as_world(), PARTNER, batch.id)
    assert world.contacts.writes == import_run.CHUNK * 4, "the overtaken run wrote its chunk and gave up"
    world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, world))
    done = world.imports.get(session, batch.id)
    assert (done.state, done.added, done.updated) == (ImportState.DONE, import_run.CHUNK * 3, 0)


# --- messages that are not for us

@pytest.mark.parametrize("key", [
    f"P/{PARTNER}/imports/imp_{'0' * 26}.csv", f"P/{PARTNER}/content/x.json", "ORG/templates/x", "EVENTS/2026/x",
    "P/prt_x/imports/imp_x.csv", f"P/{PARTNER}/imports/../imports/imp_{'0' * 26}.csv", "",
    f"P/{PARTNER}/imports/imp_{'0' * 26}.csv.exe",
])
def test_uploads_without_an_import_are_dropped(
    world: FakeWorld, session: FakeSession, caplog: pytest.LogCaptureFixture, key: str,
) -> None:
    """No started batch, a foreign or odd key: a log line without the key, and nothing else happens."""
    world.blobs.objects[key] = people(3)
    events.handle({"Records": [{"s3": {"object": {"key": key}}}]}, world)
    assert len(caplog.records) == 1 and world.contacts.writes == 0 and world.queue.sent == []


def test_our_own_files_are_no_uploads(world: FakeWorld, caplog: pytest.LogCaptureFixture) -> None:
    """The refused file announces itself, too; so does a new subscription."""
    caplog.set_level(logging.DEBUG)
    key = f"P/{PARTNER}/imports/imp_{'0' * 26}-refused.csv"
    events.handle({"Records": [{"s3": {"object": {"key": key}}}]}, world)
    events.handle({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, world)
    assert caplog.records == []


@pytest.mark.parametrize("message", [
    {"v": 2, "kind": "import"}, {"kind": "import"}, {"v": 1, "kind": "export", "partner": PARTNER},
])
def test_unknown_messages_go_to_the_dead_letters(world: FakeWorld, message: dict[str, object]) -> None:
    """A message of a newer program is kept for it, not dropped."""
    with pytest.raises(Permanent):
        events.handle(message, world)


# --- counts and single customers

def account_of(*, sees: bool, partner: PartnerId = PARTNER) -> Account:
    """A member of a partner."""
    person = Person(id=EVA, address="eva@example.com", name="Eva", created_at=START)
    membership = Membership(person=EVA, role=Role.PARTNER_ADMIN, org=ORG, partner=partner, sees_contacts=sees)
    return Account(person, (membership,))


def test_counts_by_basis_reason_and_market(world: FakeWorld, session: FakeSession) -> None:
    """The page tells who could be mailed where, why others not, and when that was counted."""
    rows = [row(f"p{n}@example.com", basis=b) for n, b in enumerate(
        ["double_opt_in", "double_opt_in", "us_opt_out", "safety_only", "existing_customer"])]
    work_off(world, start(world, session, file_of(*rows)))
    contacts.stop_mailing(world, EVA, session, "P4@EXAMPLE.com")
    assert contacts.preflight(world, session, "de").receive == 3, "the count is as of the import"
    world.clock.advance(minutes=5)
    contacts.ask_recount(world, session)
    world.queue.deliver(QueueName.IMPORTS, lambda m: events.handle(m, world))
    german, american = (contacts.preflight(world, session, market) for market in ("de", "us"))
    assert (german.audience, german.receive) == (5, 2)
    assert german.skipped == {Skip.NO_CONSENT: 2, Skip.MANUAL: 1}
    assert (american.receive, american.skipped) == (3, {Skip.NO_CONSENT: 1, Skip.MANUAL: 1})
    found = contacts.summary(world, session, "us")
    assert found.as_of == world.clock.now() and found.mailable == 3
    assert found.suppressed == {SuppressionReason.MANUAL: 1}
    assert found.by_basis == {LegalBasis.DOUBLE_OPT_IN: 2, LegalBasis.SAFETY_ONLY: 1, LegalBasis.US_OPT_OUT: 1}


def test_before_the_first_import_there_is_nobody(world: FakeWorld, session: FakeSession) -> None:
    """Never counted reads as zero, with no time."""
    assert contacts.summary(world, session) == contacts.Summary()
    assert contacts.preflight(world, session, "de").as_of is None


def test_single_customers_need_the_right(world: FakeWorld, session: FakeSession) -> None:
    """Without the right, and at another partner, a customer is as absent as an unknown address."""
    work_off(world, start(world, session, people(2)))
    found = contacts.find(world, account_of(sees=True), session, " Person1@Example.com ")
    assert (found.address, found.profile["first_name"], len(found.consents)) == ("person1@example.com", "Anna", 1)
    assert "person1" not in repr(found)
    elsewhere = PartnerId(make_id("prt", START, b"elsewhere-"))
    known = "person1@example.com"
    for account, address in (
        (account_of(sees=False), known), (account_of(sees=True, partner=elsewhere), known),
        (account_of(sees=True), "nobody@example.com"),
    ):
        with pytest.raises(NotFound) as caught:
            contacts.find(world, account, session, address)
        assert str(caught.value) == "customer"


def test_stopping_by_hand_tells_nothing(world: FakeWorld, session: FakeSession) -> None:
    """It works for every address, known or not, before any import, and once."""
    assert contacts.stop_mailing(world, EVA, session, "Someone@example.com") is True
    assert contacts.stop_mailing(world, EVA, session, "someone@EXAMPLE.com") is False


# --- the refused file

def test_the_refused_file_is_safe_and_comes_back(world: FakeWorld, session: FakeSession) -> None:
    """N22: formulas are neutralised on the way out, and the corrected file imports as meant."""
    data = file_of(row("=cmd@example", name="=1+1"), row("b@example.com", name="@x", at=""), row("c@example.com"))
    batch = work_off(world, start(world, session, data.replace(b",", b";")))
    assert counts(batch)["rejected"] == 2
    refused = imports.refused_file(world, session, batch).decode("utf-8-sig")
    assert refused.splitlines()[0] == ('"refused_row";"refused_column";"refused_reason";"email";"first_name";'
                                       '"consent_basis";"consent_at";"consent_source";"status"')
    assert '"\'=cmd@example"' in refused and '"\'=1+1"' in refused and '"\'@x"' in refused and '"=' not in refused
    assert '"double_opt_in";"";' in refused
    lines = imports.refused_rows(world, session, batch, with_cells=True)
    assert [line.cells[1] for line in lines] == ["=1+1", "@x"]
    assert [line.cells for line in imports.refused_rows(world, session, batch)] == [(), ()]
    assert [line.number for line in imports.refused_rows(world, session, batch, start=1, limit=1)] == [3]

    corrected = refused.replace('"double_opt_in";"";', '"double_opt_in";"2026-01-15";').encode("utf-8-sig")
    again = work_off(world, start(world, session, corrected))
    assert counts(again) == {"rows": 2, "added": 1, "updated": 0, "unsubscribed": 0, "rejected": 1}
    opened = contacts.find(world, account_of(sees=True), session, "b@example.com")
    assert opened.profile == {"first_name": "@x"}
    assert imports.refused_rows(world, session, again, with_cells=True)[0].cells[:2] == ("=cmd@example", "=1+1")


def test_without_refusals_there_is_no_file(world: FakeWorld, session: FakeSession) -> None:
    """The page offers none and the address of it is not found."""
    batch = work_off(world, start(world, session, people(2)))
    assert imports.refused_rows(world, session, batch) == []
    with pytest.raises(NotFound):
        imports.refused_file(world, session, batch)


def test_a_settled_import_takes_no_file(world: FakeWorld, session: FakeSession) -> None:
    """The upload form is for the time before the file arrived."""
    batch = work_off(world, start(world, session, people(2)))
    with pytest.raises(Conflict):
        imports.upload_form(world, session, batch)


# --- the canary

def test_no_person_reaches_a_log_or_an_error(
    world: FakeWorld, session: FakeSession, caplog: pytest.LogCaptureFixture,
) -> None:
    """A customer's address and name stand in no log line, message, notice, batch or exception of an import."""
    caplog.set_level(logging.DEBUG)
    data = file_of(row("canary@example.com", name="Canary"), row("canary@", name="Canary"), row("canary@example.com"))
    batch = work_off(world, start(world, session, data))
    assert counts(batch)["rejected"] == 2
    told = [caplog.text, repr(batch), repr([m.body for m in world.queue.sent])]
    told.append(repr(imports.refused_rows(world, session, batch, with_cells=True)))
    for wrong in ("canary person@example.com", "canary@" + "x" * 400):
        with pytest.raises(Refused) as caught:
            contacts.find(world, account_of(sees=True), session, wrong)
        told.append(str(caught.value))
    token = MacTokens(b"0123456789abcdef").make(PARTNER, world.vault.contact_id(session, "canary@example.com"), "")
    assert "canary" not in "".join([*told, token]).lower()
