"""Two versions of a template: what differs, and a draft carried over from one to the other.

A draft is carried over field by field: what still fits stays, what HQ's default was follows the
new default, and what has no place any more is shown once, so that nobody loses words unseen.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime

from chalicelib.domain import blocks, plain_text, values
from chalicelib.domain.campaign import Draft, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import CampaignId, PersonId, TemplateId
from chalicelib.domain.people import Person
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Block, Region, RegionType, TemplateSummary, TemplateVersion
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import drafts
from chalicelib.usecases.world import World

OPEN = (State.DRAFT, State.CHANGES_REQUESTED, State.IN_REVIEW, State.APPROVED)
MAX_PROGRAMMES = 5
"""Programmes whose campaigns the comparison looks at; each costs a query."""
_PLACES = frozenset({"line", "start", "end"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field or block that differs: its label, and per setting what it was and what it is."""

    id: str
    label: str
    settings: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed from an older version to a newer one.

    ``locked`` are the locked words line by line with ``+`` or ``-`` (`` `` where unchanged lines
    stand between); ``locked_changed`` tells whether any locked byte differs, styles included.
    """

    old: TemplateVersion
    new: TemplateVersion
    added: tuple[Difference, ...]
    removed: tuple[Difference, ...]
    changed: tuple[Difference, ...]
    locked: tuple[tuple[str, str], ...]
    locked_changed: bool

    @property
    def same(self) -> bool:
        """Whether a mail of the one is a mail of the other."""
        return not (self.added or self.removed or self.changed or self.locked_changed)


def compare(old: TemplateVersion, new: TemplateVersion) -> Comparison:
    """Compare two versions of one template (or two languages of a family)."""
    before: dict[str, Region | Block] = {r.id: r for r in old.regions} | {f"block {b.id}": b for b in old.blocks}
    after: dict[str, Region | Block] = {r.id: r for r in new.regions} | {f"block {b.id}": b for b in new.blocks}
    changed = []
    for key, one in after.items():
        if key in before and (settings := _settings(before[key], one)):
            changed.append(Difference(key, one.label, settings))
    return Comparison(
        old=old, new=new, added=tuple(Difference(k, o.label) for k, o in after.items() if k not in before),
        removed=tuple(Difference(k, o.label) for k, o in before.items() if k not in after), changed=tuple(changed),
        locked=_locked(old, new), locked_changed=old.locked_sha256 != new.locked_sha256,
    )


def _settings(old: Region | Block, new: Region | Block) -> tuple[tuple[str, str, str], ...]:
    if type(old) is not type(new):
        return (("kind", type(old).__name__, type(new).__name__),)
    names = [f.name for f in fields(new) if f.name not in _PLACES]
    pairs = ((name, _shown(getattr(old, name)), _shown(getattr(new, name))) for name in names)
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _locked(old: TemplateVersion, new: TemplateVersion) -> tuple[tuple[str, str], ...]:
    """The locked words that came and went; a line without a sign stands for unchanged ones."""
    from chalicelib.usecases.outline import outline

    one, two = ([text for kind, text in outline(v) if kind == "locked"] for v in (old, new))
    out: list[tuple[str, str]] = []
    for sign, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if sign == "equal":
            out.append((" ", "…"))
            continue
        out += [("-", text) for text in one[i1:i2]] + [("+", text) for text in two[j1:j2]]
    return tuple(out) if any(sign != " " for sign, _ in out) else ()


# --- a draft that stands on an older version

@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one value: ``kept``, ``follows`` (HQ's new default), ``unfit`` (kept, to be mended), ``lost``."""

    key: str
    label: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Carried:
    """The values for the newer version, and the fate of each value of the older one."""

    values: Mapping[str, str]
    fates: tuple[Fate, ...]

    def of(self, what: str) -> Sequence[Fate]:
        """The values of one fate."""
        return [fate for fate in self.fates if fate.what == what]


def carry(old: TemplateVersion, new: TemplateVersion, typed: Mapping[str, str]) -> Carried:
    """Carry values over, field by field; raises nothing for whatever was typed."""
    before = {r.id: r for r in blocks.widest(old)}
    after = {r.id: r for r in blocks.widest(new)}
    out, fates = dict[str, str](), list[Fate]()
    for region in before.values():
        keys = values.keys(region)
        base = values.defaults((region,))
        given = {key: typed[key] for key in keys if key in typed}
        if not given:
            continue
        target = after.get(region.id)
        own = any(text != base[key] for key, text in given.items())
        moved = _moved(region, target, given) if target else None
        if target is None or moved is None:
            fates += [Fate(key, region.label, "lost", text) for key, text in given.items() if own and text]
            continue
        if not own:
            out.update(values.defaults((target,)))
            follows = values.defaults((target,)) != base
            fates += [Fate(region.id, target.label, "follows", target.default)] if follows else []
            continue
        out.update(moved)
        bad = values.validate(target, moved).problems
        fates.append(Fate(region.id, target.label, "unfit" if bad else "kept", moved[region.id]))
    out.update(_choices(old, new, typed))
    return Carried(out, tuple(fates))


