"""A whole campaign against AWS's interfaces: every function's own handler, every call judged, every line kept.

From an empty deployment to bounces and unsubscribes: head office, a partner and its file of customers, a
reviewer, ticks, plans, sending, SES's events, the news. What people do on pages is done by the use cases
behind them, each in the name of the function that serves the page. It runs on moto in this process
and on the local emulator alike.
"""

from __future__ import annotations

import base64
import email
import email.policy
import io
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib import wiring
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.schema import Names, ensure
from chalicelib.adapters.secret import CONTEXT
from chalicelib.domain import kit
from chalicelib.domain.asset import Box, Details
from chalicelib.domain.book import BookKind
from chalicelib.domain.campaign import Actor, Campaign, HoldReason, State, Verdict
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import ImportId, OrgId, PartnerId, base32, make_id
from chalicelib.domain.people import Person, Role
from chalicelib.domain.scope import Zone
from chalicelib.domain.totals import Totals
from chalicelib.observe import JsonLines, current
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.usecases import (
    assets,
    contacts,
    control,
    decision,
    doctor,
    drafts,
    imports,
    kit_trial,
    partners,
    people,
    programmes,
    progress,
    publish,
    releases,
    review,
    sign_in,
    submit,
    test_mail,
    unsubscribe,
)
from chalicelib.usecases.drafts import Typed
from chalicelib.usecases.programmes import Definition
from chalicelib.usecases.publish import Upload
from chalicelib.wiring import Container
from infra.local import resources, seed, ses
from infra.local.lambdas import Handler, find_handler
from infra.local.pump import Pump, carry_delays, queue_urls
from tests import pictures
from tests.contract.backends import SETTINGS, own_keys
from tests.fakes.system import FakeClock, FakeEntropy
from tests.isolation.judge import JUDGE, Call, acting, administrator
from tests.stage import SOURCE
from tests.usecases.release_stage import LOGO

CANARY = "Canarella"
"""A name that nobody has: each person and customer of the journey carries it."""
ADDRESS = "canary-address"
APP, STAGE = "countersign", "journey"


@dataclass
class Journey:
    """The deployment and what was seen of it."""

    container: Container
    clock: FakeClock
    mailbox: ses.Server
    pump: Pump = field(init=False)
    calls: list[Call] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    wrong: list[str] = field(default_factory=list)
    partner: PartnerId = field(default_factory=lambda: PartnerId(""))
    campaign: Campaign | None = None
    totals: Totals = field(default_factory=Totals)
    health: doctor.Health = field(default_factory=doctor.Health)
    worlds: dict[str, Container] = field(default_factory=dict)
    """Each function is a process of its own: what one has in its cache, another must fetch itself."""
    phases: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Phase -> (function, call) -> how often; of a call that carries several items, how many."""
    sound: str = ""
    """The log of the one campaign that went well, once it is over; what comes after it is not counted either."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the calls made inside."""
        before = len(JUDGE.calls)
        yield
        if not self.sound:
            counted = self.phases.setdefault(name, Counter())
            for call in JUDGE.calls[before:]:
                counted[call.function, call.name] += call.items

    def at(self, function: str) -> Container:
        """The container of one function."""
        if function not in self.worlds:
            first = self.container
            self.worlds[function] = Container(
                first.settings, clock=self.clock, entropy=first.entropy, clients=first.clients)
        return self.worlds[function]

    def find(self, name: str) -> Handler:
        """A function's handler, in its own process as it were."""
        real = find_handler(name)

        def handler(event: Mapping[str, Any], context: object) -> object:
            wiring.install(self.at(name))
            try:
                return real(event, context)
            finally:
                wiring.install(None)

        return handler

    def settle(self) -> None:
        """Deliver until the queues rest; receiving and deleting is Lambda's own work, not the program's."""
        with administrator():
            self.pump.settle()

    def person(self, address: str) -> Person:
        """A person by address."""
        world = self.at(current().function)
        found = world.people.find(address)
        assert found is not None, address
        return world.people.account(found).person

    def session(self, zone: Zone = Zone.PARTNER) -> PartnerSession:
        """The partner's session."""
        return self.at(current().function).sessions.open(self.partner, zone)

    def mails(self, to: str) -> list[str]:
        """The texts of the mails to an address, oldest first; the newest SES call is the last."""
        return [text for recipient, text in self._mails() if recipient == to]

    def received(self) -> dict[str, list[str]]:
        """Customers' addresses -> texts of their mails."""
        found: dict[str, list[str]] = {}
        for recipient, text in self._mails():
            if recipient.endswith(f"{ADDRESS}@example.net"):
                found.setdefault(recipient, []).append(text)
        return found

    def _mails(self) -> Iterator[tuple[str, str]]:
        for entry in reversed(self.mailbox.store.newest()):
            mail = self.mailbox.store.get(entry.id)
            assert mail is not None
            parsed = email.message_from_bytes(self.mailbox.store.eml(mail), policy=email.policy.default)
            body = parsed.get_body(("plain",))
            yield mail.recipient, str(body.get_content()) if body is not None else ""


