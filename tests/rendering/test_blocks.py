"""Optional blocks and repeat groups: what a partner may leave out or repeat, and nothing else."""

from __future__ import annotations

import pytest

from chalicelib.domain import blocks, values
from chalicelib.domain.errors import Refused
from chalicelib.domain.template import BlockKind
from chalicelib.rendering.examine import examine
from chalicelib.rendering.mail import preview
from tests.rendering.samples import ENTITY, SYSTEM, page, refusal, rendered, version

BODY = """<h1 data-region="headline">Hello</h1>
<p data-optional="note" data-optional-default="off">Note: <b data-region="words">Words</b></p>
<table><tr data-repeat="offers" data-repeat-min="0" data-repeat-max="3"><td><b data-region="what">Oil</b>
<i data-region="cost" data-region-type="price" data-region-currencies="EUR">€9</i></td></tr></table>
<img data-system="logo" src="https://img.example.com/logo.png" alt="Acme">"""
OF = version(page(BODY + SYSTEM, "<style>td{color:red}</style><title>Hi</title>"))
NOTE, OFFERS = OF.blocks


def test_blocks_and_their_regions() -> None:
    """The published HTML holds each block once, with the ids of its first copy."""
    assert [(b.id, b.kind, b.least, b.most, b.count) for b in OF.blocks] == [
        ("note", BlockKind.OPTIONAL, 0, 1, 0), ("offers", BlockKind.REPEAT, 0, 3, 1)]
    assert [r.id for r in OF.regions if r.block] == ["words", "offers.1.what", "offers.1.cost"]
    html = OF.html.encode()
    assert html[NOTE.start:NOTE.end].startswith(b"<p>Note") and html[OFFERS.start:OFFERS.end].endswith(b"</tr>")
    assert b"data-" not in html


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_locked_bytes_are_copies_of_published_ones(count: int) -> None:
    """A mail's locked bytes are the published stretches, each block as often as it was asked for."""
    html = OF.html.encode()
    made = blocks.concrete(OF, {"note.show": "yes", "offers.count": str(count)})
    assert made.html.encode() == html[:OFFERS.start] + html[OFFERS.start:OFFERS.end] * count + html[OFFERS.end:]
    assert made.blocks == () and [s.start for s in made.slots] == sorted(s.start for s in made.slots)
    assert [r.id for r in made.regions if r.block == "offers"] == [
        f"offers.{n}.{name}" for n in range(1, count + 1) for name in ("what", "cost")]


def test_a_mail_with_copies() -> None:
    """Each copy takes its own values; a missing one takes HQ's default; a price is shown in words."""
    mail = rendered(OF, {"offers.count": "2", "offers.1.cost": "10", "offers.2.what": "Chain", "note.show": "yes",
                         "words": "Closed on Monday"})
    html = mail.content.html
    assert html.count("<tr>") == 2 and "<b>Oil</b>" in html and ">€10<" in html and "<b>Chain</b>" in html
    assert ">€9<" in html and "Closed on Monday" in html and 'src="https://img.example.com/logo.png"' in html
    assert mail.values["offers.count"] == "2" and mail.values["offers.2.cost"] == "9.00"
    assert [f for f in examine(OF, mail, ENTITY) if f.code == "SEC006"] == []
    none = rendered(OF, {"offers.count": "0"})
    assert "<tr>" not in none.content.html and "Note:" not in none.content.html


@pytest.mark.parametrize(("values_", "field"), [
    ({"offers.count": "4"}, "offers.count"), ({"offers.count": "-1"}, "offers.count"),
    ({"offers.count": "x"}, "offers.count"), ({"note.show": "maybe"}, "note.show"),
    ({"offers.4.what": "x"}, "offers.4.what"),
    ({"offers.what": "x"}, "offers.what"), ({"what": "x"}, "what"), ({"note.count": "1"}, "note.count"),
])
def test_only_the_offered_choices_count(values_: dict[str, str], field: str) -> None:
    """A number out of bounds, or a key that no form offers, is refused by its field."""
    with pytest.raises(Refused) as refused:
        rendered(OF, values_)
    assert field in [p.field for p in refused.value.problems]


