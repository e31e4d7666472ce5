"""Names of static files: bundled text under a name that holds its hash, to be kept for ever.

The files lie in ``chalicelib/web/static`` (``chalice package`` ships that folder) and come from
the function as text; images belong into the bucket. ``static/VENDOR`` lists what is not ours.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}


@functools.cache
def hashed() -> tuple[dict[str, str], dict[str, Path]]:
    """Plain name -> hashed name, and hashed name -> file."""
    names: dict[str, str] = {}
    files: dict[str, Path] = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            names[path.name] = f"{path.stem}.{digest}{path.suffix}"
            files[names[path.name]] = path
    return names, files


def hashed_name(name: str) -> str:
    """The name under which a bundled file is served; raises KeyError if there is no such file."""
    return hashed()[0][name]