@contextmanager
def deployment(
    endpoint: str, account: str, *, entropy: int = 77, buffer_seconds: float = 60.0,
) -> Iterator[Journey]:
    """Make a deployment of its own at ``endpoint`` ("": moto) and undo the process's changes at the end.

    SES's endpoint publishes from a thread of its own; with endless ``buffer_seconds`` only a flush does.
    """
    clock, prefix = FakeClock(), f"{APP}-{STAGE}"
    names = Names(APP, STAGE, f"{prefix}-data")
    with administrator():
        clients = Clients("eu-central-1", endpoint=endpoint, own=own_keys)
        ensure(clients, names)
        kms = clients.get("kms")
        key = str(kms.create_key()["KeyMetadata"]["KeyId"])
        sealed = kms.encrypt(KeyId=key, Plaintext=bytes(range(32)), EncryptionContext=CONTEXT)["CiphertextBlob"]
    sqs = clients.get("sqs")
    mailbox = ses.Server(
        ses.Config(store="memory", port=0, max_send_rate=500.0, buffer_seconds=buffer_seconds), clock=clock.now,
        sinks=_Sinks(ses.AwsSinks(
            sqs=sqs, queue_url=sqs_url(sqs, f"{prefix}-feedback"), s3=clients.get("s3"), bucket=names.bucket)),
    )
    settings = replace(
        SETTINGS, app=APP, stage=STAGE, bucket=names.bucket, kms_key=key, endpoint=endpoint,
        partner_role=f"arn:aws:iam::{account}:role/{prefix}-partner",
        review_role=f"arn:aws:iam::{account}:role/{prefix}-review", mail_from=seed.MAIL_FROM,
        secret=f"kms:{base64.b64encode(sealed).decode()}", configuration_set=prefix, ses_endpoint=mailbox.url,
        org_id=OrgId(f"org_{base32(entropy)}"),
    )
    container = Container(settings, clock=clock, entropy=FakeEntropy(entropy), clients=clients)
    mailbox.start()
    with administrator():
        resources.ensure_mail(clients.get("sesv2", endpoint=mailbox.url), prefix, "eu-central-1", seed.SENDERS)
        urls = queue_urls(sqs, prefix)
        carry_delays(sqs, clock)
    made = Journey(container, clock, mailbox)
    made.pump = Pump(sqs, urls, clock, region="eu-central-1", find=made.find)
    with _logging(made.log), _judging(made):
        try:
            yield made
        finally:
            with administrator():
                mailbox.stop()


def sqs_url(sqs: Any, name: str) -> str:
    """A queue's URL."""
    with administrator():
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


class _Sinks:
    """SES, SNS and Firehose write with rights of their own."""

    def __init__(self, inner: ses.AwsSinks) -> None:
        self._inner = inner

    def publish_sns(self, envelope: Any) -> None:
        with administrator():
            self._inner.publish_sns(envelope)

    def put_object(self, key: str, data: bytes) -> None:
        with administrator():
            self._inner.put_object(key, data)