def test_values_of_what_is_left_out_wait() -> None:
    """A hidden part's values are kept in the draft and do not count against the mail."""
    mail = rendered(OF, {"offers.count": "1", "offers.2.cost": "nonsense", "words": "x"})
    assert "offers.2.cost" not in mail.values and "words" not in mail.values
    shown = preview(OF, subject="S", values={"offers.count": "2", "offers.2.cost": "nonsense"})
    assert [p.field for p in shown.problems] == ["offers.2.cost"] and "nonsense" in shown.html


def test_taking_out_a_copy_moves_the_others_up() -> None:
    """Number 2 of 3 is gone and number 3 becomes 2; below the least nothing is taken out."""
    typed = {"offers.count": "3", "offers.1.what": "A", "offers.2.what": "B", "offers.3.what": "C", "headline": "H"}
    after = blocks.without_copy(OF, OFFERS, typed, 2)
    assert after["offers.count"] == "2" and after["offers.2.what"] == "C" and after["headline"] == "H"
    assert "offers.3.what" not in after
    assert blocks.with_copy(OFFERS, {"offers.count": "3"}) == {"offers.count": "3"}
    assert blocks.without_copy(OF, OFFERS, {"offers.count": "0"}, 1) == {"offers.count": "0"}


def test_changes_are_counted_by_region_and_block() -> None:
    """A lane sees what differs from HQ's own values, blocks included."""
    base = values.defaults(OF.regions)
    assert values.changed_in(OF, base) == ()
    assert values.changed_in(OF, {**base, "offers.count": "2", "offers.2.what": "X", "note.show": "yes"}) == (
        "offers.2.what", "note", "offers")


@pytest.mark.parametrize(("body", "code"), [
    ("<div data-repeat=a><p data-optional=b><b data-region=c>x</b></p></div>", "template.block_nested"),
    ("<p data-optional=a><b data-region=x>x</b></p><p data-optional=a><b data-region=y>x</b></p>",
     "template.block_doubled"),
    ("<div data-region=r data-region-type=rich><p data-optional=a>x</p></div>", "template.block_in_region"),
    ("<p data-optional='A B'><b data-region=x>x</b></p>", "template.region_name"),
    ("<p data-optional=a><b data-region=x>x</b>", "template.region_unclosed"),
    ("<p data-optional-label=a><b data-region=x>x</b></p>", "template.block_unnamed"),
    ("<p data-optional=a data-optional-labl=b><b data-region=x>x</b></p>", "template.region_metadata"),
    ("<p data-repeat=a data-repeat-min=3 data-repeat-max=2><b data-region=x>x</b></p>", "template.repeat_bounds"),
    ("<p data-repeat=a data-repeat-max=many><b data-region=x>x</b></p>", "template.region_value"),
    ("<p data-repeat=a data-repeat-max=999><b data-region=x>x</b></p>", "template.repeat_bounds"),
    ("<p data-repeat=a><b data-region=x>x</b><a data-system=unsubscribe href='https://a.example/'>x</a></p>",
     "template.system_in_block"),
    ("<p data-region=x>x</p><!-- <p data-repeat=a> -->", "template.region_in_comment"),
    ("<p data-region=x data-region-type=price>call us</p>", "template.price_default"),
    ("<p data-region=x data-region-type=price data-region-currencies=EURO>€1</p>", "template.currency"),
    ("<p data-region=x data-region-type=date>tomorrow</p>", "template.bad_default"),
    ("<div data-repeat=a data-repeat-max=20>" + "".join(f"<p data-region=r{n}>x</p>" for n in range(30)) + "</div>",
     "template.too_many_values"),
])
def test_refused_with_line_and_reason(body: str, code: str) -> None:
    """Each mistake of an author is named with its line."""
    found = refusal(page(body + (SYSTEM if "system" not in body else "")))
    assert code in found and (code == "template.too_many_values" or found[code][0] >= 2)
