"""Releases: each artefact with its template, kept by content in a bucket of the account, for updates and rollback."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stage import APP, DeployError

PACKAGE = Path(__file__).resolve().parents[2] / "build" / "package"


class Releases:
    """The bucket ``countersign-releases-<account>-<region>``; made at the first deployment of the account."""

    def __init__(self, s3: Any, account: str, region: str) -> None:
        self.bucket = f"{APP}-releases-{account}-{region}"
        self._s3, self._region = s3, region

    def ensure(self) -> None:
        """Make the bucket if it is missing: private, encrypted, never overwritten unseen."""
        try:
            self._s3.head_bucket(Bucket=self.bucket)
            return
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise DeployError(f"The bucket {self.bucket} is not yours to use: {error}.") from error
        where: dict[str, Any] = {} if self._region == "us-east-1" else {
            "CreateBucketConfiguration": {"LocationConstraint": self._region}}
        self._s3.create_bucket(Bucket=self.bucket, **where)
        self._s3.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration={
            "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        })
        self._s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def publish(self, package: Path = PACKAGE) -> str:
        """Upload what was built, if it is not there; returns the release's id, made from its content."""
        archive, template = package / "deployment.zip", package / "stack.json"
        if not archive.exists() or not template.exists():
            raise DeployError("There is nothing to deploy: run `make package` first.")
        release = hashlib.sha256(archive.read_bytes() + template.read_bytes()).hexdigest()[:16]
        for file, key in ((archive, self.code_key(release)), (template, self._template_key(release))):
            if not self._has(key):
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=file.read_bytes())
        return release

    def require(self, release: str) -> None:
        """Raise DeployError with the newest ones if there is no such release."""
        if not self._has(self._template_key(release)):
            known = ", ".join(self.newest()) or "none"
            raise DeployError(f"There is no release {release!r} in {self.bucket}. The newest: {known}.")

    def parameters(self, release: str) -> set[str]:
        """The names of the parameters that a release's template knows."""
        body = self._s3.get_object(Bucket=self.bucket, Key=self._template_key(release))["Body"].read()
        return set(json.loads(body)["Parameters"])

    def newest(self, count: int = 10) -> dict[str, datetime]:
        """The ids of the latest releases and since when they are here, the newest first; none before any."""
        found: dict[str, datetime] = {}
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="releases/"):
                found |= {o["Key"].split("/")[1]: o["LastModified"].astimezone(UTC) for o in page.get("Contents", ())
                          if o["Key"].endswith("/stack.json")}
        except self._s3.exceptions.NoSuchBucket:
            return {}
        return dict(sorted(found.items(), key=lambda each: each[1], reverse=True)[:count])

    def code_key(self, release: str) -> str:
        """Where the zip of a release is."""
        return f"releases/{release}/deployment.zip"

    def template_url(self, release: str) -> str:
        """Where CloudFormation reads a release's template."""
        return f"https://{self.bucket}.s3.{self._region}.amazonaws.com/{self._template_key(release)}"

    def _template_key(self, release: str) -> str:
        return f"releases/{release}/stack.json"

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True
