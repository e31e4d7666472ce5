"""What the deployment's CloudFormation makes on AWS, made here: tables, queues, bucket, key, roles, SES.

May be run any number of times; what is there stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters import schema
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.schema import Names
from infra.intrinsics import policy, resolve
from infra.local.emulator import ACCOUNT

ROLES = {"partner": "partner-data", "review": "review-data"}
"""The two roles that are assumed with the tag ``partner``, and their policies."""
SNS_EVENTS = ("BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE")
FIREHOSE_EVENTS = ("SEND", "DELIVERY", "DELIVERY_DELAY", "OPEN", "CLICK")
THERE = frozenset({
    "EntityAlreadyExists", "EntityAlreadyExistsException", "AlreadyExistsException", "ResourceConflictException",
})


def role_arn(prefix: str, role: str) -> str:
    """The ARN of one of the assumed roles."""
    return f"arn:aws:iam::{ACCOUNT}:role/{prefix}-{role}"


def key_alias(prefix: str) -> str:
    """The alias of the key that wraps the partners' keys."""
    return f"alias/{prefix}"


def ensure(clients: Clients, names: Names) -> None:
    """Everything that the emulator holds."""
    schema.ensure(clients, names)
    variables = {
        "AWS::Partition": "aws", "AWS::Region": clients.region, "AWS::AccountId": ACCOUNT,
        "App": names.app, "Stage": names.stage, "Bucket": names.bucket,
        "PartnerKeysKey.Arn": _ensure_key(clients.get("kms"), key_alias(names.prefix)),
        "OperatorArn": f"arn:aws:iam::{ACCOUNT}:root",
    }
    for role, document in ROLES.items():
        _ensure_role(clients.get("iam"), f"{names.prefix}-{role}", resolve(policy(document), variables), variables)


def ensure_mail(sesv2: Any, configuration_set: str, region: str, senders: tuple[str, ...]) -> None:
    """What SES holds: the verified senders and the configuration set with its two destinations."""
    for sender in senders:
        _unless_there(sesv2.create_email_identity, EmailIdentity=sender)
    # The set's own suppression is off: an account-wide list would let one partner's bounce block another's customer.
    _unless_there(
        sesv2.create_configuration_set, ConfigurationSetName=configuration_set,
        SuppressionOptions={"SuppressedReasons": []},
    )
    topic = f"arn:aws:sns:{region}:{ACCOUNT}:{configuration_set}-feedback"
    stream = f"arn:aws:firehose:{region}:{ACCOUNT}:deliverystream/{configuration_set}-events"
    role = f"arn:aws:iam::{ACCOUNT}:role/{configuration_set}-firehose"
    destinations: dict[str, dict[str, Any]] = {
        "feedback": {"MatchingEventTypes": list(SNS_EVENTS), "SnsDestination": {"TopicArn": topic}},
        "events": {
            "MatchingEventTypes": list(FIREHOSE_EVENTS),
            "KinesisFirehoseDestination": {"DeliveryStreamArn": stream, "IamRoleArn": role},
        },
    }
    for name, destination in destinations.items():
        _unless_there(
            sesv2.create_configuration_set_event_destination, ConfigurationSetName=configuration_set,
            EventDestinationName=name, EventDestination={"Enabled": True, **destination},
        )


def _ensure_key(kms: Any, alias: str) -> str:
    """Make the key and its alias if they are missing; returns the key's ARN."""
    try:
        return str(kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"])
    except ClientError:
        key = kms.create_key(Description="Wraps the partners' keys")["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        return str(key["Arn"])


def _ensure_role(iam: Any, name: str, document: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    trust = resolve(policy(f"assume-{name.rpartition('-')[2]}"), variables)
    _unless_there(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="scoped", PolicyDocument=json.dumps(document))


def _unless_there(create: Any, **request: Any) -> None:
    try:
        create(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in THERE:
            raise
