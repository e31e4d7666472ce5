"""Babel's way to the sentences of ``chalicelib/texts``: every text there that is not a docstring or a code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

CODE = re.compile(r"[A-Za-z0-9_./*:-]*")
"""What is one word without a blank is a code or a file's name, unless it is a value of a dictionary or in ``N_``."""
WORD = re.compile(r"[^\W\d_]{2}")
"""A sentence has at least two letters side by side; what has none, or begins with %, is a sign or a format."""


def extract(
    file: IO[bytes], keywords: Sequence[str], comment_tags: Sequence[str], options: Mapping[str, str],
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield (line, function, text, comments) as Babel's extraction method protocol asks."""
    tree = ast.parse(file.read())
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    silent |= {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    marked = {id(text) for node in ast.walk(tree) for text in _texts(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in silent:
            continue
        if WORD.search(node.value) and not node.value.startswith("%"):
            if id(node) in marked or not CODE.fullmatch(node.value):
                yield node.lineno, "gettext", node.value, []


def _texts(node: ast.AST) -> list[ast.expr]:
    """What is a text whatever it looks like: what ``N_`` marks, and the values of a dictionary of texts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
        return node.args
    if isinstance(node, ast.Dict):
        return [text for value in node.values for text in (value.elts if isinstance(value, ast.Tuple) else [value])]
    return []
