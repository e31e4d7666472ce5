"""No English is built into pages and mails: every word of a template goes through the catalogues.

Read from the templates themselves, as Jinja parses them: text between elements, attributes that
people see or hear, and texts that are handed to a macro.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates" / "pages").rglob("*.html")) + sorted(
    path for suffix in ("html", "txt") for path in (ROOT / "templates" / "mail").rglob(f"*.{suffix}"))
GETTEXT = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
TO_DEVELOPERS = {"compile", "debug", "info", "warning", "exception"}
WORD = re.compile(r"[A-Za-z]{2}")
READ = re.compile(
    r"""\s(?:alt|title|placeholder|aria-label|data-label|label|summary)=["']([^"'{<]*[A-Za-z]{2}[^"'{<]*)""")
MARKUP = re.compile(r"<!--.*?-->|<!doctype[^>]*>|<(style|script|code|pre)\b.*?</\1>|<[^>]*>|&\w+;", re.S | re.I)
ATTRIBUTES = {"main_class", "body_attributes"}
"""Blocks that stand within a tag."""
NAMES = {
    "Countersign", "KB", "CSV", "UTC", "HTML", "YAML", "SHA-256", "email", "consent_basis", "consent_at", "status",
    "consent_source", "double_opt_in, proven_opt_in, existing_customer, us_opt_out, safety_only", "https://",
    "open", 'aria-describedby="', '" aria-invalid="true"',
}
"""Names, units, what is typed letter by letter, and attributes that a template puts into a tag by a condition."""


def parsed(path: Path) -> nodes.Template:
    """A template as Jinja sees it, with the texts that ``{% trans %}`` holds made calls of gettext."""
    made = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    return made.parse(path.read_text("utf-8"))


def shown(template: nodes.Template) -> str:
    """The template's own text; each expression is a placeholder, so that elements stay whole."""
    out: list[str] = []

    def walk(node: nodes.Node) -> None:
        if isinstance(node, nodes.TemplateData):
            out.append(node.data)
        elif isinstance(node, nodes.Block) and node.name in ATTRIBUTES:
            return
        elif isinstance(node, nodes.Output):
            for part in node.nodes:
                walk(part) if isinstance(part, nodes.TemplateData) else out.append("{}")
        else:
            for child in node.iter_child_nodes():
                walk(child)
    walk(template)
    return "".join(out)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_word_stands_outside_of_gettext(path: Path) -> None:
    """Text between elements and in attributes that people read comes from the catalogue."""
    text = shown(parsed(path))
    words = [part.strip() for part in MARKUP.sub("\n", text).replace("{}", "\n").splitlines()]
    words += [found.strip() for found in READ.findall(text)]
    assert not [word for word in words if WORD.search(word) and word.strip(" .:,;()·") not in NAMES]


def handed(node: nodes.Node) -> Iterator[str]:
    """Texts handed to a function or a filter that is not gettext's."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in GETTEXT:
        return
    if isinstance(node, nodes.Call):
        for argument in (*node.args, *(given.value for given in node.kwargs)):
            if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
                yield argument.value
    for child in node.iter_child_nodes():
        yield from handed(child)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_sentence_is_handed_on_untranslated(path: Path) -> None:
    """ui.button(_("Save")), never ui.button("Save"): what begins with a capital or has a blank is for people."""
    given = {text for text in handed(parsed(path)) if re.match(r"[A-Z][a-z]|[a-z]+ [a-z]+ ", text)}
    assert given <= NAMES


HANDLERS = sorted((ROOT / "chalicelib" / "web").rglob("*.py"))


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.stem)
def test_handlers_have_no_sentences_of_their_own(path: Path) -> None:
    """A page's Python speaks through gettext, too: a text of several words is a docstring or handed to it."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in GETTEXT | TO_DEVELOPERS or name.endswith("Error"):
                silent |= {id(part) for argument in node.args for part in ast.walk(argument)}
    texts = {
        node.value for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
        and re.match(r"[A-Z][a-z]+ [a-z]+|[a-z]+ [a-z]+ [a-z]+", node.value.strip())
    }
    assert texts <= PLAIN.get(path.stem, set())


PLAIN = {"pages": {"Something failed on our side. Id: "}, "routes": {
    "Chalice sets the request before it calls a view", "Chalice sets lambda_context before it calls a view",
}}
"""Sentences that stand in English: the page for when no catalogue can be had, and what only a developer reads."""
