"""Put a rule's safe fix into one of a partner's values: in the words, an address, or behind the end.

In rich text a fix reaches the text between tags or the address in a link, never a tag; words that
run over a tag are left to the person who wrote them. What comes back is a value like any typed one:
it is checked and sanitised again before it is shown or sent.
"""

from __future__ import annotations

import html

from chalicelib.domain import compliance, plain_text, values
from chalicelib.domain.compliance import At, Finding, Fix
from chalicelib.domain.compliance.registry import Edit
from chalicelib.domain.errors import Problem
from chalicelib.domain.kit import Kit
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, RegionType
from chalicelib.rendering import fill
from chalicelib.rendering.tokens import Kind, Token, tags, tokenise

_APART = tags("p ul ol li br")
_LINKS = (RegionType.LINK, RegionType.BUTTON)
_WORDS = (RegionType.TEXT, RegionType.LIST)


def mended(region: Region | None, key: str, value: str, finding: Finding, kit: Kit) -> str | None:
    """The value with the finding's safe fix; None where it has none, or none that this value can take.

    ``region`` is None for the subject and the preview line. A fix that would bring a problem of its own (too
    long, a link to a host that is not allowed) is none.
    """
    fix = compliance.fix_of(finding)
    if fix is None:
        return None
    if region is not None and region.type is RegionType.RICH:
        made = _rich(region, value, fix, finding, kit)
    else:
        made = _plain(region, key, value, fix, finding, kit)
    return made if made is not None and made != value and _stands(region, key, value, made) else None


def _plain(region: Region | None, key: str, value: str, fix: Fix, finding: Finding, kit: Kit) -> str | None:
    second = region is not None and key != region.id
    is_words = region is None or region.type in _WORDS or (second and region.type in (*_LINKS, RegionType.IMAGE))
    is_address = region is not None and region.type in _LINKS and not second
    if (fix.at is At.ADDRESS and is_address) or (fix.at is At.WORDS and is_words):
        return compliance.edited(value, fix.edits(value, finding, kit))
    rows = region is not None and region.type is RegionType.TEXT and region.rows > 1
    if fix.at is At.END and rows and not finding.params.get("url"):
        return "\n".join([value, *(words for _, _, words in fix.edits(value, finding, kit))])
    return None


def _stands(region: Region | None, key: str, before: str, after: str) -> bool:
    """Whether a value is no worse than it was."""
    if region is None:
        limit = values.MAX_SUBJECT if key == "subject" else values.MAX_PREHEADER
        return not plain_text.line(key, after, limit=limit, required=True)[1]
    old, new = ({p.code for p in _problems(region, key, text)} for text in (before, after))
    return new <= old


def _problems(region: Region, key: str, text: str) -> list[Problem]:
    found = list(values.validate(region, {key: text}).problems)
    return found + (fill.rich(region, text)[1] if region.type is RegionType.RICH else [])


# --- rich text

@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text: its place in the words, and its bytes in the HTML."""

    begin: int
    end: int
    token: Token


def _rich(region: Region, value: str, fix: Fix, finding: Finding, kit: Kit) -> str | None:
    source = fill.rich(region, value)[0].encode()
    tokens = tokenise(source)
    if fix.at is At.ADDRESS:
        return _addresses(source, tokens, fix, finding, kit)
    words, pieces = _read(source, tokens)
    edits = fix.edits(words, finding, kit)
    if fix.at is At.END:
        return source.decode() + "".join(_added(region, words, finding) for _, _, words in edits)
    return _spliced(source, words, pieces, list(edits))


def _read(source: bytes, tokens: list[Token]) -> tuple[str, list[_Piece]]:
    """The words in order, with a line's end where paragraphs and entries are parted."""
    out, pieces, size = list[str](), list[_Piece](), 0
    for token in tokens:
        text = ""
        if token.kind is Kind.TEXT:
            text = html.unescape(source[token.start:token.end].decode())
            pieces.append(_Piece(size, size + len(text), token))
        elif token.name in _APART and out:
            text = "\n"
        out.append(text)
        size += len(text)
    return "".join(out), pieces


def _spliced(source: bytes, words: str, pieces: list[_Piece], edits: list[Edit]) -> str | None:
    """The HTML with the edits in its text; None if one of them reaches over a tag."""
    out, position = list[bytes](), 0
    for piece in pieces:
        inside = [e for e in edits if piece.begin <= e[0] and e[1] <= piece.end and (e[0] < e[1] or e[2])]
        if not inside:
            continue
        edits = [e for e in edits if e not in inside]
        text = compliance.edited(words[piece.begin:piece.end],
                                 [(start - piece.begin, end - piece.begin, new) for start, end, new in inside])
        out += [source[position:piece.token.start], html.escape(text, quote=False).replace("\u00a0", "&nbsp;").encode()]
        position = piece.token.end
    return None if edits else b"".join([*out, source[position:]]).decode()


def _addresses(source: bytes, tokens: list[Token], fix: Fix, finding: Finding, kit: Kit) -> str:
    out, position = list[bytes](), 0
    for token in tokens:
        held = token.attribute("href") if token.kind is Kind.START and token.name == "a" else None
        if held is None or not (edits := fix.edits(held.value, finding, kit)):
            continue
        out += [source[position:held.value_start], _address(compliance.edited(held.value, edits)).encode()]
        position = held.value_end
    return b"".join([*out, source[position:]]).decode()


def _address(url: str) -> str:
    return html.escape(url, quote=False).replace('"', "&quot;")


def _added(region: Region, words: str, finding: Finding) -> str:
    text, url = html.escape(words, quote=False), str(finding.params.get("url", ""))
    text = f'<a href="{_address(url)}">{text}</a>' if url else text
    return f" {text}" if region.inline else f"<p>{text}</p>"
