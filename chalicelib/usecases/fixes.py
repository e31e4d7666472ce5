"""Safe fixes of what the check found in a partner's own texts: offered with before and after, taken one by one or all.

A fix is its rule's own function (``domain.compliance``), put in by ``rendering.mend``. It reaches open
fields only: what it is given is a value, never the mail. Taking one is a save like any other, on the
condition that nobody saved meanwhile, and can be undone.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain import blocks, plain_text, undo, values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.compliance.finding import Finding
from chalicelib.domain.compliance.registry import At
from chalicelib.domain.errors import Problem
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.kit import Kit
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, TemplateVersion
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import drafts, gate, kits, story
from chalicelib.usecases.gate import Answers
from chalicelib.usecases.world import World

LINES = ("subject", "preheader")
PASSED = frozenset({"excepted", "baseline"})
"""Params of findings that need no fix."""
CONTEXT = 6
"""Words that are shown on each side of a change."""

Stretch = tuple[str, str]
"""``same``, ``gone`` or ``new``, and its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A fix of one value: ``old`` and ``new`` are the words it is about ("" where something is only added).

    ``finding`` is what it puts right; ``before`` and ``after`` are the whole value, ``label`` its field's.
    """

    id: str
    key: str
    label: str
    finding: Finding
    before: str
    after: str
    old: str
    new: str
    diff: tuple[Stretch, ...]

    @property
    def problem(self) -> Problem:
        """What it puts right, for a sentence."""
        said = {"quote": self.finding.quote, **self.finding.params}
        return Problem(f"compliance.{self.finding.code}", self.key, said)


def of(world: World, answers: Answers) -> tuple[Offer, ...]:
    """The safe fixes of what the gate says of a draft. What an exception lets pass is left as it is."""
    return _offers(answers, _kit(world, answers))


def mended(world: World, answers: Answers, wanted: Collection[str]) -> Draft:
    """The draft with the wanted fixes that are on offer, one after the other."""
    from chalicelib.rendering import mend

    kit = _kit(world, answers)
    texts, regions = _texts(answers), _regions(answers)
    changed: dict[str, str] = {}
    for offer in _offers(answers, kit):
        now = changed.get(offer.key, texts[offer.key])
        after = mend.mended(regions[offer.key], offer.key, now, offer.finding, kit) if offer.id in wanted else None
        if after is not None:
            changed[offer.key] = after
    lines = {key: text for key, text in changed.items() if key in LINES}
    own = {key: text for key, text in changed.items() if key not in LINES}
    return replace(answers.draft, values={**answers.draft.values, **own}, **lines)  # type: ignore[arg-type]


def _kit(world: World, answers: Answers) -> Kit:
    scope = gate.market_scope(answers.template.scope, answers.partner.market)
    return kits.demand(world.books.recent(), scope).kit


def _offers(answers: Answers, kit: Kit) -> tuple[Offer, ...]:
    said = answers.said
    if said.rendered:
        passed = [bool(PASSED & set(record.params)) for record in answers.findings]
        found = [finding for finding, past in zip(said.found, passed, strict=True) if not past]
    else:
        found = [f for p in said.problems if (f := _missing_scheme(p, answers.draft))]
    texts, regions = _texts(answers), _regions(answers)
    made: dict[str, Offer] = {}
    for finding in found:
        if offer := _offer(finding, texts, regions, kit):
            made.setdefault(offer.id, offer)
    return tuple(made.values())


def reset(template: TemplateVersion, draft: Draft, name: str) -> Draft:
    """The draft with head office's own text in one field or line of the inbox; as it is for any other name."""
    if name in LINES:
        return replace(draft, **{name: getattr(template, name)})
    own = {key: text for region in blocks.widest(template) if region.id == name
           for key, text in values.defaults((region,)).items()}
    own |= {blocks.control(block): blocks.default(block) for block in template.blocks
            if name in (block.id, blocks.control(block))}
    return replace(draft, values={**draft.values, **own})


