"""What is deployed: complete, small enough, and importable by Lambda alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters import schema
from chalicelib.events.registry import FUNCTIONS
from chalicelib.ports.system import QueueName
from infra.local.pump import BATCH_SIZES
from tests.package.conftest import Packaged

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "COUNTERSIGN_STAGE": "prod", "COUNTERSIGN_ORG_ID": "org_01000000000000000000000000",
    "COUNTERSIGN_ORG_NAME": "Brand", "COUNTERSIGN_BASE_URL": "https://campaigns.example.com",
    "COUNTERSIGN_BUCKET": "brand-data", "COUNTERSIGN_KMS_KEY": "alias/brand",
    "COUNTERSIGN_PARTNER_ROLE": "arn:aws:iam::000000000000:role/partner",
    "COUNTERSIGN_REVIEW_ROLE": "arn:aws:iam::000000000000:role/review", "COUNTERSIGN_SECRET": "ab" * 32,
    "COUNTERSIGN_MAIL_FROM": "countersign@example.com", "COUNTERSIGN_CONFIGURATION_SET": "brand-prod",
    "AWS_REGION": "eu-central-1",
}


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of every Lambda function."""
    return {
        name: resource["Properties"] for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@pytest.fixture
def lambda_process(unzipped: Path) -> Iterator[Packaged]:
    """A cold start with the settings of a deployment."""
    process = Packaged(unzipped, SETTINGS)
    yield process
    process.close()


def page_event(path: str, method: str = "GET") -> dict[str, Any]:
    """What API Gateway sends for a request."""
    return {
        "resource": path, "path": path, "httpMethod": method, "headers": {"Accept": "text/html"},
        "multiValueHeaders": {"Accept": ["text/html"]}, "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None, "body": None,
        "isBase64Encoded": False,
        "requestContext": {"resourcePath": path, "httpMethod": method, "identity": {"sourceIp": "192.0.2.1"},
                           "requestId": "test", "path": path},
    }


def test_every_template_is_in_the_zip(unzipped: Path) -> None:
    """``chalice package`` alone would leave the templates out."""
    ours = {p.relative_to(ROOT) for p in (ROOT / "templates").rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert len(ours) > 5
    assert [path for path in ours if not (unzipped / path).is_file()] == []


def test_tools_are_not_in_the_zip(unzipped: Path) -> None:
    """Neither installers nor test tools are deployed, and Chalice's command line stays at home."""
    names = {path.name for path in unzipped.iterdir()}
    assert names & {"pip", "setuptools", "click", "moto", "pytest", "infra", "tests", "bin"} == set()
    assert not (unzipped / "chalice" / "cli").exists()


def test_each_function_has_a_role_and_policy_of_its_own(template: dict[str, Any]) -> None:
    """No two functions share a role, and each policy is the one in its file."""
    functions = functions_of(template)
    assert {name.lower() for name in functions} == {*FUNCTIONS, "apihandler"}
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in functions.values()]
    assert len(set(roles)) == len(roles)
    for name in FUNCTIONS:
        policies = template["Resources"][f"{name.capitalize()}Role"]["Properties"]["Policies"]
        document = json.loads((ROOT / "infra" / "policies" / f"{name}.json").read_text("utf-8"))
        assert [policy["PolicyDocument"] for policy in policies] == [document]


def test_no_function_but_the_assumed_role_reaches_customers(template: dict[str, Any]) -> None:
    """The trust and keys tables are granted to the role that is assumed with a partner's tag, and to nothing else."""
    granted = {
        name for name, resource in template["Resources"].items() if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"].get("Policies", ())
        if any(f"-{table}" in json.dumps(policy) for table in ("trust", "keys"))
    }
    assert granted == {"PartnerDataRole"}


def test_queues_call_their_functions_as_the_local_pump_does(template: dict[str, Any]) -> None:
    """Batch sizes and partial failures are the same on AWS and locally."""
    functions = functions_of(template)
    for name, batch in BATCH_SIZES.items():
        source = functions[name.capitalize()]["Events"]["Queue"]["Properties"]
        assert source["BatchSize"] == batch
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["Queue"] == {"Fn::GetAtt": [f"{name.capitalize()}Queue", "Arn"]}
    assert functions["Send"]["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.suffix)
def test_tables_agree_with_the_schema(template: dict[str, Any], table: schema.TableSchema) -> None:
    """CloudFormation makes the tables that the adapters expect."""
    properties = template["Resources"][f"{table.suffix.capitalize()}Table"]["Properties"]
    request = schema.table_request("x", table)
    for part in ("KeySchema", "AttributeDefinitions", "BillingMode"):
        assert properties[part] == request[part]
    assert properties.get("GlobalSecondaryIndexes", []) == request.get("GlobalSecondaryIndexes", [])
    assert ("TimeToLiveSpecification" in properties) == table.ttl
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == table.recovery


@pytest.mark.parametrize("queue", list(QueueName))
def test_queues_agree_with_the_schema(template: dict[str, Any], queue: QueueName) -> None:
    """Retention, visibility and redrive are the same on AWS and locally."""
    properties = template["Resources"][f"{queue.value.capitalize()}Queue"]["Properties"]
    keep = schema.RETENTION_SECONDS.get(queue, schema.DEFAULT_RETENTION_SECONDS)
    assert properties["MessageRetentionPeriod"] == keep
    assert properties["VisibilityTimeout"] == schema.VISIBILITY_SECONDS
    assert properties["RedrivePolicy"]["maxReceiveCount"] == schema.MAX_RECEIVES[queue]


def test_no_function_runs_longer_than_a_message_is_hidden(template: dict[str, Any]) -> None:
    """A message must not come again while its first handler still works on it."""
    assert max(p["Timeout"] for p in functions_of(template).values()) <= schema.VISIBILITY_SECONDS


def test_every_handler_imports_by_itself(template: dict[str, Any], unzipped: Path) -> None:
    """Each function starts cold, from the zip alone; those behind queues load neither app.py nor Chalice."""
    for properties in functions_of(template).values():
        process = Packaged(unzipped, SETTINGS)
        try:
            answer = process.ask(handler=properties["Handler"])
            assert answer["result"] is True, properties["Handler"]
            unwanted = {"premailer", "lxml", "moto", "pytest"}
            if properties["Handler"] != "app.app":
                unwanted |= {"app", "chalice"}
            assert set(answer["loaded"]) & unwanted == set(), properties["Handler"]
        finally:
            process.close()


def test_a_page_is_rendered(lambda_process: Packaged) -> None:
    """The packaged application finds its templates and answers as API Gateway expects."""
    result = lambda_process.ask(handler="app.app", event=page_event("/sign-in"))["result"]
    assert result["statusCode"] == 200
    assert "<title>Sign in" in result["body"]
    assert "Brand" in result["body"]


def test_missing_settings_are_told_all_at_once(unzipped: Path) -> None:
    """A function without its settings says what is missing instead of failing in the middle."""
    process = Packaged(unzipped, {"AWS_REGION": "eu-central-1"})
    try:
        with pytest.raises(AssertionError, match=r"(?s)COUNTERSIGN_STAGE is missing.*COUNTERSIGN_SECRET is missing"):
            process.ask(world=True)
    finally:
        process.close()

