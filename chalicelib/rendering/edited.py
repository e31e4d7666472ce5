"""A source that is edited by byte position, pass by pass; what no edit names stays as its author wrote it."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Self

from chalicelib.rendering.lines import Lines
from chalicelib.rendering.structure import Node, Tree, build
from chalicelib.rendering.tokens import Token, tokenise


@dataclass(slots=True)
class Edited:
    """A source on its way; each pass reads it anew and leaves it changed by :meth:`apply`.

    An edit keeps the line ends it takes out, so that every line is one of the author's own file.
    """

    source: bytes
    tokens: list[Token] = field(default_factory=list)
    tree: Tree = field(default_factory=lambda: build(()))
    lines: Lines = field(default_factory=lambda: Lines(b""))
    _edits: list[tuple[int, int, bytes]] = field(default_factory=list)

    def read(self) -> Self:
        """Tokenise what the source is now."""
        self.tokens = tokenise(self.source)
        self.tree, self.lines = build(self.tokens), Lines(self.source)
        return self

    def edit(self, start: int, end: int, text: str | bytes = b"") -> None:
        """Replace ``[start, end)``; the line ends in it stay."""
        data = text.encode() if isinstance(text, str) else text
        lost = self.source.count(b"\n", start, end) - data.count(b"\n")
        self._edits.append((start, end, data + b"\n" * max(lost, 0)))

    def cut(self, token: Token, name: str) -> None:
        """Take an attribute out of a tag."""
        for attribute in token.attributes:
            if attribute.name == name:
                self.edit(attribute.start, attribute.end)

    def mark(self, token: Token, **attributes: str) -> None:
        """Give a start tag attributes (``data_region`` becomes ``data-region``); empty ones are left out."""
        at = token.start + 1 + len(token.name.encode())
        given = ((name.replace("_", "-"), html.escape(value)) for name, value in attributes.items() if value)
        self._edits.append((at, at, "".join(f' {name}="{value}"' for name, value in given).encode()))

    def unwrap(self, node: Node) -> None:
        """Take an element's tags out and leave what is inside."""
        self.edit(node.start.start, node.start.end)
        if node.end:
            self.edit(node.end.start, node.end.end)

    def apply(self) -> Self:
        """Carry out the edits and read the result; of two that overlap the outer one counts."""
        out, position = [], 0
        for start, end, data in sorted(self._edits, key=lambda e: (e[0], e[1] > e[0], -e[1])):
            if start < position:
                continue
            out += [self.source[position:start], data]
            position = end
        self.source = b"".join([*out, self.source[position:]])
        self._edits.clear()
        return self.read()

    def text(self, start: int, end: int) -> str:
        """What stands in ``[start, end)``."""
        return self.source[start:end].decode("utf-8", "replace")

    def inner(self, node: Node) -> str:
        """The source between an element's tags."""
        return self.text(node.start.end, node.end.start) if node.end else ""

    def around(self, node: Node) -> list[str]:
        """The names of the elements around one, innermost first."""
        return [n.name for n in self.tree.ancestors(node)]

    def within(self, node: Node) -> list[Node]:
        """The elements inside one, in order."""
        if node.end is None:
            return []
        return [n for n in self.tree.nodes if node.start.end <= n.start.start < node.end.start]
