"""The checks for a real account: each tells what is wrong, and without an account there is one sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.stage import Stage
from infra.smoke.__main__ import run
from infra.smoke.checks import CHECKS, FOREIGN, Site

ROOT = Path(__file__).resolve().parents[2]
STAGE = Stage("t", "eu-central-1", {"MailFrom": "desk@mail.example.com"})


@dataclass
class Account:
    """An account as AWS would tell it, sound unless a part is spoiled."""

    waiting: str = "0"
    protected: bool = True
    backed_up: str = "ENABLED"
    crashes: bool = False
    open_to_all: bool = False
    mails: list[str] = field(default_factory=list)

    def __call__(self, service: str) -> Account:
        """One object answers for all services."""
        return self

    def simulate_principal_policy(self, *, ActionNames: list[str], PolicySourceArn: str, ResourceArns: list[str],
                                  ContextEntries: list[dict[str, Any]]) -> dict[str, Any]:
        """What the deployed policies would answer."""
        given = {entry["ContextKeyName"]: entry["ContextKeyValues"][0] for entry in ContextEntries}
        own = given.get("aws:PrincipalTag/partner")
        if self.open_to_all:
            decision = "allowed"
        elif ActionNames[0] in ("dynamodb:Scan", "dynamodb:PartiQLSelect"):
            decision = "explicitDeny"
        elif ActionNames[0] == "sts:AssumeRole":
            decision = "allowed" if ResourceArns[0].endswith("review") else "implicitDeny"
        else:
            asked = given.get("dynamodb:LeadingKeys") or given.get("kms:EncryptionContext:partner") or ""
            decision = "allowed" if own and own in asked and FOREIGN not in asked else "implicitDeny"
        return {"EvaluationResults": [{"EvalDecision": decision}]}

    def invoke(self, **_: Any) -> dict[str, Any]:
        """A tick."""
        return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"no right")} if self.crashes else {}

    def get_queue_url(self, **_: Any) -> dict[str, str]:
        """Any queue."""
        return {"QueueUrl": "q"}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        """How many wait."""
        return {"Attributes": {"ApproximateNumberOfMessages": self.waiting}}

    def describe_table(self, **_: Any) -> dict[str, Any]:
        """Protected or not."""
        return {"Table": {"DeletionProtectionEnabled": self.protected}}

    def describe_continuous_backups(self, *, TableName: str) -> dict[str, Any]:
        """The keys' table has none."""
        status = "DISABLED" if TableName.endswith("keys") else self.backed_up
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": status}}}

    def send_email(self, *, Destination: dict[str, list[str]], **_: Any) -> None:
        """Taken."""
        self.mails += Destination["ToAddresses"]


class Pages(BaseHTTPRequestHandler):
    """Both APIs: sign-in, nothing of head office's, a page for what there is not."""

    policy = "default-src 'none'"

    def do_GET(self) -> None:
        """Answer."""
        found = self.path.endswith("/sign-in")
        self.send_response(200 if found else 404)
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("Set-Cookie", "__Host-cs=1")
        self.end_headers()
        self.wfile.write(b"<title>Sign in</title>" if found else b"There is no such page")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """Where the pages answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/app"
    server.shutdown()
    server.server_close()


def site(account: Account, pages: str) -> Site:
    """A deployed stage in an account."""
    return Site(account, STAGE, "123456789012", {"PartnerUrl": pages, "HqUrl": pages, "PartnerKeysKeyArn": "arn:key"})


def test_a_sound_stage_passes(pages: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check says ok, and the two mails go to SES's own simulator."""
    account = Account()
    assert run(site(account, pages)) == 0
    said = capsys.readouterr().out
    assert said.count("ok  ") == len(CHECKS)
    assert all(to.endswith("@simulator.amazonses.com") for to in account.mails)
    assert len(account.mails) == 2


@pytest.mark.parametrize(("spoiled", "check", "words"), [
    ({"waiting": "3"}, "queues_are_quiet", "plan-dead holds 3"),
    ({"protected": False}, "data_is_protected", "countersign-t-workflow is unprotected"),
    ({"backed_up": "DISABLED"}, "data_is_protected", "recovery of countersign-t-workflow is DISABLED"),
    ({"crashes": True}, "a_tick_runs", "no right"),
    ({"open_to_all": True}, "partners_are_apart", "is allowed, not implicitDeny"),
    ({"open_to_all": True}, "hq_has_no_way_to_customers", "is allowed, not implicitDeny"),
])
def test_what_is_wrong_is_told(
    spoiled: dict[str, Any], check: str, words: str, pages: str, capsys: pytest.CaptureFixture[str],
) -> None:
    """One check fails, by name and in words; the others are made all the same."""
    assert run(site(Account(**spoiled), pages)) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith(f"FAILED  {check}"))
    assert words in line


def test_pages_without_a_closed_policy_are_told(pages: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The header that keeps scripts out is looked for on the deployed page itself."""
    Pages.policy, before = "default-src *", Pages.policy
    try:
        assert run(site(Account(), pages)) == 1
    finally:
        Pages.policy = before
    assert "PartnerUrl has no closed policy" in capsys.readouterr().out


def test_without_an_account_it_is_skipped_with_a_sentence(tmp_path: Path) -> None:
    """No credentials: one sentence and success, so that a script may always call it."""
    alone = ["env", "-i", f"HOME={tmp_path}", "AWS_EC2_METADATA_DISABLED=true"]
    typed = [*alone, sys.executable, "-m", "infra.smoke", "t"]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Skipped: there are no AWS credentials here, so there is no deployed stage to try.\n"
