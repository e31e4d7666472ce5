"""Pages from templates: one Jinja2 environment, strict and escaping, and the pages for errors.

Templates lie in ``templates/pages``: beside ``chalicelib`` in the checkout and at the same
relative place in the packaged zip. Only files of ours are ever templates; what people typed
comes in as values and is escaped.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined

from chalicelib import texts
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.people import Role
from chalicelib.texts import scripts
from chalicelib.texts.numbers import number, size
from chalicelib.texts.times import city, local_time, utc_stamp
from chalicelib.web import bundle, forms
from chalicelib.web.guard import Visit
from chalicelib.web.http import PAGE, Answer, BadRequest, Policy, page

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "pages"
COMPILED = TEMPLATES.parent / "compiled"
"""The pages as Python modules; there in the packaged zip only, where a first page would compile four of them."""


def loader(compiled: Path) -> BaseLoader:
    """Templates that were compiled ahead into that folder, or their sources where it is not there."""
    return ModuleLoader(compiled) if compiled.is_dir() else FileSystemLoader(TEMPLATES)


def compile_ahead(compiled: Path) -> None:
    """Compile every page into that folder; raises TemplateSyntaxError for one that is none.

    Not optimised: that would compute what is constant, here and now, and so in English.
    """
    environment("en").overlay(loader=FileSystemLoader(TEMPLATES), optimized=False).compile_templates(
        compiled, zip=None, ignore_errors=False)


@functools.lru_cache(maxsize=16)
def environment(language: str) -> Environment:
    """The environment of one language; kept, because templates are compiled once."""
    made = Environment(
        loader=loader(COMPILED), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False, extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(texts.translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(
        static_name=bundle.hashed_name, field_id=forms.field_id, no_errors=forms.NONE,
        script_words=scripts.words(language),
    )
    made.filters.update(
        local_time=functools.partial(local_time, language=language), utc_stamp=utc_stamp,
        city=functools.partial(city, language=language), number=functools.partial(number, language=language),
        human_size=functools.partial(size, language=language),
    )
    return made


def render(
    visit: Visit, name: str, /, *, status: int = 200, errors: Iterable[Problem] = (), policy: Policy = PAGE,
    referrer: str = "same-origin", **context: Any,
) -> Answer:
    """A page from ``templates/pages/<name>``.

    The template sees ``visit``, ``urls``, ``csrf``, ``language``, ``errors`` (see
    :class:`web.forms.Errors`), ``sentence(problem)``, ``nav`` and what the caller gives.
    """
    values: dict[str, Any] = {
        "visit": visit, "urls": visit.urls, "csrf": visit.csrf, "language": visit.language,
        "org_name": visit.world.facts.org_name, "nav": navigation(visit), "desk": None,
        "errors": forms.errors(errors, visit.language),
        "sentence": functools.partial(texts.sentence, language=visit.language), **context,
    }
    body = environment(visit.language).get_template(name).render(values)
    return page(body, status=status, policy=policy, referrer=referrer)


def navigation(visit: Visit) -> list[tuple[str, str]]:
    """(label, URL) of the pages of the surface that this person is on."""
    _ = texts.translations(visit.language).gettext
    urls = visit.urls
    if visit.partner:
        return [
            (_("Campaigns"), urls.partner_home(visit.partner)),
            (_("My customers"), urls.partner_page(visit.partner, "customers")),
            (_("Company and sender"), urls.partner_page(visit.partner, "profile")),
            (_("Pictures"), urls.partner_page(visit.partner, "images")),
        ]
    if visit.hq_roles & {Role.HQ_ADMIN, Role.HQ_DESIGNER}:
        lines = [(_("Overview"), urls.hq_home()), (_("Templates"), urls.templates()),
                 (_("Programmes"), urls.programmes()), (_("Pictures"), urls.images()), (_("Rules"), urls.rules())]
        if Role.HQ_ADMIN in visit.hq_roles:
            lines += [(_("Partners"), urls.partners()), (_("People"), urls.people()), (_("Sending"), urls.stop()),
                      (_("Health"), urls.health())]
        return lines
    return []


# --- errors

def refuse(visit: Visit, name: str, refusal: Refused, /, **context: Any) -> Answer:
    """Show a form again with 422: every problem at once, every value kept."""
    return render(visit, name, status=422, errors=refusal.problems, **context)


def not_found(visit: Visit) -> Answer:
    """The one 404: foreign, unknown and forbidden look the same, byte for byte, on every path."""
    return render(visit, "errors/not_found.html", status=404)


def conflict(visit: Visit, error: Conflict) -> Answer:
    """409: somebody was faster; tells what stands now."""
    return render(visit, "errors/conflict.html", status=409, problem=error.problem)


def refused(visit: Visit, error: Refused) -> Answer:
    """422 of a form that has no page of its own to be shown again."""
    return render(visit, "errors/refused.html", status=422, errors=error.problems)


def bad_request(visit: Visit, error: BadRequest) -> Answer:
    """400, 403, 413, 415: no page of ours makes such a request."""
    return render(visit, "errors/bad_request.html", status=error.status, problem=error.problem)


def unavailable(visit: Visit) -> Answer:
    """503: a dependency failed, nothing was changed, a later try may work."""
    return render(visit, "errors/unavailable.html", status=503).with_header("Retry-After", "10")


def failed(visit: Visit) -> Answer:
    """500, with the id under which the log has it. It must not fail itself."""
    try:
        return render(visit, "errors/failed.html", status=500)
    except Exception:
        return bare_error(500, visit.request.id)


def bare_error(status: int, detail: str) -> Answer:
    """An error page without template, session or style: for when those can't be had."""
    problem = Problem(detail)
    text = texts.sentence(problem) if detail in texts.messages() else f"Something failed on our side. Id: {detail}"
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return page(f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Error {status}</title></head>'
                f"<body><main><h1>Error {status}</h1><p>{safe}</p></main></body></html>", status=status)


def context_of(values: Mapping[str, str], *names: str) -> dict[str, str]:
    """Those form values by name, "" where absent: what a template needs under StrictUndefined."""
    return {name: values.get(name, "") for name in names}
