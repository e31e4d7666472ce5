"""Records: dataclasses in every respect but when their methods are made."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from dataclasses import field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import record
from chalicelib.domain.record import Late, dataclass

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """All that a field may have."""

    size: int
    name: str = "none"
    tags: tuple[str, ...] = ()
    facts: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="x", repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The same, by the standard decorator."""

    size: int
    name: str = "none"
    tags: tuple[str, ...] = ()
    facts: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="x", repr=False)


@dataclass(frozen=True, slots=True)
class Child(Ours):
    """One field more, by position."""

    more: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A class with methods of its own, which stay."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")

    def __repr__(self) -> str:
        return f"{self.low}..{self.high}"


VALUES = st.fixed_dictionaries(
    {"size": st.integers(0, 3)},
    optional={"name": st.sampled_from(("none", "a")), "tags": st.sampled_from(((), ("a",))),
              "facts": st.just({"a": 1}), "secret": st.sampled_from(("x", "y"))},
)


def told(value: object) -> str:
    """The representation without the name of the class."""
    return repr(value).partition("(")[2]


@given(VALUES, VALUES)
def test_all_methods_agree_with_the_standard_ones(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Equality, hash, representation, replace and asdict are those of a standard dataclass with the same fields."""
    ours, standard = (Ours(**one), Ours(**two)), (Standard(**one), Standard(**two))
    assert (ours[0] == ours[1]) is (standard[0] == standard[1])
    assert hash(ours[0]) == hash(standard[0])
    assert told(ours[0]) == told(standard[0]) and repr(ours[0]).startswith("Ours(")
    assert dataclasses.asdict(ours[0]) == dataclasses.asdict(standard[0])
    assert told(dataclasses.replace(ours[0], **two)) == told(dataclasses.replace(standard[0], **two))
    assert ours[0].__eq__(standard[0]) is NotImplemented


def test_the_signature_and_its_errors_are_the_standard_ones() -> None:
    """Whoever looks at a class or calls it wrongly sees its fields, in a child those of its parent too."""
    assert inspect.signature(Ours) == inspect.signature(Standard)
    assert list(inspect.signature(Child).parameters) == ["more", "size", "name", "tags", "facts", "secret"]
    assert Child(3, size=1) == Child(more=3, size=1) != Child(4, size=1)
    with pytest.raises(TypeError, match=r"Ours.__init__\(\) missing 1 required keyword-only argument: 'size'"):
        Ours()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        Ours(size=1, other=2)  # type: ignore[call-arg]


def test_what_a_record_holds_stays() -> None:
    """No field can be set, deleted or added, and there is no place for another."""
    one = Ours(size=1)
    for name in ("size", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(one, "size")
    assert one.size == 1 and not hasattr(one, "__dict__")


def test_copies_are_equal() -> None:
    """Copying and pickling take every field along."""
    one = Child(2, size=1, tags=("a",), facts={"a": 1})
    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert other == one and other.facts == one.facts and other is not one


def test_own_methods_stay() -> None:
    """What a class defines itself is kept, and ``__post_init__`` is called."""
    assert repr(Checked(1, 2)) == "1..2"
    with pytest.raises(ValueError, match="low is above high"):
        Checked(2, 1)


def test_a_method_is_made_at_first_use_and_is_plain_from_then_on() -> None:
    """Before: a stand-in. After: the very function, also where many threads ask at once."""
    @dataclass(frozen=True, slots=True)
    class Fresh:
        """Nobody has made one yet."""

        size: int

    assert all(isinstance(vars(Fresh)[name], Late) for name in record.WRITTEN)
    made: list[Fresh] = []
    threads = [threading.Thread(target=lambda: made.append(Fresh(7))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [one.size for one in made] == [7] * 8
    assert inspect.isfunction(vars(Fresh)["__init__"])
    assert isinstance(vars(Fresh)["__eq__"], Late), "nobody compared"


def test_it_is_for_frozen_classes_with_slots() -> None:
    """Another use is refused, not silently made into a frozen class."""
    for options in ({"frozen": False, "slots": True}, {"frozen": True, "slots": False}):
        with pytest.raises(TypeError, match="frozen dataclasses with slots"):
            dataclass(**options)


def test_importing_the_pages_writes_few_methods() -> None:
    """A cold start makes the methods it calls, of a few classes in a hundred, and leaves the others."""
    code = (
        "import sys, app; from chalicelib.domain.record import WRITTEN, Late; classes = [one for name, module "
        "in list(sys.modules.items()) if name.startswith('chalicelib.') for one in vars(module).values() "
        "if isinstance(one, type) and one.__module__ == name and hasattr(one, '__dataclass_fields__')]; "
        "late = [isinstance(vars(one).get(name), Late) for one in classes for name in WRITTEN]; "
        "print(sum(late), len(late) - sum(late))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    late, made = map(int, done.stdout.split())
    assert late > 400 and made < 50


def test_every_frozen_class_is_a_record() -> None:
    """A module that took the standard decorator for a frozen class with slots would pay for it at each cold start."""
    wrong = []
    for file in (ROOT / "chalicelib").rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        standard = any(
            isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and "dataclass" in
            {name.name for name in node.names} for node in tree.body)
        names = ("dataclass(", "dataclasses.dataclass(") if standard else ("dataclasses.dataclass(",)
        for node in ast.walk(tree):
            for call in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                text = ast.unparse(call)
                if text.startswith(names) and "frozen=True" in text and "slots=True" in text:
                    wrong.append(str(file.relative_to(ROOT)))
    assert wrong == [], "these take dataclass from dataclasses; frozen ones come from chalicelib.domain.record"
