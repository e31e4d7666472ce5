"""The deployment's tables, queues and bucket as data, and a way to make them where none are.

``infra/resources.yaml`` says the same to CloudFormation (a test compares the two); this module
serves the local runner and the tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.dynamo.connection import ScopedConnection
from chalicelib.adapters.dynamo.control import CARD_COLUMNS
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.errors import VENDOR_ERRORS, code_of, translated
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import QueueName


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index; ``columns`` None projects keys only."""

    hash: str
    range: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table with keys ``pk`` and ``sk``; all keys are strings, billing is per request."""

    suffix: str
    indexes: Mapping[str, Index] = field(default_factory=dict)
    ttl: bool = False
    recovery: bool = True
    """Point-in-time recovery; off where destroying a key must destroy the data in backups too."""


WORKFLOW = TableSchema(
    "workflow",
    {
        "due": Index("due_pk", "due_sk"),
        "by_programme": Index("prg_pk", "prg_sk", CARD_COLUMNS),
    },
    ttl=True,
)
TRUST = TableSchema("trust", ttl=True)
KEYS = TableSchema("keys", recovery=False)
TABLES = (WORKFLOW, TRUST, KEYS)

VISIBILITY_SECONDS = 900
"""How long a message is hidden while it is worked on: as long as a function may run."""
RETENTION_SECONDS: Mapping[QueueName, int] = {QueueName.FEEDBACK: 345_600}
"""The feedback queue carries addresses: four days at most; the others keep theirs for fourteen."""
DEFAULT_RETENTION_SECONDS = 1_209_600
MAX_RECEIVES: Mapping[QueueName, int] = {name: 5 for name in QueueName}
"""How often a message is tried before it goes to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment: ``<app>-<stage>-...`` and the bucket."""

    app: str
    stage: str
    bucket: str

    @property
    def prefix(self) -> str:
        """What every name begins with."""
        return f"{self.app}-{self.stage}"

    def table(self, schema: TableSchema) -> str:
        """A table's name."""
        return f"{self.prefix}-{schema.suffix}"

    def queue(self, queue: QueueName, *, dead: bool = False) -> str:
        """A queue's name, or that of its dead-letter queue."""
        return f"{self.prefix}-{queue.value}{'-dead' if dead else ''}"


def open_table(connection: ScopedConnection, names: Names, schema: TableSchema) -> Table:
    """The table of a deployment, ready to use; makes no call."""
    indexes = {name: (index.hash, index.range) for name, index in schema.indexes.items()}
    return Table(connection, names.table(schema), indexes)


def ensure(clients: Clients, names: Names) -> None:
    """Make what is missing and leave what is there; may be run any number of times."""
    for schema in TABLES:
        _ensure_table(clients.get("dynamodb"), names.table(schema), schema)
    arns = {name: _ensure_queue_pair(clients.get("sqs"), names, name) for name in QueueName}
    _ensure_bucket(clients.get("s3"), clients.region, names.bucket, arns)


def table_request(name: str, schema: TableSchema) -> dict[str, Any]:
    """The parameters of CreateTable."""
    attributes = dict.fromkeys(["pk", "sk"])
    for index in schema.indexes.values():
        attributes |= dict.fromkeys([index.hash, index.range])
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema("pk", "sk"),
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in attributes],
    }
    if schema.indexes:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": i, "KeySchema": _key_schema(index.hash, index.range), "Projection": _projection(index)}
            for i, index in schema.indexes.items()
        ]
    return request


def _key_schema(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"}, {"AttributeName": range_name, "KeyType": "RANGE"},
    ]


def _projection(index: Index) -> dict[str, Any]:
    if index.columns is None:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.columns)}


def _ensure_table(client: Any, name: str, schema: TableSchema) -> None:
    if not _call("CreateTable", {"ResourceInUseException"}, client.create_table, **table_request(name, schema)):
        return
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if schema.ttl:
        _call(
            "UpdateTimeToLive", {"ValidationException"}, client.update_time_to_live, TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"},
        )


def _ensure_queue_pair(client: Any, names: Names, queue: QueueName) -> str:
    """Make a queue and its dead-letter queue; returns the queue's ARN."""
    retention = str(RETENTION_SECONDS.get(queue, DEFAULT_RETENTION_SECONDS))
    dead = _ensure_queue(client, names.queue(queue, dead=True), {"MessageRetentionPeriod": retention})
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": MAX_RECEIVES[queue]})
    return _ensure_queue(client, names.queue(queue), {
        "MessageRetentionPeriod": retention, "VisibilityTimeout": str(VISIBILITY_SECONDS), "RedrivePolicy": redrive,
    })


def _ensure_queue(client: Any, name: str, attributes: dict[str, str]) -> str:
    _call("CreateQueue", {"QueueAlreadyExists", "QueueNameExists"}, client.create_queue,
          QueueName=name, Attributes=attributes)
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _ensure_bucket(client: Any, region: str, bucket: str, queues: Mapping[QueueName, str]) -> None:
    """Make the bucket; uploads are told to the imports queue, SES's objects to the feedback queue."""
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    _call("CreateBucket", {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}, client.create_bucket,
          Bucket=bucket, **where)
    client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=notifications(queues), SkipDestinationValidation=True,
    )


def notifications(queues: Mapping[QueueName, str]) -> dict[str, Any]:
    """Which new objects are told to which queue (by its ARN).

    S3 filters take a plain prefix and suffix, so the imports queue hears of every CSV below
    ``P/``, the lists of refused rows included; the importer passes those over. It hears of
    uploaded images as well.
    """
    return {"QueueConfigurations": [
        _notification("imports", queues[QueueName.IMPORTS], "P/", ".csv"),
        _notification("images", queues[QueueName.IMPORTS], "UPLOADS/", ""),
        _notification("feedback", queues[QueueName.FEEDBACK], "EVENTS/", ""),
    ]}


def _notification(name: str, queue: str, prefix: str, suffix: str) -> dict[str, Any]:
    rules = [{"Name": "prefix", "Value": prefix}]
    if suffix:
        rules.append({"Name": "suffix", "Value": suffix})
    return {
        "Id": name, "QueueArn": queue, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}},
    }


def _call(doing: str, fine: set[str], method: Any, **kwargs: Any) -> bool:
    """Call; False if the thing was there already."""
    try:
        method(**kwargs)
    except VENDOR_ERRORS as error:
        if code_of(error) in fine:
            return False
        raise translated(error, doing) from error
    return True
