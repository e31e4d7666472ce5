"""Values for the contract suite: everything filled, so that nothing is lost unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import audit
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import (
    Ask,
    Campaign,
    Digests,
    Draft,
    FindingRecord,
    HoldReason,
    OnLapse,
    Replaced,
    Revision,
    State,
    Verdict,
)
from chalicelib.domain.cap import Cap
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, PersonId, ProgrammeId, TemplateId, base32
from chalicelib.domain.partner import (
    Agreement,
    LegalEntity,
    Participation,
    ParticipationState,
    Partner,
    PartnerState,
    Sender,
)
from chalicelib.domain.people import Link, Membership, Person, Purpose, Role, Session
from chalicelib.domain.programme import Programme
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import Region, RegionType, Slot, TemplateVersion
from tests.contract.backends import number
from tests.fakes.system import START

HEX = "0123456789abcdef" * 4
EMMA = PersonId(f"prs_{base32(1)}")
TEMPLATE = TemplateId(f"tpl_{base32(1)}")


def new_id(prefix: str) -> str:
    """An id that no other test has; later ones sort behind."""
    return f"{prefix}_{base32(number())}"


def person(address: str) -> Person:
    """Somebody new."""
    return Person(id=PersonId(new_id("prs")), address=address, name="Zoë Ångström", language="de", created_at=START)


def membership(who: Person, org: OrgId, partner: PartnerId | None, role: Role = Role.PARTNER_ADMIN) -> Membership:
    """A role with every field set."""
    return Membership(
        person=who.id, role=role, org=org, partner=partner, partner_name="Rad & Tat", granted_by=EMMA,
        expires_at=START + timedelta(days=30), sees_contacts=True,
    )


def session(who: Person) -> Session:
    """A signed-in browser."""
    return Session(
        person=who.id, secret_hash=f"{number():064x}", csrf="c" * 32, generation=who.generation, created_at=START,
        expires_at=START + timedelta(days=14), agent="Firefox",
    )


def link(who: PersonId = EMMA) -> Link:
    """A review link."""
    return Link(
        token_hash=f"{number():064x}", purpose=Purpose.REVIEW, person=who, generation=1, created_at=START,
        expires_at=START + timedelta(days=30), partner=PartnerId(new_id("prt")), campaign=CampaignId(new_id("cmp")),
        revision=2, stage=1, digest=f"{HEX}.{HEX}", code=HEX, tries=0,
    )


def template(number_: int, template_id: TemplateId | None = None) -> TemplateVersion:
    """A version with a region and a slot."""
    return TemplateVersion(
        template=template_id or TemplateId(new_id("tpl")), number=number_, scope=Scope(OrgId("org_x"), "main", "de"),
        name="Frühling", language="de", html="<p>Hallo ✓ </p>", slots=(Slot("greeting", 3, 9),),
        regions=(Region(id="greeting", type=RegionType.TEXT, label="Gruß", choices=("a", "b"), max_length=40),),
        merge_fields=(("first_name", "Kunde"),), subject="Hallo", preheader="Neu", source_sha256=HEX,
        published_by=EMMA, published_at=START + timedelta(minutes=number_),
    )


def programme(org: OrgId) -> Programme:
    """A programme with every field set."""
    return Programme(
        id=ProgrammeId(new_id("prg")), scope=Scope(org), title="Spring service", brief="Bring your bike",
        template=TEMPLATE, template_version=3, opens_at=START, closes_at=START + timedelta(days=60),
        groups=frozenset({"gold", "silver"}), reviewers=(EMMA,), defaults=(("headline", "Spring"),),
        cap=Cap(2, 30), created_at=START, version=1,
    )


def partner(partner_id: PartnerId, org: OrgId) -> Partner:
    """A partner with every field set."""
    return Partner(
        id=partner_id, org=org, name="Rad & Tat", market="de", language="de", zone="Europe/Berlin",
        groups=frozenset({"gold"}), state=PartnerState.ACTIVE,
        entity=LegalEntity(
            version=2, name="Rad & Tat GmbH", street="Ring 1", postal_code="50667", city="Köln", country="DE",
            register="HRB 1", vat_id="DE1", represented_by="Z. Å.", email="info@rad.example", phone="+49 1",
        ),
        sender=Sender(address="rad@mail.example.com", display_name="Rad & Tat", reply_to="a@b.example", verified=True),
        agreements=(Agreement(kind="terms", version="1", person=EMMA, accepted_at=START),),
        created_at=START, version=1,
    )


def participation(partner_id: PartnerId) -> Participation:
    """A part in a programme."""
    return Participation(
        partner=partner_id, programme=ProgrammeId(new_id("prg")), title="Spring", opens_at=START,
        closes_at=START + timedelta(days=9), state=ParticipationState.JOINED, campaigns=2, params={"a": "b"},
    )


def send_time() -> SendTime:
    """A start."""
    return SendTime(
        local="2026-03-09T10:00", zone="America/Argentina/ComodRivadavia", fold=0, at=START + timedelta(days=7),
        tzdata="2025.2",
    )


def campaign(org: OrgId, partner_id: PartnerId, programme_id: ProgrammeId | None = None) -> Campaign:
    """A new draft."""
    return Campaign(
        id=CampaignId(new_id("cmp")), org=org, partner=partner_id, programme=programme_id or ProgrammeId(new_id("prg")),
        name="Frühjahrscheck", created_by=EMMA, updated_at=START,
    )


def full_campaign(org: OrgId, partner_id: PartnerId) -> Campaign:
    """A campaign in which no field is empty, each as long as it gets."""
    return replace(
        campaign(org, partner_id), name="N" * 80, state=State.HELD, version=12_345, revision=99, epoch=1_234,
        submitted_by=EMMA, digests=Digests(partner=HEX, frame=HEX[::-1]), lane="one", stage=3, start=send_time(),
        on_lapse=OnLapse.NEXT_SLOT, approved_at=START, started_at=START, slices=256, held_from=State.SENDING,
        hold_reason=HoldReason.COMPLAINTS, bracket="50001-100000", next_at=START + timedelta(days=7),
        queued_until=START, outbox=("review_request", "decided"), audit_sequence=123_456, audit_hash=HEX,
    )


def draft(of: Campaign) -> Draft:
    """Its draft."""
    return Draft(
        campaign=of.id, template=TEMPLATE, template_version=3, subject="S", preheader="P",
        values={"greeting": "Hallo", "empty": ""}, local_time="2026-03-09T10:00", zone="Europe/Berlin", fold="1",
        on_lapse=OnLapse.NEXT_SLOT, saved_at=START, saved_by=EMMA,
        undo=(Replaced(texts={"subject": "", "v.greeting": "Hi"}, gone=("v.empty",)), Replaced()),
        redo=(Replaced(texts={"zone": "UTC"}),),
    )


def entry(of: Campaign, previous: AuditEntry | None = None, action: str = "create") -> AuditEntry:
    """The next audit entry."""
    return audit.extend(
        previous.sequence if previous else 0, previous.hash if previous else audit.GENESIS, campaign=of.id,
        at=START, actor=EMMA, action=action, details={"revision": 1, "name": "ü"},
    )


def revision(of: Campaign, number_: int = 1) -> Revision:
    """A revision with every field set."""
    return Revision(
        campaign=of.id, number=number_, template=TEMPLATE, template_version=3, language="de", subject="S",
        preheader="P", values={"greeting": "Hallo"}, content=HEX, locked_sha256=HEX, merge_fields=(("a", "b"),),
        assets=("x",), audience_rule="all", bracket="1-50", start=send_time(), on_lapse=OnLapse.EXPIRE,
        sender_address="a@b.example", sender_name="Rad", reply_to="c@d.example", entity_version=2,
        imprint_sha256=HEX, headers=(("List-Unsubscribe-Post", "One-Click"),), message_class="marketing",
        digests=Digests(partner=HEX, frame=HEX),
        findings=(FindingRecord(code="LEG001", severity="warning", state="open", region="r", quote="q",
                                params={"n": 1, "s": "x"}),),
        submitted_by=EMMA, submitted_at=START, note="please",
    )


def ask(of: Campaign, number_: int = 1, verdict: Verdict | None = None) -> Ask:
    """A reviewer who is asked."""
    return Ask(
        campaign=of.id, revision=number_, stage=0, person=EMMA, person_name="Emma", asked_at=START,
        verdict=verdict, reason="because" if verdict else "", answered_at=START if verdict else None,
    )
