"""The bounds of a release: what a replacement must leave alone, and how one that stands still is ended."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.rendering import bones
from tests.stage import SOURCE, Stage
from tests.usecases.release_stage import LOGO, STAMP, of, plan, prepared, set_stage

LOCKED = (
    b'<!--[if mso]><v:rect fill="t"><![endif]--><center style="color:#12372a">Made with joy</center><p>Hello {{')


def rich_stage() -> Stage:
    """The stage with a tag, a condition and a colour more in its template."""
    here = set_stage()
    (key, version), = here.world.templates.versions.items()
    source = SOURCE.replace(*LOGO).replace(b"<p>Hello {{", LOCKED)
    here.world.templates.versions[key] = of(version, source, 1)
    return here


@pytest.mark.parametrize(("old", "new"), [
    ("first_name", "last_name"), ("contact.first_name", "contact.iban"), ("contact", "person"),
    ("default", "defaulted"), ("there", "darling"), ("your dealer", "our dealer"),
    ("center", "section"), ("table", "tables"), ("width", "height"), ("style", "title"), ("role", "role hidden"),
    ("html", "htmx"), ("v:rect", "v:oval"), ("[if mso]", "[if !mso]"),
])
def test_a_replacement_changes_texts_only(old: str, new: str) -> None:
    """Merge fields and the names of tags and attributes are what was published; the refusal names both sides."""
    here = rich_stage()
    with pytest.raises(Refused) as refused:
        prepared(here, plan(here, pairs=(*STAMP, (old, new))))
    problem, = (p for p in refused.value.problems if p.code == "release.structure")
    assert (problem.field, problem.params) == ("old-2", {"name": "Spring", "value": old})
    assert here.world.releases.releases == {}


@pytest.mark.parametrize(("old", "new"), [
    *STAMP, ("#12372A", "#ff0000"), ("Made with joy", "Made with care & joy"), ("Hello", "Dear"), ("120", "140"),
])
def test_texts_addresses_and_colours_are_replaced(old: str, new: str) -> None:
    """What a release is made for still works, in the same template."""
    here = rich_stage()
    made = prepared(here, plan(here, pairs=((old, new),)))
    assert [move.stamped for move in made.moves] == [True]


def test_bones_are_the_same_for_other_words() -> None:
    """Words, addresses and comments' texts are no bones; a second template with other ones is told apart."""
    here = rich_stage()
    version = next(iter(here.world.templates.versions.values()))
    html = version.html.encode()
    assert bones.of(html) == bones.of(html.replace(b"Made with joy", b"Merry"))
    assert bones.of(html) != bones.of(html.replace(b"</center>", b"</centre>"))
