"""A brand kit as a form: the same closed schema, read from fields instead of from YAML, and written back as YAML.

Each field of the form is called after its place in the schema (``palette.colours``,
``names[2].mark``), so that a problem that the schema notes stands at its field. Lists of words
are one a line; rows without a word in them are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain import closed
from chalicelib.domain.closed import Node, Reading, Scalar
from chalicelib.domain.errors import Problem
from chalicelib.domain.kit import CLIENTS, ENTITY_FIELDS, LANGUAGES, Kit, Limits, of_fields

WORDS = ("fonts", "acronyms", "competitors", "images")
"""Lists of the top level that are typed one a line."""
ROWS: Mapping[str, Mapping[str, str]] = {
    "logos": {"id": "text", "url": "text", "sha256": "text", "min_width": "number", "max_width": "number",
              "ratio": "number", "clear_space": "number"},
    "names": {"name": "text", "forms": "words", "mark": "text"},
    "disclaimers": {"id": "text", "triggers": "words", "text": "text", "url": "text"},
}
"""Lists of rows with the kind of each of their fields."""
PAIRS = ("imprint", "examples", "utm")
"""Mappings whose keys HQ chooses: rows with a key of their own."""
LIMITS = tuple(Limits.__slots__)
PALETTE = "palette"
WIDTHS: Mapping[str, int] = {
    PALETTE: 1, "logos": 7, "names": 3, "disclaimers": 4, "imprint": 1 + len(ENTITY_FIELDS), "examples": 3, "utm": 2,
}
"""Lists of rows, and fields of one row."""
OTHERS = 100
"""Fields of the form that stand in no row, generously counted."""
MAX_FIELDS = 5_000
"""Fields of a form: some 1,600 names. A kit of more is edited as YAML."""
Form = Mapping[str, Sequence[str]]
_LINE = Node("", 0)


# --- from a form

def compact(form: Form) -> dict[str, Sequence[str]]:
    """The form with its rows numbered from 1 without gaps, so that a problem's place is the row's own."""
    out: dict[str, Sequence[str]] = {}
    places = {(name, number): place for name in (*ROWS, *PAIRS) for place, number in enumerate(rows_of(form, name), 1)}
    for key, texts in form.items():
        row = re.fullmatch(r"(\w+)\[(\d{1,4})\](\.\w+)", key)
        if row is None:
            out[key] = texts
        elif place := places.get((row.group(1), int(row.group(2)))):
            out[f"{row.group(1)}[{place}]{row.group(3)}"] = texts
    return out


def read(form: Form) -> tuple[Kit | None, tuple[Problem, ...]]:
    """The kit of a form, or None and every problem with the name of its field. Never raises."""
    reading = Reading()
    kit = of_fields(closed.Fields(Node(_tree(form), 0), reading))
    problems = tuple(Problem(p.code, field_of(str(p.params["path"])), p.params) for p in reading.problems)
    return (None if problems else kit), problems


def field_of(path: str) -> str:
    """The form's field for a place in the schema."""
    found = re.match(r"(imprint|examples|links\.utm)\.([^.]+)", path)
    return f"{found.group(1).removeprefix('links.')}.{found.group(2)}" if found else path


