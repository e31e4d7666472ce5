"""Which end tag closes which start tag, by position; in linear time, whatever the nesting."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from chalicelib.domain.record import dataclass
from chalicelib.rendering.tokens import VOID, Kind, Token

MAX_DEPTH = 100


@dataclasses.dataclass(slots=True)
class Node:
    """An element: its start tag and its end tag (None where it is void or nothing of its own closes it).

    ``parent`` is the index of the innermost element around it in the list of nodes, or -1;
    ``until`` the offset at which it is no longer open.
    """

    start: Token
    parent: int
    until: int
    end: Token | None = None

    @property
    def name(self) -> str:
        """The tag's name."""
        return self.start.name


@dataclass(frozen=True, slots=True)
class Tree:
    """All elements in the order of their start tags, and the end tags that close nothing."""

    nodes: tuple[Node, ...]
    stray: tuple[Token, ...]
    too_deep: Token | None = None

    def ancestors(self, node: Node) -> tuple[Node, ...]:
        """The elements around a node, innermost first."""
        out = []
        index = node.parent
        while index >= 0:
            out.append(self.nodes[index])
            index = self.nodes[index].parent
        return tuple(out)


def build(tokens: Sequence[Token]) -> Tree:
    """Match tags. An end tag closes the innermost open element of its name and what is open inside.

    An element that something else closes keeps ``end`` None: where that matters (a region)
    the compiler refuses it, instead of guessing HTML's rules for omitted tags.
    """
    nodes: list[Node] = []
    stack: list[int] = []
    open_names: Counter[str] = Counter()
    stray: list[Token] = []
    too_deep: Token | None = None
    for token in tokens:
        if token.kind is Kind.START:
            void = token.name in VOID
            nodes.append(Node(token, stack[-1] if stack else -1, token.end if void else tokens[-1].end))
            if void:
                continue
            stack.append(len(nodes) - 1)
            open_names[token.name] += 1
            if len(stack) > MAX_DEPTH and too_deep is None:
                too_deep = token
        elif token.kind is Kind.END:
            if not open_names[token.name]:
                stray.append(token)
                continue
            while stack:
                node = nodes[stack.pop()]
                open_names[node.name] -= 1
                node.until = token.start
                if node.name == token.name:
                    node.end = token
                    break
    return Tree(tuple(nodes), tuple(stray), too_deep)
