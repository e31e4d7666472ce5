"""Make the files of others in ``chalicelib/web/static`` anew, from the packages pinned beside this module.

``package-lock.json`` holds each package with its hash. Pico and htmx are copied as they are published;
ProseMirror comes as many modules and is bundled by esbuild into one, byte for byte the same on every
machine. Only who runs ``make vendor`` needs Node and npm.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATIC = HERE.parents[1] / "chalicelib" / "web" / "static"
LIST, LICENCES = "VENDOR", "LICENCES"
HEAD = "# Files in this folder that are not ours: name, version, sha256, licence, source. Made by `make vendor`.\n"
COPIED = {
    "pico.min.css": ("@picocss/pico", "css/pico.blue.min.css"),
    "htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
}
"""File -> the package it comes from, and its path there."""
BUNDLED = "prosemirror.min.js"
_ESBUILD = (
    "--bundle", "--minify", "--format=esm", "--target=es2021", "--legal-comments=none", "--log-level=warning",
)


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package as its own ``package.json`` tells."""

    name: str
    version: str
    licence: str


def build(target: Path) -> None:
    """Write all files, ``VENDOR`` and ``LICENCES`` into ``target``.

    Raises OSError or CalledProcessError where npm is missing, finds no packages or gets others than pinned.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("package.json", "package-lock.json", "prosemirror.js"):
            shutil.copy(HERE / name, work / name)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], work)
        modules = work / "node_modules"
        for name, (package, path) in COPIED.items():
            shutil.copy(modules / package / path, target / name)
        parts = _bundled(modules)
        main = _main(parts)
        banner = f"/*! {main.name} {main.version} and its parts, MIT: see {LICENCES} beside this file */"
        _run([str(modules / ".bin" / "esbuild"), "prosemirror.js", f"--outfile={target / BUNDLED}",
              f"--banner:js={banner}", *_ESBUILD], work)
        (target / LIST).write_text(_list(target, modules, parts), "utf-8")
        (target / LICENCES).write_text(_licences(modules, parts), "utf-8")


def check() -> list[str]:
    """The names of the committed files that differ from what is made anew; raises as :func:`build`."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        return [path.name for path in sorted(Path(folder).iterdir())
                if not (STATIC / path.name).is_file() or path.read_bytes() != (STATIC / path.name).read_bytes()]


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _bundled(modules: Path) -> list[Package]:
    """The packages in the bundle: what is installed, less what is copied and the tools."""
    apart = {package for package, _ in COPIED.values()}
    locked: Mapping[str, Mapping[str, object]] = json.loads((HERE / "package-lock.json").read_text("utf-8"))["packages"]
    names = [path.removeprefix("node_modules/") for path, about in locked.items() if path and not about.get("dev")]
    return [_package(modules, name) for name in sorted(names) if name not in apart]


def _main(parts: list[Package]) -> Package:
    """The package whose version the bundle goes by."""
    return next(part for part in parts if part.name == "prosemirror-view")


def _package(modules: Path, name: str) -> Package:
    about = json.loads((modules / name / "package.json").read_text("utf-8"))
    return Package(name, about["version"], about["license"])


def _list(target: Path, modules: Path, parts: list[Package]) -> str:
    lines = []
    for name, (package, path) in COPIED.items():
        one = _package(modules, package)
        lines.append(f"{name} {one.version} {_sha256(target / name)} {one.licence} {one.name} {path}")
    together = " ".join(f"{part.name}@{part.version}" for part in parts)
    licences = "+".join(sorted({part.licence for part in parts}))
    lines.append(f"{BUNDLED} {_main(parts).version} {_sha256(target / BUNDLED)} {licences} {together}")
    return HEAD + "".join(f"{line}\n" for line in lines)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _licences(modules: Path, parts: list[Package]) -> str:
    """The licences' own words, each text once with the packages it is of."""
    texts: dict[str, list[str]] = {}
    packages = [_package(modules, package) for package, _ in COPIED.values()] + parts
    for one in packages:
        found = [path for path in sorted((modules / one.name).iterdir()) if path.stem.upper() in ("LICENSE", "LICENCE")]
        texts.setdefault(found[0].read_text("utf-8").strip(), []).append(f"{one.name} {one.version}")
    return "\n\n".join(f"{', '.join(names)}\n\n{text}" for text, names in texts.items()) + "\n"
