"""The kit as a form: the same schema, the same problems, the same kit as its YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import kit, kit_form
from tests.domain.test_kit import FULL

STARTER = (Path(__file__).resolve().parents[2] / "templates" / "starter" / "nordlicht.kit.yaml").read_text("utf-8")
WORD = st.from_regex(r"[a-zà-öø-ÿ]{1,12}( [a-z]{1,8})?", fullmatch=True)
WORDS = st.lists(WORD, max_size=4, unique=True).map(tuple)


@pytest.mark.parametrize("text", [FULL, STARTER, "{}", "logo_required: no"])
def test_form_yaml_and_kit_are_one(text: str) -> None:
    """A kit that goes through the form, or is written as YAML, is the same kit."""
    found = kit.read(text)
    assert kit_form.read(kit_form.fields(found)) == (found, ())
    assert kit.read(kit_form.written(found)) == found


@settings(max_examples=60, deadline=None)
@given(st.builds(
    kit.Kit, brand=WORD, fonts=WORDS, acronyms=WORDS, competitors=WORDS, logo_required=st.booleans(),
    max_difference=st.sampled_from((0.0, 2.5, 5.0, 100.0)), palette=st.lists(
        st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), max_size=3).map(tuple),
    names=st.lists(st.builds(kit.Name, name=WORD, forms=WORDS, mark=st.sampled_from(("", "®"))), max_size=3).map(tuple),
    banned=st.dictionaries(st.sampled_from(kit.LANGUAGES), WORDS.filter(bool), max_size=2),
    imprint=st.dictionaries(st.sampled_from(("DE", "GB")), st.lists(
        st.sampled_from(kit.ENTITY_FIELDS), min_size=1, max_size=3, unique=True).map(tuple), max_size=2),
    limits=st.builds(kit.Limits, exclamations=st.integers(0, 9), lix=st.integers(0, 99)),
    examples=st.dictionaries(st.sampled_from(("BRD009", "LEG004")), st.builds(kit.Example, good=WORD, bad=WORD)),
))
def test_any_kit_comes_through(made: kit.Kit) -> None:
    """Whatever a kit says, form and YAML say it, too."""
    assert kit_form.read(kit_form.fields(made)) == (made, ())
    assert kit.read(kit_form.written(made)) == made


@pytest.mark.parametrize(("form", "field", "code"), [
    ({"palette.colours": ["#12372a", "green"]}, "palette.colours", "kit.colour"),
    ({"palette.max_difference": ["much"]}, "palette.max_difference", "yaml.number"),
    ({"links.hosts": ["example.com\nhttps://x"]}, "links.hosts", "kit.host"),
    ({"names[1].name": ["Nord"], "names[1].mark": ["x"]}, "names[1].mark", "yaml.choice"),
    ({"names[1].mark": ["®"]}, "names[1].name", "yaml.missing"),
    ({"logos[1].id": ["Main!"], "logos[1].url": ["https://x.example/l.png"]}, "logos[1].id", "kit.id"),
    ({"disclaimers[1].id": ["credit"], "disclaimers[1].text": ["T"]}, "disclaimers[1].triggers", "yaml.missing"),
    ({"banned.en": ["a.*b"]}, "banned.en", "kit.pattern"), ({"clients": ["lotus"]}, "clients", "kit.client"),
    ({"imprint[1].key": ["Germany"], "imprint[1].fields": ["name"]}, "imprint.Germany", "kit.country"),
    ({"imprint[1].key": ["DE"], "imprint[1].fields": ["moon"]}, "imprint.DE", "kit.imprint_field"),
    ({"examples[1].key": ["XYZ"], "examples[1].good": ["x"]}, "examples.XYZ", "kit.rule"),
    ({"limits.lix": ["-3"]}, "limits.lix", "yaml.number"), ({"brand": ["x" * 501]}, "brand", "yaml.text_long"),
])
def test_what_is_wrong_stands_at_its_field(form: dict[str, list[str]], field: str, code: str) -> None:
    """The schema's own problem, at the field in which it was typed."""
    found, problems = kit_form.read(form)
    assert found is None
    assert (field, code) in [(p.field, p.code) for p in problems]


def test_all_problems_at_once() -> None:
    """Three faults in three parts are told together."""
    problems = kit_form.read({"palette.colours": ["red"], "links.hosts": ["?"], "clients": ["lotus"]})[1]
    assert len(problems) == 3


def test_empty_rows_are_no_rows() -> None:
    """A row in which nothing was typed is left out, wherever it stands; numbers need not follow one another."""
    found, _ = kit_form.read({"names[1].name": [" "], "names[1].forms": [""], "names[7].name": ["Nord"]})
    assert found is not None
    assert [n.name for n in found.names] == ["Nord"]


def test_rows_are_numbered_anew() -> None:
    """After an empty row in the middle, the fault of the row behind it stands at that row."""
    form = kit_form.compact({"names[1].name": ["A"], "names[2].name": [""], "names[5].name": ["B"],
                             "names[5].mark": ["x"], "brand": ["N"]})
    assert set(form) == {"names[1].name", "names[2].name", "names[2].mark", "brand"}
    assert [p.field for p in kit_form.read(form)[1]] == ["names[2].mark"]
