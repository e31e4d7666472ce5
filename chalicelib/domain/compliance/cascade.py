"""Which declarations of a mail's style sheets reach an element, in the order in which they win.

Followed are tags, classes and ids, inside of one another and directly so, with their specificity
(CSS Selectors 4, section 17) and ``!important``; ``@media screen`` and ``all`` count, other conditions
do not: a mail must be readable without them. What depends on the mouse never counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from chalicelib.domain.compliance import css
from chalicelib.domain.compliance.document import Element
from chalicelib.domain.record import dataclass

_COMPOUND = re.compile(r"([a-z][a-z0-9]*|\*)?((?:[.#][\w-]{1,80})*)\Z", re.IGNORECASE)
_PARTS = re.compile(r"\s*(>)\s*|\s+")
_ALWAYS = frozenset({"", "all", "screen", "only screen", "only all"})
_NAMELESS = frozenset[str]()
MAX_COMPOUNDS = 12
"""A longer selector is not followed; people write four at most."""
MAX_AROUND = 100
"""Elements around one that are looked at; deeper nesting is refused (``rendering.structure``)."""
MAX_WORK = 300_000
"""Rules asked, over all elements: beyond that a person looks. A large template of a brand asks some thousands."""


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element must be; ``direct`` asks it of the parent of the next one, not of any element around it."""

    tag: str
    names: frozenset[str]
    direct: bool = False

    def fits(self, tag: str, names: frozenset[str]) -> bool:
        """Whether an element of this tag, with these classes and this id, is meant."""
        return (not self.tag or self.tag == tag) and self.names <= names


@dataclass(frozen=True, slots=True)
class Rule:
    """A selector from its last compound outwards, how specific it is, and what it declares."""

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int, int]
    declarations: str


class Sheet:
    """The rules of a mail's style sheets that speak ``about`` something, found by what the element itself must be."""

    def __init__(
        self, texts: Iterable[str], about: Sequence[str], classes: Mapping[int, str], ids: Mapping[int, str],
    ) -> None:
        self._rules: dict[str, list[Rule]] = {}
        self._classes, self._ids, self._work = classes, ids, 0
        self._names: dict[int, frozenset[str]] = {}
        for order, (selector, declarations) in enumerate(rule for text in texts for rule in rules(text)):
            rule = _rule(selector, declarations, order)
            if rule is not None and any(word in declarations.lower() for word in about):
                own = rule.compounds[0]
                self._rules.setdefault(min(own.names, default=own.tag), []).append(rule)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def declarations(self, index: int, elements: Sequence[Element]) -> str:
        """What reaches ``elements[index]``, the winning declaration of each property last.

        Raises ValueError where a mail asks for more than is bearable.
        """
        names, tag = self._of(index), elements[index].tag
        if not names and tag not in self._rules and "" not in self._rules:
            return ""
        asked = [rule for key in (tag, "", *names) for rule in self._rules.get(key, ())]
        self._work += len(asked)
        if self._work > MAX_WORK:
            raise ValueError("style sheets of so many rules for so many elements are not followed")
        found = [
            rule for rule in asked
            if rule.compounds[0].fits(tag, names) and self._around(rule.compounds, index, elements)
        ]
        return ";".join(rule.declarations for rule in sorted(found, key=lambda rule: rule.weight))

    def _around(self, compounds: tuple[Compound, ...], index: int, elements: Sequence[Element]) -> bool:
        """Whether the elements around fit the rest of a selector. The nearest fit is taken, which is exact
        for selectors of one kind of step; of a mix of both kinds a rare match is missed."""
        for compound in compounds[1:]:
            index = elements[index].parent
            for _ in range(MAX_AROUND):
                if index < 0 or compound.fits(elements[index].tag, self._of(index)):
                    break
                index = -1 if compound.direct else elements[index].parent
            else:
                return False
            if index < 0:
                return False
        return True

    def _of(self, index: int) -> frozenset[str]:
        """Classes and id of an element, as selectors write them."""
        if index not in self._classes and index not in self._ids:
            return _NAMELESS
        found = self._names.get(index)
        if found is None:
            names = {f".{name}" for name in self._classes.get(index, "").split()}
            if self._ids.get(index):
                names.add(f"#{self._ids[index]}")
            found = self._names[index] = frozenset(names)
        return found


@lru_cache(maxsize=16)
def rules(text: str) -> Sequence[tuple[str, str]]:
    """Selector and declarations of each rule that counts without a condition; a template's sheet is read once."""
    return tuple(_unconditional(text))


def _unconditional(text: str) -> Iterator[tuple[str, str]]:
    import tinycss2

    css.read(text)  # refuses what is nested beyond reason
    todo = [tinycss2.parse_stylesheet(css.component_values(text), skip_comments=True, skip_whitespace=True)]
    while todo:
        for rule in todo.pop(0):
            if rule.type == "qualified-rule":
                declarations = tinycss2.serialize(rule.content)
                for selector in tinycss2.serialize(rule.prelude).split(","):
                    yield selector.strip(), declarations
            elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content is not None:
                if " ".join(tinycss2.serialize(rule.prelude).lower().split()) in _ALWAYS:
                    todo.append(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))


def _rule(selector: str, declarations: str, order: int) -> Rule | None:
    """A rule, or None for a selector that is not followed (attributes, pseudo-classes, siblings)."""
    pieces = _PARTS.split(selector)
    if not selector or len(pieces) > 2 * MAX_COMPOUNDS:
        return None
    compounds: list[Compound] = []
    ids = classes = tags = 0
    for place in range(len(pieces) - 1, -1, -2):
        match = _COMPOUND.match(pieces[place])
        if not match or not pieces[place]:
            return None
        names = frozenset(re.findall(r"[.#][\w-]+", match.group(2)))
        tag = (match.group(1) or "").lower().replace("*", "")
        # The step between this compound and the next one stands behind this one.
        direct = place + 1 < len(pieces) and pieces[place + 1] == ">"
        compounds.append(Compound(tag, names, direct))
        ids += sum(name[0] == "#" for name in names)
        classes += sum(name[0] == "." for name in names)
        tags += bool(tag)
    return Rule(tuple(compounds), (ids, classes, tags, order), declarations)
