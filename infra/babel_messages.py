"""Babel's way to the sentences of ``chalicelib/texts``: every text there that is not a docstring or a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

CODE = re.compile(r"[A-Za-z0-9_./*:-]*")
"""What is one word without a blank is a code or a file's name; words that people read stand in ``N_``."""


def extract(
    file: IO[bytes], keywords: Sequence[str], comment_tags: Sequence[str], options: Mapping[str, str],
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield (line, function, text, comments) as Babel's extraction method protocol asks."""
    tree = ast.parse(file.read())
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    marked = {id(a) for node in ast.walk(tree) if _is_mark(node) for a in node.args}  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            if id(node) in marked or not CODE.fullmatch(node.value):
                yield node.lineno, "gettext", node.value, []


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_"
