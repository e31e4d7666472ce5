"""The deployment's resources: made once, named alike, found by what needs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto import mock_aws

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys
from chalicelib.adapters.schema import (
    DEFAULT_RETENTION_SECONDS,
    KEYS,
    MAX_RECEIVES,
    RETENTION_SECONDS,
    TABLES,
    TRUST,
    VISIBILITY_SECONDS,
    WORKFLOW,
    Names,
    TableSchema,
    ensure,
    notifications,
    table_request,
)
from chalicelib.ports.system import QueueName

ROOT = Path(__file__).parents[2]
NAMES = Names("fjord", "prod", "fjord-data")


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    """An account in which everything was made, twice."""
    with mock_aws():
        made = Clients("eu-central-1", own=lambda: Keys("test", "test", None, None))
        for _ in range(2):
            ensure(made, NAMES)
        yield made


def test_the_tables(clients: Clients) -> None:
    """Three tables with their keys, indexes and projections, billed per request."""
    client = clients.get("dynamodb")
    assert sorted(client.list_tables()["TableNames"]) == ["fjord-prod-keys", "fjord-prod-trust", "fjord-prod-workflow"]
    for schema in TABLES:
        table = client.describe_table(TableName=NAMES.table(schema))["Table"]
        assert table["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        indexes = {i["IndexName"]: i for i in table.get("GlobalSecondaryIndexes", [])}
        assert set(indexes) == set(schema.indexes)
    workflow = client.describe_table(TableName=NAMES.table(WORKFLOW))["Table"]
    projections = {i["IndexName"]: i["Projection"] for i in workflow["GlobalSecondaryIndexes"]}
    assert projections["due"] == {"ProjectionType": "KEYS_ONLY"}
    assert projections["by_programme"]["ProjectionType"] == "INCLUDE"
    assert set(projections["by_programme"]["NonKeyAttributes"]) == {
        "name", "state", "bracket", "start_local", "start_zone"}


def test_customers_and_keys_have_no_index_and_no_stream() -> None:
    """Nothing of the trust and keys tables is copied anywhere; destroyed keys leave the backups, too."""
    for schema in (TRUST, KEYS):
        request = table_request("t", schema)
        assert "GlobalSecondaryIndexes" not in request and "StreamSpecification" not in request
    assert not KEYS.recovery and WORKFLOW.recovery and TRUST.recovery


@pytest.mark.parametrize("schema", [WORKFLOW, TRUST])
def test_what_expires_is_deleted(clients: Clients, schema: object) -> None:
    """Sessions, links and limits carry ``ttl``."""
    name = NAMES.table(schema)  # type: ignore[arg-type]
    told = clients.get("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (told["TimeToLiveStatus"], told["AttributeName"]) == ("ENABLED", "ttl")


@pytest.mark.parametrize("queue", list(QueueName))
def test_each_queue_has_a_dead_letter_queue(clients: Clients, queue: QueueName) -> None:
    """A message that keeps failing goes aside; a hidden one stays hidden as long as a function may run."""
    sqs = clients.get("sqs")
    url = sqs.get_queue_url(QueueName=f"fjord-prod-{queue.value}")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(told["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f":fjord-prod-{queue.value}-dead")
    assert int(redrive["maxReceiveCount"]) == 5
    assert int(told["VisibilityTimeout"]) >= 900


def test_addresses_stay_four_days_at_most(clients: Clients) -> None:
    """The feedback queue and what fails there carry addresses."""
    sqs = clients.get("sqs")
    for name in ("fjord-prod-feedback", "fjord-prod-feedback-dead"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
        assert int(told["MessageRetentionPeriod"]) <= 4 * 24 * 3600


def test_new_objects_are_told_to_their_queues() -> None:
    """Files of customers and images go to the imports queue, SES's objects to the feedback queue."""
    arns = {name: f"arn:{name.value}" for name in QueueName}
    told = [
        (rule["QueueArn"], {r["Name"]: r["Value"] for r in rule["Filter"]["Key"]["FilterRules"]})
        for rule in notifications(arns)["QueueConfigurations"]
    ]
    assert told == [
        ("arn:imports", {"prefix": "P/", "suffix": ".csv"}), ("arn:imports", {"prefix": "UPLOADS/"}),
        ("arn:feedback", {"prefix": "EVENTS/"}),
    ]


RESOURCES: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))["Resources"]


def deployed(kind: str, name: str) -> dict[str, Any]:
    """The properties of a resource of a kind, by its name property."""
    field = {"AWS::DynamoDB::Table": "TableName", "AWS::SQS::Queue": "QueueName"}[kind]
    wanted = {"Fn::Sub": "${App}-${Stage}-" + name}
    found = [r["Properties"] for r in RESOURCES.values() if r.get("Type") == kind and r["Properties"][field] == wanted]
    assert len(found) == 1, f"{kind} {name}"
    return dict(found[0])


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.suffix)
def test_cloudformation_makes_the_same_tables(schema: TableSchema) -> None:
    """Keys, indexes, projections, time to live and recovery are what the tests and the local run have."""
    properties, request = deployed("AWS::DynamoDB::Table", schema.suffix), table_request("t", schema)
    for field in ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"):
        assert properties.get(field) == request.get(field), field
    assert properties.get("TimeToLiveSpecification", {}).get("AttributeName") == ("ttl" if schema.ttl else None)
    recovery = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert recovery is schema.recovery
    assert "StreamSpecification" not in properties


@pytest.mark.parametrize("queue", list(QueueName))
def test_cloudformation_makes_the_same_queues(queue: QueueName) -> None:
    """Retention, visibility and the way to the dead-letter queue agree."""
    live, dead = (deployed("AWS::SQS::Queue", queue.value + suffix) for suffix in ("", "-dead"))
    retention = RETENTION_SECONDS.get(queue, DEFAULT_RETENTION_SECONDS)
    assert live["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == retention
    assert live["VisibilityTimeout"] == VISIBILITY_SECONDS
    assert live["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES[queue]
    target = live["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert RESOURCES[target]["Properties"] == dead


def test_cloudformation_tells_the_same_queues_of_new_objects() -> None:
    """Prefixes and suffixes agree, and each queue is the one meant."""
    buckets = [r["Properties"] for r in RESOURCES.values() if r.get("Type") == "AWS::S3::Bucket"]
    told = {
        rule["Queue"]["Fn::GetAtt"][0]: rule["Filter"]["S3Key"]["Rules"]
        for bucket in buckets for rule in bucket.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    }
    names = {QueueName.IMPORTS: "ImportsQueue", QueueName.FEEDBACK: "FeedbackQueue"}
    expected = notifications({queue: names.get(queue, "") for queue in QueueName})["QueueConfigurations"]
    assert told == {rule["QueueArn"]: rule["Filter"]["Key"]["FilterRules"] for rule in expected}
