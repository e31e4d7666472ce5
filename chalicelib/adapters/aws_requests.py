"""What botocore does anew for every request and needs to do once: the endpoint, and most of a signature.

A batch of mails is four calls to AWS, and a quarter of what a call costs was this: the rules of the
endpoint were walked through, the headers read three times, the key of the day derived with four hashes.
Tests hold both to botocore's own results.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import AUTH_TYPE_MAPS, SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

SIGNER = "countersign-v4"
_LEFT_OUT = frozenset(SIGNED_HEADERS_BLACKLIST)


def make_quick(client: Any) -> None:
    """Speed up the requests of a client whose endpoint is the same for all calls of an operation."""
    AUTH_TYPE_MAPS[SIGNER] = QuickSigV4
    client.meta.events.register(f"choose-signer.{client.meta.service_model.service_id.hyphenize()}", _choose)
    resolver = client._ruleset_resolver
    construct, known = resolver.construct_endpoint, dict[str, Any]()

    def remembered(operation_model: Any, call_args: Any, request_context: Any) -> Any:
        found = known.get(operation_model.name)
        if found is None:
            found = known[operation_model.name] = construct(operation_model, call_args, request_context)
        return found

    resolver.construct_endpoint = remembered


def _choose(signature_version: object, **_: object) -> str | None:
    """Ours in the place of botocore's version 4; None leaves any other choice as it is."""
    return SIGNER if signature_version == "v4" else None


class QuickSigV4(SigV4Auth):  # type: ignore[misc, unused-ignore]
    """Signs one request (IAM user guide, "Create a signed AWS API request"); botocore makes one for each."""

    def canonical_request(self, request: Any) -> str:
        """The text whose hash is signed."""
        path, host = _place(request.url)
        headers = {"host": host}
        for name, value in request.headers.raw_items():
            if (lower := name.lower()) not in _LEFT_OUT:
                headers[lower] = " ".join(value.split())
        names = sorted(headers)
        self._signed = ";".join(names)
        return "\n".join((
            request.method.upper(), path, self.canonical_query_string(request),
            *(f"{name}:{headers[name]}" for name in names), "", self._signed,
            headers.get("x-amz-content-sha256") or self.payload(request),
        ))

    def signature(self, string_to_sign: str, request: Any) -> str:
        """Made with the key of the day."""
        key = _key(self.credentials.secret_key, self.credential_scope(request))
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()

    def _inject_signature_to_request(self, request: Any, signature: str) -> Any:
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.scope(request)}, SignedHeaders={self._signed}, Signature={signature}")
        return request


@lru_cache(maxsize=64)
def _place(url: str) -> tuple[str, str]:
    """A request's path and host as they are signed."""
    host = SigV4Auth(Credentials("", ""), "", "").headers_to_sign(AWSRequest(url=url))["host"]
    return quote(normalize_url_path(urlsplit(url).path), safe="/~"), host


@lru_cache(maxsize=64)
def _key(secret: str, scope: str) -> bytes:
    """The key of a scope (``<day>/<region>/<service>/aws4_request``), derived from the secret one."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
