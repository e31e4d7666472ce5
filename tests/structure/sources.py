"""What the structure tests read: our files as git knows them, and their imports by AST."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def our_files() -> tuple[Path, ...]:
    """Every file that is committed or about to be (what git does not ignore)."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()
    return tuple(sorted(path for name in listing.split("\0") if name and (path := ROOT / name).is_file()))


def python_files(*folders: str) -> Iterator[Path]:
    """Our Python files below the given folders (or these very files)."""
    for path in our_files():
        relative = path.relative_to(ROOT)
        if path.suffix == ".py" and any(relative.is_relative_to(folder) for folder in folders):
            yield path


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A module's tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module; ``lazy`` if it stands in a function, ``typing`` if for the type checker only."""

    module: str
    line: int
    lazy: bool
    typing: bool

    @property
    def top(self) -> str:
        """The package's name."""
        return self.module.split(".")[0]


def imports_of(path: Path) -> Iterator[Import]:
    """All imports of a module, wherever they stand."""
    yield from _walk(parsed(path), lazy=False, typing=False)


def _walk(node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, lazy, typing)
    elif isinstance(node, ast.ImportFrom):
        yield Import(node.module or "", node.lineno, lazy, typing)
    inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    guarded = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, lazy=inside, typing=typing or guarded)
