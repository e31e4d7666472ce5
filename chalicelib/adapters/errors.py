"""Vendor errors, translated in one place into what may be retried and what must not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)

from chalicelib.domain.errors import CountersignError, Permanent, Retryable

VENDOR_ERRORS = (ClientError, BotoCoreError)
"""What botocore raises; catch exactly these and hand them to :func:`translated`."""

THROTTLES = frozenset({
    "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "ThrottledException",
    "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "TooManyRequestsException",
    "SlowDown", "LimitExceededException", "TransactionInProgressException", "TransactionConflictException",
    "TransactionConflict", "KMSInternalException", "InternalServerError", "InternalFailure", "ServiceUnavailable",
    "RequestTimeout", "ReplicatedWriteConflictException", "OverLimit", "RequestThrottled", "PriorRequestNotComplete",
    # Keys that ran out between signing and arrival: the next try signs with new ones.
    "ExpiredToken", "ExpiredTokenException", "RequestExpired",
})
"""Error codes of DynamoDB, SQS, S3, KMS and STS that a later try may heal."""


_NETWORK = (HTTPClientError, ConnectionError, CredentialRetrievalError, MetadataRetrievalError)
"""Errors without an answer. botocore's ``ConnectionError`` is no ``HTTPClientError``; both are needed."""


def code_of(error: Exception) -> str:
    """The AWS error code, or "" for an error that never reached AWS."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def retries_of(error: Exception) -> int:
    """How many times botocore had already repeated the call that failed."""
    return int(_response(error).get("ResponseMetadata", {}).get("RetryAttempts", 0))


def translated(error: Exception, doing: str) -> CountersignError:
    """The error to raise instead: Retryable for throttling, 5xx and the network, else Permanent.

    The text names the operation and the code only: a vendor's message may quote keys or values.
    """
    code = code_of(error)
    if isinstance(error, ClientError):
        status = int(_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in THROTTLES or status >= 500:
            return Retryable(f"{doing}: {code or status}")
        return Permanent(f"{doing}: {code or status}")
    if isinstance(error, _NETWORK):
        return Retryable(f"{doing}: {type(error).__name__}")
    return Permanent(f"{doing}: {type(error).__name__}")


def _response(error: Exception) -> Mapping[str, Any]:
    response = getattr(error, "response", None)
    return response if isinstance(response, Mapping) else {}
