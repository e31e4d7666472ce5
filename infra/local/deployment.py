"""The local deployment as any other is described: its ports, its identity and its settings."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chalicelib.domain.ids import make_id
from infra.local import resources, seed
from infra.local.emulator import ACCESS_KEY, HOST, REGION, SECRET_KEY, port_taken

APP, STAGE = "countersign", "local"
BUCKET = f"{APP}-{STAGE}-data"


class CannotStart(Exception):
    """Why it does not start, as one sentence with what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The three ports; ``PORT=`` moves all of them."""

    pages: int
    mailbox: int
    emulator: int

    @classmethod
    def beside(cls, port: int) -> Ports:
        """Pages at PORT, mailbox at PORT+1, emulator at PORT-3434 (so that 8000 gives AWS emulators' usual 4566).

        Where that would be one of the system's ports (below 1024) the emulator takes PORT+2.
        """
        if not 1024 <= port <= 65_533:
            raise CannotStart(f"PORT={port} is not usable: take one between 1024 and 65533, such as PORT=9000.")
        return cls(port, port + 1, port - 3434 if port - 3434 >= 1024 else port + 2)

    def require_free(self, *ports: int) -> None:
        """Raise CannotStart for the first that another program uses."""
        for port in ports:
            if port_taken(port):
                raise CannotStart(
                    f"Port {port} is taken by another program: end that one, or choose other ports with "
                    f"`make run PORT={self.pages + 1000 if self.pages < 60_000 else 9000}`.")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the first start chooses for good: the org's id and the secret of its unsubscribe links."""

    org_id: str
    secret: str

    @classmethod
    def kept_in(cls, data: Path, now: datetime) -> Identity:
        """Read it, or make it once."""
        file = data / "identity.json"
        if not file.exists():
            made = {"org_id": make_id("org", now, secrets.token_bytes(10)), "secret": secrets.token_hex(32)}
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(made), "utf-8")
            fresh.chmod(0o600)
            fresh.replace(file)
        return cls(**json.loads(file.read_text("utf-8")))


def environment(ports: Ports, identity: Identity) -> dict[str, str]:
    """The settings of the local deployment, in the form in which any deployment has them."""
    prefix = f"{APP}-{STAGE}"
    base = f"http://{HOST}:{ports.pages}"
    return {
        "COUNTERSIGN_APP": APP, "COUNTERSIGN_STAGE": STAGE, "COUNTERSIGN_SURFACE": "all",
        "COUNTERSIGN_ORG_ID": identity.org_id, "COUNTERSIGN_ORG_NAME": seed.ORG_NAME,
        "COUNTERSIGN_BASE_URL": base, "COUNTERSIGN_HQ_BASE_URL": base,
        "COUNTERSIGN_BUCKET": BUCKET, "COUNTERSIGN_KMS_KEY": resources.key_alias(prefix),
        "COUNTERSIGN_PARTNER_ROLE": resources.role_arn(prefix, "partner"),
        "COUNTERSIGN_REVIEW_ROLE": resources.role_arn(prefix, "review"),
        "COUNTERSIGN_SECRET": identity.secret, "COUNTERSIGN_MAIL_FROM": seed.MAIL_FROM,
        "COUNTERSIGN_CONFIGURATION_SET": prefix,
        "COUNTERSIGN_SES_ENDPOINT": f"http://{HOST}:{ports.mailbox}",
        "COUNTERSIGN_MEDIA_URL": f"http://{HOST}:{ports.emulator}/{BUCKET}/MEDIA",
        "AWS_ENDPOINT_URL": f"http://{HOST}:{ports.emulator}", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
        # Nothing of this person's real AWS account may be used by mistake.
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
    }
