"""What deploying refuses, mends and asks: bad names, half-failed stacks, two at once, removal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from infra.deploy import stage
from infra.deploy.stack import Stack, endangered, shown
from infra.deploy.stage import DeployError
from tests.deploy.conftest import Deployed

emulated = [pytest.mark.package, pytest.mark.emulator]


def refused(code: str, text: str) -> ClientError:
    """An error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": text}}, "Test")


class Formation:
    """CloudFormation, as far as :class:`Stack` talks to it: one stack with the statuses that it goes through."""

    def __init__(self, *statuses: str, execute: ClientError | None = None, reason: str = "") -> None:
        self.statuses = list(statuses)
        self.calls: list[str] = []
        self._execute, self._reason = execute, reason

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """The next status; the last one stays. Without any: no stack."""
        if not self.statuses:
            raise refused("ValidationError", "Stack with id x does not exist")
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackStatus": status, "Outputs": [], "Parameters": []}]}

    def delete_stack(self, **_: Any) -> None:
        """Remember it."""
        self.calls.append("delete_stack")
        self.statuses = []

    def create_change_set(self, **_: Any) -> dict[str, str]:
        """Make one."""
        return {"Id": "c"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        """Failed, with the given reason."""
        return {"Status": "FAILED", "StatusReason": self._reason}

    def delete_change_set(self, **_: Any) -> None:
        """Remember it."""
        self.calls.append("delete_change_set")

    def execute_change_set(self, **_: Any) -> None:
        """Begin, or refuse."""
        if self._execute:
            raise self._execute

    def describe_stack_events(self, NextToken: str = "", **_: Any) -> dict[str, Any]:
        """The newest first and in pages, as on AWS: the rollback, what failed, the beginning, what was before."""
        def event(name: str, kind: str, status: str, reason: str = "") -> dict[str, str]:
            return {"LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status,
                    "ResourceStatusReason": reason}

        stack = "AWS::CloudFormation::Stack"
        pages = {
            "": [event("Second", "T", "DELETE_COMPLETE"), event("First", "T", "DELETE_COMPLETE")],
            "2": [event("Second", "T", "CREATE_FAILED", "Resource creation cancelled"),
                  event("First", "T", "CREATE_FAILED", "the name is taken"),
                  event("countersign-test", stack, "CREATE_IN_PROGRESS", "User Initiated"),
                  event("Third", "T", "UPDATE_FAILED", "a year ago")],
        }
        return {"StackEvents": pages[NextToken], "NextToken": "" if NextToken else "2"}


def stack_of(formation: Formation, said: list[str]) -> Stack:
    """A stack that waits for nothing."""
    return Stack(formation, "countersign-test", said.append, pause=lambda seconds: None)


@pytest.mark.parametrize("name", ["Prod", "1st", "a-stage-name-that-is-long", "x/../y", "ünder"])
def test_a_stage_name_must_fit_into_every_other_name(name: str, tmp_path: Path) -> None:
    """A name that AWS would refuse somewhere in the middle is refused at once, with what is allowed."""
    with pytest.raises(DeployError, match="1 to 12 lower-case letters"):
        stage.read(name, tmp_path)


def test_all_problems_of_a_stage_are_told_at_once(tmp_path: Path) -> None:
    """Missing, unknown, contradictory and chosen parameters, each in one line."""
    (tmp_path / "bad.toml").write_text(
        'region = "Frankfurt"\nOrgName = "B"\nSecret = "x"\nPartnerDomain = "a.example"\nBudgetUsd = 5\n'
        'Colour = "red"\nSenderDomain = true\n')
    with pytest.raises(DeployError) as caught:
        stage.read("bad", tmp_path)
    assert str(caught.value).splitlines() == [
        "bad.toml is not right:", "  MailFrom is missing", "  region is not a region, such as eu-central-1",
        "  Secret is chosen by the deployment", "  Colour is not a parameter of the stack",
        "  SenderDomain must be a text or a number", "  a host name of your own needs CertificateArn",
        "  BudgetUsd needs AlarmEmail, or nobody is told",
    ]


def test_what_cloudformation_would_refuse_is_told_before(tmp_path: Path) -> None:
    """The template's own limits hold for the file: lists, patterns with their words, numbers, lengths."""
    (tmp_path / "bad.toml").write_text(
        f'region = "eu-central-1"\nOrgName = "{"B" * 81}"\nMailFrom = "nobody"\nSize = "large"\nLogDays = 31\n'
        'HqDomain = "https://a.example"\nOperatorArn = "me"\nBudgetUsd = -5\nAlarmEmail = "a@b.example"\n'
        'CertificateArn = "arn:aws:acm:us-east-1:123456789012:certificate/1"\n')
    with pytest.raises(DeployError) as caught:
        stage.read("bad", tmp_path)
    assert str(caught.value).splitlines()[1:] == [
        "  OrgName has 81 characters; at most 80 are allowed",
        "  MailFrom is 'nobody'; it must be an address with a lower-case domain, such as countersign@mail.example.com",
        "  Size is 'large'; it may be small, normal", "  LogDays is '31'; it may be 7, 14, 30, 60, 90, 180, 365",
        "  HqDomain is 'https://a.example'; it must be a lower-case host name alone, such as hq.example.com",
        "  OperatorArn is 'me'; it must be the ARN of a role or user; a star may stand for what differs",
        "  BudgetUsd must be a whole number, 0 or more",
        "  CertificateArn lies in us-east-1, where API Gateway of eu-central-1 does not find it",
    ]


def test_every_limit_of_a_parameter_has_its_words() -> None:
    """A pattern means nothing to people, so each parameter that has one says what it wants."""
    declared = yaml.safe_load((stage.INFRA / "resources.yaml").read_text("utf-8"))["Parameters"]
    limited = {name: rule for name, rule in declared.items() if "AllowedPattern" in rule}
    wordless = {name for name, rule in limited.items() if "ConstraintDescription" not in rule}
    assert wordless <= stage.OURS
    assert set(declared) >= stage.OURS | set(stage.WANTED) - {"region"}


def test_parameters_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    """A sender outside of the mail zone and one host name for both surfaces fail here, not on AWS an hour later."""
    (tmp_path / "bad.toml").write_text(
        'region = "eu-central-1"\nOrgName = "B"\nMailFrom = "a@example.com"\nSenderDomain = "mail.example.com"\n'
        'PartnerDomain = "a.example"\nHqDomain = "a.example"\n'
        'CertificateArn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"\n')
    with pytest.raises(DeployError) as caught:
        stage.read("bad", tmp_path)
    assert str(caught.value).count("\n") == 2
    for part in ("take an address in mail.example.com", "head office's pages need a host name of their own"):
        assert part in str(caught.value)


def test_a_stage_without_a_file_says_what_to_copy(tmp_path: Path) -> None:
    """The sentence names the file to begin with; the example itself is a sound stage."""
    with pytest.raises(DeployError, match=r"copy example\.toml"):
        stage.read("prod", tmp_path)
    with pytest.raises(DeployError, match="Say which stage"):
        stage.read("", tmp_path)
    assert stage.read("example").parameters["LogDays"] == "30"
    whole = re.sub(r"(?m)^# (?=[A-Z][A-Za-z]+ = )", "", (stage.STAGES / "example.toml").read_text("utf-8"))
    (tmp_path / "whole.toml").write_text(whole.replace("certificate/...", "certificate/1"))
    assert stage.read("whole", tmp_path).parameters["ApiLogsRole"] == "no"


def test_a_failed_first_deployment_is_cleared_away() -> None:
    """ROLLBACK_COMPLETE can't be updated: its shell is deleted and the stack made anew."""
    said: list[str] = []
    formation = Formation("ROLLBACK_COMPLETE")
    assert stack_of(formation, said).prepare() == "CREATE"
    assert formation.calls == ["delete_stack"]
    assert "taken back" in said[0]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"])
def test_a_stuck_stack_is_told_with_the_way_out(status: str) -> None:
    """What a person must mend is named, and nothing is tried."""
    formation = Formation(status)
    with pytest.raises(DeployError, match=rf"{status}\. .*(again|remove)"):
        stack_of(formation, []).prepare()
    assert formation.calls == []


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_two_deployments_at_once_wait_for_each_other(status: str) -> None:
    """The second one is told to wait instead of being mixed into the first."""
    with pytest.raises(DeployError, match="somebody else deploys"):
        stack_of(Formation(status), []).prepare()


@pytest.mark.parametrize("code", ["InvalidChangeSetStatus", "ChangeSetNotFound"])
def test_a_change_that_no_longer_fits_is_not_made(code: str) -> None:
    """Somebody deployed between the list and the yes: CloudFormation refuses, and the person looks again."""
    formation = Formation("UPDATE_COMPLETE", execute=refused(code, "it is OBSOLETE or deleted"))
    with pytest.raises(DeployError, match="Somebody else has deployed since"):
        stack_of(formation, []).execute("c")


def test_a_failure_names_what_failed_first() -> None:
    """Of many cancelled resources the one that is the cause is shown."""
    with pytest.raises(DeployError, match=r"(?s)Nothing is deployed.*First \(T\): the name is taken") as caught:
        stack_of(Formation("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"), []).execute("c")
    assert "Second" not in str(caught.value)
    assert "a year ago" not in str(caught.value)


def test_no_change_is_no_failure() -> None:
    """CloudFormation calls an empty change set failed; here it is nothing to do, and it is cleared away."""
    formation = Formation("UPDATE_COMPLETE", reason="The submitted information didn't contain changes.")
    assert stack_of(formation, []).propose("UPDATE", "u", {}, "l") is None
    assert formation.calls == ["delete_change_set"]
    with pytest.raises(DeployError, match="refuses the change: bad"):
        stack_of(Formation("UPDATE_COMPLETE", reason="bad"), []).propose("UPDATE", "u", {}, "l")


def test_the_list_of_changes_shows_what_endangers_data() -> None:
    """Additions, changes and replacements are told apart; tables that would be lost are found."""
    changes: list[dict[str, Any]] = [
        {"Action": "Add", "LogicalResourceId": "Send", "ResourceType": "AWS::Lambda::Function"},
        {"Action": "Modify", "LogicalResourceId": "TrustTable", "ResourceType": "AWS::DynamoDB::Table",
         "Replacement": "True", "Details": [{"Target": {"Attribute": "Properties", "Name": "KeySchema"}}]},
        {"Action": "Remove", "LogicalResourceId": "DataBucket", "ResourceType": "AWS::S3::Bucket"},
        {"Action": "Remove", "LogicalResourceId": "OldAlarm", "ResourceType": "AWS::CloudWatch::Alarm"},
    ]
    assert shown(changes).splitlines() == [
        "  + Send (AWS::Lambda::Function)", "  ~ TrustTable (AWS::DynamoDB::Table) REPLACED KeySchema",
        "  - DataBucket (AWS::S3::Bucket)", "  - OldAlarm (AWS::CloudWatch::Alarm)",
    ]
    assert endangered(changes) == ["TrustTable", "DataBucket"]


@pytest.fixture(scope="module")
def place(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """An emulator of its own for what is deployed and removed again."""
    running = Deployed(tmp_path_factory.mktemp("removal"), package, "gone")
    yield running
    running.close()


class TestRemoval:
    """Made, refused, rolled back, removed: one stage from its first to its last day."""

    pytestmark = emulated

    def test_a_no_changes_nothing(self, place: Deployed, package: Path) -> None:
        """Whoever says no to the list gets no stack."""
        assert place.deployer_of("gone", package, ask=lambda question: "n").deploy() is False
        assert "Nothing was changed." in place.said

    def test_a_release_can_be_gone_back_to(self, place: Deployed, package: Path, tmp_path: Path) -> None:
        """After an update the earlier release is listed and comes back, with the same org and secret."""
        assert place.deployer.deploy()
        first, before = place.deployer.stack.outputs["DeployedRelease"], place.deployer.stack.parameters
        for name in ("deployment.zip", "stack.json"):
            (tmp_path / name).write_bytes((package / name).read_bytes())
        with (tmp_path / "stack.json").open("a") as template:
            template.write("\n")
        newer = place.deployer_of("gone", tmp_path)
        assert newer.deploy()
        assert newer.stack.outputs["DeployedRelease"] != first
        assert set(newer.releases().newest()) == {first, newer.stack.outputs["DeployedRelease"]}
        assert newer.deploy(first)
        assert newer.stack.parameters == before
        with pytest.raises(DeployError, match="There is no release"):
            newer.deploy("0000000000000000")

    def test_data_outlive_the_stack_and_are_destroyed_by_name_only(self, place: Deployed, package: Path) -> None:
        """Removing keeps the tables; a new stage can't take them over unseen; only the typed name destroys them."""
        dynamodb, s3 = place.client("dynamodb"), place.client("s3")
        s3.put_object(Bucket=place.bucket, Key="ORG/templates/x.json", Body=b"{}")
        wrong = place.deployer_of("gone", package, ask=lambda question: "y")
        assert wrong.remove(data=True) is False
        assert wrong.stack.describe() is not None

        assert place.deployer.remove(data=False)
        assert place.deployer.stack.describe() is None
        tables = set(dynamodb.list_tables()["TableNames"])
        assert {"countersign-gone-workflow", "countersign-gone-trust", "countersign-gone-keys"} <= tables
        with pytest.raises(DeployError, match="is there already, from a stage that was removed"):
            place.deployer.deploy()

        typed = place.deployer_of("gone", package, ask=lambda question: "countersign-gone")
        assert typed.remove(data=True)
        assert dynamodb.list_tables()["TableNames"] == []
        assert place.bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
