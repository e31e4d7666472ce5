"""Brand kits as YAML: a closed schema, every problem at once, nothing that bites."""

from __future__ import annotations

import pytest

from chalicelib import texts
from chalicelib.domain import kit
from chalicelib.domain.errors import Refused

FULL = """
brand: Nordlicht
palette: {max_difference: 4, colours: ["#12372a", "#FFF"]}
fonts: [Georgia, Segoe UI]
logos:
  - {id: main, url: "https://a.example/l.png", min_width: 100, max_width: 300, ratio: 2.5, clear_space: 10}
names:
  - {name: Nordlicht, forms: [Nordlichts], mark: "®"}
banned: {en: [cheapest, guarante*], all: gratis}
required: {de: [Solange der Vorrat reicht]}
disclaimers:
  - {id: finance, triggers: [0 % finance], text: Credit is subject to status., url: "https://a.example/credit"}
competitors: [Südwind Cycles]
links: {hosts: [nordlicht.example], utm: {utm_source: countersign}, terms: ["https://nordlicht.example/terms"]}
imprint: {DE: [name, street, register]}
clients: [gmail, outlook-windows]
limits: {lix: 50}
examples: {BRD009: {good: Fairly priced, bad: The cheapest}}
"""


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text."""
    return [p.code for p in kit.problems_of(text)]


def test_a_full_kit() -> None:
    """Everything that a kit can say comes through."""
    found = kit.read(FULL)
    assert found.palette == ("#12372a", "#fff")
    assert found.logos[0].ratio == 2.5
    assert found.names[0].mark == "®"
    assert found.phrases(found.banned, "en-GB") == ("gratis", "cheapest", "guarante*")
    assert found.imprint == {"DE": ("name", "street", "register")}
    assert found.limits.lix == 50
    assert found.limits.emoji == kit.Limits().emoji
    assert found.utm == (("utm_source", "countersign"),)


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "{}"])
def test_an_empty_kit_demands_nothing(text: str) -> None:
    """No brand, no brand rules."""
    assert kit.read(text) == kit.EMPTY


@pytest.mark.parametrize(("text", "code"), [
    ("a: &x [1]\nb: *x\n", "yaml.alias"), ("[" * 100_000, "yaml.too_deep"), ("brand: 1\nbrand: 2", "yaml.doubled"),
    ("brand: !!python/object:os.system x", "yaml.unreadable"), ("brand: \x00", "yaml.unreadable"),
    ("brand: [", "yaml.unreadable"), ("#" * 300_000, "yaml.too_big"), ("- 1", "yaml.not_a_mapping"),
    ("? [a]\n: b", "yaml.key"), ("brandd: x", "yaml.unknown"), ("logos: 3", "yaml.not_a_list"),
    ("competitors: ['(a+)+$']", "kit.pattern"), ("banned: {en: ['.*']}", "kit.pattern"),
    ("banned: {en: ['!!!']}", "kit.no_word"), ("banned: {xx: [a]}", "yaml.unknown"),
    ("palette: {colours: [reddish]}", "kit.colour"), ("links: {hosts: ['https://a.example/']}", "kit.host"),
    ("imprint: {Germany: [name]}", "kit.country"), ("imprint: {DE: [nam]}", "kit.imprint_field"),
    ("limits: {lix: -1}", "yaml.number"), ("logo_required: maybe", "yaml.flag"), ("clients: [lotus]", "kit.client"),
    ("examples: {BRD9: {good: x}}", "kit.rule"), ("names: [{mark: '®'}]", "yaml.missing"),
    ("names: [{name: A, mark: R}]", "yaml.choice"), ("disclaimers: [{id: a, text: b}]", "yaml.missing"),
    ("logos: [{id: 1a, url: x}]", "kit.id"), ("brand: " + "x" * 600, "yaml.text_long"),
    ("competitors: [" + "a, " * 2_001 + "]", "yaml.too_long"), ("brand: 2026-01-01\nfonts: [[]]", "yaml.not_text"),
])
def test_bad_kits(text: str, code: str) -> None:
    """Each fault has its code, and a sentence that names the line."""
    problems = kit.problems_of(text)
    assert code in [p.code for p in problems]
    assert "…" not in texts.sentence(next(p for p in problems if p.code == code)).replace("in … ", "")


def test_everything_at_once_with_lines() -> None:
    """One reading finds all faults, each with its line and the nearest known word."""
    with pytest.raises(Refused) as refused:
        kit.read("brnd: x\nlimits:\n  lix: many\n  emojis: 2\ncompetitors: ['a.*b']\n")
    found = {(p.code, p.params["line"]) for p in refused.value.problems}
    assert found == {("yaml.unknown", 1), ("yaml.number", 3), ("yaml.unknown", 4), ("kit.pattern", 5)}
    said = [texts.sentence(p) for p in refused.value.problems]
    assert any("Did you mean “brand”?" in s for s in said)
    assert any("Did you mean “emoji”?" in s for s in said)


@pytest.mark.parametrize("word", ["gratis*", "C++ Bikes"[0:3], "0 % finance", "Müller & Söhne", "don't"])
def test_plain_phrases(word: str) -> None:
    """Ordinary words with one star at the end are phrases."""
    assert kit.phrase_problem(word) == ""
