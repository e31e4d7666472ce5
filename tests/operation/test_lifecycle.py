"""Files of customers do not stay: whatever an import stores carries the tag that the bucket's lifecycle goes by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chalicelib.adapters.blobs import KEEP
from chalicelib.domain.contact import ImportState
from chalicelib.usecases import imports
from tests.fakes.world import FakeWorld
from tests.trust.files import file_of, row
from tests.trust.test_import_run import PARTNER, start, work_off

ROOT = Path(__file__).resolve().parents[2]


def rules() -> dict[str, dict[str, Any]]:
    """The bucket's rules by their ids."""
    template = yaml.safe_load((ROOT / "infra" / "resources.yaml").read_text("utf-8"))
    found = template["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    return {rule["Id"]: rule for rule in found}


def test_the_rule_goes_by_the_tag_that_is_set() -> None:
    """Thirty days, and a version that was overwritten goes a day later: the file is emptied when it was read."""
    rule = rules()["imports"]
    assert rule["TagFilters"] == [{"Key": KEEP[0], "Value": KEEP[1]}]
    assert rule["ExpirationInDays"] == int(KEEP[1].partition("-")[0])
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rule["Status"] == "Enabled"


def test_everything_that_an_import_stores_is_temporary() -> None:
    """The file as it came, the refused rows, and the emptied file: none of them stays for ever."""
    world = FakeWorld()
    session = world.session(PARTNER)
    batch = start(world, session, file_of(row("a@b.example"), row("no address")))
    key = imports.upload_key(PARTNER, batch.id)
    assert world.blobs.temporary == {key}
    after = work_off(world, batch)
    assert (after.state, after.added, after.rejected) == (ImportState.DONE, 1, 1)
    assert world.blobs.objects[key] == b""
    stored = {name for name in world.blobs.objects if "/imports/" in name}
    assert stored == {key, imports.refused_key(PARTNER, batch.id)}
    assert stored <= world.blobs.temporary
