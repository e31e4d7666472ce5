"""An operator's day, typed: the commands as the Makefile calls them, with an answer on standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import seed
from infra.local.emulator import SECRET_KEY
from tests.deploy.conftest import Deployed
from tests.isolation.judge import ADMINISTRATOR

pytestmark = [pytest.mark.package, pytest.mark.emulator]
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from infra.deploy.__main__ import main
stages, package, *arguments = sys.argv[1:]
sys.exit(main(arguments, Path(stages), Path(package)))
"""


class Desk:
    """Somebody at a terminal with the administrator's keys; the stage is called ``day``."""

    def __init__(self, place: Deployed, package: Path, stages: Path) -> None:
        self.place, self.package, self._stages = place, package, stages
        self.write(LogDays=30)

    def write(self, **more: object) -> None:
        """The stage's file, anew."""
        values = {
            "region": "eu-central-1", "OrgName": "Example Bikes", "MailFrom": seed.MAIL_FROM,
            "SesEndpoint": self.place.mail.url, "SenderDomain": seed.ZONE, "AlarmEmail": "operations@example.com",
            "BudgetUsd": 50, "MediaUrl": f"{self.place.emulator.url}/media", **more,
        }
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        (self._stages / "day.toml").write_text("".join(lines))

    def type(self, *command: str, answer: str = "") -> tuple[int, str]:
        """Exit status, and all that was said."""
        surrounded = ["env", f"AWS_ENDPOINT_URL={self.place.emulator.url}", f"AWS_ACCESS_KEY_ID={ADMINISTRATOR}",
                      f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}"]
        done = subprocess.run(
            [*surrounded, sys.executable, "-c", PROGRAM, str(self._stages), str(self.package), *command], cwd=ROOT,
            input=answer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def desk(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An empty account."""
    place = Deployed(tmp_path_factory.mktemp("day"), package, "day")
    yield Desk(place, package, tmp_path_factory.mktemp("stages"))
    place.close()


def test_before_anything_is_deployed_each_command_says_so(desk: Desk) -> None:
    """Nothing there is no failure of the program: one sentence each, and the account that is meant."""
    assert desk.type("check", "day") == (0, "Stage day: account 000000000000, eu-central-1\n")
    assert desk.type("releases", "day") == (0, "")
    for command in (("remove", "day"), ("cli", "day", "doctor")):
        status, said = desk.type(*command)
        assert status == 1
        assert "countersign-day" in said
    status, said = desk.type("rollback", "day")
    assert (status, "Say which release" in said) == (1, True)


def test_the_first_day(desk: Desk) -> None:
    """Deployed with a typed yes for each step; the first admin, the doctor's findings, and nothing more to change."""
    status, said = desk.type("deploy", "day", answer="no\n")
    assert (status, "Nothing was changed." in said) == (3, True)
    status, said = desk.type("deploy", "day", answer="yes\nyes\n")
    assert status == 0, said
    assert "  + TrustTable (AWS::DynamoDB::Table)" in said
    assert "Second step" in said
    assert "IsSealed: yes" in said
    assert "Budget:" not in said
    status, said = desk.type("cli", "day", "admin", "add", "you@example.com")
    assert status == 0
    assert "you@example.com is an HQ admin" in said
    status, said = desk.type("cli", "day", "doctor", "--all")
    assert (status, "FAIL  tables" in said, "ok    queues" in said) == (1, True, True)
    status, said = desk.type("deploy", "day")
    assert (status, "There is nothing to change." in said) == (0, True)
    status, said = desk.type("releases", "day")
    assert (status, said.count("(deployed)"), said.count(" UTC")) == (0, 1, 1)


def test_an_update_shows_what_it_changes(desk: Desk) -> None:
    """Another time to keep logs: the list has the logs, and no table. What is taken out is the default again."""
    desk.write(LogDays=60)
    status, said = desk.type("deploy", "day", answer="yes\n")
    assert (status, "~ TickLog (AWS::Logs::LogGroup)" in said, "Table" in said) == (0, True, False)
    assert desk.place.deployer.stack.parameters["LogDays"] == "60"
    desk.write()
    assert desk.type("deploy", "day", answer="yes\n")[0] == 0
    assert desk.place.deployer.stack.parameters["LogDays"] == "30"


def test_what_is_refused_is_a_sentence(desk: Desk, tmp_path: Path) -> None:
    """A release that there is not, and a template that CloudFormation does not take: no trace of the insides."""
    status, said = desk.type("rollback", "day", "--release", "0000000000000000")
    assert (status, "There is no release" in said) == (1, True)
    (tmp_path / "deployment.zip").write_bytes(b"zip")
    template = json.loads((desk.package / "stack.json").read_text("utf-8"))
    template["Resources"]["Odd"] = {"Type": "AWS::Odd::Thing"}
    (tmp_path / "stack.json").write_text(json.dumps(template), "utf-8")
    sound, desk.package = desk.package, tmp_path
    try:
        status, said = desk.type("deploy", "day", answer="yes\n")
    finally:
        desk.package = sound
    assert (status, "AWS refuses: " in said, "AWS::Odd::Thing" in said) == (1, True, True)


def test_the_last_day(desk: Desk) -> None:
    """A yes does not destroy data and nor does half of the name; the stack's whole name does, also once it is gone."""
    for typed in ("yes\n", "day\n", ""):
        status, said = desk.type("remove", "day", "--data", "destroy", answer=typed)
        assert status in (1, 3), said
    status, said = desk.type("remove", "day", answer="yes\n")
    assert (status, "its data stay" in said) == (0, True)
    status, said = desk.type("deploy", "day", "--yes")
    assert (status, "make remove STAGE=day DATA=destroy" in said) == (1, True)
    status, said = desk.type("remove", "day", "--data", "destroy", "--yes", answer="countersign-day\n")
    assert (status, "is removed with its data" in said) == (0, True)
    kms = desk.place.client("kms")
    told = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    (ours,) = (key for key in told if key["Description"].startswith("countersign-day: wraps"))
    assert ours["KeyState"] == "PendingDeletion"
