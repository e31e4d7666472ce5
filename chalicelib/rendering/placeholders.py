"""Per-recipient values: encoded as SES placeholders once, filled in for each recipient.

SES reads templates as Handlebars does and escapes nothing (Amazon SES developer guide,
"Personalizing email"). So each placeholder belongs to one context and its value is escaped
here; and every character sequence of a text that Handlebars would act on becomes a placeholder
whose value is that sequence: ``{{`` anywhere, and ``{``, ``}`` or a backslash that touches a
placeholder (``{{{x}}}`` and ``\\{{x}}`` mean something else).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from urllib.parse import quote

from chalicelib.domain.content import UNSUBSCRIBE_URL, Content, Context, Placeholder
from chalicelib.rendering.merge import SENTINEL, Place

_LITERALS = {"{{": "lit_open", "{": "lit_brace", "}": "lit_close", "\\": "lit_backslash"}
_NAME = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef]")
_MARKUP = re.compile("[&<>\"']")
_BREAKS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")


class Encoder:
    """Turns texts with sentinels into texts with placeholders, and collects the placeholders."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._used: dict[str, Placeholder] = {}

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """All placeholders that were needed so far, by name."""
        return tuple(self._used[name] for name in sorted(self._used))

    def encode(self, text: str, context: Context) -> str:
        """``text`` as SES must get it so that it comes out as it stands, with the fields filled."""
        parts = SENTINEL.split(text)
        out: list[str] = []
        for index, part in enumerate(parts):
            if index % 2:
                out.append("{{" + self._field(self._places[int(part)], context) + "}}")
                continue
            out.append(self._literal(part, after=index > 0, before=index < len(parts) - 1))
        return "".join(out)

    def _field(self, place: Place, context: Context) -> str:
        if place.url and place.field != UNSUBSCRIBE_URL:
            context = Context.URL
        base = name = f"{context.value}_{place.field}"
        number = 1
        while name in self._used and self._used[name].default != place.default:
            number += 1
            name = f"{base}_{number}"
        self._used[name] = Placeholder(name, place.field, context, place.default)
        return name

    def _literal(self, text: str, *, after: bool, before: bool) -> str:
        """Encode a stretch between two fields; ``after`` and ``before`` say where a field touches it.

        A character that touches a placeholder, a literal one included, is encoded with it, so
        the text is walked from its end: what stands left of a placeholder is known then.
        """
        if "{{" not in text and not (before and text.endswith(("{", "\\"))) and not (after and text.startswith("}")):
            return text
        pieces: list[tuple[str, str]] = []
        rest, touching = text, before
        while rest:
            run = re.search(r"[\\{]+\Z", rest) if touching else None
            if run:
                pieces += [("lit", token) for token in reversed(re.findall(r"\{\{|\{|\\", run.group()))]
                rest = rest[:run.start()]
                touching = False
                continue
            cut = rest.rfind("{{")
            if cut < 0:
                pieces.append(("text", rest))
                break
            if rest[cut + 2:]:
                pieces.append(("text", rest[cut + 2:]))
            rest, touching = rest[:cut + 2], True
        pieces.reverse()
        return self._join(pieces, after)

    def _join(self, pieces: Sequence[tuple[str, str]], after: bool) -> str:
        out: list[str] = []
        for kind, piece in pieces:
            if kind == "lit":
                out.append(self._constant(piece))
                after = True
                continue
            closing = len(piece) - len(piece.lstrip("}")) if after else 0
            out += [self._constant("}") for _ in range(closing)] + [piece[closing:]]
            after = after and closing == len(piece)
        return "".join(out)

    def _constant(self, value: str) -> str:
        name = _LITERALS[value]
        self._used[name] = Placeholder(name, "", Context.LITERAL, value)
        return "{{" + name + "}}"


def data_for(content: Content, profile: Mapping[str, str], unsubscribe_url: str) -> dict[str, str]:
    """One recipient's replacement data: a value for every placeholder, escaped for its context.

    An absent or blank field takes the template's default.
    """
    data: dict[str, str] = json.loads(writer(content)(profile, unsubscribe_url))
    return data


def writer(content: Content) -> Callable[[Mapping[str, str], str], str]:
    """:func:`data_for` as JSON, for many recipients of one content: what depends on the content is done once."""
    form, fields = _prepared(content.placeholders)

    def write(profile: Mapping[str, str], unsubscribe_url: str) -> str:
        values = []
        for field, default, escape in fields:
            value = unsubscribe_url if field == UNSUBSCRIBE_URL else profile.get(field)
            values.append(encode_basestring(escape(value)) if value and not value.isspace() else default)
        return form % tuple(values)

    return write


def expand(content: Content, data: Mapping[str, str]) -> tuple[str, str, str]:
    """Subject, HTML and text with the data put in, as SES does it.

    Raises KeyError for a placeholder without a value (SES: Rendering Failure).
    """
    def fill(text: str) -> str:
        return _NAME.sub(lambda match: data[match.group(1)], text)

    return fill(content.subject), fill(content.html), fill(content.text)


_Escape = Callable[[str], str]
_Prepared = tuple[str, tuple[tuple[str, str, _Escape], ...]]


@lru_cache(maxsize=32)
def _prepared(placeholders: tuple[Placeholder, ...]) -> _Prepared:
    """The JSON with a ``%s`` for each value that is a recipient's own; those values' fields, in order."""
    constants = [p for p in placeholders if p.context is Context.LITERAL]
    own = [p for p in placeholders if p.context is not Context.LITERAL]
    members = [f"{_member(p.name)}{encode_basestring(p.default).replace('%', '%%')}" for p in constants]
    members += [f"{_member(p.name)}%s" for p in own]
    fields = tuple((p.field, encode_basestring(_ESCAPE[p.context](p.default)), _ESCAPE[p.context]) for p in own)
    return "{" + ", ".join(members) + "}", fields


def _member(name: str) -> str:
    return f"{encode_basestring(name)}: ".replace("%", "%%")


def _plain(value: str) -> str:
    if value.isprintable():  # nearly every name; no control, reordering or damaged character is printable
        return value
    return _HIDDEN.sub("", value.replace("\r\n", "\n"))


def _html(value: str) -> str:
    return html.escape(_plain(value)) if _MARKUP.search(value) or not value.isprintable() else value


def _subject(value: str) -> str:
    """One line: no CR, LF or other control may reach a header (N48)."""
    if value.isprintable():
        return value.strip()
    return _HIDDEN.sub("", _BREAKS.sub(" ", value)).strip()


def _url(value: str) -> str:
    """Percent-encoded whole, so that a value can neither leave its place nor its attribute."""
    return quote(_plain(value).strip(), safe="")


_ESCAPE: dict[Context, _Escape] = {
    Context.HTML: _html, Context.TEXT: _plain, Context.SUBJECT: _subject, Context.URL: _url,
}
