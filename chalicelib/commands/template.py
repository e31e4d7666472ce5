"""``template lint | import | render``: the compiler for designers, at their desk and in their CI.

Nothing here needs a deployment, credentials or the network. Exit codes: 0 good, 1 refused (or
with ``--strict`` a warning), 2 wrong usage or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from chalicelib import texts
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import OrgId, PersonId, TemplateId
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.rendering.cut import Compiled

GOOD, REFUSED, USAGE = 0, 1, 2
SAMPLE = LegalEntity(name="Sample Dealer Ltd", street="1 Sample Street", postal_code="10115", city="Berlin",
                     country="Germany")


def add_to(areas: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the area ``template`` to the command line."""
    area = areas.add_parser("template", help="check, import and render templates; needs no deployment")
    verbs = area.add_subparsers(dest="verb", required=True)
    lint = verbs.add_parser("lint", help="say everything that is wrong with a template")
    lint.add_argument("--strict", action="store_true", help="warnings refuse as well")
    lint.add_argument("--kit", default="", help="a brand kit (YAML): its rules judge the template, too")
    bring = verbs.add_parser("import", help="rewrite a template of another system, with a report")
    bring.add_argument("--out", default="", help="where the rewritten source goes (default: standard output)")
    render = verbs.add_parser("render", help="show a template with its defaults or the values of a JSON file")
    render.add_argument("--values", default="", help="a JSON file of values by key")
    render.add_argument("--text", action="store_true", help="the plain-text part instead of the HTML")
    render.add_argument("--out", default="", help="where the mail goes (default: standard output)")
    for verb in (lint, bring, render):
        verb.add_argument("file", help="the template, HTML or MJML; - reads standard input")
        verb.add_argument("--json", action="store_true", help="answer in JSON")


def run(asked: argparse.Namespace, out: TextIO, err: TextIO | None = None) -> int:
    """Carry out one of the three verbs; returns the exit code."""
    err = err or sys.stderr
    try:
        source = sys.stdin.buffer.read() if asked.file == "-" else Path(asked.file).read_bytes()
        if asked.verb == "lint":
            return _lint(asked, source, out, err)
        if asked.verb == "import":
            return _import(asked, source, out, err)
        return _render(asked, source, out, err)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=err)
        return USAGE


def _lint(asked: argparse.Namespace, source: bytes, out: TextIO, err: TextIO) -> int:
    from chalicelib.domain import kit as kits
    from chalicelib.rendering import importers
    from chalicelib.rendering.source import lint

    try:
        kit = kits.read(Path(asked.kit).read_text("utf-8")) if asked.kit else kits.EMPTY
    except (Refused, UnicodeDecodeError) as error:
        for problem in error.problems if isinstance(error, Refused) else [Problem("kit.not_text")]:
            print(f"{asked.kit}: {texts.sentence(problem)}", file=err)
        return USAGE
    if dialect := importers.DIALECTS.get(importers.detect(source)):
        found = [_line("error", Problem("template.dialect", "", {"name": dialect.name}))]
    else:
        compiled, problems = _compiled(source)
        found = [_line("error", p) for p in problems]
        for finding in lint(compiled, source, kit) if compiled else ():
            level = "note" if finding.severity == "info" else "warning"
            params: dict[str, str | int] = {**finding.params, "quote": finding.quote, "line": finding.line}
            found.append(_line(level, Problem(finding.code, finding.region, params)))
    bad = any(f["level"] == "error" or (asked.strict and f["level"] == "warning") for f in found)
    if asked.json:
        _json(out, {"file": asked.file, "good": not bad, "findings": found})
    else:
        for one in found:
            print(f"{asked.file}:{one['line']}: {one['level']} {one['code']}: {one['text']}", file=out)
        print(f"{asked.file}: {'refused' if bad else 'good'}", file=out)
    return REFUSED if bad else GOOD


