"""YAML that HQ writes (brand kits, approval routes), read by a closed schema with all problems at once.

The text is walked as YAML's own tree of nodes, so that every problem has its line. Aliases are
refused (a dozen lines of them unfold to gigabytes), so are tags, doubled keys, more than 256 KB
and nesting of more than 20 levels. An unknown key is a problem with the nearest known one beside it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TypeVar

from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_LIST = 2_000
MAX_TEXT = 500
T = TypeVar("T")
Scalar = str | int | float | bool | None
Judge = Callable[[str], str]
"""Says what is wrong with a text, as the code of a problem; "" if nothing is."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the text with its line; ``value`` is a scalar, a list of nodes or pairs of key and node."""

    value: Scalar | tuple[Node, ...] | Mapping[str, Node]
    line: int


@dataclasses.dataclass(slots=True)
class Reading:
    """Collects what is wrong while a text is read."""

    problems: list[Problem] = field(default_factory=list)

    def wrong(self, code: str, path: str, line: int, **params: str | int) -> None:
        """Note a problem; at most a hundred are kept."""
        if len(self.problems) < 100:
            self.problems.append(Problem(code, "yaml", {"path": path or "the text", "line": line, **params}))


def parse(text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a YAML text, or None and what is wrong with it. Never raises."""
    import yaml

    if len(text.encode()) > MAX_BYTES:
        return None, [Problem("yaml.too_big", "yaml", {"limit": MAX_BYTES})]
    reading = Reading()
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                return None, [Problem("yaml.alias", "yaml", {"line": line, "name": str(event.anchor)})]
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    return None, [Problem("yaml.too_deep", "yaml", {"line": line, "limit": MAX_DEPTH})]
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        tree = _node(root, loader, reading, "") if root is not None else Node({}, 1)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or error).splitlines()[0][:120]
        return None, [Problem("yaml.unreadable", "yaml", {"line": mark.line + 1 if mark else 1, "said": said})]
    except (ValueError, RecursionError, OverflowError) as error:
        return None, [Problem("yaml.unreadable", "yaml", {"line": 1, "said": type(error).__name__})]
    return (None, reading.problems) if reading.problems else (tree, [])


def _node(node: object, loader: object, reading: Reading, path: str) -> Node:
    """Our own small tree; only plain scalars, lists and mappings of words survive."""
    import yaml

    line = node.start_mark.line + 1  # type: ignore[attr-defined]
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                reading.wrong("yaml.key", path, line)
                continue
            name = str(key.value)
            if name in out:
                reading.wrong("yaml.doubled", f"{path}.{name}".lstrip("."), key.start_mark.line + 1)
            out[name] = _node(value, loader, reading, f"{path}.{name}".lstrip("."))
        return Node(out, line)
    if isinstance(node, yaml.SequenceNode):
        if len(node.value) > MAX_LIST:
            reading.wrong("yaml.too_long", path, line, limit=MAX_LIST)
        return Node(tuple(_node(n, loader, reading, f"{path}[{i + 1}]") for i, n in enumerate(node.value)), line)
    value = loader.construct_object(node, deep=True)  # type: ignore[attr-defined]
    if not isinstance(value, str | int | float | bool | None):
        value = str(node.value)  # type: ignore[attr-defined]
    return Node(value, line)


def read(text: str, make: Callable[[Fields], T]) -> T:
    """What ``make`` makes of a YAML text; raises Refused with every problem at once, each with its line."""
    tree, problems = parse(text)
    if tree is None:
        raise Refused(problems)
    return of_tree(tree, make)


def of_tree(tree: Node, make: Callable[[Fields], T]) -> T:
    """The same of a tree that somebody else made, such as a form."""
    reading = Reading()
    made = make(Fields(tree, reading))
    if reading.problems:
        raise Refused(reading.problems)
    return made


def problems_of(text: str, make: Callable[[Fields], object]) -> tuple[Problem, ...]:
    """What is wrong with a text, nothing if it can be published."""
    try:
        read(text, make)
    except Refused as refused:
        return refused.problems
    return ()


class Fields:
    """One mapping of a closed schema: ask for each known key, then :meth:`close` names the rest.

    Each reader notes what is wrong and gives its default back, so that one run finds everything.
    """

    def __init__(self, node: Node | None, reading: Reading, path: str = "") -> None:
        self.reading, self.path = reading, path
        self.line = node.line if node else 0
        self._asked: set[str] = set()
        self._values: Mapping[str, Node] = {}
        if node is None or node.value is None:
            return
        if isinstance(node.value, Mapping):
            self._values = node.value
        else:
            reading.wrong("yaml.not_a_mapping", path, node.line)

    def at(self, name: str) -> str:
        """The path of a key, as problems name it."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Node | None:
        """The node of a key; None where it is absent or empty."""
        self._asked.add(name)
        node = self._values.get(name)
        return None if node is None or node.value is None else node

    def has(self, name: str) -> bool:
        """Whether the key is there with a value."""
        return self.get(name) is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, in the order of the text; with it the mapping counts as read whole."""
        self._asked.update(self._values)
        return tuple(self._values)

    def text(
        self, name: str, default: str = "", *, required: bool = False, limit: int = MAX_TEXT,
        judge: Judge | None = None,
    ) -> str:
        """A line of words; numbers are taken as they were written. ``judge`` is asked about one that is not empty."""
        node = self.get(name)
        if node is None:
            if required:
                self.reading.wrong("yaml.missing", self.at(name), self.line)
            return default
        found = text_of(node)
        if found is None:
            self.reading.wrong("yaml.not_text", self.at(name), node.line)
            return default
        if len(found) > limit:
            self.reading.wrong("yaml.text_long", self.at(name), node.line, limit=limit)
        if judge and found:
            self.checked(name, [found[:limit]], judge)
        return found[:limit]

    def number(self, name: str, default: float = 0, *, low: float = 0, high: float = 1e9, whole: bool = True) -> float:
        """A number within its bounds, both included."""
        node = self.get(name)
        if node is None:
            return default
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high or (
            whole and value != int(value)
        ):
            self.reading.wrong("yaml.number", self.at(name), node.line, value=_shown(node), low=f"{low:g}",
                               high=f"{high:g}")
            return default
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """``yes`` or ``no``."""
        node = self.get(name)
        if node is None:
            return default
        if not isinstance(node.value, bool):
            self.reading.wrong("yaml.flag", self.at(name), node.line, value=_shown(node))
            return default
        return node.value

    def choice(self, name: str, choices: Iterable[str], default: str = "") -> str:
        """One of some words; another is a problem with the nearest of them."""
        node = self.get(name)
        if node is None:
            return default
        known = tuple(choices)
        found = text_of(node)
        if found not in known:
            self.reading.wrong("yaml.choice", self.at(name), node.line, value=_shown(node),
                               suggestion=nearest(_shown(node), known), choices=", ".join(known))
            return default
        return found

    def texts(self, name: str, *, limit: int = MAX_TEXT, judge: Judge | None = None) -> tuple[str, ...]:
        """A list of lines, each of which ``judge`` is asked about; a single one may stand without its dash."""
        node = self.get(name)
        if node is None:
            return ()
        items = node.value if isinstance(node.value, tuple) else (node,)
        out = []
        for item in items:
            found = text_of(item)
            if found is None or not found.strip():
                self.reading.wrong("yaml.not_text", self.at(name), item.line)
            elif len(found) > limit:
                self.reading.wrong("yaml.text_long", self.at(name), item.line, limit=limit)
            else:
                out.append(found.strip())
        if judge:
            self.checked(name, out, judge)
        return tuple(out)

    def each(self, name: str) -> Iterator[Fields]:
        """The mappings of a list."""
        node = self.get(name)
        if node is None:
            return
        if not isinstance(node.value, tuple):
            self.reading.wrong("yaml.not_a_list", self.at(name), node.line)
            return
        for number, item in enumerate(node.value, 1):
            yield Fields(item, self.reading, f"{self.at(name)}[{number}]")

    def inner(self, name: str) -> Fields:
        """The mapping of a key; an empty one where it is absent."""
        return Fields(self.get(name), self.reading, self.at(name))

    def checked(self, name: str, values: Iterable[str], judge: Judge) -> None:
        """Note a problem for each value at fault."""
        for value in values:
            if code := judge(value):
                node = self._values.get(name)
                self.reading.wrong(code, self.at(name), node.line if node else self.line, value=value[:80])

    def close(self) -> None:
        """Name every key that nobody asked for, with the nearest known one."""
        for name, node in self._values.items():
            if name not in self._asked:
                self.reading.wrong("yaml.unknown", self.at(name), node.line, value=name[:80],
                                   suggestion=nearest(name, self._asked), choices=", ".join(sorted(self._asked)))


def text_of(node: Node) -> str | None:
    """A scalar as text; None for lists, mappings and nothing."""
    value = node.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else None


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, "–" where none is near."""
    close = difflib.get_close_matches(word.lower()[:80], [k for k in known], n=1, cutoff=0.55)
    return close[0] if close else "–"


def _shown(node: Node) -> str:
    found = text_of(node)
    return (found if found is not None else "…")[:80]
