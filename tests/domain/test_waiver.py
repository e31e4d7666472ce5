"""Exceptions and baselines: what they are bound to, how long they hold, and what they never cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.campaign import FindingRecord
from chalicelib.domain.ids import PartnerId, PersonId, TemplateId
from chalicelib.domain.waiver import ASKABLE, MAX_DAYS, NEVER, Waiver, fingerprint, sift, waiver_problems

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEMPLATE, OTHER = TemplateId("tpl_" + "1" * 26), TemplateId("tpl_" + "2" * 26)
CLAIM = FindingRecord(code="BRD009", severity="block", state="fail", region="story", quote="the best bike")
LOCKED = replace(CLAIM, region="")


def granted(finding: FindingRecord = CLAIM, *, version: int = 3, days: int = 30, **changes: object) -> Waiver:
    """An exception for a finding, granted a day ago."""
    made = Waiver(
        fingerprint=fingerprint(TEMPLATE, version, finding), partner=PartnerId("prt_" + "1" * 26), code=finding.code,
        reason="Agreed with legal", granted_by=PersonId("prs_" + "1" * 26), granted_at=NOW - timedelta(days=1),
        expires_at=NOW + timedelta(days=days),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def stopped(*findings: FindingRecord, waivers: tuple[Waiver, ...] = (), **more: tuple[str, ...]) -> list[str]:
    """The codes that still block version 3 of the template."""
    return [f.code for f in sift(findings, TEMPLATE, 3, NOW, waivers=waivers, **more).blocking]


def test_an_exception_lets_its_finding_pass_and_says_so() -> None:
    """It does not vanish: it stands among the findings as information, and counts as an exception used."""
    sifted = sift([CLAIM], TEMPLATE, 3, NOW, waivers=[granted()])
    assert (sifted.blocking, sifted.exceptions) == ((), ("BRD009",))
    assert [(f.severity, f.params) for f in sifted.findings] == [("info", {"excepted": 1})]


@pytest.mark.parametrize("finding", [
    replace(CLAIM, region="headline"), replace(CLAIM, region=""), replace(CLAIM, quote="the best bikes"),
    replace(CLAIM, code="BRD010"),
], ids=("region", "locked part", "words", "rule"))
def test_an_exception_is_for_one_rule_in_one_place_with_these_words(finding: FindingRecord) -> None:
    """Whatever else is found is found still."""
    assert stopped(finding, CLAIM, waivers=(granted(),)) == [finding.code]


def test_an_exception_is_for_one_version_of_one_template() -> None:
    """The next version is another text around the words: it is asked anew."""
    assert stopped(CLAIM, waivers=(granted(version=2), granted(version=4))) == ["BRD009"]
    assert fingerprint(OTHER, 3, CLAIM) != fingerprint(TEMPLATE, 3, CLAIM)


def test_an_exception_s_rule_and_print_belong_together() -> None:
    """A record whose code is another rule's covers nothing."""
    assert stopped(CLAIM, waivers=(granted(code="BRD010"),)) == ["BRD009"]


@pytest.mark.parametrize("quote", ["The  BEST\nbike", "the\u00a0best bike", "ｔhe best bike"])
def test_the_same_words_are_the_same(quote: str) -> None:
    """Case, blanks and forms of a letter that read the same make no other finding."""
    assert stopped(replace(CLAIM, quote=quote), waivers=(granted(),)) == []


@pytest.mark.parametrize("changes", [
    {"expires_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)}, {"granted_at": NOW + timedelta(seconds=1)},
    {"granted_at": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=MAX_DAYS)},
], ids=("ends now", "ended", "not yet", "longer than allowed"))
def test_an_exception_holds_for_a_time(changes: dict[str, Any]) -> None:
    """Outside of it, and where it is longer than any may be, it covers nothing."""
    assert stopped(CLAIM, waivers=(granted(**changes),)) == ["BRD009"]
    assert stopped(CLAIM, waivers=(granted(days=MAX_DAYS - 1),)) == []


