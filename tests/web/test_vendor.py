"""Files of others in the static folder are the ones that are listed, in the versions that are locked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from infra import vendor

ROOT = Path(__file__).resolve().parents[2]
LINES = {
    line.split()[0]: line.split()[1:]
    for line in (vendor.STATIC / vendor.LIST).read_text("utf-8").splitlines() if not line.startswith("#")
}
OURS = {"app.js", "images.js", "partner.js", "rich.js"}


def test_each_file_of_others_has_the_listed_hash() -> None:
    """What is served is byte for byte what ``make vendor`` made, and says its version itself."""
    assert set(LINES) == {*vendor.COPIED, vendor.BUNDLED}
    for name, (version, sha256, licence, *_rest) in LINES.items():
        data = (vendor.STATIC / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256, name
        assert version.encode() in data and licence in ("MIT", "0BSD")


def test_every_script_is_ours_or_listed() -> None:
    """No script comes into the folder without a line that says whose it is."""
    scripts = {path.name for path in vendor.STATIC.glob("*.js")}
    assert scripts - OURS <= set(LINES)
    assert not [path for path in vendor.STATIC.glob("*.min.*") if path.name not in LINES]


def test_versions_are_those_of_the_lock_file() -> None:
    """The list, the pins and the lock file name the same versions, and each locked package has its hash."""
    locked = json.loads((vendor.HERE / "package-lock.json").read_text("utf-8"))["packages"]
    pins = json.loads((vendor.HERE / "package.json").read_text("utf-8"))
    assert all(version[0].isdigit() for kind in ("dependencies", "devDependencies") for version in pins[kind].values())
    assert all(about["integrity"].startswith("sha512-") for path, about in locked.items() if path)
    for name, (version, _, _, *source) in LINES.items():
        if name == vendor.BUNDLED:
            for part in source:
                package, _, number = part.rpartition("@")
                assert locked[f"node_modules/{package}"]["version"] == number
        else:
            assert locked[f"node_modules/{source[0]}"]["version"] == version


def test_every_licence_goes_with_the_files() -> None:
    """The licences ask for their own words to be with each copy."""
    text = (vendor.STATIC / vendor.LICENCES).read_text("utf-8")
    named = [source[0].rpartition("@")[0] or source[0] for _, (_, _, _, *source) in LINES.items()]
    assert all(name in text for name in named)
    assert text.count("Permission is hereby granted") >= 1 and "Marijn Haverbeke" in text
