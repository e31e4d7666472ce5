"""Deploy, roll back, remove: the steps, in order, with a person's yes before each change.

A first deployment has two steps. The first makes everything, tables without protection, so that a
failure leaves nothing behind that stands in the way of the next try. The second seals the deployment's
secret under the key that the first has made, and puts the protection of the tables on; until then no
function starts, because its settings lack the secret.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from chalicelib.domain.ids import make_id
from infra.deploy.releases import PACKAGE, Releases
from infra.deploy.stack import Say, Stack, endangered, shown
from infra.deploy.stage import DeployError, Stage

TABLES = ("workflow", "trust", "keys")
CONTEXT = {"purpose": "deployment-secret"}
"""The encryption context that the functions' policies ask for."""
KEPT = ("OrgId", "Bucket", "Secret", "FormerSecrets")
"""Parameters that the first deployment chooses, for as long as the stage lives."""
KEY_WORDS = "wraps the partners' keys"
"""How the template describes the key, after the stack's name."""
KEY_DAYS = 30
"""Days until a key that was scheduled for deletion is gone: the longest that KMS takes."""


class Clients(Protocol):
    """Makes a client of an AWS service."""

    def __call__(self, service: str, /) -> Any:
        """The client."""


@dataclass(frozen=True, slots=True)
class Deployer:
    """What a deployment needs: clients, a stage, somebody to ask and to tell.

    ``ask`` gets a question and returns what was typed. ``emulator`` is the base of an emulator's own
    addresses; "" on AWS.
    """

    clients: Clients
    stage: Stage
    ask: Callable[[str], str]
    say: Say
    now: Callable[[], datetime]
    emulator: str = ""
    poll: float = 5.0
    package: Path = PACKAGE
    more: Mapping[str, str] = field(default_factory=dict)
    """Further parameters, for emulators."""

    @property
    def stack(self) -> Stack:
        """The stage's stack."""
        return Stack(self.clients("cloudformation"), self.stage.stack, self.say, poll=self.poll)

    def account(self) -> str:
        """The account that the credentials belong to; raises DeployError without any."""
        try:
            return str(self.clients("sts").get_caller_identity()["Account"])
        except Exception as error:
            raise DeployError(f"AWS does not know you: {error}. Sign in (for example `aws sso login`) and set "
                              "AWS_PROFILE if you have several accounts.") from error

    def releases(self) -> Releases:
        """Where this account keeps its releases."""
        return Releases(self.clients("s3"), self.account(), self.stage.region)

    def deploy(self, release: str = "") -> bool:
        """Bring the stage to what was built, or to an earlier release; False if the person said no."""
        account, releases = self.account(), self.releases()
        kind = self.stack.prepare()
        if kind == "CREATE":
            self._require_free_names()
        releases.ensure()
        if release:
            releases.require(release)
        else:
            release = releases.publish(self.package)
        self.say(f"Stage {self.stage.name} of account {account} in {self.stage.region}: release {release}")
        parameters = self._parameters(account, releases, release, first=kind == "CREATE")
        if not self._change(kind, releases, release, parameters):
            return False
        if self.stack.outputs.get("IsSealed") == "no":
            self.say("Second step: the deployment's secret is sealed and the tables are protected.")
            sealed: dict[str, str | None] = dict.fromkeys(self.stack.parameters)
            sealed |= {"Secret": self._sealed_secret()} | self._emulated()
            if not self._change("UPDATE", releases, release, sealed):
                return False
        self._protect()
        return True

    def remove(self, *, data: bool) -> bool:
        """Delete the stack; its data stay unless ``data``, and then only after the stack's whole name was typed."""
        stack, parameters = self.stack, self.stack.parameters
        if stack.describe() is None and not data:
            raise DeployError(f"There is no stack {stack.name}.")
        name = stack.name
        if data:
            self.say(f"This destroys ALL data of {name}: tables, files, keys. Customers, consents and proofs of what "
                     f"was sent are gone, in backups too once the key is deleted ({KEY_DAYS} days).")
            agreed = self.ask(f"Type {name} to destroy them: ").strip() == name
        else:
            self.say(f"This removes {name}. Its tables, bucket and key stay, with all data; nothing is sent any more.")
            agreed = self._agrees("Remove it?")
        if not agreed:
            self.say("Nothing was removed.")
            return False
        if stack.describe() is not None:
            stack.client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
            stack.delete()
        if data:
            self._destroy(parameters.get("Bucket") or self._bucket(self.account()))
        self.say(f"{name} is removed{' with its data' if data else '; its data stay'}.")
        return True

    # --- the steps

    def _change(self, kind: str, releases: Releases, release: str, parameters: Mapping[str, str | None]) -> bool:
        stack = self.stack
        label = f"r{release}-{self.now():%Y%m%d%H%M%S%f}"
        change_set = stack.propose(kind, self._template_url(releases, release), parameters, label)
        if change_set is None:
            self.say("There is nothing to change.")
            return True
        changes = stack.changes(change_set)
        self.say(shown(changes))
        lost = endangered(changes)
        if lost:
            stack.discard(change_set)
            raise DeployError(f"This would replace or remove what holds data: {', '.join(lost)}. That is never "
                              "done: change the template so that it keeps them.")
        if not self._agrees(f"Make these {len(changes)} changes?"):
            stack.discard(change_set)
            self.say("Nothing was changed.")
            return False
        self.say("CloudFormation makes them; that takes some minutes.")
        stack.execute(change_set)
        return True

    def _agrees(self, question: str) -> bool:
        return self.ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def _parameters(self, account: str, releases: Releases, release: str, *, first: bool) -> dict[str, str | None]:
        """The file's values over what is in force; what only a first deployment chooses is kept for ever."""
        declared = releases.parameters(release)
        chosen: dict[str, str | None]
        if first:
            chosen = {"OrgId": make_id("org", self.now(), secrets.token_bytes(10)), "Bucket": self._bucket(account)}
        else:
            chosen = {**{name: None for name in KEPT if name in self.stack.parameters}, **self._emulated()}
        wanted: dict[str, str | None] = {
            **self.stage.parameters, "Stage": self.stage.name, **chosen, "CodeBucket": releases.bucket,
            "CodeKey": releases.code_key(release), "Release": release, **self.more,
        }
        # An earlier release may not know a parameter that came later.
        return {name: value for name, value in wanted.items() if name in declared}

    def _bucket(self, account: str) -> str:
        return f"{self.stage.stack}-data-{account}"

    def _emulated(self) -> dict[str, str | None]:
        """An emulator answers for every API at its own address; AWS makes the addresses itself."""
        outputs = self.stack.outputs
        if not self.emulator or "PartnerApiId" not in outputs:
            return {}
        base = f"{self.emulator}/_aws/execute-api/{{}}/app"
        return {"BaseUrl": base.format(outputs["PartnerApiId"]), "HqBaseUrl": base.format(outputs["HqApiId"])}

    def _template_url(self, releases: Releases, release: str) -> str:
        if self.emulator:
            return f"{self.emulator}/{releases.bucket}/releases/{release}/stack.json"
        return releases.template_url(release)

    def _sealed_secret(self) -> str:
        """Thirty-two random bytes that nobody sees, encrypted under the stack's key."""
        answer = self.clients("kms").encrypt(
            KeyId=self.stack.outputs["PartnerKeysKeyArn"], Plaintext=secrets.token_bytes(32), EncryptionContext=CONTEXT)
        return "kms:" + base64.b64encode(answer["CiphertextBlob"]).decode()

    def _protect(self) -> None:
        stack = self.stack
        stack.client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=True)

    def _require_free_names(self) -> None:
        """A first deployment can't take over tables that an earlier removal left."""
        dynamodb = self.clients("dynamodb")
        for table in TABLES:
            name = f"{self.stage.stack}-{table}"
            try:
                dynamodb.describe_table(TableName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
            else:
                raise DeployError(
                    f"The table {name} is there already, from a stage that was removed without its data. Choose "
                    "another stage name, or bring the data back into the stack by an import (docs/deploy.md), or "
                    f"destroy them: make remove STAGE={self.stage.name} DATA=destroy.")

    def _destroy(self, bucket: str) -> None:
        """Tables, bucket and keys of the stage, of those that are there."""
        dynamodb, s3 = self.clients("dynamodb"), self.clients("s3")
        for table in TABLES:
            name = f"{self.stage.stack}-{table}"
            try:
                dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
                dynamodb.delete_table(TableName=name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
        try:
            empty(s3, bucket)
            s3.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
                raise
        description = f"{self.stage.stack}: {KEY_WORDS}"
        if hidden := schedule_deletion(self.clients("kms"), description):
            self.say(f"You may not look at {hidden} of the account's keys. If the one described as {description!r} is "
                     "among them, schedule its deletion in KMS by hand.")


def schedule_deletion(kms: Any, description: str) -> int:
    """Schedule the keys of that description; how many others hide theirs, as policies of other teams' keys may do."""
    hidden = 0
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            try:
                told = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDeniedException":
                    raise
                hidden += 1
                continue
            if told["Description"] == description and told["KeyState"] != "PendingDeletion":
                kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=KEY_DAYS)
    return hidden


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        entries = [{"Key": v["Key"], "VersionId": v["VersionId"]} for kind in ("Versions", "DeleteMarkers")
                   for v in page.get(kind, ())]
        for start in range(0, len(entries), 1000):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": entries[start:start + 1000], "Quiet": True})
