"""Every rule: mails that must fire it and lookalikes that must not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from chalicelib import texts
from chalicelib.domain import compliance
from chalicelib.domain.compliance import (
    RULES,
    Document,
    Finding,
    FindingState,
    MailFacts,
    OpenValue,
    Rule,
    Severity,
    check,
    check_template,
)
from chalicelib.domain.compliance.registry import run
from chalicelib.domain.errors import Problem
from chalicelib.domain.kit import read as read_kit
from chalicelib.domain.template import Slot
from chalicelib.rendering import document
from chalicelib.texts.compliance import RULES as FIRST
from chalicelib.texts.rules import RULES as MORE

SENTENCES = {**FIRST, **MORE}
WAY_OUT = "{{unsubscribe_url}}"
FACTS = MailFacts(
    subject="A short subject", preheader="And more", plain_text=f"Text {WAY_OUT}",
        postal_address=("Firma", "Street 1", "1 City"),
    headers=(("List-Unsubscribe", f"<{WAY_OUT}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")),
    unsubscribe_placeholder=WAY_OUT, locked_sha256="a", rendered_locked_sha256="a",
        image_hosts=frozenset({"img.example.com"}),
)
SOUND = Document(blocks=(("unsubscribe", "Unsubscribe"), ("imprint", "Firma Street 1 1 City")),
                 block_links=(("unsubscribe", WAY_OUT),), html_bytes=1000)

FIRES = [
    ("SEC001", "<script>x</script>"), ("SEC001", "<IFRAME></IFRAME>"),
    ("SEC001", "<meta http-equiv=REFRESH content=0>"),
    ("SEC001", "<!--[if mso]><object></object><![endif]-->"), ("SEC001", "<base href=x>"),
    ("SEC001", "<svg>"), ("SEC001", "<!-- x"),
    ("SEC002", "<link href=x>"), ("SEC002", "<style>@import 'x'</style>"), ("SEC002", "<style>@IMP\\4frt 'x'</style>"),
    ("SEC003", "<p onload=x>"), ("SEC003", "<a ONCLICK=x>"), ("SEC003", "<!--[if mso]><p onload=x><![endif]-->"),
    ("SEC004", "<a href=' javascript:x'>a</a>"), ("SEC004", "<a href='java\tscript:x'>a</a>"),
    ("SEC004", "<img src=data:x alt=''>"),
    ("SEC004", "<a href='&#106;avascript:x'>a</a>"), ("SEC004", "<p style='background:url(\"javascript:x\")'>"),
    ("SEC004", "<img srcset='https://a.example/x.png, javascript:x' src='https://a.example/x.png' alt=''>"),
    ("SEC005", "<img src='https://t.example/x' width=1 height=1 alt=''>"),
    ("SEC005", "<img src='https://t.example/x' style='display:none' alt=''>"),
    ("SEC005", "<!--[if mso]><img src='https://t.example/x' style='width:0;height:0px'><![endif]-->"),
    ("SEC007", "<p style='display:none'>x</p>"), ("SEC007", "<td style='font-size:0px'>x</td>"),
    ("SEC007", "<b style='opacity:0'>x</b>"),
    ("SEC007", "<p hidden>x</p>"), ("SEC008", "<p style='width:EXPRESSION(1)'>x</p>"),
    ("SEC008", "<style>p{behavior:url(x)}</style>"),
    ("LNK001", "<a href=''>x</a>"), ("LNK001", "<a href=' # '>x</a>"),
    ("LNK001", "<!--[if mso]><v:roundrect href='#'><![endif]-->"),
    ("LNK002", "<a href='example.com'>x</a>"), ("LNK002", "<a href='https://exa mple.com'>x</a>"),
    ("LNK002", "<a href='https://'>x</a>"),
    ("LNK002", "<a href='https:/example.com'>x</a>"), ("LNK002", "<a href='https://a@example.com'>x</a>"),
    ("LNK002", "<a href='ftp://a.example'>x</a>"),
    ("LNK002", "<a href='https://example.com\\@evil.example'>x</a>"), ("LNK002", "<a href='mailto:nobody'>x</a>"),
    ("LNK008", "<a href='http://example.com/'>x</a>"), ("LNK008", "<img src='http://example.com/x.png' alt=''>"),
    ("A11Y001", "<img src='https://a.example/x.png'>"), ("A11Y003", "<html><body></body></html>"),
]
QUIET = [
    ("SEC001", "<p>script iframe</p><meta charset=utf-8><meta http-equiv=Content-Type>"
     "<!-- <script> -->"),
    ("SEC001", "<!--[if !mso]><!--><p>x</p><!--<![endif]-->"), ("SEC001", "<title><script></title>"),
    ("SEC002", "<p>@import</p><a href='https://a.example/link'>link</a>"),
    ("SEC002", "<style>/* @import 'x' */ a{content:'@import'}</style>"),
    ("SEC003", "<p class=onclick data-onload=x title='onload=x'>onclick=x</p>"),
    ("SEC004", "<img src='https://a.example/x.png' alt='data: javascript:'><a href='https://a.example/?u=javascript:x'>x</a>"),
    ("SEC005", "<img src='https://img.example.com/x' width=1 height=1 alt=''>"
     "<img src='https://t.example/x' width=1 height=40 alt=''>"),
    ("SEC005", "<img src='https://t.example/x' width=10 height=10 alt=''>"),
    ("SEC007", "<td style='font-size:0'><p style='font-size:16px'>x</p></td>"
     "<p style='display:none'> </p><p style='opacity:0.5'>x</p>"),
    ("SEC008", "<style>p{position:relative;content:'expression(x)'}</style><p style='background:url(https://a.example/x.png)'>x</p>"),
    ("LNK001", "<a name=top></a><a id=x>x</a><a href='#top'>x</a><a href='https://a.example/#'>x</a>"),
    ("LNK002", "<a href='https://xn--mnchen-3ya.example/a?b=c#d'>x</a>"
     "<a href='mailto:a@b.example'>x</a><a href='tel:+49 30 1'>x</a>"),
    ("LNK002", "<a href='https://münchen.example/ü'>x</a><a href='#x'>x</a><a href='https://a.example:8443/?x={{n}}'>x</a>"),
    ("LNK008", "<html lang=en xmlns='http://www.w3.org/1999/xhtml'><a href='https://a.example/?r=http://b.example'>x</a></html>"),
    ("A11Y001", "<img src='https://a.example/x.png' alt=''><img src='https://a.example/x.png' width=1 height=1>"),
    ("A11Y003", "<html lang=de></html>"),
]


def codes(found: Iterable[Finding]) -> set[str]:
    """The codes of findings."""
    return {finding.code for finding in found}


def parsed(html: str, **changes: object) -> Document:
    """A document of some HTML with the system blocks in place."""
    read = document.read(html.encode())
    return replace(read, blocks=SOUND.blocks, block_links=SOUND.block_links, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "html"), FIRES)
def test_fires(code: str, html: str) -> None:
    """The rule finds the fault, in the template and (where it blocks) in the mail."""
    assert code in codes(check_template(parsed(html), replace(FACTS, template=True)))
    rule = next(rule for rule in RULES if rule.code == code)
    if rule.severity is Severity.BLOCK:
        assert code in codes(check(parsed(html), FACTS))


@pytest.mark.parametrize(("code", "html"), QUIET)
def test_lookalike(code: str, html: str) -> None:
    """The rule keeps quiet about what only looks like the fault."""
    assert code not in codes(check_template(parsed(html), replace(FACTS, template=True)))
    assert code not in codes(check(parsed(html), FACTS))


@pytest.mark.parametrize(("code", "blocks", "links"), [
    ("LEG001", (("imprint", "Firma Street 1 1 City"),), ()),
    ("LEG001", SOUND.blocks, ()), ("LEG001", SOUND.blocks, (("unsubscribe", "https://other.example/"),)),
    ("LEG001", SOUND.blocks, (("imprint", WAY_OUT),)),
    ("LEG001", (("unsubscribe", " "), SOUND.blocks[1]), SOUND.block_links),
    ("LEG002", SOUND.blocks[:1], SOUND.block_links),
    ("LEG002", (*SOUND.blocks[:1], ("imprint", "Firma 1 City")), SOUND.block_links),
    ("LEG002", (*SOUND.blocks[:1], ("address", "Firma"), ("imprint", "Street 1 1 City")), SOUND.block_links),
])
def test_legal_blocks(code: str, blocks: tuple[tuple[str, str], ...], links: tuple[tuple[str, str], ...]) -> None:
    """The blocks must be there and hold what the program puts in; words elsewhere do not count."""
    assert codes(check(replace(SOUND, blocks=blocks, block_links=links), FACTS)) == {code}


def test_legal_facts() -> None:
    """A partner without an address cannot send."""
    assert codes(check(SOUND, replace(FACTS, postal_address=()))) == {"LEG002"}


@pytest.mark.parametrize(("facts", "code", "severity"), [
    ({"subject": ""}, "DLV006", "warn"), ({"subject": "x" * 61}, "DLV006", "warn"),
    ({"preheader": ""}, "DLV007", "warn"),
    ({"preheader": "A SHORT subject"}, "DLV007", "warn"), ({"plain_text": " "}, "DLV004", "block"),
    ({"plain_text": "no way out"}, "DLV004", "block"), ({"headers": ()}, "DLV005", "block"),
    ({"headers": FACTS.headers[:1]}, "DLV005", "block"),
    ({"headers": (("List-Unsubscribe", "<>"), FACTS.headers[1])}, "DLV005", "block"),
    ({"headers": (FACTS.headers[0], ("List-Unsubscribe-Post", "yes"))}, "DLV005", "block"),
    ({"locked_sha256": ""}, "SEC006", "block"), ({"rendered_locked_sha256": "b"}, "SEC006", "block"),
    ({"undefaulted": ("name",)}, "DLV008", "block"),
])
def test_facts_of_the_mail(facts: dict[str, object], code: str, severity: str) -> None:
    """Subject, preview line, text part, headers and locked bytes are looked at beside the HTML."""
    found = check(SOUND, replace(FACTS, **facts))  # type: ignore[arg-type]
    assert [(f.code, f.severity.value) for f in found] == [(code, severity)]


def test_a_palette_of_one_colour() -> None:
    """A brand may have one: it is the nearest to every other, black and white stay free, and nothing is blocked."""
    kit = read_kit("palette: {colours: ['#12372a']}")
    mail = parsed("<p style='color:#12372a;background:#fff'>a</p><p style='color:#000;background:#cc00cc'>b</p>"
                  "<p style='color:#f3b61f'>c</p>")
    found = [f for f in run(RULES, mail, replace(FACTS, kit=kit)) if f.code == "BRD001"]
    assert {(f.quote, str(f.params["nearest"]), f.severity) for f in found} == {
        ("#cc00cc", "#12372a", Severity.WARN), ("#f3b61f", "#12372a", Severity.WARN)}


def test_a_subject_of_sixty_emoji_fits() -> None:
    """Characters are counted as people count them."""
    assert check(SOUND, replace(FACTS, subject="👩‍👩‍👧‍👦" * 60)) == []


@pytest.mark.parametrize(("size", "expected"), [
    (90 * 1024, []), (90 * 1024 + 1, ["warn"]), (102 * 1024, ["warn"]), (102 * 1024 + 1, ["block"]),
])
def test_size(size: int, expected: list[str]) -> None:
    """Above 90 KB a reviewer hears of it, above 102 KB the mail is not sent."""
    assert [f.severity.value for f in check(replace(SOUND, html_bytes=size), FACTS)] == expected


@pytest.mark.parametrize("text", ["{{name}}", "{{ a.b }}", "{% if x %}", "*|FNAME|*", "%%first%%",
    "[[name]]", "${name}"])
def test_merge_tags_of_a_partner(text: str) -> None:
    """A whole merge tag in a value blocks: nothing would replace it."""
    found = check(replace(SOUND, values=(OpenValue("headline", f"Hi {text}"),)), FACTS)
    assert ("DLV008", "headline", text) in [(f.code, f.region, f.quote) for f in found]


@pytest.mark.parametrize("text", ["50 %% off", "a [[b", "{ x }", "* | *", "5 * 3 | 2", "$100 {net}", "100%%"])
def test_no_merge_tags(text: str) -> None:
    """Odd punctuation is no merge tag."""
    assert "DLV008" not in codes(check(replace(SOUND, values=(OpenValue("headline", text),)), FACTS))


def test_a_partners_style_blocks() -> None:
    """SEC008: style inside an open region never comes from HQ."""
    html = b"<p><b style='color:red'>x</b></p>"
    found = check(replace(document.read(html, (Slot("r", 3, len(html) - 4),)), blocks=SOUND.blocks,
        block_links=SOUND.block_links), FACTS)
    assert [(f.code, f.region) for f in found] == [("SEC008", "r"), ("A11Y002", "r")]


def test_locked_warnings_are_the_authors() -> None:
    """A warning at a place in the locked part does not count against the partner; one in a region does."""
    html = b"<p style='display:none'>x</p><p>y</p>"
    assert "SEC007" in codes(check_template(parsed(html.decode()), replace(FACTS, template=True)))
    assert check(parsed(html.decode()), FACTS) == []


def test_hidden_text_with_a_class_needs_a_look() -> None:
    """A style sheet may show the element again, so the rule does not decide."""
    found = check_template(parsed("<p class=mobile style='display:none'>x</p>"), replace(FACTS, template=True))
    assert [(f.code, f.state) for f in found] == [("SEC007", FindingState.UNDECIDABLE)]


def test_a_rule_that_raises_is_undecidable() -> None:
    """A rule that cannot tell never counts as passed, and the others still run."""
    def broken(document: Document, facts: MailFacts) -> Iterable[Finding]:
        raise ZeroDivisionError

    found = run([Rule("X1", Severity.BLOCK, broken), *RULES], SOUND, replace(FACTS, headers=()))
    assert [(f.code, f.state.value, f.blocks) for f in found] == [("X1", "undecidable", False),
        ("DLV005", "fail", True)]


def test_unreadable_css_is_undecidable() -> None:
    """CSS nested beyond reason makes the rules that read it undecidable, not quiet."""
    found = check(parsed("<style>" + "a{" * 5_000 + "</style>"), FACTS)
    assert {f.code for f in found if f.state is FindingState.UNDECIDABLE} >= {"SEC002", "SEC004", "SEC008"}


def test_blocking_findings_come_first() -> None:
    """What stops a submission is told before what goes to the reviewer."""
    found = check(SOUND, replace(FACTS, subject="", preheader="", headers=()))
    assert [f.severity.value for f in found] == ["block", "warn", "warn"]


def test_every_rule_has_its_sentences() -> None:
    """Message, why and fix exist for every code, once; and no sentence without a rule."""
    assert {rule.code for rule in RULES} == set(SENTENCES)
    assert len({rule.code for rule in RULES}) == len(RULES)
    for code in SENTENCES:
        for suffix in ("", ".why", ".fix"):
            assert texts.messages()[code + suffix]
    assert "*|X|*" in texts.sentence(Problem("DLV008", "", {"quote": "*|X|*"}))


def test_records_keep_the_finding() -> None:
    """A revision keeps code, severity, state, region, words and parameters."""
    found, = check(replace(SOUND, values=(OpenValue("r", "{{x"),)), FACTS)
    record = found.record()
    assert (record.code, record.severity, record.state, record.region, record.quote) == ("SEC008", "warn",
        "fail", "r", "{{")
    assert compliance.Finding(code="X", line=3).record().params == {"line": 3}
