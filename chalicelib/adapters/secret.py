"""The deployment's secret: plain hex on one's own machine, encrypted by KMS on AWS."""

from __future__ import annotations

import base64
import binascii

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, translated
from chalicelib.domain.errors import Permanent

PREFIX = "kms:"
CONTEXT = {"purpose": "deployment-secret"}
"""The encryption context the secret was encrypted with; a policy can tell it from partners' keys."""


def reveal(clients: Clients, setting: str) -> bytes:
    """The bytes of a secret setting; one KMS call if it is encrypted. Never part of an error's text."""
    if not setting.startswith(PREFIX):
        return bytes.fromhex(setting)
    try:
        sealed = base64.b64decode(setting.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise Permanent("the deployment's secret is not valid base64") from None
    try:
        with acting_as_self():
            answer = clients.get("kms").decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT)
    except VENDOR_ERRORS as error:
        raise translated(error, "Decrypt") from error
    return bytes(answer["Plaintext"])
