"""Deployments that stop half-way or meet another one, in the emulator: what they leave, what the next one does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.stage import DeployError
from tests.deploy.conftest import Deployed

pytestmark = [pytest.mark.package, pytest.mark.emulator]
FAILS = {"Type": "AWS::CloudWatch::Alarm", "DependsOn": ["WorkflowTable", "TrustTable", "KeysTable", "DataBucket"],
         "Properties": {"Metrics": [{"Id": "a", "Expression": "1", "ReturnData": True}], "EvaluationPeriods": 1,
                        "ComparisonOperator": "LessThanThreshold", "Threshold": 1}}
"""What this emulator can't make, after everything that holds data."""


@pytest.fixture
def place(package: Path, tmp_path: Path) -> Iterator[Deployed]:
    """An emulator without a stage."""
    running = Deployed(tmp_path / "emulator", package, "half")
    yield running
    running.close()


def changed(package: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The package with another template."""
    folder.mkdir()
    template = json.loads((package / "stack.json").read_text("utf-8"))
    change(template)
    (folder / "stack.json").write_text(json.dumps(template), "utf-8")
    (folder / "deployment.zip").write_bytes((package / "deployment.zip").read_bytes())
    return folder


def failing(package: Path, folder: Path) -> Path:
    """A package whose last resource can't be made."""
    return changed(package, folder, lambda template: template["Resources"].update(Failing=FAILS))


def tables(place: Deployed) -> list[str]:
    """The tables that there are."""
    found: list[str] = place.client("dynamodb").list_tables()["TableNames"]
    return found


def test_a_first_deployment_that_fails_leaves_nothing_in_the_way(
    place: Deployed, package: Path, tmp_path: Path,
) -> None:
    """Tables and bucket were made and are gone again; the next try removes the shell and is whole."""
    with pytest.raises(DeployError, match=r"(?s)Nothing is deployed.*Failing \(AWS::CloudWatch::Alarm\)"):
        place.deployer_of("half", failing(package, tmp_path / "bad")).deploy()
    assert tables(place) == []
    assert place.bucket not in {bucket["Name"] for bucket in place.client("s3").list_buckets()["Buckets"]}
    assert place.deployer.deploy()
    assert any("empty shell" in line for line in place.said)
    assert place.deployer.stack.outputs["IsSealed"] == "yes"
    assert len(tables(place)) == 3


def test_an_update_that_fails_leaves_what_was_deployed(place: Deployed, package: Path, tmp_path: Path) -> None:
    """The earlier release with its parameters and data is in force; a good update goes through after it."""
    assert place.deployer.deploy()
    before, release = place.deployer.stack.parameters, place.deployer.stack.outputs["DeployedRelease"]
    item = {"pk": {"S": "ORG#x"}, "sk": {"S": "y"}, "v": {"N": "1"}}
    place.client("dynamodb").put_item(TableName="countersign-half-workflow", Item=item)
    with pytest.raises(DeployError, match=r"(?s)What was deployed before is in force.*Failing"):
        place.deployer_of("half", failing(package, tmp_path / "bad")).deploy()
    assert place.deployer.stack.parameters == before
    assert place.deployer.stack.outputs["DeployedRelease"] == release
    assert place.client("dynamodb").scan(TableName="countersign-half-workflow")["Items"] == [item]
    better = changed(package, tmp_path / "good", lambda template: template.update(Description="Another"))
    assert place.deployer_of("half", better).deploy()
    assert place.deployer.stack.outputs["DeployedRelease"] != release


def test_a_change_that_would_lose_data_is_never_made(place: Deployed, package: Path, tmp_path: Path) -> None:
    """A template without one of the tables is shown, refused without a question, and leaves no change set."""
    assert place.deployer.deploy()
    release = place.deployer.stack.outputs["DeployedRelease"]

    def renamed(template: dict[str, Any]) -> None:
        template["Resources"]["Keys2Table"] = template["Resources"].pop("KeysTable")

    def asked(question: str) -> str:
        raise AssertionError(question)

    with pytest.raises(DeployError, match="remove what holds data: KeysTable"):
        place.deployer_of("half", changed(package, tmp_path / "bad", renamed), ask=asked).deploy()
    assert any("- KeysTable (AWS::DynamoDB::Table)" in line for line in place.said)
    left = place.client("cloudformation").list_change_sets(StackName="countersign-half")["Summaries"]
    assert [one for one in left if one["ExecutionStatus"] == "AVAILABLE"] == []
    assert place.deployer.stack.outputs["DeployedRelease"] == release
    assert len(tables(place)) == 3


def test_a_deployment_without_its_second_step_is_finished_by_the_next(place: Deployed, package: Path) -> None:
    """Whoever stops between the steps has functions that say what they lack; the next deployment seals them."""
    answers = iter("yn")
    assert place.deployer_of("half", package, ask=lambda question: next(answers)).deploy() is False
    assert place.deployer.stack.outputs["IsSealed"] == "no"
    answer = place.client("lambda").invoke(FunctionName="countersign-half-tick", Payload=b"{}")
    assert answer["FunctionError"]
    assert "COUNTERSIGN_SECRET is missing" in answer["Payload"].read().decode()
    assert place.deployer.deploy()
    assert place.deployer.stack.outputs["IsSealed"] == "yes"
    assert place.invoke("tick", {}) == {"queued": 0}


def test_of_two_deployments_at_once_the_second_looks_again(place: Deployed, package: Path, tmp_path: Path) -> None:
    """While one person reads the list another deploys: what was read no longer fits and is not made."""
    assert place.deployer.deploy()
    org, secret = place.deployer.stack.parameters["OrgId"], deployed_secret(place)
    mine = changed(package, tmp_path / "mine", lambda template: template.update(Description="Mine"))
    theirs = changed(package, tmp_path / "theirs", lambda template: template.update(Description="Theirs"))

    def meanwhile(question: str) -> str:
        assert place.deployer_of("half", theirs).deploy()
        return "y"

    with pytest.raises(DeployError, match="Somebody else has deployed since"):
        place.deployer_of("half", mine, ask=meanwhile).deploy()
    stack = place.deployer.stack
    assert stack.outputs["DeployedRelease"] == place.deployer.releases().publish(theirs)
    assert stack.parameters["OrgId"] == org
    assert deployed_secret(place) == secret, "the links in mails that were sent stay good"


def deployed_secret(place: Deployed) -> str:
    """The sealed secret as a function has it."""
    told = place.client("lambda").get_function_configuration(FunctionName="countersign-half-send")
    return str(told["Environment"]["Variables"]["COUNTERSIGN_SECRET"])
