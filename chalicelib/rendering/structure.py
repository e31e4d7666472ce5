"""Which end tag closes which start tag, by position; in linear time, whatever the nesting."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from chalicelib.domain.record import dataclass
from chalicelib.rendering.tokens import END, START, VOID, Token

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

    @property
    def after(self) -> int:
        """The offset behind its end tag, or behind its start tag where it has no end tag of its own."""
        return (self.end or self.start).end


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


class Nesting:
    """Which elements are open while the tags go by; ``too_deep`` is the first that stood too deep.

    An end tag closes the innermost open element of its name and what is open inside. HTML's rules for
    omitted tags are not guessed.
    """

    def __init__(self) -> None:
        self.stack: list[int] = []
        self.too_deep: Token | None = None
        self._open: list[str] = []
        self._counts: dict[str, int] = {}

    @property
    def inner(self) -> int:
        """The number of the innermost open element, or -1."""
        return self.stack[-1] if self.stack else -1

    def enter(self, number: int, token: Token) -> None:
        """An element begins; one that is void holds nothing."""
        name = token.name
        if name in VOID:
            return
        self.stack.append(number)
        self._open.append(name)
        self._counts[name] = self._counts.get(name, 0) + 1
        if self.too_deep is None and len(self.stack) > MAX_DEPTH:
            self.too_deep = token

    def leave(self, name: str) -> list[int]:
        """The elements that an end tag closes, innermost first, the one it names last; none where it is stray."""
        closed: list[int] = []
        if not self._counts.get(name):
            return closed
        while True:
            inner = self._open.pop()
            self._counts[inner] -= 1
            closed.append(self.stack.pop())
            if inner == name:
                return closed


def build(tokens: Sequence[Token]) -> Tree:
    """Match tags, as :class:`Nesting` does.

    An element that something else closes keeps ``end`` None: where that matters (a region)
    the compiler refuses it.
    """
    nodes: list[Node] = []
    nesting, stray = Nesting(), list[Token]()
    for token in tokens:
        if token.kind is START:
            nodes.append(Node(token, nesting.inner, token.end if token.name in VOID else tokens[-1].end))
            nesting.enter(len(nodes) - 1, token)
        elif token.kind is END:
            closed = nesting.leave(token.name)
            for number in closed:
                nodes[number].until = token.start
            if closed:
                nodes[closed[-1]].end = token
            else:
                stray.append(token)
    return Tree(tuple(nodes), tuple(stray), nesting.too_deep)