def _tree(form: Form) -> dict[str, Node]:
    """The schema's own shape; empty parts are left out."""
    tree: dict[str, Node] = {"brand": _text(form, "brand"), "palette": Node({
        "colours": _list(_every(form, "palette.colours")), "max_difference": _number(form, "palette.max_difference"),
    }, 0)}
    tree |= {name: _lines(form, name) for name in WORDS}
    for name, kinds in ROWS.items():
        rows = [Node({field: _field(form, f"{name}[{n}].{field}", kind) for field, kind in kinds.items()}, 0)
                for n in rows_of(form, name)]
        tree[name] = Node(tuple(rows) or None, 0)
    tree["logo_required"] = Node(_one(form, "logo_required") == "yes", 0)
    for name in ("banned", "required"):
        tree[name] = Node({lang: _lines(form, f"{name}.{lang}") for lang in LANGUAGES}, 0)
    tree["links"] = Node({
        "hosts": _lines(form, "links.hosts"), "fonts": _lines(form, "links.fonts"),
        "terms": _lines(form, "links.terms"),
        "utm": Node({key: _text(form, f"utm[{n}].value") for n, key in keys_of(form, "utm")}, 0),
    }, 0)
    tree["imprint"] = Node({
        key: _list(_every(form, f"imprint[{n}].fields")) for n, key in keys_of(form, "imprint")}, 0)
    tree["examples"] = Node({key: Node({
        side: _text(form, f"examples[{n}].{side}") for side in ("good", "bad")}, 0)
        for n, key in keys_of(form, "examples")}, 0)
    tree["clients"] = _list(_every(form, "clients"))
    tree["limits"] = Node({name: _number(form, f"limits.{name}") for name in LIMITS}, 0)
    return tree


def rows_of(form: Form, name: str) -> list[int]:
    """The numbers of a list's rows in which something is written, in order."""
    found = {
        int(match.group(1)) for key, texts in form.items()
        if (match := re.fullmatch(rf"{name}\[(\d{{1,4}})\]\.\w+", key)) and any(text.strip() for text in texts)
    }
    return sorted(found)


def size(rows: Mapping[str, int]) -> int:
    """Fields that a form with so many rows in each list can send at most."""
    return OTHERS + sum(WIDTHS[name] * number for name, number in rows.items())


def keys_of(form: Form, name: str) -> list[tuple[int, str]]:
    """Rows with the key that HQ chose; a key that stands twice counts once, the first one."""
    out: dict[str, int] = {}
    for number in rows_of(form, name):
        out.setdefault(_one(form, f"{name}[{number}].key").strip(), number)
    return [(number, key) for key, number in out.items()]


def _field(form: Form, key: str, kind: str) -> Node:
    return {"text": _text, "number": _number, "words": _lines}[kind](form, key)


def _one(form: Form, key: str) -> str:
    found = form.get(key, ())
    return found[-1].replace("\r\n", "\n") if found else ""


def _text(form: Form, key: str) -> Node:
    return Node(" ".join(_one(form, key).split()) or None, 0)


def _number(form: Form, key: str) -> Node:
    """A number as typed; what is none stays text, which the schema refuses by its own words."""
    text = _one(form, key).strip().replace(",", ".")
    value: Scalar = text or None
    if re.fullmatch(r"\d{1,9}", text):
        value = int(text)
    elif re.fullmatch(r"\d{1,9}\.\d{1,9}", text):
        value = float(text)
    return Node(value, 0)


def _lines(form: Form, key: str) -> Node:
    return _list(_one(form, key).split("\n"))


def _every(form: Form, key: str) -> Iterable[str]:
    return form.get(key, ())


def _list(texts: Iterable[str]) -> Node:
    found = tuple(Node(text.strip(), 0) for text in texts if text.strip())
    return Node(found or None, 0)


# --- to a form

