"""The key of a stage that is destroyed, among keys that are none of this person's business."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.deploy.run import schedule_deletion

OURS = "countersign-day: wraps the partners' keys"


class Kms:
    """An account's keys by id; those without a description may not be looked at."""

    def __init__(self, refusal: str = "AccessDeniedException", **keys: str) -> None:
        self.refusal, self.keys = refusal, keys
        self.scheduled: list[str] = []

    def get_paginator(self, name: str) -> Kms:
        """Only the list has pages."""
        assert name == "list_keys"
        return self

    def paginate(self) -> Iterator[dict[str, Any]]:
        """One key a page."""
        for key in self.keys:
            yield {"Keys": [{"KeyId": key}]}

    def describe_key(self, **given: str) -> dict[str, Any]:
        """What KMS tells, or refuses to tell."""
        if not (words := self.keys[given["KeyId"]]):
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "DescribeKey")
        return {"KeyMetadata": {"Description": words, "KeyState": "Enabled"}}

    def schedule_key_deletion(self, **given: Any) -> None:
        """Noted."""
        self.scheduled.append(given["KeyId"])


def test_keys_that_hide_do_not_keep_ours_alive() -> None:
    """The keys of another team, before and behind ours; another stage's key stays as well."""
    kms = Kms(theirs="", other="countersign-night: wraps the partners' keys", ours=OURS, last="")
    assert (schedule_deletion(kms, OURS), kms.scheduled) == (2, ["ours"])


def test_any_other_failure_is_told() -> None:
    """Throttled or broken, it is not said that a key was left out."""
    with pytest.raises(ClientError):
        schedule_deletion(Kms("ThrottlingException", theirs="", ours=OURS), OURS)