def _moved(old: Region, new: Region, given: Mapping[str, str]) -> dict[str, str] | None:
    """The values of a region as its successor wants them; None where there is no sensible way."""
    words = (RegionType.TEXT, RegionType.RICH, RegionType.LIST)
    if new.type is old.type:
        kept = {key: given.get(key, text) for key, text in values.defaults((new,)).items()}
        gone = old.type in (RegionType.CHOICE, RegionType.IMAGE) and kept[new.id] not in new.choices
        return None if gone else kept
    if {old.type, new.type} == {RegionType.LINK, RegionType.BUTTON}:
        return dict(given)
    text = given.get(old.id, "")
    if old.type is RegionType.CHOICE and new.type in words:
        return {new.id: text}
    if old.type in words and new.type in words:
        if old.type is RegionType.RICH:
            return {new.id: plain_text.visible(text)}
        if new.type is RegionType.RICH:
            import html

            return {new.id: html.escape(text, quote=False).replace("\n", "<br>")}
        return {new.id: text}
    return None


def _choices(old: TemplateVersion, new: TemplateVersion, typed: Mapping[str, str]) -> dict[str, str]:
    """The choices of blocks that both versions have, within the newer one's bounds."""
    kinds = {block.id: block for block in old.blocks}
    wanted = {
        key: typed[key] for block in new.blocks
        if (before := kinds.get(block.id)) and before.kind is block.kind and (key := blocks.control(block)) in typed
    }
    return {key: text for key, text in blocks.choices(new, wanted)[0].items() if key in wanted}


def newest(summaries: Iterable[TemplateSummary], template: TemplateId) -> int:
    """The number of a template's newest version, 0 if there is none."""
    return max((s.number for s in summaries if s.template == template), default=0)


def offer(world: World, draft: Draft) -> int:
    """The number of a newer version that a draft may take over, 0 if it stands on the newest."""
    number = newest(world.templates.recent(), draft.template)
    return number if number > draft.template_version else 0


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a partner sees before a draft is carried over."""

    draft: Draft
    comparison: Comparison
    carried: Carried


def look(world: World, session: PartnerSession, campaign: CampaignId) -> Takeover:
    """What carrying a draft over to the newest version would do; raises NotFound where there is none."""
    draft = world.campaigns.history(session, campaign).draft
    number = offer(world, draft)
    if not number:
        raise NotFound
    old = world.templates.get(draft.template, draft.template_version)
    new = world.templates.get(draft.template, number)
    return Takeover(draft, compare(old, new), carry(old, new, draft.values))


def take_over(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, *, draft_version: int, number: int,
) -> Draft:
    """Put a draft on a newer version, exactly as it was shown.

    Raises Conflict ``draft.changed`` where the draft or the newest version is not the one that
    was shown, ``campaign.not_now`` once the campaign is no draft any more.
    """
    campaign = world.campaigns.get(session, campaign_id)
    if campaign.state not in drafts.EDITABLE:
        raise Conflict("campaign.not_now", state=campaign.state.value, action="save")
    draft = world.campaigns.history(session, campaign_id).draft
    if draft.template_version == number:
        return draft  # sent twice
    if draft.version != draft_version or offer(world, draft) != number:
        raise drafts.changed(draft)
    old = world.templates.get(draft.template, draft.template_version)
    new = world.templates.get(draft.template, number)
    saved = moved(draft, old, new, at=world.clock.now(), by=person.id)
    world.campaigns.save_draft(session, saved)
    return saved


def moved(draft: Draft, old: TemplateVersion, new: TemplateVersion, *, at: datetime, by: PersonId) -> Draft:
    """The draft on another version; subject and preview line follow head office's where they were its own."""
    return replace(
        draft, template_version=new.number, values=dict(carry(old, new, draft.values).values),
        version=draft.version + 1, subject=new.subject if draft.subject == old.subject else draft.subject,
        preheader=new.preheader if draft.preheader == old.preheader else draft.preheader,
        # Steps back would lead to texts of the older version's fields.
        saved_at=at, saved_by=by, undo=(), redo=(),
    )


# --- who stands on an older version, as far as HQ may see it

@dataclass(frozen=True, slots=True)
class Standing:
    """A programme that uses the template: its version, and how many of its campaigns are not sent yet."""

    programme: Programme
    open: int


def standing(world: World, template: TemplateId) -> Sequence[Standing]:
    """The programmes of a template with their open campaigns, newest first.

    HQ cannot read drafts; each began on its programme's version and may have been carried over since.
    """
    known = [p for p in world.programmes.list() if p.template == template][:MAX_PROGRAMMES]
    return [Standing(p, sum(c.state in OPEN for c in world.indexes.cards(p.id, limit=100))) for p in known]