@contextmanager
def _logging(stream: io.StringIO) -> Iterator[None]:
    """Keep every line of every logger of the process, debug included, as a function would write it."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(f"{APP}-{STAGE}"))
    loggers = [logging.getLogger(name) for name in ("countersign", "chalicelib")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextmanager
def _judging(made: Journey) -> Iterator[None]:
    JUDGE.clear()
    JUDGE.keep = True
    try:
        yield
    finally:
        made.calls, made.wrong = list(JUDGE.calls), list(JUDGE.wrong)
        JUDGE.keep = False
        JUDGE.clear()


def people_and_programme(j: Journey) -> None:
    """Head office: an admin (from the command line), a partner, a reviewer, a template and a programme."""
    w = j.at("pages-hq")
    with administrator():
        people.add_admin(j.container, f"hq-{ADDRESS}@{seed.ZONE}", CANARY)
    with acting("pages-hq"), j.phase("a partner joins"):
        admin = j.person(f"hq-{ADDRESS}@{seed.ZONE}")
        j.partner = PartnerId(make_id("prt", w.clock.now(), w.entropy.bytes(10)))
        invitation = replace(
            seed.invitations()[0], id=j.partner, email=f"paula-{ADDRESS}@{seed.ZONE}", person_name=CANARY,
            reply_to=f"reply-{ADDRESS}@{seed.ZONE}",
        )
        partners.invite(w, admin, invitation)
    with acting("pages-hq"):
        people.add_at_hq(w, admin, address=f"rita-{ADDRESS}@{seed.ZONE}", name=CANARY, role=Role.REVIEWER.value)
        version = publish.publish(w, admin, Upload(
            template=make_id("tpl", w.clock.now(), w.entropy.bytes(10)), number=1, name="Spring", language="",
            source=SOURCE.replace(*LOGO),
        ))
        publish.templates(w)
        programmes.define(w, admin, Definition(
            id=make_id("prg", w.clock.now(), w.entropy.bytes(10)), title="Spring", brief="",
            template=f"{version.template}/1", opens="2026-03-02T00:00", closes="2026-04-30T00:00", zone="Europe/Berlin",
            groups="dealers", reviewers=f"rita-{ADDRESS}@{seed.ZONE}",
        ))
        w.programmes.desk(w.programmes.list()[0].id, [j.partner])
        w.indexes.cards(w.programmes.list()[0].id)
        w.partners.cards()
    j.settle()


def customers(j: Journey, count: int) -> None:
    """The partner uploads its file of customers, looks what became of it, and keeps one more from being mailed."""
    batch = imported(j, count)
    w = j.at("pages-partner")
    with acting("pages-partner"):
        session = j.session()
        imports.listing(w, session)
        imports.refused_file(w, session, imports.detail(w, session, batch))
        contacts.summary(w, session)
        contacts.stop_mailing(w, j.person(f"paula-{ADDRESS}@{seed.ZONE}").id, session, f"phone-{ADDRESS}@example.com")
        contacts.ask_recount(w, session)
    j.settle()


def imported(j: Journey, count: int) -> ImportId:
    """The file alone: uploaded, and read to its end."""
    w, rows = j.at("pages-partner"), ["email,first_name,consent_basis,consent_at,consent_source,status"]
    rows += [f"c{n}-{ADDRESS}@example.net,{CANARY},double_opt_in,2026-01-10,shop,subscribed" for n in range(count)]
    rows += [f"gone-{ADDRESS}@example.com,{CANARY},double_opt_in,2026-01-10,shop,unsubscribed", f"bad {ADDRESS},,,,,"]
    with acting("pages-partner"), j.phase("a file of customers"):
        session = j.session()
        batch, _ = imports.start_import(
            w, j.person(f"paula-{ADDRESS}@{seed.ZONE}").id, session, file_name=f"{ADDRESS}.csv",
            basis="double_opt_in", source="shop", wording="Yes, send me news.", attest=True,
        )
        # The browser does this with the form, signed with the same keys.
        w.blobs.put(session, imports.upload_key(j.partner, batch.id), "\n".join(rows).encode(), "text/csv",
                    temporary=True)
    with j.phase("a file of customers"):
        j.settle()
    return batch.id


def images(j: Journey) -> None:
    """Head office and the partner each upload a picture; a part of head office's becomes one of the partner's."""
    hq, w = j.at("pages-hq"), j.at("pages-partner")
    said = Details(name=CANARY, alt=CANARY)
    with acting("pages-hq"):
        admin = j.person(f"hq-{ADDRESS}@{seed.ZONE}")
        theirs = assets.start_upload(hq, admin.id, None, said)
        # The browser does this with the form, signed with the same keys.
        hq.blobs.put(None, assets.upload_key("", theirs.id), pictures.photo(), "image/jpeg")
    with acting("pages-partner"):
        paula, session = j.person(f"paula-{ADDRESS}@{seed.ZONE}"), j.session()
        ours = assets.start_upload(w, paula.id, session, said)
        w.blobs.put(session, assets.upload_key(ours.owner, ours.id), pictures.photo(seed=2), "image/jpeg")
    j.settle()
    with acting("pages-hq"):
        made = hq.assets.get(None, assets.upload(hq, None, theirs.id).asset)
    with acting("pages-partner"):
        part = assets.new_cut(
            w, paula.id, session, said, original=made.sha256, box=Box(0, 0, 90, 90), width=90, campaign="", region="")
        w.uploads.begin(session, part)
        w.queue.put(QueueName.IMPORTS, {"v": 1, "kind": "cut", "partner": j.partner, "upload": part.id})
    j.settle()
    with acting("pages-partner"):
        assert {one.original for one in w.assets.all(session)} == {"", made.sha256}


def signed_in(j: Journey) -> None:
    """The partner's person asks for a link and uses it."""
    w, address = j.at("pages-partner"), f"paula-{ADDRESS}@{seed.ZONE}"
    with acting("pages-partner"):
        sign_in.ask(w, address, "192.0.2.1")
    j.settle()
    found = re.search(r"/sign-in/([\w-]{20,})", j.mails(address)[-1])
    assert found
    with acting("pages-partner"):
        sign_in.look(w, found[1])
        sign_in.consume(w, found[1], "a browser")