@pytest.mark.parametrize("code", ["SEC001", "SEC008", "LEG001", "LEG002", "DLV005"])
def test_some_rules_know_no_exception(code: str) -> None:
    """Neither an exception that was stored all the same, nor a baseline, nor a policy that forgets them opens these."""
    finding = replace(LOCKED, code=code)
    key = fingerprint(TEMPLATE, 3, finding)
    assert stopped(finding, waivers=(granted(finding),), baseline=(key,), asked=(key,), never=()) == [code]
    assert [p.code for p in waiver_problems(code, "A good reason", NOW, NOW + timedelta(days=1), never=())] == [
        "waiver.never"]


def test_a_policy_may_close_more_rules() -> None:
    """What the routes name knows no exception either."""
    assert stopped(CLAIM, waivers=(granted(),), never=(*NEVER, "BRD*")) == ["BRD009"]
    assert stopped(CLAIM, waivers=(granted(),), never=("BRD010",)) == []


def test_a_baseline_covers_locked_parts_alone() -> None:
    """Old templates live on; what a partner writes is judged by today's rules."""
    prints = (fingerprint(TEMPLATE, 3, LOCKED), fingerprint(TEMPLATE, 3, CLAIM))
    assert stopped(LOCKED, CLAIM, baseline=prints) == ["BRD009"]
    sifted = sift([LOCKED, CLAIM], TEMPLATE, 3, NOW, baseline=prints)
    assert sifted.blocking == (CLAIM,) and sifted.exceptions == ()
    assert sifted.findings[0].params == {"baseline": 1}


def test_a_person_may_be_asked_where_a_rule_guesses() -> None:
    """The finding needs a look instead of blocking; of other rules nobody can be asked."""
    guess = replace(CLAIM, code="LEG005")
    assert {"LEG005", "BRD006"} == ASKABLE
    prints = (fingerprint(TEMPLATE, 3, guess), fingerprint(TEMPLATE, 3, CLAIM))
    sifted = sift([guess, CLAIM], TEMPLATE, 3, NOW, asked=prints)
    assert (sifted.blocking, sifted.asked) == ((CLAIM,), ("LEG005",))
    assert [(f.state, dict(f.params)) for f in sifted.findings] == [("undecidable", {"asked": 1}), ("fail", {})]


def test_what_does_not_block_needs_nothing() -> None:
    """Warnings and what needs a look are told and stop nothing."""
    assert stopped(replace(CLAIM, severity="warn"), replace(CLAIM, state="undecidable")) == []


@pytest.mark.parametrize(("reason", "expires", "codes"), [
    ("Agreed with legal", NOW + timedelta(days=MAX_DAYS), []),
    ("   short    ", NOW + timedelta(days=1), ["waiver.reason"]),
    ("Agreed with legal", None, ["waiver.expired"]), ("Agreed with legal", NOW, ["waiver.expired"]),
    ("Agreed with legal", NOW + timedelta(days=MAX_DAYS, seconds=1), ["waiver.too_long"]),
    ("", None, ["waiver.reason", "waiver.expired"]),
])
def test_what_speaks_against_granting(reason: str, expires: datetime | None, codes: list[str]) -> None:
    """A reason of some words and a day that can be read, at most 180 days on."""
    assert [p.code for p in waiver_problems("BRD009", reason, NOW, expires)] == codes


def test_a_policy_may_shorten_exceptions_and_never_lengthen_them() -> None:
    """The routes' own bound counts up to the general one."""
    for bound, most in ((30, 30), (400, MAX_DAYS)):
        for days, codes in ((most, []), (most + 1, ["waiver.too_long"])):
            found = waiver_problems("BRD009", "Agreed with legal", NOW, NOW + timedelta(days=days), max_days=bound)
            assert [p.code for p in found] == codes
