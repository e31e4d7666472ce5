"""The fields of a campaign's form, made from the template's regions, and what was typed into them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from chalicelib import texts
from chalicelib.domain import blocks, richtext, schedule, urls, values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Block, Region, RegionType, TemplateVersion
from chalicelib.texts.times import local_time
from chalicelib.usecases.drafts import Typed
from chalicelib.web.forms import field_id
from chalicelib.web.http import Form
from chalicelib.web.urls import origin

PREFIX = "v."
"""Form fields of region keys begin with it, so that no region can take the name of another field."""
NOT_OF_REGIONS = ("terms.", "audience.", "time.", "review.", "agreement.", "sender.")
"""Problems of the campaign itself: a region may well be called "terms" or "audience", too."""
PARTS = ("subject", "preheader", "local_time", "zone", "fold", "on_lapse")
CONTINENTS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One part of the mail as the form shows it: an open region with its values, or locked text.

    ``kind`` is a region type or ``locked``; ``value`` and ``second`` are what stands in its one or
    two fields, named ``name`` and ``second_name``; a price has a third. ``block`` and ``copy`` are
    rows of their own: the choice whether or how often a block is in the mail (``value``), and the
    beginning of one copy of a group. ``rich`` is what the editor of rich text may make (JSON).
    """

    kind: str
    text: str = ""
    region: Region | None = None
    name: str = ""
    value: str = ""
    second_name: str = ""
    second: str = ""
    limit: int = 0
    third_name: str = ""
    third: str = ""
    block: Block | None = None
    copy: int = 0
    rich: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChoice:
    """A time that needs a second answer: nearest times of a gap, or the two passes of a fold."""

    before: str = ""
    after: str = ""
    first: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """Everything the form's template needs of a draft; ``language`` is the mail's."""

    rows: Sequence[Row]
    subject: str
    preheader: str
    local_time: str
    zone: str
    fold: str
    on_lapse: str
    version: int
    language: str = ""
    undo: bool = False
    redo: bool = False
    choice: TimeChoice | None = None
    zones: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def rich(self) -> bool:
        """Whether a field has rich text, so that its editor is loaded."""
        return any(row.rich for row in self.rows)


def typed_of(form: Form, version: TemplateVersion, draft: Draft) -> Typed:
    """What the form sent; a field that is absent leaves its part as it is.

    Whoever does not touch a field does not change it: rich text that says the same as the draft's, only broken
    into rows otherwise, is the draft's, and a default that the draft does not hold stays unsaid.
    """
    given = {name: form.get(name) for name in PARTS if name in form.fields}
    if picked := form.get("pick_time"):
        # One of the two times beside a gap, chosen by its button.
        given["local_time"] = picked
    sent = form.starting(PREFIX)
    for region in blocks.widest(version):
        if region.id in sent:
            stands = draft.values.get(region.id, region.default)
            made = from_writing(region, sent[region.id])
            same = region.type is RegionType.RICH and _one_row(made) == _one_row(stands)
            sent[region.id] = stands if same else made
    sent = _pressed(form, version, sent)
    base = values.defaults(blocks.widest(version)) | {blocks.control(b): blocks.default(b) for b in version.blocks}
    return Typed(values={key: text for key, text in sent.items() if key in draft.values or base.get(key) != text},
                 **given)


def _pressed(form: Form, version: TemplateVersion, sent: dict[str, str]) -> dict[str, str]:
    """What the buttons of a group do: one copy more, or one less with those behind it moved up."""
    known = {block.id: block for block in version.blocks}
    if block := known.get(form.get("block_add")):
        sent = blocks.with_copy(block, sent)
    name, _, copy = form.get("block_remove").rpartition(".")
    if (block := known.get(name)) and copy.isascii() and copy.isdigit() and len(copy) < 4:
        sent = blocks.without_copy(version, block, sent, int(copy))
    return sent


_BLOCK = re.compile(r"</?(?:p|ul|ol|li|div|h[1-6]|table|blockquote)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s\"'<>()\\]{1,500}")
_AROUND = re.compile(r"\s*(</?p>|<br>)\s*")


def from_writing(region: Region, text: str) -> str:
    """Paragraphs typed without their tags become paragraphs of the mail: an empty line divides them.

    Words without any tag are escaped; where bold or a link is tagged, the rest is HTML as well.
    """
    if region.type is not RegionType.RICH or region.inline or _BLOCK.search(text):
        return text
    paragraphs: list[list[str]] = [[]]
    for row in text.split("\n"):
        if row.strip():
            paragraphs[-1].append(row.strip() if "<" in text else html.escape(row.strip(), quote=False))
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n".join(f"<p>{'<br>'.join(rows)}</p>" for rows in paragraphs if rows)