def approved(j: Journey) -> None:
    """A draft is written, submitted and decided from the mail."""
    w, hq = j.at("pages-partner"), j.at("pages-hq")
    with acting("pages-partner"), j.phase("a campaign is approved"):
        paula, session = j.person(f"paula-{ADDRESS}@{seed.ZONE}"), j.session()
        campaign = drafts.start(w, session, paula, w.programmes.list()[0].id)
        day = (w.clock.now() + timedelta(days=2)).strftime("%Y-%m-%d")
        drafts.save(w, session, paula, campaign.id, 1, Typed(
            values={"headline": f"Spring at {CANARY}"}, subject=f"Spring with {CANARY}", preheader="Until April",
            local_time=f"{day}T09:00", zone="Europe/Berlin",
        ))
        test_mail.send(w, session, paula, campaign.id)
        submit.submit(w, session, paula, campaign.id, 2, terms=True)
    with j.phase("a campaign is approved"):
        j.settle()
    text = j.mails(f"rita-{ADDRESS}@{seed.ZONE}")[-1]
    token, code = re.search(r"/r/([\w-]+)", text), re.search(r"code[^\d]{1,20}(\d{4,8})", text)
    assert token, text
    assert code, text
    with acting("pages-hq"), j.phase("a campaign is approved"):
        shown = review.look(hq, token[1])
        decision.decide(hq, token[1], Verdict.APPROVE, code=code[1], shown=shown.revision.digests.both)
    j.settle()
    with acting("pages-partner"):
        j.campaign = w.campaigns.get(j.session(), campaign.id)
        w.campaigns.list(j.session())
    assert j.campaign.state is State.APPROVED


