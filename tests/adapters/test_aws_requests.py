"""Our quicker requests are botocore's own, to the byte: endpoint and signature."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.aws_requests import QuickSigV4
from chalicelib.adapters.credentials import Keys
from tests.adapters.wire import Wire, clients_on

SECRET = "own-secret"
HEADERS: dict[str, Any] = {
    "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem",
    "User-Agent": "countersign", "X-Spaced": "  a   b ", "amz-sdk-request": "attempt=1",
}


def signed(
    kind: type[SigV4Auth], request: AWSRequest, token: str | None, moment: str, service: str = "dynamodb",
) -> dict[str, str]:
    """The headers that a signer makes at a moment."""
    signer: Any = kind(Keys("AKIAOWN", SECRET, token, None), service, "eu-central-1")
    request.context["timestamp"] = moment
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return dict(request.headers.items())


@pytest.mark.parametrize("url", [
    "https://dynamodb.eu-central-1.amazonaws.com/", "http://127.0.0.1:4566/", "https://email.example.com:443",
    "https://Email.example.com:8443/v2/email/outbound-bulk-emails", "https://x.example/v2/email/identities/a%40b.example",
    "https://x.example/a//b/../c d?b=2&a=1%20", "https://[::1]:8000/",
])
@pytest.mark.parametrize(("token", "body", "more"), [
    (None, b"{}", {}), ("token==", "text é".encode(), {}), ("t", b"", {}),
    (None, b"{}", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD", "Host": "front.example", "Connection": "close"}),
])
def test_both_signers_make_the_same_headers(url: str, token: str | None, body: bytes, more: dict[str, str]) -> None:
    """Whatever the address, the body, the headers and the kind of key; also for the second day of a process."""
    for moment in ("20260302T235959Z", "20260303T000000Z"):
        made = [
            signed(kind, AWSRequest(method="POST", url=url, headers={**HEADERS, **more}, data=body), token, moment)
            for kind in (QuickSigV4, SigV4Auth)
        ]
        assert made[0] == made[1] and "Signature=" in made[0]["Authorization"]


def test_parameters_of_the_query_are_signed() -> None:
    """A GET with parameters, which botocore appends when it sends."""
    parameters = {"b": "2 é", "a": "1"}
    made = [
        signed(kind, AWSRequest(method="GET", url="https://x.example/v2", params=parameters), None, "20260302T120000Z")
        for kind in (QuickSigV4, SigV4Auth)
    ]
    assert made[0] == made[1]


class _Kept(Wire):
    """Keeps whole requests."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        super().__init__(*answers)
        self.requests: list[Any] = []

    def __call__(self, **event: Any) -> AWSResponse:
        self.requests.append(event["request"])
        return super().__call__(**event)


PLACES = {"dynamodb": "https://dynamodb.eu-central-1.amazonaws.com", "sesv2": "https://email.eu-central-1.amazonaws.com"}
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:4566"])
@pytest.mark.parametrize(("service", "operation", "path", "arguments"), [
    ("dynamodb", "get_item", "/", {"TableName": "t", "Key": KEY}),
    ("dynamodb", "put_item", "/", {"TableName": "another", "Item": KEY}),
    ("sesv2", "get_account", "/v2/email/account", {}),
    ("sesv2", "get_email_identity", "/v2/email/identities/a%40b.example", {"EmailIdentity": "a@b.example"}),
    ("sesv2", "send_bulk_email", "/v2/email/outbound-bulk-emails", {"DefaultContent": {}, "BulkEmailEntries": []}),
])
def test_a_client_sends_what_botocores_would(
    service: str, operation: str, path: str, arguments: dict[str, Any], endpoint: str,
) -> None:
    """To the same place, by the first call and by those after it, with the signature that botocore's signer makes."""
    wire = _Kept()
    clients = clients_on(wire)
    clients.endpoint = endpoint
    for _ in range(2):
        getattr(clients.get(service), operation)(**arguments)
    for sent in wire.requests:
        assert sent.url == (endpoint or PLACES[service]) + path
        assert _resigned(sent, {"sesv2": "ses"}.get(service, service)) == sent.headers["Authorization"].decode()


def _resigned(sent: Any, service: str) -> str:
    """What botocore's own signer says of a request that was sent."""
    texts = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent.headers.items()}
    # botocore adds two headers of its own after the signature, and does not sign them.
    named = texts["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date"} <= set(named)
    headers = {name: text for name, text in texts.items() if name.lower() in named}
    request = AWSRequest(method=sent.method, url=sent.url, headers=headers, data=sent.body)
    return signed(SigV4Auth, request, None, headers["X-Amz-Date"], service)["Authorization"]


def test_what_is_signed_otherwise_stays_so() -> None:
    """S3 has a form of its own; KMS is asked too seldom."""
    wire = _Kept((200, b"<ListAllMyBucketsResult/>"), (200, b"{}"))
    clients = clients_on(wire)
    clients.get("s3").list_buckets()
    clients.get("kms").list_aliases()
    assert "X-Amz-Content-SHA256" in wire.requests[0].headers
    assert _resigned(wire.requests[1], "kms") == wire.requests[1].headers["Authorization"].decode()


def test_no_client_is_left_to_guess() -> None:
    """Both of the busy services have ours: a botocore that is built otherwise would be noticed here."""
    clients = Clients("eu-central-1", own=lambda: Keys("a", "b", None, None))
    for service in ("dynamodb", "sesv2"):
        assert "make_quick" in clients.get(service)._ruleset_resolver.construct_endpoint.__qualname__