def put_back(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, version: int,
    typed: drafts.Typed, *, name: str,
) -> Draft:
    """Save the draft with head office's text in one place again; raises as :func:`drafts.save`."""
    return drafts.change(
        world, session, person, campaign_id, version, typed,
        lambda draft, template: undo.recorded(draft, reset(template, draft, name)),
    )


def take(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, version: int,
    typed: drafts.Typed, *, wanted: Collection[str],
) -> Draft:
    """Save the draft with these fixes, and what else was typed before them; raises as :func:`drafts.save`.

    What is on offer is decided as the form and the check page decide it: by the same facts and exceptions.
    """
    told = story.read(world, session, campaign_id)
    desk = world.partners.desk(session, told.programme)

    def made(draft: Draft, template: TemplateVersion) -> Draft:
        typed_now = replace(told, history=replace(told.history, draft=draft))
        return undo.recorded(draft, mended(world, gate.consider(world, session, typed_now, desk), wanted))

    return drafts.change(world, session, person, campaign_id, version, typed, made)


def _offer(
    finding: Finding, texts: Mapping[str, str], regions: Mapping[str, Region | None], kit: Kit,
) -> Offer | None:
    from chalicelib.domain.compliance import fix_of
    from chalicelib.rendering import mend

    key, fix = finding.region, fix_of(finding)
    if fix is None or key not in texts or key not in regions:
        return None
    region, before = regions[key], texts[key]
    after = mend.mended(region, key, before, finding, kit)
    if after is None:
        return None
    diff = words_diff(plain_text.visible(before), plain_text.visible(after))
    old, new = (" … ".join(words for kind, words in diff if kind == sign) for sign in ("gone", "new"))
    if fix.at is At.ADDRESS and finding.fix:
        old, new = finding.fix
        diff = (("gone", old), ("new", new))
    identity = "\x1f".join((finding.code, key, *(finding.fix or ()), finding.quote))
    return Offer(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16], key=key, label=region.label if region else "",
        finding=finding, before=before, after=after, old=old, new=new, diff=diff,
    )


def _texts(answers: Answers) -> dict[str, str]:
    """Subject, preview line and values as the mail has them; as typed where there is no mail yet."""
    draft, mail = answers.draft, answers.said.rendered
    if mail is None:
        return {"subject": draft.subject, "preheader": draft.preheader, **draft.values}
    return {"subject": mail.subject, "preheader": mail.preheader, **mail.values}


def _regions(answers: Answers) -> dict[str, Region | None]:
    """The open fields of the mail by their keys; a region may not take the place of the two lines."""
    open_here = {key: region for region in blocks.concrete(answers.template, answers.draft.values).regions
                 for key in values.keys(region)}
    return {**open_here, **dict.fromkeys(LINES)}


def _missing_scheme(problem: Problem, draft: Draft) -> Finding | None:
    """An address without ``https://`` keeps the mail from being made; it is LNK002 before there is a mail."""
    address = str(problem.params.get("value", ""))
    if problem.code != "url.scheme_missing" or not address or address not in draft.values.get(problem.field, ""):
        return None
    return Finding(code="LNK002", region=problem.field, quote=address, fix=(address, f"https://{address.strip()}"))


def words_diff(before: str, after: str) -> tuple[Stretch, ...]:
    """What differs, word by word, with a few words on each side of a change."""
    one, two = before.split(), after.split()
    out: list[Stretch] = []
    for sign, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if sign == "equal":
            out.append(("same", _short(one[i1:i2], first=i1 == 0, last=i2 == len(one))))
            continue
        out += [("gone", " ".join(one[i1:i2]))] if i2 > i1 else []
        out += [("new", " ".join(two[j1:j2]))] if j2 > j1 else []
    return tuple(out)


def _short(words: Sequence[str], *, first: bool, last: bool) -> str:
    if first:
        return " ".join(words if len(words) <= CONTEXT else ["…", *words[-CONTEXT:]])
    if last:
        return " ".join(words if len(words) <= CONTEXT else [*words[:CONTEXT], "…"])
    return " ".join(words if len(words) <= 2 * CONTEXT else [*words[:CONTEXT], "…", *words[-CONTEXT:]])
