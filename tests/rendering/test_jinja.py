"""The merge language: names with a default, and nothing else of Jinja2."""

from __future__ import annotations

import pytest

from chalicelib.rendering.jinja import merge_field, sandbox

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ contact.__class__ }}x",
    "{{ self.__init__.__globals__ }}", "{{ cycler.__init__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}", "{{ config }}", "{{ env }}",
    "{{ request.application }}", "{{ contact['a'] }}",
    "{{ '%s'.format(contact) }}", "{{ contact|attr('x') }}", "{{ contact.a|default(contact.b) }}",
    "{{ contact.a|default('x')|attr('y') }}",
    "{{ 'a'*1000000000 }}", "{{ range(10**9) }}", "{% for x in (1,2) %}{% endfor %}", "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% set x = 1 %}", "{{ contact.a }}{{ contact.b }}", "{{ contact.a|default(default_value='x') }}",
    "{{ contact.a|default(*'x') }}",
    "{{ contact.a if 1 else 2 }}", "{{ contact.a() }}", "{{ contact.a ~ 'x' }}", "{{ contact.a|d('x') }}",
    "{{", "{{ }}", "", "plain",
    "{{ contact }}", "{{ other.name|default('x') }}", "{{ contact.a.b }}",
    "{{ contact.a|default('x', true) }}", "{{ contact.a|xmlattr }}",
    "{{ " + "(" * 5000 + ")" * 5000 + " }}", "{{ contact.a|default(['x']) }}", "{{ contact.a|default('a' 'b')|e }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_refused(source: str) -> None:
    """Known ways out of the sandbox, and all syntax beyond the subset, are no merge field (N1, N42, N43)."""
    assert merge_field(source) is None


@pytest.mark.parametrize(("source", "field"), [
    ("{{ contact.first_name|default(\"there\") }}", ("first_name", "there")), ("{{contact.a|default('')}}", ("a", "")),
    ("{{ contact.a }}", ("a", None)), ("{{- contact.a | default('x') -}}", ("a", "x")),
])
def test_allowed(source: str, field: tuple[str, str | None]) -> None:
    """A name and a literal default are read off the syntax tree."""
    assert merge_field(source) == field


def test_the_sandbox_is_bare() -> None:
    """No loader, no cache, no globals, no tests, one filter."""
    environment = sandbox()
    assert (environment.loader, environment.bytecode_cache, environment.cache) == (None, None, None)
    assert (list(environment.filters), environment.globals, environment.tests) == (["default"], {}, {})