def fields(kit: Kit) -> dict[str, tuple[str, ...]]:
    """The form of a kit, each field with its texts."""
    out: dict[str, tuple[str, ...]] = {
        "brand": (kit.brand,), "palette.colours": kit.palette, "palette.max_difference": (f"{kit.max_difference:g}",),
        "logo_required": ("yes",) if kit.logo_required else (), "clients": kit.clients,
        "links.hosts": _joined(kit.hosts), "links.fonts": _joined(kit.font_hosts), "links.terms": _joined(kit.terms),
    }
    out |= {name: _joined(getattr(kit, name)) for name in WORDS}
    for name in ("banned", "required"):
        out |= {f"{name}.{lang}": _joined(getattr(kit, name).get(lang, ())) for lang in LANGUAGES}
    for name, kinds in ROWS.items():
        for n, row in enumerate(getattr(kit, name), 1):
            for field, kind in kinds.items():
                value = getattr(row, field)
                out[f"{name}[{n}].{field}"] = _joined(value) if kind == "words" else (
                    f"{value:g}" if kind == "number" else value,)
    for n, (country, shown) in enumerate(kit.imprint.items(), 1):
        out |= {f"imprint[{n}].key": (country,), f"imprint[{n}].fields": tuple(shown)}
    for n, (code, example) in enumerate(kit.examples.items(), 1):
        out |= {f"examples[{n}].key": (code,), f"examples[{n}].good": (example.good,),
                f"examples[{n}].bad": (example.bad,)}
    for n, (parameter, value) in enumerate(kit.utm, 1):
        out |= {f"utm[{n}].key": (parameter,), f"utm[{n}].value": (value,)}
    return out | {f"limits.{name}": (str(getattr(kit.limits, name)),) for name in LIMITS}


def _joined(texts: Iterable[str]) -> tuple[str]:
    return ("\n".join(texts),)


# --- to YAML

def written(kit: Kit) -> str:
    """The kit as YAML, in the schema's order; reading it gives the same kit. What is not said is left out."""
    import yaml

    plain = {name: value for name, value in _plain(kit).items() if value not in ("", [], {})}
    if not plain:
        return "{}\n"
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110))


def ordered(kit: Kit) -> Kit:
    """The same kit with what has no order of its own (an imprint's fields, mail clients) in the schema's."""
    return replace(
        kit, clients=tuple(sorted(kit.clients, key=CLIENTS.index)),
        imprint={country: tuple(sorted(shown, key=ENTITY_FIELDS.index)) for country, shown in kit.imprint.items()},
    )


def _plain(kit: Kit) -> dict[str, object]:
    plain = Limits()
    return {
        "brand": kit.brand,
        "palette": _without({"max_difference": _figure(kit.max_difference) if kit.max_difference != 5 else "",
                             "colours": list(kit.palette)}),
        "fonts": list(kit.fonts),
        "logo_required": "" if kit.logo_required else False,
        "logos": [_without({"id": x.id, "url": x.url, "sha256": x.sha256, "min_width": x.min_width or "",
                            "max_width": x.max_width if x.max_width != 10_000 else "",
                            "ratio": _figure(x.ratio) if x.ratio else "", "clear_space": x.clear_space or ""})
                  for x in kit.logos],
        "images": list(kit.images),
        "names": [_without({"name": x.name, "forms": list(x.forms), "mark": x.mark}) for x in kit.names],
        "acronyms": list(kit.acronyms), "banned": _lists(kit.banned), "required": _lists(kit.required),
        "disclaimers": [_without({"id": x.id, "triggers": list(x.triggers), "text": x.text, "url": x.url})
                        for x in kit.disclaimers],
        "competitors": list(kit.competitors),
        "links": _without({"hosts": list(kit.hosts), "fonts": list(kit.font_hosts), "terms": list(kit.terms),
                           "utm": dict(kit.utm)}),
        "imprint": _lists(kit.imprint), "clients": list(kit.clients),
        "limits": {name: value for name in LIMITS if (value := getattr(kit.limits, name)) != getattr(plain, name)},
        "examples": {code: _without({"good": x.good, "bad": x.bad}) for code, x in kit.examples.items()},
    }


def _without(parts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in parts.items() if value not in ("", [], {})}


def _lists(by_key: Mapping[str, Sequence[str]]) -> dict[str, object]:
    return {key: list(texts) for key, texts in by_key.items()}


def _figure(number: float) -> int | float:
    return int(number) if number == int(number) else number


__all__ = ["CLIENTS", "ENTITY_FIELDS", "LANGUAGES", "LIMITS", "MAX_FIELDS", "ROWS", "WIDTHS", "field_of",
           "fields", "keys_of", "ordered", "read", "rows_of", "size", "written"]
