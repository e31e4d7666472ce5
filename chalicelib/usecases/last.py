"""The partner's last campaign on the same template family, as a source of texts for a new draft.

Fields are matched by their id and type, as for a newer version of the template (``usecases.versions``).
Only texts come over: never the time of sending, never the audience, and no day that is past.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from chalicelib.domain import blocks, plain_text, undo, values
from chalicelib.domain.campaign import Draft, Revision
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Block, BlockKind, Region, RegionType, TemplateVersion
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import drafts, versions
from chalicelib.usecases.story import Story
from chalicelib.usecases.world import World

LINES = ("subject", "preheader")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text of the last campaign: what the draft holds (``now``) and what it would (``then``).

    ``why`` is "" where it can be taken over; else ``same`` (nothing would change), ``past`` (a day that is over),
    ``gone`` (the template has no place for it) or ``unfit`` (the field does not take it any more).
    ``values`` are the keys and texts that come over; ``choice``: whether a part is in the mail (``yes``) or not.
    """

    id: str
    label: str
    now: str
    then: str
    why: str = ""
    choice: bool = False
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last campaign's texts beside the draft's."""

    draft: Draft
    sent: Revision
    texts: tuple[Text, ...]

    def taken(self) -> Sequence[Text]:
        """Those that can be taken over."""
        return [text for text in self.texts if not text.why]

    def left(self) -> Sequence[Text]:
        """Those that cannot, and are worth a word."""
        return [text for text in self.texts if text.why not in ("", "same")]


def look(world: World, session: PartnerSession, told: Story) -> Last:
    """What could be taken over; raises NotFound where there is no last campaign of this family."""
    draft = told.history.draft
    if not told.editable or not draft.previous:
        raise NotFound
    history = world.campaigns.history(session, CampaignId(draft.previous))
    sent = max(history.revisions, key=lambda r: r.number, default=None)
    if sent is None:
        raise NotFound
    old = world.templates.get(sent.template, sent.template_version)
    new = world.templates.get(draft.template, draft.template_version)
    today = world.clock.now().date()
    return Last(draft=draft, sent=sent, texts=(*_lines(draft, sent, old), *_fields(old, new, draft, sent, today)))


def take(
    world: World, session: PartnerSession, person: Person, told: Story, version: int, wanted: Collection[str],
) -> Draft:
    """Save the draft with these texts of the last campaign; raises as :func:`drafts.save`, and NotFound.

    What cannot be taken over is left out, whatever is asked for.
    """
    found = look(world, session, told)
    chosen = [text for text in found.taken() if text.id in wanted]

    def made(draft: Draft, template: TemplateVersion) -> Draft:
        given = {key: words for text in chosen for key, words in text.values.items()}
        lines = {name: given.pop(name) for name in LINES if name in given and name not in values.open_keys(template)}
        shown = _room(template, {**draft.values, **given}, [text.id for text in chosen])
        return undo.recorded(draft, replace(draft, values=shown, **lines))  # type: ignore[arg-type]

    return drafts.change(world, session, person, told.id, version, drafts.Typed(), made)


def _lines(draft: Draft, sent: Revision, old: TemplateVersion) -> list[Text]:
    """Subject and preview line; head office's own of that time are nobody's wish."""
    found = []
    for name in LINES:
        now, then = str(getattr(draft, name)), str(getattr(sent, name))
        if then.strip() != str(getattr(old, name)).strip():
            found.append(Text(id=name, label="", now=now, then=then, why="same" if now == then else "",
                              values={name: then}))
    return found


def _fields(old: TemplateVersion, new: TemplateVersion, draft: Draft, sent: Revision, today: date) -> list[Text]:
    carried = versions.carry(old, new, sent.values)
    regions = {region.id: region for region in blocks.widest(new)}
    out = []
    for fate in carried.fates:
        region = regions.get(fate.key)
        if fate.what == "lost" or region is None:
            out.append(Text(id=fate.key, label=fate.label, now="", then=plain_text.visible(fate.text), why="gone",
                            values={}))
            continue
        if fate.what == "follows":
            continue
        given = {key: carried.values[key] for key in values.keys(region)}
        base = values.defaults((region,))
        same = all(draft.values.get(key, base[key]) == text for key, text in given.items())
        why = "unfit" if fate.what == "unfit" else "same" if same else "past" if _past(region, given, today) else ""
        now = {key: draft.values.get(key, base[key]) for key in given}
        out.append(Text(id=region.id, label=_label(region), now=_shown(region, now), then=_shown(region, given),
                        why=why, values=given))
    over = {regions[text.id].block for text in out if text.why == "past"}
    return [*out, *_choices([b for b in new.blocks if b.id not in over], draft, carried.values)]


def _choices(parts: Sequence[Block], draft: Draft, given: Mapping[str, str]) -> list[Text]:
    """Parts that may be left out: whether they were in the last campaign, where that differs."""
    out = []
    for block in parts:
        key = blocks.control(block)
        now = draft.values.get(key, blocks.default(block))
        if block.kind is BlockKind.OPTIONAL and key in given and given[key] != now:
            out.append(Text(id=block.id, label=block.label, now=now, then=given[key], choice=True,
                            values={key: given[key]}))
    return out


def _room(template: TemplateVersion, given: Mapping[str, str], chosen: Sequence[str]) -> dict[str, str]:
    """The values with as many copies of each group as the chosen fields need, and their parts in the mail."""
    out, known = dict(given), {region.id: region for region in blocks.widest(template)}
    for block in template.blocks:
        inside = [name for name in chosen if name in known and known[name].block == block.id]
        if inside:
            out[blocks.control(block)] = _control(block, out, inside)
    return out


def _control(block: Block, given: Mapping[str, str], inside: Sequence[str]) -> str:
    if block.kind is BlockKind.OPTIONAL:
        return blocks.ON
    copies = [int(name.split(".")[1]) for name in inside if name.count(".") >= 2]
    return str(min(block.most, max([blocks.copies(block, given)[0], *copies])))


def _past(region: Region, given: Mapping[str, str], today: date) -> bool:
    """Whether a day of the field is over: a date, or the last day of a price."""
    key = {RegionType.DATE: region.id, RegionType.PRICE: f"{region.id}.until"}.get(region.type, "")
    text = given.get(key, "")
    try:
        return bool(text) and date.fromisoformat(text) < today
    except ValueError:
        return False


def _shown(region: Region, given: Mapping[str, str]) -> str:
    """A field's values as people read them."""
    texts = (plain_text.visible(text) if region.type is RegionType.RICH else text for text in given.values())
    return " · ".join(text for text in texts if text)


def _label(region: Region) -> str:
    """The label, in a group with its number."""
    number = region.id.split(".")[1] if region.block and region.id.count(".") >= 2 else ""
    return f"{number}. {region.label}" if number else region.label
