"""The mail that asks a reviewer: facts, code and links on top, then what changed, then the mail itself.

It stays under 90 KB, since Gmail clips at 102 KB, and the campaign's own links in it are dead.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from chalicelib import texts
from chalicelib.domain import content
from chalicelib.domain.campaign import Campaign, FindingRecord, Revision
from chalicelib.domain.errors import Permanent, Problem
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import History
from chalicelib.rendering.dead import dead
from chalicelib.rendering.mails import MailText, render_mail
from chalicelib.texts.times import local_time
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.world import World

LIMIT = 90_000
MAX_QUOTE = 160


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that reads otherwise than in the last approved revision."""

    field: str
    before: str
    after: str


def review_request(
    world: World, session: PartnerSession, *, campaign: Campaign, revision: Revision, history: History,
    partner_name: str, person: Person, url: str, code: str,
) -> MailText:
    """Render the request; if the rendered campaign makes it too long, the link takes its place."""
    programme = world.programmes.get(campaign.programme)
    context: dict[str, Any] = {
        "campaign": campaign, "revision": revision, "partner_name": partner_name, "person": person,
        "org_name": world.facts.org_name, "programme": programme, "url": url, "code": code,
        "findings": [f for f in revision.findings if f.severity != "info"],
        "differences": differences(history, revision),
        "is_first": previous(history, revision) is None,
        "sentence": partial(finding_sentence, language=person.language),
        "when": local_time(revision.start.at, revision.start.zone, language=person.language),
    }
    subject, html, _ = shown(world, session, revision)
    context["subject"] = subject
    rendered = dead(html)
    catalogue = texts.translations(person.language)
    mail = render_mail("review_request", {**context, "rendered": rendered}, catalogue)
    if len(mail.html.encode()) > LIMIT:
        mail = render_mail("review_request", {**context, "rendered": ""}, catalogue)
    return mail


def shown(world: World, session: PartnerSession, revision: Revision) -> tuple[str, str, str]:
    """Subject, HTML and text of exactly the stored content, with each field's default filled in.

    Raises Permanent if the stored bytes are not those that the revision's digests cover.
    """
    from chalicelib.rendering.placeholders import data_for, expand

    stored = content.decode(world.blobs.get(session, content_key(session.partner, revision.content)))
    if stored.sha256 != revision.content:
        raise Permanent("the stored content of a revision was changed")
    return expand(stored, data_for(stored, {}, "#"))


def previous(history: History, revision: Revision) -> Revision | None:
    """The last revision before this one that was approved by somebody."""
    approved = {a.revision for a in history.asks if a.verdict is not None and a.verdict.value == "approve"}
    older = [r for r in history.revisions if r.number < revision.number and r.number in approved]
    return max(older, key=lambda r: r.number, default=None)


def differences(history: History, revision: Revision) -> list[Difference]:
    """What reads otherwise than in the last approved revision, or in the last submitted one."""
    base = previous(history, revision) or max(
        (r for r in history.revisions if r.number < revision.number), key=lambda r: r.number, default=None)
    if base is None:
        return []
    found = [
        Difference(name, str(getattr(base, name)), str(getattr(revision, name)))
        for name in ("subject", "preheader") if getattr(base, name) != getattr(revision, name)
    ]
    if base.start.at != revision.start.at:
        at = [revised.start.local.replace("T", " ") for revised in (base, revision)]
        found.append(Difference("local_time", at[0], at[1]))
    keys = list(dict.fromkeys([*base.values, *revision.values]))
    return found + [
        Difference(key, _cut(base.values.get(key, "")), _cut(revision.values.get(key, "")))
        for key in keys if base.values.get(key, "") != revision.values.get(key, "")
    ]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "…"


def finding_sentence(finding: FindingRecord, language: str = "en") -> str:
    """A finding as the sentence that people read."""
    params = {**finding.params, "quote": finding.quote}
    return texts.sentence(Problem(f"compliance.{finding.code}", finding.region, params), language)
