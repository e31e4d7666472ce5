"""Templates as SES reads them when their content is part of the request.

The API reference says of TemplateContent: simple substitutions only. So ``{{name}}`` is replaced
and everything else that Handlebars knows (blocks, partials, comments, paths, triple braces, the
backslash escape) fails here with its reason: SES accepts such a mail, never delivers it and
publishes a Rendering Failure. Nothing is escaped, and a value is not looked at again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from infra.local.ses.errors import bad_request
from infra.local.ses.wire import half_pair

MAX_TEMPLATE_BYTES = 500 * 1024
"""Subject, text and HTML of a template together (developer guide: 500 KB)."""
MAX_DATA = 262_144
"""Characters of one set of template data (API reference)."""

_TAG = re.compile(r"(\\?)\{\{(\{?)(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*([A-Za-z0-9_-]+)\s*")
_LINE_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class RenderingError(Exception):
    """Why a mail cannot be rendered; the text stands in the Rendering Failure event."""


@dataclass(frozen=True, slots=True)
class Text:
    """A compiled text: literals at even places, names at odd ones."""

    pieces: tuple[str, ...]

    def render(self, data: Mapping[str, str]) -> str:
        """Fill in the values; raises KeyError for a missing one."""
        if len(self.pieces) == 1:
            return self.pieces[0]
        pieces = list(self.pieces)
        pieces[1::2] = [data[name] for name in pieces[1::2]]
        return "".join(pieces)

    @property
    def source(self) -> str:
        """The text as it was written (white space inside the braces aside)."""
        return "".join(f"{{{{{piece}}}}}" if place % 2 else piece for place, piece in enumerate(self.pieces))


@dataclass(frozen=True, slots=True)
class Template:
    """Subject, HTML and text of a mail, compiled; ``fault`` is why none of it can be rendered."""

    subject: Text
    html: Text
    text: Text
    names: frozenset[str] = frozenset()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A template and one recipient's values; rendered when somebody looks at it."""

    template: Template
    data: Mapping[str, str]

    @property
    def subject(self) -> str:
        """The subject; the bare template where it cannot be rendered."""
        return self._render(self.template.subject)

    @property
    def html(self) -> str:
        """The HTML part, empty if there is none."""
        return self._render(self.template.html)

    @property
    def text(self) -> str:
        """The text part, empty if there is none."""
        return self._render(self.template.text)

    def _render(self, part: Text) -> str:
        try:
            return part.render(self.data)
        except KeyError:
            return part.source

    def check(self) -> None:
        """Raise RenderingError if SES could not render this mail."""
        if self.template.fault:
            raise RenderingError(self.template.fault)
        missing = self.template.names - self.data.keys()
        if missing:
            raise RenderingError(f"Attribute '{min(missing)}' is not present in the rendering data.")
        if _LINE_BREAK.search(self.subject):
            raise RenderingError("The rendered subject contains a line break or another control character.")


def literal(subject: str, html: str, text: str) -> Body:
    """A mail without placeholders, such as a simple or a raw one."""
    return Body(Template(Text((subject,)), Text((html,)), Text((text,))), {})


@lru_cache(maxsize=64)
def compile_template(subject: str, html: str, text: str) -> Template:
    """Compile a template; a fault of its syntax is kept, since SES reports it by an event only."""
    if len((subject + html + text).encode()) > MAX_TEMPLATE_BYTES:
        raise bad_request(f"The template is larger than {MAX_TEMPLATE_BYTES} bytes.")
    try:
        parts = [_compile(part) for part in (subject, html, text)]
    except RenderingError as error:
        return Template(Text((subject,)), Text((html,)), Text((text,)), fault=str(error))
    return Template(parts[0], parts[1], parts[2], names=frozenset(name for part in parts for name in part.pieces[1::2]))


def _compile(source: str) -> Text:
    pieces: list[str] = []
    end = 0
    for found in _TAG.finditer(source):
        name = _NAME.fullmatch(found[3])
        if found[1]:
            raise RenderingError(f"A backslash before '{{{{' is an escape in Handlebars: {_near(source, found)}")
        if found[2] or name is None:
            raise RenderingError(f"Only simple substitutions like {{{{name}}}} are supported: {_near(source, found)}")
        pieces += (source[end : found.start()], name[1])
        end = found.end()
    if "{{" in source[end:]:
        raise RenderingError("A placeholder is opened with '{{' and never closed.")
    pieces.append(source[end:])
    return Text(tuple(pieces))


def _near(source: str, found: re.Match[str]) -> str:
    return repr(source[max(found.start() - 10, 0) : found.end() + 10][:80])


def parse_data(source: str, name: str) -> dict[str, str]:
    """Template data as text by name; raises BadRequestException unless it is a JSON object.

    Numbers and booleans are written as Handlebars writes them, null as nothing. A list or an
    object has no simple substitution and is left out, so that using it is a Rendering Failure.
    """
    if not source:
        return {}
    if len(source) > MAX_DATA:
        raise bad_request(f"{name} is longer than {MAX_DATA} characters.")
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        raise bad_request(f"{name} is not valid JSON.") from None
    if not isinstance(value, dict):
        raise bad_request(f"{name} is not a JSON object.")
    if half_pair(source, value):
        raise bad_request(f"{name} contains half of a surrogate pair.")
    if all(type(item) is str for item in value.values()):
        return value
    return {key: _scalar(item) for key, item in value.items() if not isinstance(item, dict | list)}


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
