"""A submitted revision in another version's frame: what it becomes, and whether only its frame differs.

Nothing is stored here. The texts are carried over field by field, rendered and judged like a submission;
then the mail is compared with the one that was approved, place by place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.domain import blocks, digest
from chalicelib.domain.book import Book
from chalicelib.domain.campaign import FindingRecord, Revision
from chalicelib.domain.compliance.document import Demands
from chalicelib.domain.errors import Refused
from chalicelib.domain.partner import Partner
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import RegionType, TemplateVersion
from chalicelib.domain.waiver import Sifted, sift
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import assets, gate, kits, lanes, versions
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.mail import Rendered

UNFIT, RULES, TEXT, COMPANY = "release.unfit", "release.rules", "release.text", "release.company"
"""Why a revision is not carried over: texts do not fit, a rule blocks, it would read otherwise, other legal data."""
PASSED = frozenset({"excepted", "baseline", "asked"})
"""A blocking finding with one of these was let pass when the revision was submitted, and stays so."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A revision in another frame: with its digests, its encoded mail, and why it is not to be carried ("" if it is).

    ``revision`` and ``data`` are None where the texts do not fit at all.
    """

    revision: Revision | None
    data: bytes | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What decides how a mail looks and is judged: the partner, the books in force, and who reads the images."""

    world: World
    partner: Partner
    books: Sequence[Book]
    session: PartnerSession


def fitted(look: Look, revision: Revision, new: TemplateVersion) -> Fitted:
    """Put a revision into a version's frame without storing anything."""
    from chalicelib.rendering.fill import LockedBytesChanged
    from chalicelib.rendering.mail import render

    world, entity = look.world, look.partner.entity
    old = world.templates.get(revision.template, revision.template_version)
    carried = versions.carry(old, new, revision.values)
    subject, preheader = _own(revision.subject, old.subject, new.subject), _own(
        revision.preheader, old.preheader, new.preheader)
    try:
        after = render(new, values=carried.values, subject=subject, preheader=preheader, entity=entity)
    except (Refused, LockedBytesChanged):
        return Fitted(None, None, UNFIT)
    sifted = _sifted(look, new, after, revision)
    known = {_key(f): f for f in revision.findings if PASSED & set(f.params)}
    blocking = any(_key(f) not in known for f in sifted.blocking)
    data = after.content.encode()
    made = digest.bound(replace(
        revision, template_version=new.number, language=new.language, subject=after.subject,
        preheader=after.preheader, values=dict(after.values), content=hashlib.sha256(data).hexdigest(),
        locked_sha256=after.locked_sha256, merge_fields=new.merge_fields, assets=tuple(after.assets),
        entity_version=entity.version, imprint_sha256=after.imprint_sha256, headers=tuple(after.headers),
        findings=tuple(known.get(_key(f), f) for f in sifted.findings),
    ))
    return Fitted(made, data, _why(look, revision, made, old, new, after, carried, blocking))


def _sifted(look: Look, new: TemplateVersion, after: Rendered, revision: Revision) -> Sifted:
    """What the rules say of it now, less what exceptions and baselines cover."""
    from chalicelib.rendering.examine import examine

    scope = gate.market_scope(new.scope, look.partner.market)
    demand, policy = kits.demand(look.books, scope), lanes.policy_of(look.books, scope)
    found = [f.record() for f in examine(new, after, look.partner.entity, Demands(
        kit=demand.kit, sends_on=revision.start.local[:10], message_class=revision.message_class,
        images=assets.image_facts(look.world, look.session, after.assets, fresh=True),
    ))]
    return sift(
        found, new.template, new.number, look.world.clock.now(), baseline=demand.baseline, never=policy.never,
        waivers=look.partner.exceptions,
    )


def _key(finding: FindingRecord) -> tuple[str, str, str]:
    return finding.code, finding.region, finding.quote


def _why(
    look: Look, before: Revision, made: Revision, old: TemplateVersion, new: TemplateVersion, after: Rendered,
    carried: versions.Carried, blocking: bool,
) -> str:
    """What speaks against carrying a revision over: the partner's own first, then what a person must see."""
    from chalicelib.rendering.mail import render

    if carried.of("lost") or carried.of("unfit"):
        return UNFIT
    if blocking:
        return RULES
    if (made.imprint_sha256, made.entity_version) != (before.imprint_sha256, before.entity_version):
        return COMPANY
    if made.digests.partner != before.digests.partner:
        return TEXT
    first = render(old, values=before.values, subject=before.subject, preheader=before.preheader,
                   entity=look.partner.entity)
    if first.content.sha256 != before.content:
        return TEXT  # what was approved cannot be made again to compare with
    same = _open_bytes(old, first) == _open_bytes(new, after)
    return "" if same and first.content.subject == after.content.subject else TEXT


def _own(text: str, old: str, new: str) -> str:
    """A subject or preheader that is head office's own with merge fields follows the new version; words stay."""
    return new if "{{" in text and text.strip() == old.strip() else text


def _open_bytes(version: TemplateVersion, rendered: Rendered) -> dict[tuple[str, str], bytes]:
    """What the partner's values became in the mail, place by place."""
    system = {r.id for r in blocks.concrete(version, rendered.values).regions if r.type is RegionType.SYSTEM}
    html = rendered.filled.html
    return {
        (slot.region, slot.context): html[slot.start:slot.end]
        for slot in rendered.filled.slots if slot.region not in system
    }
