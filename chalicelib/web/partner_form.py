"""A campaign's form: what it shows of a draft, what was typed into it, and where its problems stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from urllib.parse import urlsplit

from chalicelib import texts
from chalicelib.domain import blocks, urls, values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, RegionType, TemplateVersion
from chalicelib.usecases.drafts import Typed
from chalicelib.web import partner_time
from chalicelib.web.forms import field_id
from chalicelib.web.http import Form
from chalicelib.web.partner_rows import PREFIX, Row, rows_of
from chalicelib.web.partner_time import TimeChoice
from chalicelib.web.partner_writing import from_writing, one_row
from chalicelib.web.urls import origin

NOT_OF_REGIONS = ("terms.", "audience.", "time.", "review.", "agreement.", "sender.")
"""Problems of the campaign itself: a region may well be called "terms" or "audience", too."""
PARTS = ("subject", "preheader", "local_time", "zone", "fold", "on_lapse")
_ADDRESS = re.compile(r"https?://[^\s\"'<>()\\]{1,500}")


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
            same = region.type is RegionType.RICH and one_row(made) == one_row(stands)
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


def version_of(form: Form) -> int:
    """The draft's version that the form was made from; 0 (always stale) for what is no number."""
    text = form.get("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def view(version: TemplateVersion, draft: Draft) -> FormView:
    """Put a draft into rows, in the order in which the mail reads."""
    return FormView(
        rows=rows_of(version, draft), subject=draft.subject, preheader=draft.preheader, local_time=draft.local_time,
        zone=draft.zone, fold=draft.fold, on_lapse=draft.on_lapse.value, version=draft.version,
        language=version.language, undo=bool(draft.undo), redo=bool(draft.redo), choice=partner_time.time_choice(draft),
        zones=partner_time.zones(),
    )


def names(version: TemplateVersion, draft: Draft) -> tuple[str, ...]:
    """The names of all fields that show hints, as the form has them now."""
    rows = rows_of(version, draft)
    return ("subject", "preheader", *(n for row in rows for n in (row.name, row.second_name, row.third_name)
                                      if n and row.kind != "copy"))


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
