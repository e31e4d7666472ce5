"""``@dataclass(frozen=True, slots=True)`` whose methods are written when they are first used.

The standard decorator writes six functions as text and compiles them for every class, at import:
half of what a cold start of the pages cost, for methods most of which that process never calls. Here
the class gets its fields and slots at once, and each generated method is made, by the standard
decorator itself, when somebody first asks for it; from then on it is the same plain function.
A type checker sees the standard decorator. ``docs/adr`` tells why.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass

# What makes the standard decorator write one method and no other but the two that guard a frozen class.
WRITTEN: dict[str, dict[str, bool]] = {
    "__init__": {"init": True}, "__repr__": {"repr": True}, "__eq__": {"eq": True}, "__hash__": {"eq": True},
}


class Late:
    """Stands for a method until it is asked for, by a call or by ``inspect``; then makes it and gives way."""

    __slots__ = ("cls", "name")

    def __init__(self, cls: type, name: str) -> None:
        self.cls, self.name = cls, name

    def __get__(self, instance: object | None, owner: type) -> Any:
        """The method, bound as any other. Two threads may both make it; either one serves."""
        made = written(self.cls, self.name)
        setattr(self.cls, self.name, made)
        return made.__get__(instance, owner)


def written(cls: Any, name: str) -> Any:
    """One method as the standard decorator writes it: on a twin that has the same fields and nothing else."""
    told = dataclasses.fields(cls)
    twin: dict[str, Any] = {field.name: field for field in told}
    twin |= {"__annotations__": {field.name: field.type for field in told}, "__doc__": "a twin",
             "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if hasattr(cls, "__post_init__"):
        twin["__post_init__"] = cls.__post_init__
    wanted = {"init": False, "repr": False, "eq": False, "frozen": True} | WRITTEN[name]
    return vars(dataclasses.dataclass(**wanted)(type(cls.__name__, (), twin)))[name]


def frozen_field(self: object, name: str, value: object = None) -> NoReturn:
    """``__setattr__`` and ``__delattr__`` of every class: what it holds stays."""
    raise dataclasses.FrozenInstanceError(f"field {name!r} can't be changed")


def state(self: Any) -> list[Any]:
    """What ``copy`` and ``pickle`` take along: the fields in order, as the standard decorator has it."""
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def take_state(self: Any, values: list[Any]) -> None:
    """Fill a copy."""
    for field, value in zip(dataclasses.fields(self), values, strict=True):
        object.__setattr__(self, field.name, value)


GUARDS = {
    "__setattr__": frozen_field, "__delattr__": frozen_field, "__getstate__": state, "__setstate__": take_state,
}

if not TYPE_CHECKING:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False):
        """Decorate a frozen class with slots; any other use raises TypeError: take the standard one for it."""
        if not (frozen and slots):
            raise TypeError("this decorator is for frozen dataclasses with slots")

        def make(cls):
            own = {name for name, value in vars(cls).items() if value is not None}
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
            for name in WRITTEN.keys() - own:
                setattr(made, name, Late(made, name))
            for name in GUARDS.keys() - own:
                setattr(made, name, GUARDS[name])
            return made

        return make
