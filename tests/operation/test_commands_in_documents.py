"""What a document tells people to type can be typed as it is written: make, its variables, the command line, AWS's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from chalicelib import cli

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(RUNBOOK.glob("*.md")))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
HANDMADE = {("s3", "rm"), ("sso", "login")}
"""Commands of AWS's command line that stand for no single operation."""
SHORTER = {"paths": "invalidation-batch"}
"""Options of its own that stand for one of the operation."""
by_name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def typed(document: Path, program: str) -> Iterator[list[str]]:
    """The words of each command of a program: a line of a block, or a piece between backticks."""
    text = document.read_text("utf-8")
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    pieces = re.findall(r"`([^`]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))
    for piece in (*(line for block in blocks for line in block.splitlines()), *pieces):
        if piece.strip().startswith(f"{program} "):
            yield shlex.split(piece)[1:]


@by_name
def test_make_takes_it(document: Path) -> None:
    """The target is there, each variable is one that the Makefile reads, and what RUN says the command line takes."""
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"\$\((?:if \$\()?([A-Z]+)\)", MAKEFILE))
    for target, *settings in typed(document, "make"):
        given = dict(setting.split("=", 1) for setting in settings if "=" in setting)
        assert target in targets, target
        assert set(given) <= variables, target
        if "RUN" in given:
            words = given["RUN"].split()
            assert cli.parser().parse_args(words).area == words[0]


@by_name
def test_operators_need_no_other_way_in(document: Path) -> None:
    """A deployed stage's settings come with ``make cli``; only work on templates needs none and goes without."""
    for _, module, *words in typed(document, "python"):
        if module == "chalicelib.cli":
            plain = re.sub(r"\[.*?\]", "", " ".join(words)).split()
            assert cli.parser().parse_args(plain).area == "template"
        else:
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


@by_name
def test_aws_takes_it(document: Path) -> None:
    """Service, operation and each option are AWS's, and none that is compulsory is missing."""
    for service, command, *rest in typed(document, "aws"):
        if (service, command) in HANDMADE:
            continue
        model = get_session().get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(operations[command]).input_shape
        assert shape is not None
        options = {xform_name(name, "-"): member.type_name for name, member in shape.members.items()}
        written = [word.removeprefix("--") for word in rest if word.startswith("--")]
        given = {SHORTER.get(option, option) for option in written}
        negated = {f"no-{name}" for name, kind in options.items() if kind == "boolean"}
        assert given <= set(options) | negated, command
        assert {xform_name(name, "-") for name in shape.required_members} <= given, command


def test_the_runbook_is_full_of_commands() -> None:
    """Were nothing found, the tests above would hold without a word."""
    found = [words for page in DOCUMENTS if page.parent == RUNBOOK for words in typed(page, "make")]
    assert len(found) >= 40
    assert len(list(typed(RUNBOOK / "restore.md", "aws"))) >= 8
    assert len(list(typed(ROOT / "docs" / "deploy.md", "aws"))) >= 2
