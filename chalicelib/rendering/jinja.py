"""The one factory of Jinja2 environments that may see a template of HQ's: parsed, never run.

Jinja2's sandbox resists escapes but bounds neither memory nor time, so the merge language is
checked on the syntax tree against what it *may* be, and the values are put in by our own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment


def sandbox() -> ImmutableSandboxedEnvironment:
    """A sandboxed environment without globals, tests or filters but ``default``; no loader, no cache."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        autoescape=True, loader=None, bytecode_cache=None, cache_size=0, extensions=[],
    )
    environment.filters = {"default": environment.filters["default"]}
    environment.globals.clear()
    environment.tests.clear()
    return environment


def merge_field(source: str) -> tuple[str, str | None] | None:
    """Read ``{{ contact.name|default("text") }}``: the field and its default (None if it has none).

    Anything else is None: other names, calls, subscripts, filters, operators, statements,
    several expressions, a default that is not a string literal, or what Jinja2 cannot parse.
    """
    from jinja2 import TemplateError, nodes

    try:
        body = sandbox().parse(source).body
    except (TemplateError, RecursionError, ValueError, OverflowError):
        return None
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return None
    return _expression(body[0].nodes[0])


def _expression(node: object) -> tuple[str, str | None] | None:
    from jinja2 import nodes

    if isinstance(node, nodes.Filter):
        plain = node.name == "default" and not node.kwargs and node.dyn_args is None and node.dyn_kwargs is None
        default = node.args[0] if len(node.args) == 1 else None
        inner = _expression(node.node)
        if not plain or not isinstance(default, nodes.Const) or not isinstance(default.value, str):
            return None
        return (inner[0], default.value) if inner and inner[1] is None else None
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "contact":
        return node.attr, None
    return None
