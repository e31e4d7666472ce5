"""Settings: every problem at once, in words that help, and never a secret in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.settings import Settings, SettingsError, Surface, read

GOOD = {
    "COUNTERSIGN_STAGE": "prod", "COUNTERSIGN_ORG_ID": "org_" + "0" * 26, "COUNTERSIGN_ORG_NAME": "Fjord Bikes",
    "COUNTERSIGN_BASE_URL": "https://partners.example.com/api", "COUNTERSIGN_BUCKET": "fjord-data",
    "COUNTERSIGN_KMS_KEY": "alias/countersign", "COUNTERSIGN_PARTNER_ROLE": "arn:aws:iam::123456789012:role/p",
    "COUNTERSIGN_REVIEW_ROLE": "arn:aws:iam::123456789012:role/r", "COUNTERSIGN_SECRET": "5e" * 32,
    "COUNTERSIGN_MAIL_FROM": "countersign@mail.example.com", "COUNTERSIGN_CONFIGURATION_SET": "countersign",
    "AWS_REGION": "eu-central-1",
}


def test_what_need_not_be_said() -> None:
    """Name, surface, HQ's address and the optional endpoints have defaults."""
    settings = read(GOOD)
    assert (settings.app, settings.prefix, settings.surface) == ("countersign", "countersign-prod", Surface.ALL)
    assert settings.hq_base_url == settings.base_url == "https://partners.example.com/api"
    assert (settings.ses_endpoint, settings.queue_url_prefix, settings.endpoint) == ("", "", "")
    assert settings.former_secrets == ()


def test_everything_can_be_said() -> None:
    """Each variable arrives in its field."""
    settings = read(GOOD | {
        "COUNTERSIGN_APP": "fjord", "COUNTERSIGN_SURFACE": "hq", "COUNTERSIGN_HQ_BASE_URL": "https://hq.example.com",
        "COUNTERSIGN_SES_ENDPOINT": "http://127.0.0.1:8001", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "COUNTERSIGN_QUEUE_URL_PREFIX": "https://sqs.eu-central-1.amazonaws.com/123456789012/",
        "COUNTERSIGN_SECRET": "kms:" + "QUJD" * 20, "COUNTERSIGN_FORMER_SECRETS": "5e" * 32 + "," + "6f" * 32,
        "COUNTERSIGN_BASE_URL": "http://127.0.0.1:8000",
    })
    assert (settings.app, settings.surface, settings.hq_base_url) == ("fjord", Surface.HQ, "https://hq.example.com")
    assert (settings.ses_endpoint, settings.endpoint) == ("http://127.0.0.1:8001", "http://127.0.0.1:4566")
    assert settings.former_secrets == ("5e" * 32, "6f" * 32)


def test_every_problem_is_told_at_once() -> None:
    """An empty environment names each variable that is needed, with what is expected."""
    with pytest.raises(SettingsError) as refused:
        read({})
    named = {problem.split()[0] for problem in refused.value.problems}
    assert named == set(GOOD)
    assert all("expected" in problem for problem in refused.value.problems)


@pytest.mark.parametrize(("name", "value"), [
    ("APP", "Fjord Bikes"), ("STAGE", "-prod"), ("STAGE", "x" * 21), ("ORG_ID", "org_1"), ("ORG_NAME", "a\nb"),
    ("BASE_URL", "http://partners.example.com"), ("BASE_URL", "https://partners.example.com/"),
    ("BASE_URL", "https://user:pw@partners.example.com"), ("BASE_URL", "https://x.example/?a=b"),
    ("BASE_URL", "partners.example.com"), ("HQ_BASE_URL", "ftp://hq.example.com"), ("SURFACE", "both"),
    ("BUCKET", "Fjord_Data"), ("KMS_KEY", "a b"), ("PARTNER_ROLE", "partner"),
    ("REVIEW_ROLE", "arn:aws:iam::1:role/r"), ("MAIL_FROM", "countersign"), ("CONFIGURATION_SET", "a b"),
    ("SENDER_DOMAIN", "mail"), ("SENDER_DOMAIN", "a@mail.example.com"),
    ("SES_ENDPOINT", "8001"), ("SES_ENDPOINT", "http://127.0.0.1:port"), ("QUEUE_URL_PREFIX", "https://x.example/1"),
    ("FORMER_SECRETS", "5e" * 32 + ",abc"),
])
def test_a_wrong_value_is_told(name: str, value: str) -> None:
    """One sentence names the variable, and nothing else is complained about."""
    with pytest.raises(SettingsError) as refused:
        read(GOOD | {f"COUNTERSIGN_{name}": value})
    assert [problem.split()[0] for problem in refused.value.problems] == [f"COUNTERSIGN_{name}"]