def to_writing(region: Region, value: str) -> str:
    """Rich text as somebody would type it, without the tags of paragraphs; its HTML if that would lose anything."""
    if region.type is not RegionType.RICH or region.inline:
        return value
    rows = " ".join(value.split()).replace("<br>", "\n").replace("<p>", "").split("</p>")
    text = "\n\n".join("\n".join(line.strip() for line in row.split("\n")).strip() for row in rows if row.strip())
    for writing in (html.unescape(text), text):
        if _one_row(from_writing(region, writing)) == _one_row(value):
            return writing
    return value


def _one_row(value: str) -> str:
    """The same HTML however its rows are broken and indented."""
    return _AROUND.sub(r"\1", " ".join(value.split()))


def version_of(form: Form) -> int:
    """The draft's version that the form was made from; 0 (always stale) for what is no number."""
    text = form.get("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def view(version: TemplateVersion, draft: Draft) -> FormView:
    """Put a draft into rows, in the order in which the mail reads."""
    return FormView(
        rows=_rows(version, draft), subject=draft.subject, preheader=draft.preheader, local_time=draft.local_time,
        zone=draft.zone, fold=draft.fold, on_lapse=draft.on_lapse.value, version=draft.version,
        language=version.language, undo=bool(draft.undo), redo=bool(draft.redo), choice=time_choice(draft),
        zones=zones(),
    )


def names(version: TemplateVersion, draft: Draft) -> tuple[str, ...]:
    """The names of all fields that show hints, as the form has them now."""
    rows = _rows(version, draft)
    return ("subject", "preheader", *(n for row in rows for n in (row.name, row.second_name, row.third_name)
                                      if n and row.kind != "copy"))


def _rows(version: TemplateVersion, draft: Draft) -> list[Row]:
    from chalicelib.usecases.outline import outline

    concrete = blocks.concrete(version, draft.values)
    waiting = sorted(version.blocks, key=lambda b: b.start, reverse=True)
    starts = _starts(version)
    rows, copies = list[Row](), set[tuple[str, int]]()
    for kind, what in outline(concrete):
        region = concrete.region(what) if kind == "region" else None
        if kind == "locked":
            rows.append(Row(kind="locked", text=what))
        elif region is None:
            continue  # a place that the program fills from another field, such as the preview line
        else:
            while waiting and waiting[-1].start <= starts.get(_first_copy(region), 0):
                rows.append(_choice(waiting.pop(), draft.values))
            rows += _copy_row(version, region, copies)
            system = region.type is RegionType.SYSTEM
            rows.append(Row(kind="system", text=region.id, region=region) if system else _open(region, draft.values))
    rows += [_choice(block, draft.values) for block in reversed(waiting)]
    return [row for row in rows if row.kind != "locked" or row.text.strip(" |·–-")]


def _starts(version: TemplateVersion) -> dict[str, int]:
    """Where each region begins in the published HTML."""
    out: dict[str, int] = {}
    for slot in version.slots:
        out.setdefault(slot.region, slot.start)
    return out


def _first_copy(region: Region) -> str:
    """The region's id in the first copy of its group, which the published HTML holds."""
    group, dot, rest = region.id.partition(".")
    return f"{group}.1.{rest.partition('.')[2]}" if dot and region.block else region.id


def _choice(block: Block, typed: Mapping[str, str]) -> Row:
    number = blocks.copies(block, typed)[0]
    key = blocks.control(block)
    value = str(number) if key.endswith(blocks.COUNT) else (blocks.ON if number else blocks.OFF)
    return Row(kind="block", block=block, name=PREFIX + key, value=value)


def _copy_row(version: TemplateVersion, region: Region, seen: set[tuple[str, int]]) -> list[Row]:
    """A heading before the first field of each copy of a group."""
    number = region.id.split(".")[1] if region.block and "." in region.id else ""
    place = (region.block, int(number or 0))
    if not number or place in seen:
        return []
    seen.add(place)
    block = next(b for b in version.blocks if b.id == region.block)
    return [Row(kind="copy", block=block, name=f"{block.id}.{number}", copy=int(number))]


def _open(region: Region, typed: Mapping[str, str]) -> Row:
    base = values.defaults((region,))
    keys = values.keys(region)
    given = [typed.get(key, base[key]) for key in keys]
    given[0] = to_writing(region, given[0])
    names, texts_of = [*(PREFIX + key for key in keys), "", ""], [*given, "", ""]
    return Row(
        kind=region.type.value, region=region, name=names[0], value=texts_of[0], second_name=names[1],
        second=texts_of[1], third_name=names[2], third=texts_of[2], limit=region.max_length or values.MAX_TEXT,
        rich=_editor(region),
    )


def _editor(region: Region) -> str:
    if region.type is not RegionType.RICH:
        return ""
    return json.dumps(richtext.for_editor(region, region.max_length or values.MAX_TEXT), ensure_ascii=False)


def at_fields(problems: Iterable[Problem], version: TemplateVersion) -> list[Problem]:
    """The same problems under the names of the form's fields, so that each stands at its own."""
    known = values.open_keys(version)
    return [
        replace(p, field=PREFIX + p.field) if p.field in known and not p.code.startswith(NOT_OF_REGIONS) else p
        for p in problems
    ]


def summary(problems: Iterable[Problem], version: TemplateVersion, language: str) -> list[tuple[str, str]]:
    """(link to the field, sentence) of each problem, with the region's label before its sentence."""
    labels = {PREFIX + key: _label(region) for region in blocks.widest(version) for key in values.keys(region)}
    labels |= {PREFIX + blocks.control(block): block.label for block in version.blocks}
    lines = []
    for problem in problems:
        text = texts.sentence(problem, language)
        label = labels.get(problem.field, "")
        target = f"#{field_id(problem.field)}" if problem.field else ""
        lines.append((target, f"{label}: {text}" if label else text))
    return lines


def _label(region: Region) -> str:
    """The region's label, in a group with its number."""
    number = region.id.split(".")[1] if region.block and "." in region.id else ""
    return f"{number}. {region.label}" if number else region.label


def in_words(problem: Problem, zone: str, language: str) -> Problem:
    """A problem of the time with its times as people write them, not as programs do."""
    if not problem.code.startswith("time."):
        return problem
    params = dict(problem.params)
    for name in ("value", "before", "after"):
        if name in params and problem.code != "time.zone":
            params[name] = str(params[name]).replace("T", " ")
    for name in ("opens", "closes"):
        if name in params:
            params[name] = local_time(datetime.fromisoformat(str(params[name])), zone or "UTC", language=language)
    return replace(problem, params=params)


def time_choice(draft: Draft) -> TimeChoice | None:
    """What the server has to ask about the typed time, if anything."""
    if not draft.local_time:
        return None
    try:
        # With fold "" a time that happens twice is always asked, also after it was answered.
        schedule.resolve(draft.local_time, draft.zone, "")
    except Refused as refused:
        problem = refused.problems[0]
        if problem.code == "time.gap":
            return TimeChoice(before=str(problem.params["before"]), after=str(problem.params["after"]))
        if problem.code == "time.fold":
            return TimeChoice(first=str(problem.params["first"]), second=str(problem.params["second"]))
    return None


def time_problems(draft: Draft) -> tuple[Problem, ...]:
    """What is wrong with the typed time by itself; nothing where none was typed yet."""
    if not draft.local_time:
        return ()
    try:
        schedule.resolve(draft.local_time, draft.zone, draft.fold)
    except Refused as refused:
        return refused.problems
    return ()


@lru_cache(maxsize=1)
def zones() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The zones to choose from, by continent: (name, city)."""
    grouped: dict[str, list[tuple[str, str]]] = {continent: [] for continent in CONTINENTS}
    for name in sorted(schedule.zone_names()):
        continent, _, rest = name.partition("/")
        if rest and continent in grouped:
            grouped[continent].append((name, rest.replace("_", " ").replace("/", ", ")))
    return grouped | {"UTC": [("UTC", "UTC")]}


def mail_origins(version: TemplateVersion, media_url: str) -> tuple[str, ...]:
    """What a preview may load: the origins that HQ's own HTML names, and the library's; none that was typed."""
    found = set(image_origins(version, media_url))
    for text in _ADDRESS.findall(version.html):
        with suppress(urls.BadUrl):
            found.add(origin(urls.normalise(text)))
    return tuple(sorted(found))


def image_origins(version: TemplateVersion, media_url: str) -> tuple[str, ...]:
    """The origins of the images to choose from and of the library, for the page's content security policy."""
    listed = (url for r in version.regions if r.type is RegionType.IMAGE for url in (*r.choices, r.default))
    urls = (*listed, media_url)
    return tuple(sorted({origin(url) for url in urls if urlsplit(url).scheme in ("http", "https")}))
