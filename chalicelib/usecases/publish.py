"""HQ publishes templates: compile, show what was found, store an immutable version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import TemplateId, is_id
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.usecases.people import checked_name
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.cut import Compiled
    from chalicelib.rendering.importers import Imported
    from chalicelib.rendering.marking import Part

LANGUAGES = ("en", "de", "es", "fr", "hu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The form as it was sent. ``template`` and ``number`` come with it, so that sending it twice
    publishes once; ``language`` "" means what the HTML says of itself."""

    template: str
    number: int
    name: str
    language: str
    source: bytes
    family: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A template with its versions, newest first."""

    id: TemplateId
    versions: tuple[TemplateSummary, ...]

    @property
    def latest(self) -> TemplateSummary:
        """The version that a new programme takes."""
        return self.versions[0]


def templates(world: World) -> Sequence[Template]:
    """All templates, the one that was published last first; one query."""
    summaries = sorted(world.templates.list(), key=lambda s: (s.template, -s.number))
    found = [Template(TemplateId(t), tuple(versions)) for t, versions in groupby(summaries, key=lambda s: s.template)]
    return sorted(found, key=lambda t: t.latest.published_at, reverse=True)


def check(source: bytes) -> Compiled:
    """Compile without storing anything; raises Refused with every problem and its line."""
    from chalicelib.rendering.source import compile_source

    return compile_source(source)


DIALECT_NAMES = {"mailchimp": "Mailchimp", "campaign_monitor": "Campaign Monitor", "klaviyo": "Klaviyo"}


def bring(source: bytes) -> Imported | None:
    """A source of another system rewritten in our language, with its report; None for all others.

    Raises Refused for dialects that cannot be made safe.
    """
    from chalicelib.rendering.importers import convert

    return convert(source)


def publish(world: World, by: Person, upload: Upload) -> TemplateVersion:
    """Publish an immutable version, as the next number of its template.

    Raises Refused with all problems of form and source, Conflict ``template.version_exists`` if
    another source was published under that number meanwhile, NotFound for a malformed id.
    """
    if not is_id(upload.template, "tpl"):
        raise NotFound
    problems: list[Problem] = []
    name = checked_name(upload.name, problems)
    if upload.language and upload.language not in LANGUAGES:
        problems.append(Problem("choice.unknown", "language", {"value": upload.language[:40]}))
    family = checked_name(upload.family, [], field="family") if upload.family.strip() else ""
    compiled = _compiled(upload.source, problems)
    if compiled and family:
        problems += _unlike(world, upload.template, family, compiled)
    if problems or compiled is None:
        raise Refused(problems)
    version = compiled.version(
        template=TemplateId(upload.template), number=upload.number, scope=Scope(world.facts.org_id), name=name,
        published_by=by.id, published_at=world.clock.now(),
        family=family,
    )
    version = replace(version, language=upload.language or version.language)
    return _store(world, version)


def _compiled(source: bytes, problems: list[Problem]) -> Compiled | None:
    """The compiled source; its problems belong to the form's field ``html``, with the region as a parameter."""
    try:
        return check(source)
    except Refused as refused:
        problems.extend(Problem(p.code, "html", {"region": p.field, **p.params}) for p in refused.problems)
        return None


def _unlike(world: World, template: str, family: str, compiled: Compiled) -> list[Problem]:
    """What keeps a version out of its family: another language's latest version has other fields."""
    problems = []
    mine = {(r.id, r.type) for r in compiled.regions}
    for other in templates(world):
        if other.id == template or other.latest.family != family:
            continue
        version = world.templates.get(other.id, other.latest.number)
        theirs = {(r.id, r.type) for r in version.regions}
        if mine != theirs:
            different = ", ".join(sorted({name for name, _ in mine ^ theirs}))[:200]
            problems.append(Problem("template.family", "family", {"name": version.name, "regions": different}))
    return problems


def _store(world: World, version: TemplateVersion) -> TemplateVersion:
    """Store; the same source sent twice, also at once, is published once, and no number is left out."""
    known = [s.number for s in world.templates.list() if s.template == version.template]
    if version.number in known:
        return _same(world, version)
    if version.number != max(known, default=0) + 1:
        raise Conflict("template.version_exists")
    try:
        world.templates.publish(version)
    except Conflict:
        return _same(world, version)
    return version


def _same(world: World, version: TemplateVersion) -> TemplateVersion:
    """What stands under the number, if it is the same; raises Conflict ``template.version_exists`` if not."""
    stored = world.templates.get(version.template, version.number)
    if stored.source_sha256 != version.source_sha256 or stored.name != version.name:
        raise Conflict("template.version_exists")
    return stored


def outlined(version: TemplateVersion) -> str:
    """The compiled HTML with a frame drawn around what partners fill; for looking at, never for sending."""
    html, position, out = version.html.encode(), 0, list[bytes]()
    for slot in sorted(version.slots, key=lambda s: s.start):
        if slot.context != "content" or slot.region == "preheader":
            continue
        out += [html[position:slot.start], b'<span style="outline:2px dashed #2447b3;outline-offset:2px">',
                html[slot.start:slot.end], b"</span>"]
        position = slot.end
    return b"".join([*out, html[position:]]).decode()


def locked_share(version: TemplateVersion) -> int:
    """How many percent of the compiled bytes nobody but HQ can change, rounded down."""
    size = len(version.html.encode())
    open_bytes = sum(slot.end - slot.start for slot in version.slots)
    return 100 * (size - open_bytes) // size if size else 100


def outline(source: str) -> Sequence[Part]:
    """The elements of a source that may become fields, numbered."""
    from chalicelib.rendering import marking

    return marking.outline(_bytes(source))


def mark(source: str, at: int, kind: str, name: str, label: str, choices: str) -> str:
    """The source with one element more marked; raises Refused where that is not possible."""
    from chalicelib.rendering import marking

    return marking.mark(_bytes(source), at, kind, name=name, label=label, choices=choices).decode()


def unmark(source: str, at: int) -> str:
    """The source with one element's marks taken out; raises Refused where it has none."""
    from chalicelib.rendering import marking

    return marking.unmark(_bytes(source), at).decode()


def numbered(source: str) -> str:
    """The source with its elements' numbers, for a sandboxed frame."""
    from chalicelib.rendering import marking

    return marking.numbered(_bytes(source))


def _bytes(source: str) -> bytes:
    return source.encode("utf-8", "replace")