def _import(asked: argparse.Namespace, source: bytes, out: TextIO, err: TextIO) -> int:
    from chalicelib.rendering import importers

    try:
        imported = importers.convert(source)
    except Refused as refused:
        return _refused(asked, refused.problems, out, err)
    if imported is None:
        return _refused(asked, [Problem("import.nothing")], out, err)
    problems = _compiled(imported.source)[1]
    report = [{**_line(entry.sort.value, entry.problem), "sort": entry.sort.value} for entry in imported.entries]
    left = [_line("error", p) for p in problems]
    text = imported.source.decode()
    if asked.out:
        Path(asked.out).write_text(text, encoding="utf-8")
    if asked.json:
        _json(out, {"file": asked.file, "dialect": imported.dialect, "good": not left, "report": report,
                    "findings": left, **({} if asked.out else {"source": text})})
        return REFUSED if left else GOOD
    for one in [*report, *left]:
        print(f"{asked.file}:{one['line']}: {one['level']}: {one['text']}", file=err)
    if not asked.out:
        print(text, file=out)
    return REFUSED if left else GOOD


def _render(asked: argparse.Namespace, source: bytes, out: TextIO, err: TextIO) -> int:
    from chalicelib.domain import values
    from chalicelib.rendering.mail import preview

    compiled, problems = _compiled(source)
    if compiled is None:
        return _refused(asked, problems, out, err)
    version = _version(compiled)
    typed = values.defaults(version.regions)
    if asked.values:
        try:
            given = json.loads(Path(asked.values).read_text("utf-8"))
        except ValueError as error:
            print(f"{asked.values}: {error}", file=err)
            return USAGE
        if not isinstance(given, dict):
            print(f"{asked.values}: an object of values by key is wanted", file=err)
            return USAGE
        typed |= {str(key): str(value) for key, value in given.items()}
    mail = preview(version, values=typed, subject=typed.pop("subject", version.subject),
                   preheader=typed.pop("preheader", version.preheader), entity=SAMPLE)
    found = [_line("error", p) for p in mail.problems] + [_line("warning", p) for p in mail.warnings]
    text = mail.text if asked.text else mail.html
    if asked.out:
        Path(asked.out).write_text(text, encoding="utf-8")
    if asked.json:
        _json(out, {"file": asked.file, "good": not mail.problems, "subject": mail.subject,
                    "preheader": mail.preheader, "findings": found,
                    **({} if asked.out else {"html": mail.html, "text": mail.text})})
        return REFUSED if mail.problems else GOOD
    for one in found:
        print(f"{asked.file}: {one['level']} {one['field']}: {one['text']}", file=err)
    if not asked.out:
        print(text, file=out)
    return REFUSED if mail.problems else GOOD


def _compiled(source: bytes) -> tuple[Compiled | None, tuple[Problem, ...]]:
    from chalicelib.rendering.source import compile_source

    try:
        return compile_source(source), ()
    except Refused as refused:
        return None, refused.problems


def _version(compiled: Compiled) -> TemplateVersion:
    from datetime import UTC, datetime

    return compiled.version(
        template=TemplateId("tpl_"), number=1, scope=Scope(OrgId("org_")), name="-", published_by=PersonId("prs_"),
        published_at=datetime(2000, 1, 1, tzinfo=UTC),
    )


def _refused(asked: argparse.Namespace, problems: Iterable[Problem], out: TextIO, err: TextIO) -> int:
    found = [_line("error", p) for p in problems]
    if asked.json:
        _json(out, {"file": asked.file, "good": False, "findings": found})
    else:
        for one in found:
            print(f"{asked.file}:{one['line']}: error {one['code']}: {one['text']}", file=err)
    return REFUSED


def _line(level: str, problem: Problem) -> dict[str, Any]:
    """One line of an answer: level, code, line of the file (0: the whole), field and sentence."""
    return {"level": level, "code": problem.code, "line": problem.params.get("line", 0), "field": problem.field,
            "text": texts.sentence(problem)}


def _json(out: TextIO, value: Mapping[str, object]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2), file=out)
