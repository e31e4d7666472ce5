"""Safe fixes: after one the finding is gone, nothing else is changed, and twice is the same as once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.compliance import RULES, At, Finding, MailFacts, OpenValue, edited, fix_of
from chalicelib.domain.compliance.registry import run
from chalicelib.domain.kit import Disclaimer, Kit, Limits, Name
from chalicelib.rendering import document
from tests.corpus.mails import KIT, Mail, mails

CORPUS = [mail for mail in mails() if mail.codes & {rule.code for rule in RULES if rule.fix}]
BRAND = Kit(
    names=(Name(name="Nordlicht"), Name(name="Nordlicht Bikes", mark="®")), limits=Limits(capitals=1, exclamations=1),
    acronyms=("LED",),
    disclaimers=(Disclaimer(id="co2", triggers=("climate neutral",), text="Offset by certified projects."),),
)
WORDS = ("Nordlicht", "Nordlciht", "nordlicht", "Nordlicht Bikes", "Nordlicht  Bikse", "HUGE", "SALE", "LED", "wow!!",
         "yes!", "a", "x@nordlciht.example", "climate neutral", "\n", "ÜBER", "(ok)", "Nordlciht's", "it’s")


def found_in(text: str, subject: str = "Hello", kit: Kit = BRAND) -> list[Finding]:
    """What stands against one plain text in the field ``story``."""
    parsed = document.read(b"<html><body><p>Frame</p></body></html>", values=[OpenValue("story", text)])
    return run(RULES, parsed, MailFacts(subject=subject, kit=kit, language="en"))


def test_the_words_of_these_tests_bring_up_every_fix_of_words() -> None:
    """What hypothesis puts together is about something."""
    assert {"BRD007", "BRD008", "BRD010", "BRD012"} <= {f.code for f in found_in(" ".join(WORDS)) if fix_of(f)}


def same(one: Finding, other: Finding) -> bool:
    """Whether two findings say the same of the same words."""
    return (one.code, one.region, one.quote, one.fix) == (other.code, other.region, other.quote, other.fix)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join))
def test_after_a_fix_its_finding_is_gone_and_again_changes_nothing(text: str) -> None:
    """Whatever the words are: each fix of words, made on its own, takes its finding away, and only once."""
    for finding in found_in(text):
        fix = fix_of(finding)
        if fix is None or finding.region != "story" or fix.at is At.ADDRESS:
            continue
        edits = fix.edits(text, finding, BRAND)
        after = edited(text, edits) if fix.at is At.WORDS else "\n".join([text, *(e[2] for e in edits)])
        if not edits:
            continue  # the words run over something that the fix leaves to a person
        assert not any(same(finding, left) for left in found_in(after)), (finding, after)
        assert not fix.edits(after, finding, BRAND)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join))
def test_a_fix_touches_the_words_it_is_about_and_no_others(text: str) -> None:
    """What stands between the edits is the same character for character; what is replaced is what was found."""
    for finding in found_in(text):
        fix = fix_of(finding)
        if fix is None or fix.at is not At.WORDS or finding.region != "story":
            continue
        edits = fix.edits(text, finding, BRAND)
        assert list(edits) == sorted(edits)
        for start, end, words in edits:
            gone = text[start:end]
            if finding.code == "BRD012":
                assert gone.lower() == words.lower() or (set(gone) == {"!"} and words in ("!", "."))
            elif finding.code == "BRD008":
                assert words == gone + "®"
            else:
                assert (" ".join(gone.split()), words) == finding.fix


@pytest.mark.parametrize("mail", CORPUS, ids=lambda mail: mail.name)
def test_fixes_on_the_labelled_corpus(mail: Mail) -> None:
    """On every mail of the corpus whose rule has a fix: made in the open field, the finding is gone."""
    parsed, facts = mail.read()
    for finding in run(RULES, parsed, facts):
        fix = fix_of(finding)
        if fix is None:
            continue
        if finding.code == "LEG007":
            after = edited(facts.subject, fix.edits(facts.subject, finding, KIT))
            assert after and after in facts.subject
            left = run(RULES, parsed, replace(facts, subject=after))
        elif fix.at is At.ADDRESS and finding.region == "story":
            wrong, right = finding.fix or ("", "")
            assert edited(wrong, fix.edits(wrong, finding, KIT)) == right
            assert not fix.edits(right, finding, KIT)
            left = run(RULES, *replace(mail, body=mail.body.replace(wrong, right)).read())
        elif fix.at is At.WORDS and finding.region == "story" and mail.body.count("<") <= 2:
            plain = parsed.values[0].text
            after = edited(plain, fix.edits(plain, finding, KIT))
            left = run(RULES, *replace(mail, body=mail.body.replace(plain, after)).read())
        else:
            continue
        assert not any(same(finding, one) for one in left), mail.name


def test_every_rule_with_a_fix_has_a_mail_in_the_corpus() -> None:
    """A fix that no labelled mail needs would be tried by nothing but made-up words."""
    fixing = {rule.code for rule in RULES if rule.fix}
    assert fixing == {"BRD007", "BRD008", "BRD010", "BRD012", "LNK002", "LNK005", "LNK008", "LEG007"}
    assert fixing <= {code for mail in CORPUS for code in mail.codes}


def test_the_documents_list_every_fix() -> None:
    """docs/writing.md tells partners what a click does, rule by rule."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "writing.md").read_text("utf-8")
    assert re.findall(r"^\| ([A-Z0-9]+\d{3}) \|", text, re.MULTILINE) == sorted(r.code for r in RULES if r.fix)


@pytest.mark.parametrize(("text", "after"), [
    ("Nordlciht and Nordlciht's and mail@nordlciht.example", "Nordlicht and Nordlicht's and mail@nordlciht.example"),
    ("from Nordlciht-Cup", None),
    ("HUGE SALE and LED", "Huge SALE and LED"),
    ("Go!!! Come!!", "Go. Come!"),
    ("Go!!!", "Go!"),
    ("¡Hola! ¡Ven!", None),
    ("Really?! Go!", None),
    ("Our Nordlicht Bikes. More Nordlicht Bikes", "Our Nordlicht Bikes®. More Nordlicht Bikes"),
])
def test_examples(text: str, after: str | None) -> None:
    """Slips in addresses and compounds stay, acronyms stay, Spanish marks stay, the first name gets its mark."""
    made = [edited(text, edits) for finding in found_in(text) if finding.region == "story"
            and (fix := fix_of(finding)) and fix.at is At.WORDS and (edits := fix.edits(text, finding, BRAND))]
    assert (made[0] if made else None) == after


def test_what_needs_a_look_has_no_fix() -> None:
    """A rule that could not tell knows no safe change either."""
    from chalicelib.domain.compliance import FindingState

    sure = Finding(code="LNK008", fix=("http://a.example", "https://a.example"))
    assert fix_of(sure) is not None
    assert fix_of(replace(sure, state=FindingState.UNDECIDABLE)) is None
    assert fix_of(Finding(code="LNK001")) is None and fix_of(Finding(code="LNK002")) is None