def released(j: Journey) -> None:
    """Head office releases new words in every template and a kit; a second person approves; the campaign goes along."""
    hq = j.at("pages-hq")
    with acting("pages-hq"):
        admin = j.person(f"hq-{ADDRESS}@{seed.ZONE}")
        people.add_at_hq(hq, admin, address=f"second-{ADDRESS}@{seed.ZONE}", name=CANARY, role=Role.HQ_ADMIN.value)
        last = (hq.clock.now() + timedelta(days=30)).strftime("%Y-%m-%d")
        made = releases.prepare(hq, admin, releases.Plan(
            id=make_id("rel", hq.clock.now(), hq.entropy.bytes(10)), title="New words", pairs=(("Hello", "Welcome"),),
            kit="banned: {en: [cheapest]}\n", old="until", until=last,
        ))
        kit_trial.dry_run(hq, made.scope, kit.read(made.kit))
        releases.approve(hq, j.person(f"second-{ADDRESS}@{seed.ZONE}"), made.id, shown=made.fingerprint)
    j.settle()
    with acting("pages-hq"):
        known = hq.releases.get(made.id)
        assert [line.outcome.value for result in known.results for line in result.lines] == ["carried"]
        book, = hq.books.versions(BookKind.KIT, made.scope)
        hq.books.rebase(book, before=book.baseline)


def sent(j: Journey, *, minutes: int = 30) -> None:
    """The clock goes on until the campaign is over."""
    assert j.campaign is not None
    assert j.campaign.start is not None
    j.clock.set(j.campaign.start.at - timedelta(seconds=60))
    with j.phase("a campaign is sent"):
        for _ in range(minutes):
            with administrator():
                j.pump.tick()
            j.settle()
            j.clock.advance(minutes=1)
            with acting("pages-partner"):
                now = j.at("pages-partner").campaigns.get(j.session(), j.campaign.id)
            if now.state is not State.SENDING and now.state is not State.APPROVED:
                break
    j.campaign = now


def events(j: Journey) -> None:
    """SES tells what became of the mails."""
    with administrator():
        for entry in j.mailbox.store.newest():
            mail = j.mailbox.store.get(entry.id)
            if mail is not None and mail.recipient.startswith(f"c1-{ADDRESS}"):
                j.mailbox.pages._aftermath.fire(entry.id, "Bounce")
            elif mail is not None and mail.recipient.startswith(f"c2-{ADDRESS}"):
                j.mailbox.pages._aftermath.fire(entry.id, "Open")
        j.clock.advance(minutes=2)
        j.mailbox.publisher.flush()
    with j.phase("events of SES"):
        j.settle()


def left(j: Journey) -> None:
    """A customer leaves by the link in the mail, twice; the partner looks at the numbers."""
    w = j.at("pages-partner")
    texts = j.received()[f"c3-{ADDRESS}@example.net"]
    found = re.search(r"/u/([\w.~-]+)", texts[-1])
    assert found
    with acting("pages-partner"):
        unsubscribe.look(w, found[1])
        with j.phase("an unsubscribe"):
            unsubscribe.unsubscribe(w, found[1])
        session = j.session()
        assert j.campaign is not None
        j.totals = progress.progress(w, session, j.campaign)
        progress.recount(w, session, j.campaign)
        for step in (
            lambda: progress.resend_unknown(w, session, j.campaign.id, by="x"),
            lambda: control.hold(w, session, j.campaign.id, HoldReason.PARTNER, actor=Actor.PARTNER, by="x"),
        ):
            _tried(step)


def _tried(step: Callable[[], object]) -> None:
    """Do what may be refused at this moment; the calls on the way count."""
    try:
        step()
    except (Conflict, NotFound):
        return


def looked_at(j: Journey) -> None:
    """Head office looks at the page of health; the name system is none of AWS's."""
    w = j.at("pages-hq")
    with acting("pages-hq"):
        j.health = doctor.examine(w, w.inspector, None)


def run(j: Journey, *, count: int = 60) -> None:
    """All of it."""
    people_and_programme(j)
    looked_at(j)
    signed_in(j)
    customers(j, count)
    images(j)
    approved(j)
    released(j)
    sent(j)
    events(j)
    left(j)
    j.sound = j.log.getvalue()
