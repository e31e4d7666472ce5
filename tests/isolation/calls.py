"""What an AWS call does, read from the request as it leaves: IAM actions, resources and condition keys.

Names of one deployment are made alike (``app-stage-...``, ``bucket``), so that calls of every test, whatever
its names, can be held against the same documents. Sources of actions and condition keys: AWS's
"Service Authorization Reference" of each service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contract.policy import Access

NAMES = {
    "AWS::Partition": "aws", "AWS::Region": "region", "AWS::AccountId": "account", "AWS::URLSuffix": "amazonaws.com",
    "App": "app", "Stage": "stage", "Bucket": "bucket",
    "OperatorArn": "arn:aws:iam::account:role/operator",
    "PartnerKeysKey.Arn": "arn:aws:kms:region:account:key/partner-keys",
    "FeedbackKey.Arn": "arn:aws:kms:region:account:key/feedback",
}
"""What the policies' variables stand for here."""
TABLES, QUEUES = ("workflow", "trust", "keys"), ("plan", "send", "feedback", "imports", "notices")
STEPS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
ITEMS = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "TransactWriteItems", "Scan"}
OBJECTS = {
    "GetObject": "GetObject", "HeadObject": "GetObject", "PutObject": "PutObject", "DeleteObject": "DeleteObject",
    "PutObjectTagging": "PutObjectTagging",
}
MESSAGES = {
    "SendMessage": "SendMessage", "SendMessageBatch": "SendMessage", "GetQueueUrl": "GetQueueUrl",
    "ReceiveMessage": "ReceiveMessage", "DeleteMessage": "DeleteMessage", "DeleteMessageBatch": "DeleteMessage",
    "GetQueueAttributes": "GetQueueAttributes", "ChangeMessageVisibility": "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
ACTIONS = {"SendEmail": ("SendEmail",), "SendBulkEmail": ("SendBulkEmail", "SendBulkTemplatedEmail")}
"""SES v2 asks for the right of its own operation and, of a mail from a template, for that of v1's, too (django-anymail,
"IAM permissions", found by trying); a mail of one's own making (raw) would take SendRawEmail."""
DESCRIBED = {"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"}
OPEN = {("sts", "GetCallerIdentity")}
"""What IAM allows everybody (AWS STS API reference, GetCallerIdentity)."""
ADMINISTRATION = {
    "dynamodb": {"CreateTable", "UpdateTimeToLive", "ListTables", "DeleteTable", "UpdateContinuousBackups",
                 *DESCRIBED},
    "sqs": {"CreateQueue", "PurgeQueue", "DeleteQueue", "SetQueueAttributes", "ListQueues"},
    "s3": {"CreateBucket", "PutBucketNotificationConfiguration", "GetBucketNotificationConfiguration",
           "GetObjectTagging", "ListObjectsV2", "ListObjects", "HeadBucket", "PutBucketCors", "PutBucketPolicy",
           "ListBuckets",
           "GetBucketNotification", "GetBucketLocation", "PutBucketVersioning", "DeleteObjects"},
    "kms": {"CreateKey", "CreateAlias", "DescribeKey", "ListAliases", "Encrypt", "ScheduleKeyDeletion"},
    "iam": {"CreateRole", "PutRolePolicy", "GetRole", "GetRolePolicy"},
    "cloudwatch": {"DescribeAlarms", "PutMetricAlarm"},
    "sesv2": {"CreateEmailIdentity", "CreateConfigurationSet", "CreateConfigurationSetEventDestination",
              "GetConfigurationSet", "GetConfigurationSetEventDestinations", "PutAccountDetails",
              "PutConfigurationSetSuppressionOptions", "ListEmailIdentities", "DeleteEmailIdentity"},
}
"""Making and describing resources: the administrator's work where no function is named; a function's is judged."""


class Unjudged(AssertionError):
    """A call of which this does not know what it touches: it must be taught, not passed over."""


def accesses(
    service: str, operation: str, url: str, body: bytes, *, function: str = "", tagged: bool = False,
) -> tuple[Access, ...]:
    """Everything that a call does; empty for the administration of resources by no function. Raises Unjudged.

    ``tagged`` says that the request's head has tags for an object, which takes a right of its own.
    """
    if (service, operation) in OPEN or (not function and operation in ADMINISTRATION.get(service, ())):
        return ()
    found: tuple[Access, ...] = ()
    if service == "dynamodb" and operation in DESCRIBED:
        found = (_item(operation, json.loads(body)["TableName"]),)
    elif service == "cloudwatch" and operation == "DescribeAlarms":
        found = (Access("cloudwatch:DescribeAlarms", _arn("cloudwatch", "alarm:*"), {}),)
    elif service == "dynamodb" and operation in ITEMS:
        found = tuple(_items(operation, json.loads(body)))
    elif service == "s3" and operation in OBJECTS:
        found = (_object(operation, url), *([_object("PutObjectTagging", url)] if tagged else []))
    elif service == "kms" and operation in ("GenerateDataKey", "Decrypt"):
        found = (_key(operation, json.loads(body)),)
    elif service == "sqs" and operation in MESSAGES:
        given = json.loads(body)
        name = given.get("QueueName") or str(given["QueueUrl"]).rpartition("/")[2]
        found = (Access(f"sqs:{MESSAGES[operation]}", _arn("sqs", _alike(name)), {}),)
    elif service == "sts" and operation == "AssumeRole":
        found = tuple(_role(parse_qs(body.decode())))
    elif service == "sesv2":
        found = tuple(_mail(operation, url, json.loads(body or b"{}")))
    if not found:
        raise Unjudged(f"{service}.{operation}: nobody taught the judge what this touches")
    return found


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:region:account:{name}"


def _alike(name: str) -> str:
    """A name with its first two parts replaced: ``countersign-test-plan-dead`` -> ``app-stage-plan-dead``."""
    for suffix in (*TABLES, *QUEUES, "partner", "review"):
        for ending in (suffix, f"{suffix}-dead"):
            if name == ending or name.endswith(f"-{ending}"):
                return f"app-stage-{ending}"
    return name


def _items(operation: str, body: dict[str, Any]) -> Iterator[Access]:
    if operation == "TransactWriteItems":
        for step in body["TransactItems"]:
            (kind, inner), = step.items()
            yield _item(STEPS[kind], inner["TableName"], (inner.get("Key") or inner["Item"])["pk"]["S"])
    elif operation == "BatchGetItem":
        for table, request in body["RequestItems"].items():
            yield _item(operation, table, *(key["pk"]["S"] for key in request["Keys"]))
    elif operation == "Query":
        placeholder = re.search(r"#\d+ = (:\d+)", body["KeyConditionExpression"])
        if not placeholder:
            raise Unjudged(f"Query: {body['KeyConditionExpression']}")
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        yield _item(operation, body["TableName"], body["ExpressionAttributeValues"][placeholder[1]]["S"], index=index)
    elif operation == "Scan":
        yield _item(operation, body["TableName"])
    else:
        yield _item(operation, body["TableName"], (body.get("Key") or body["Item"])["pk"]["S"])


def _item(operation: str, table: str, *leading: str, index: str = "") -> Access:
    keys = {"dynamodb:LeadingKeys": leading} if leading else {}
    return Access(f"dynamodb:{operation}", _arn("dynamodb", f"table/{_alike(table)}{index}"), keys)


def _object(operation: str, url: str) -> Access:
    key = unquote(urlsplit(url).path).lstrip("/").partition("/")[2]
    return Access(f"s3:{OBJECTS[operation]}", f"arn:aws:s3:::bucket/{key}", {})


def _key(operation: str, body: dict[str, Any]) -> Access:
    context = {f"kms:EncryptionContext:{name}": (str(v),) for name, v in body.get("EncryptionContext", {}).items()}
    return Access(f"kms:{operation}", NAMES["PartnerKeysKey.Arn"], context)


def _role(form: dict[str, list[str]]) -> Iterator[Access]:
    """Assuming a role with a tag takes two actions."""
    tags = {
        form[name][0]: form[name.replace(".Key", ".Value")][0] for name in form
        if re.fullmatch(r"Tags\.member\.\d+\.Key", name)
    }
    keys = {f"aws:RequestTag/{name}": (value,) for name, value in tags.items()}
    role = f"arn:aws:iam::account:role/{_alike(form['RoleArn'][0].rpartition('/')[2])}"
    yield Access("sts:AssumeRole", role, keys)
    if tags:
        yield Access("sts:TagSession", role, keys)


def _mail(operation: str, url: str, body: dict[str, Any]) -> Iterator[Access]:
    """SES asks for the identity and, if one is named, for the configuration set."""
    if operation in ("GetAccount", "ListEmailIdentities"):
        yield Access(f"ses:{operation}", "*", {})
    elif operation in ("GetConfigurationSet", "GetConfigurationSetEventDestinations"):
        yield Access(f"ses:{operation}", _arn("ses", "configuration-set/app-stage"), {})
    elif operation == "GetEmailIdentity":
        identity = unquote(urlsplit(url).path).rpartition("/")[2]
        yield Access("ses:GetEmailIdentity", _arn("ses", f"identity/{identity}"), {})
    elif operation in ("SendEmail", "SendBulkEmail"):
        domain = re.sub(r"[>\s]", "", str(body["FromEmailAddress"])).rpartition("@")[2]
        for action in ACTIONS[operation]:
            yield Access(f"ses:{action}", _arn("ses", f"identity/{domain}"), {})
            if "ConfigurationSetName" in body:
                yield Access(f"ses:{action}", _arn("ses", "configuration-set/app-stage"), {})
