"""The way to a first deployment, as written, is short and names only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "deploy.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
TEMPLATE = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))


def steps() -> list[str]:
    """The numbered steps of the first deployment."""
    part = TEXT.split("## First deployment")[1].split("\n## ")[0]
    return re.split(r"^\d+\. ", part, flags=re.MULTILINE)[1:]


def test_a_first_deployment_takes_fewer_than_ten_steps() -> None:
    """With the way out of SES's sandbox, the mail zone with DKIM, SPF and DMARC, and the first admin."""
    assert len(steps()) < 10
    for part in ("Request production access", "`Dkim1`", "v=spf1 include:amazonses.com", "v=DMARC1", "admin add",
                 "RUN=doctor", "AWS Notifications"):
        assert sum(part in step for step in steps()) == 1, part


def test_every_parameter_and_output_exists() -> None:
    """Names in CamelCase are parameters or outputs of the stack; the example sets what the steps speak of."""
    known = set(TEMPLATE["Parameters"]) | set(TEMPLATE["Outputs"])
    named = {name for name in re.findall(r"`([A-Z][a-z]+[A-Za-z0-9]*)`", TEXT)}
    named -= {"Parameters", "Health"}
    assert named <= known, named - known
    example = (ROOT / "infra" / "stages" / "example.toml").read_text("utf-8")
    for name in named & set(TEMPLATE["Parameters"]) - {"OrgId", "Bucket", "Secret"}:
        assert re.search(rf"^(# )?{name} = ", example, re.MULTILINE), name


def test_the_program_says_what_the_document_quotes() -> None:
    """Whoever searches the table for the sentence on the screen finds it."""
    sources = "".join(path.read_text("utf-8") for path in sorted((ROOT / "infra" / "deploy").glob("*.py")))
    said = re.sub(r'"\s*\n\s*f?"', "", sources)
    part = TEXT.split("## When it stops half-way")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([*`].*?) \|", part, re.MULTILINE)
    quoted = re.findall(r"[*`](.+?)[*`]", " ".join(rows))
    assert len(quoted) >= 7
    assert [piece for words in quoted for piece in words.split("…") if piece.strip() not in said] == []


def test_the_envelope_domain_is_the_stack_s() -> None:
    """The MX and SPF records are for the domain that the template makes the envelope's."""
    identity = TEMPLATE["Resources"]["SenderIdentity"]["Properties"]
    assert identity["MailFromAttributes"]["MailFromDomain"] == {"Fn::Sub": "bounce.${SenderDomain}"}
    assert TEXT.count("`bounce.mail.example.com`") == 2


def test_the_readme_names_what_operators_need() -> None:
    """Deployment, doctor, runbook and cost are one click from the front page."""
    for part in ("docs/deploy.md", "RUN=doctor", "docs/runbook/README.md", "docs/cost.md"):
        assert part in README, part
