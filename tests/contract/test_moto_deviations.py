"""Where moto does otherwise than AWS: a list, each with a test that fails once moto mends it.

A test that fails here is good news: whatever in the suite leans on the deviation can go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

REGION = "eu-central-1"


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A table of moto's own."""
    with mock_aws():
        client = boto3.client(
            "dynamodb", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
        client.create_table(
            TableName="t", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        yield client


def test_leading_keys_are_not_enforced(dynamodb: Any) -> None:
    """AWS refuses a key that the policy's LeadingKeys do not cover; moto lets any credentials read any key."""
    dynamodb.put_item(TableName="t", Item={"pk": {"S": "P#other#HOME"}})
    foreign = boto3.client(
        "dynamodb", region_name=REGION, aws_access_key_id="ASIAFOREIGN", aws_secret_access_key="x",
        aws_session_token="x")
    assert "Item" in foreign.get_item(TableName="t", Key={"pk": {"S": "P#other#HOME"}})


def test_a_repeated_client_token_applies_twice(dynamodb: Any) -> None:
    """AWS applies a transaction with the same ClientRequestToken once; moto applies it each time."""
    add = {"Update": {
        "TableName": "t", "Key": {"pk": {"S": "n"}}, "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }}
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="the-same-token")
    assert dynamodb.get_item(TableName="t", Key={"pk": {"S": "n"}})["Item"]["n"] == {"N": "2"}


def test_bulk_mail_is_missing() -> None:
    """SES v2's SendBulkEmail has no implementation in moto, which is why there is a local SES of our own."""
    with mock_aws():
        client = boto3.client("sesv2", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
        with pytest.raises(NotImplementedError):
            client.send_bulk_email(
                DefaultContent={"Template": {"TemplateContent": {"Subject": "s", "Text": "t"}, "TemplateData": "{}"}},
                BulkEmailEntries=[{"Destination": {"ToAddresses": ["a@example.com"]}}],
            )
