"""S3's answers, in our words."""

from __future__ import annotations

import pytest

from chalicelib.adapters.blobs import S3Blobs
from chalicelib.domain.errors import NotFound, Permanent, Retryable
from chalicelib.domain.ids import PartnerId, base32
from tests.adapters.wire import Wire, clients_on, scoped

A = PartnerId(f"prt_{base32(1)}")
KEY = f"P/{A}/content/a.json"


def blobs(status: int, code: str = "") -> S3Blobs:
    """A bucket that answers so."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>" if code else ""
    return S3Blobs(clients_on(Wire((status, body.encode()))), "bucket")


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchKey"), (403, "AccessDenied")])
def test_a_missing_object_is_not_found(status: int, code: str) -> None:
    """S3 says 403 instead of 404 to a role that may not list the bucket, as ours may not."""
    with pytest.raises(NotFound):
        blobs(status, code).get(scoped(A), KEY)
    with pytest.raises(NotFound):
        blobs(status).size(scoped(A), KEY)


def test_a_write_that_is_forbidden_is_told() -> None:
    """A role without its grant shows as soon as something is stored."""
    with pytest.raises(Permanent, match="AccessDenied"):
        blobs(403, "AccessDenied").put(scoped(A), KEY, b"x", "text/plain")


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (400, "ExpiredToken")])
def test_what_a_later_try_may_heal(status: int, code: str) -> None:
    """Throttling, faults of the service and keys that just ran out."""
    with pytest.raises(Retryable):
        blobs(status, code).get(scoped(A), KEY)