AWS = GOOD | {
    "COUNTERSIGN_SURFACE": "hq", "COUNTERSIGN_HQ_BASE_URL": "https://hq.example.com",
    "COUNTERSIGN_SENDER_DOMAIN": "mail.example.com", "AWS_LAMBDA_FUNCTION_NAME": "countersign-prod-pages-hq",
    "COUNTERSIGN_KMS_KEY": "arn:aws:kms:eu-central-1:123456789012:key/1",
}
"""As the stack sets them for head office's pages."""
CONTRADICTIONS = [
    ({"COUNTERSIGN_HQ_BASE_URL": GOOD["COUNTERSIGN_BASE_URL"]}, "HQ_BASE_URL", "HqDomain"),
    ({"COUNTERSIGN_HQ_BASE_URL": ""}, "HQ_BASE_URL", "HqDomain"),
    ({"COUNTERSIGN_HQ_BASE_URL": "http://127.0.0.1:8000"}, "HQ_BASE_URL", "https"),
    ({"COUNTERSIGN_BASE_URL": "http://localhost"}, "BASE_URL", "https"),
    ({"COUNTERSIGN_SES_ENDPOINT": "https://ses.example.com"}, "SES_ENDPOINT", "leave it out"),
    ({"COUNTERSIGN_REVIEW_ROLE": GOOD["COUNTERSIGN_PARTNER_ROLE"]}, "REVIEW_ROLE", "the two"),
    ({"COUNTERSIGN_FORMER_SECRETS": "6f" * 32 + "," + "5e" * 32}, "FORMER_SECRETS", "only earlier ones"),
    ({"COUNTERSIGN_MAIL_FROM": "countersign@example.com"}, "MAIL_FROM", "SenderDomain"),
    ({"COUNTERSIGN_MAIL_FROM": "countersign@notmail.example.com"}, "MAIL_FROM", "SenderDomain"),
    ({"COUNTERSIGN_KMS_KEY": "arn:aws:kms:eu-west-1:123456789012:key/1"}, "KMS_KEY", "the key of this stack"),
    ({"COUNTERSIGN_SURFACE": "partner"}, "SURFACE", "set hq"),
    ({"COUNTERSIGN_SURFACE": "all"}, "SURFACE", "set hq"),
    ({"COUNTERSIGN_STAGE": "test"}, "APP", "deploy again"),
]


def test_the_stack_s_own_settings_agree() -> None:
    """What a deployment sets is taken; a sender below the zone is in it; a worker needs no surface."""
    assert read(AWS).surface is Surface.HQ
    assert read(AWS | {"COUNTERSIGN_MAIL_FROM": "countersign@hq.mail.example.com"}).mail_from
    worker = AWS | {"COUNTERSIGN_SURFACE": "", "AWS_LAMBDA_FUNCTION_NAME": "countersign-prod-send"}
    assert read(worker).function == "countersign-prod-send"


@pytest.mark.parametrize(("change", "name", "what_to_do"), CONTRADICTIONS)
def test_a_contradiction_is_told_with_what_to_do(change: dict[str, str], name: str, what_to_do: str) -> None:
    """Each is right by itself and wrong beside the others: one sentence, which says what to do."""
    with pytest.raises(SettingsError) as refused:
        read(AWS | change)
    (problem,) = refused.value.problems
    assert problem.startswith(f"COUNTERSIGN_{name} ")
    assert what_to_do in problem


def test_what_is_missing_and_what_contradicts_are_told_at_once() -> None:
    """A deployment that is wrong in many ways is mended once, not five times; nothing is told twice."""
    wrong = dict(AWS)
    for number in (2, 4, 5, 7, 10):
        wrong |= CONTRADICTIONS[number][0]
    del wrong["COUNTERSIGN_BUCKET"]
    with pytest.raises(SettingsError, match="make deploy STAGE=") as refused:
        read(wrong | {"COUNTERSIGN_ORG_ID": "org_1"})
    assert [p.split()[0].removeprefix("COUNTERSIGN_") for p in refused.value.problems] == [
        "ORG_ID", "BUCKET", "HQ_BASE_URL", "SES_ENDPOINT", "REVIEW_ROLE", "MAIL_FROM", "SURFACE"]


def test_an_emulator_may_have_what_aws_may_not() -> None:
    """With an endpoint of its own, plain http on this machine and a SES of its own are meant."""
    local = GOOD | {"COUNTERSIGN_BASE_URL": "http://127.0.0.1:8000", "COUNTERSIGN_SES_ENDPOINT": "http://127.0.0.1:8001",
                    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
    assert read(local).hq_base_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("secret", ["5e" * 31, "tango-whiskey", "kms:short", "5e" * 32 + "g"])
def test_a_secret_is_never_shown(secret: str) -> None:
    """Neither in a problem nor in the settings' own text."""
    with pytest.raises(SettingsError) as refused:
        read(GOOD | {"COUNTERSIGN_SECRET": secret})
    assert secret not in str(refused.value)
    assert "5e5e" not in repr(read(GOOD))


@pytest.mark.parametrize("region", ["", "europe", "EU-CENTRAL-1"])
def test_a_region_is_needed(region: str) -> None:
    """botocore reads AWS_DEFAULT_REGION only; Lambda sets both; either is taken."""
    with pytest.raises(SettingsError, match="AWS_REGION"):
        read(GOOD | {"AWS_REGION": region})
    without = {name: value for name, value in GOOD.items() if name != "AWS_REGION"}
    assert read(without | {"AWS_DEFAULT_REGION": "us-gov-west-1"}).region == "us-gov-west-1"


def test_settings_are_facts_for_the_use_cases() -> None:
    """What a use case may know is read straight from the settings."""
    from chalicelib.usecases.world import Facts

    facts: Facts = read(GOOD)
    assert isinstance(facts, Settings) and facts.org_name == "Fjord Bikes"


def test_nobody_else_reads_the_environment() -> None:
    """The environment is read in settings.py alone."""
    root = Path(__file__).parents[2] / "chalicelib"
    readers = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    }
    assert readers == {"settings.py"}
