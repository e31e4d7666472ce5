"""What the emulator does not carry is told in the README, and looked for: should it learn it, a test says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.schema import KEYS
from chalicelib.wiring import Container
from tests.deploy.conftest import Deployed, Visitor, until
from tests.deploy.limits import shown
from tests.isolation.judge import administrator

ROOT = Path(__file__).resolve().parents[2]
emulated = [pytest.mark.package, pytest.mark.emulator]


def unwrapped(text: str) -> str:
    """A text without its line breaks inside of paragraphs and points."""
    return re.sub(r"\n +", " ", text)


def test_the_readme_tells_all_of_it() -> None:
    """The README's list is the list here, word for word."""
    readme = (ROOT / "README.md").read_text("utf-8")
    told = re.search(r"does not\s+carry there, and why:\n\n(- .*?)\n\n", readme, re.S)
    assert told
    assert unwrapped(told[1]).splitlines() == shown().splitlines()


class TestLimits:
    """One look at each limit that can be looked at."""

    pytestmark = emulated

    def test_an_unknown_address_gets_json(self, deployed: Deployed, world: Container) -> None:
        """The template asks for a page and for 404."""
        unknown = Visitor().get(f"{world.settings.base_url}/nowhere")
        assert (unknown.status, unknown.headers["Content-Type"]) == (403, "application/json")

    @pytest.mark.parametrize(("resource", "properties", "outputs"), [
        ("AWS::CloudWatch::Alarm", {
            "Metrics": [{"Id": "a", "Expression": "1", "ReturnData": True}], "EvaluationPeriods": 1,
            "ComparisonOperator": "LessThanThreshold", "Threshold": 1}, {}),
        ("AWS::Budgets::Budget", {"Budget": {
            "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": 1, "Unit": "USD"}}}, {}),
        ("AWS::SES::EmailIdentity", {"EmailIdentity": "zone.example"},
         {"Record": {"Value": {"Fn::GetAtt": ["Probe", "DkimDNSTokenName1"]}}}),
    ], ids=["alarm", "budget", "dkim"])
    def test_its_cloudformation_does_not_know(
        self, deployed: Deployed, resource: str, properties: dict[str, Any], outputs: dict[str, Any],
    ) -> None:
        """What the stack leaves out where it is not on AWS could not be made here."""
        formation, name = deployed.client("cloudformation"), f"probe-{resource.rpartition(':')[2].lower()}"
        template = {"Resources": {"Probe": {"Type": resource, "Properties": properties}}, "Outputs": outputs}
        try:
            formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        except ClientError as error:
            assert "Unrecognized resource types" in str(error)
            return

        def settled() -> str | None:
            status = str(formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
            return None if status.endswith("_IN_PROGRESS") else status

        assert until(settled) == "ROLLBACK_COMPLETE"

    def test_there_is_one_plain_address(self, deployed: Deployed, world: Container) -> None:
        """The bucket's rule names the API's address on AWS; here a page and its upload have one origin."""
        partner, hq = (urlsplit(url) for url in (world.settings.base_url, world.settings.hq_base_url))
        here = ("http", urlsplit(deployed.emulator.url).netloc)
        assert (partner.scheme, partner.netloc) == (hq.scheme, hq.netloc) == here
        (rule,) = deployed.client("s3").get_bucket_cors(Bucket=deployed.bucket)["CORSRules"]
        assert re.fullmatch(r"https://\w+\.execute-api\.eu-central-1\.amazonaws\.com", rule["AllowedOrigins"][0])

    def test_everybody_may_do_everything(self, deployed: Deployed, world: Container) -> None:
        """A key that nobody was given reads the partners' wrapped keys."""
        with administrator():  # not judged: no policy would let it
            found = deployed.client("dynamodb", key="nobody").scan(TableName=world.names.table(KEYS))
        assert found["Count"] > 0

    def test_the_apis_logs_stay_empty(self, deployed: Deployed, world: Container) -> None:
        """Requests were made, and neither API wrote a line."""
        assert Visitor().get(f"{world.settings.base_url}/sign-in").status == 200
        for api in ("partner-api", "hq-api"):
            group = f"/countersign/{deployed.deployer.stage.stack}/{api}"
            assert deployed.client("logs").describe_log_streams(logGroupName=group)["logStreams"] == []
