"""S3: the deployment's one bucket, with a prefix per partner and one for the org.

Keys: ``P/<partner>/...`` with that partner's session, ``ORG/...`` and ``EVENTS/...`` with the
function's own role; ``UPLOADS/`` and ``MEDIA/`` have both of them below. A key is checked here before AWS
checks it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as, acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, code_of, translated
from chalicelib.domain.errors import CountersignError, NotFound
from chalicelib.ports.system import PartnerSession, UploadForm

OWN_PREFIXES = ("ORG/", "EVENTS/", "UPLOADS/ORG/", "MEDIA/ORG/")
FOR_EVER = "public, max-age=31536000, immutable"
"""RFC 9111 and RFC 8246: what is never replaced need never be asked for again."""
KEEP = ("keep", "30-days")
"""The tag by which the bucket's lifecycle lets an object expire (``infra/resources.yaml``)."""
_TAGGING = "<Tagging><TagSet><Tag><Key>{}</Key><Value>{}</Value></Tag></TagSet></Tagging>".format(*KEEP)
"""The same in a form (Amazon S3 API reference, "POST Object", field ``tagging``)."""
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_TAKEN = frozenset({"PreconditionFailed", "412"})
_HIDDEN = frozenset({"AccessDenied", "403", "Forbidden"})
"""What S3 says of a missing object to a role that may not list the bucket, as ours may not.

Source: Amazon S3 API Reference, GetObject, "Permissions". The key was judged before, so this does
not hide anything but a role without its grant, which shows as soon as something is stored.
"""
MAX_KEY = 1024
"""Bytes in an S3 key (AWS quota)."""


def judge(session: PartnerSession | None, key: str) -> None:
    """Raise NotFound for a key that is not this session's, or that no code of ours would make."""
    prefixes = OWN_PREFIXES if session is None else tuple(
        f"{above}P/{session.partner}/" for above in ("", "UPLOADS/", "MEDIA/"))
    pieces = key.split("/")
    if (
        not key.startswith(prefixes)
        or not key.isprintable() or "\\" in key or len(key.encode()) > MAX_KEY
        or any(piece in ("", ".", "..") for piece in pieces)
    ):
        raise NotFound("no such object")


class S3Blobs:
    """See ``ports.system.Blobs``."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put(
        self, session: PartnerSession | None, key: str, data: bytes, content_type: str, *, temporary: bool = False,
    ) -> None:
        """Encryption at rest is the bucket's default. The tag is given with the object: there is no moment without."""
        tagged = {"Tagging": "=".join(KEEP)} if temporary else {}
        self._call(session, "put_object", key, Body=data, ContentType=content_type, **tagged)

    def put_new(self, session: PartnerSession | None, key: str, data: bytes, content_type: str) -> bool:
        """By ``If-None-Match: *``, so that of two writers one is told; the bucket's policy demands that header."""
        judge(session, key)
        client = self._clients.get("s3")
        try:
            with _scope(session):
                client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type,
                                  CacheControl=FOR_EVER, IfNoneMatch="*")
        except VENDOR_ERRORS as error:
            if code_of(error) in _TAKEN:
                return False
            raise _translated(error, "put_object") from error
        return True

    def get(self, session: PartnerSession | None, key: str) -> bytes:
        """The whole object in memory."""
        answer = self._call(session, "get_object", key)
        try:
            return bytes(answer["Body"].read())
        except VENDOR_ERRORS as error:
            raise translated(error, "get_object") from error

    def lines(self, session: PartnerSession | None, key: str, *, chunk: int = 65536) -> Iterator[bytes]:
        """The request is signed and sent at the call; the body is read as it is asked for."""
        body = self._call(session, "get_object", key)["Body"]
        return _chunks(body, chunk)

    def size(self, session: PartnerSession | None, key: str) -> int:
        """By HeadObject."""
        return int(self._call(session, "head_object", key)["ContentLength"])

    def upload_form(
        self, session: PartnerSession | None, key: str, *, max_bytes: int, seconds: int, redirect: str = "",
        temporary: bool = False,
    ) -> UploadForm:
        """Signed with the partner's keys or the function's own: exactly this key, one to ``max_bytes`` bytes."""
        judge(session, key)
        client = self._clients.get("s3")
        fields = {"success_action_redirect": redirect} if redirect else {}
        if temporary:
            fields["tagging"] = _TAGGING
        # Each field stands in the signed conditions: a browser that leaves one out or changes it is refused.
        conditions: list[object] = [
            ["content-length-range", 1, max_bytes], *({name: value} for name, value in fields.items())]
        with _scope(session):
            form = client.generate_presigned_post(
                self._bucket, key, Fields=dict(fields), Conditions=conditions, ExpiresIn=seconds,
            )
        return UploadForm(str(form["url"]), {str(name): str(value) for name, value in form["fields"].items()})

    def _call(self, session: PartnerSession | None, method: str, key: str, **kwargs: Any) -> dict[str, Any]:
        judge(session, key)
        client = self._clients.get("s3")
        try:
            with _scope(session):
                return dict(getattr(client, method)(Bucket=self._bucket, Key=key, **kwargs))
        except VENDOR_ERRORS as error:
            raise _translated(error, method) from error


def _scope(session: PartnerSession | None) -> AbstractContextManager[object]:
    return acting_as_self() if session is None else acting_as(session)


def _chunks(body: Any, chunk: int) -> Iterator[bytes]:
    try:
        yield from body.iter_chunks(chunk)
    except VENDOR_ERRORS as error:
        raise translated(error, "get_object") from error
    finally:
        body.close()


def _translated(error: Exception, method: str) -> CountersignError:
    code = code_of(error)
    if code in _MISSING or (code in _HIDDEN and method in ("get_object", "head_object")):
        return NotFound("no such object")
    return translated(error, method)
