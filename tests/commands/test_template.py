"""The commands for designers: exit codes, text and JSON, without a deployment."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from chalicelib import cli
from chalicelib.commands import template

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "templates" / "starter" / "spring-offer.en.html"
MAILCHIMP = ROOT / "tests" / "rendering" / "dialects" / "mailchimp.html"


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    asked = cli.parser().parse_args(["template", *arguments])
    out, err = io.StringIO(), io.StringIO()
    return template.run(asked, out, err), out.getvalue(), err.getvalue()


def test_lint_says_good_or_every_reason_with_its_line(tmp_path: Path) -> None:
    """0 for a template that can be published, 1 with file, line and code for one that cannot."""
    assert run("lint", str(STARTER))[0] == 0
    bad = tmp_path / "bad.html"
    bad.write_text("<html><body>\n<p data-region='A'>x</p>\n<script>x</script></body></html>")
    code, out, _ = run("lint", str(bad))
    assert code == 1 and "bad.html:2: error template.region_name" in out and ":3: error SEC001" in out
    code, out, _ = run("lint", "--json", str(bad))
    answer = json.loads(out)
    assert code == 1 and answer["good"] is False and {"LEG001", "SEC001"} <= {f["code"] for f in answer["findings"]}


def test_strict_refuses_warnings(tmp_path: Path) -> None:
    """A CI may want to be stricter than the publisher."""
    file = tmp_path / "a.html"
    file.write_bytes(STARTER.read_bytes().replace(b' lang="en"', b""))
    assert run("lint", str(file))[0] == 0 and run("lint", "--strict", str(file))[0] == 1


def test_lint_takes_the_brand_kit(tmp_path: Path) -> None:
    """The brand's own rules judge the template, too, at the line where it breaks them; the starter keeps its kit."""
    kit = ROOT / "templates" / "starter" / "nordlicht.kit.yaml"
    code, out, _ = run("lint", "--strict", "--kit", str(kit), str(STARTER))
    assert code == 0, out
    banned = tmp_path / "hard.kit.yaml"
    banned.write_text("banned: {en: [unsubscribe]}\npalette: {colours: ['#ff00ff']}\n", encoding="utf-8")
    source = STARTER.read_bytes().replace(b"</body>", b"<p>Unsubscribe from the cheapest</p>\n</body>")
    file = tmp_path / "a.html"
    file.write_bytes(source)
    line = source[:source.index(b"Unsubscribe from the cheapest")].count(b"\n") + 1
    code, out, _ = run("lint", "--strict", "--kit", str(banned), str(file))
    assert code == 1
    assert f"a.html:{line}: warning BRD009" in out
    assert "BRD001" in out
    assert "BRD009" not in run("lint", str(file))[1]


def test_lint_of_a_kit_that_cannot_be_read(tmp_path: Path) -> None:
    """A wrong kit is wrong usage: its faults are told, the template is not judged."""
    bad = tmp_path / "bad.kit.yaml"
    bad.write_text("brnd: x\n", encoding="utf-8")
    code, out, err = run("lint", "--kit", str(bad), str(STARTER))
    assert (code, out) == (2, "")
    assert "Did you mean “brand”?" in err
    bad.write_bytes(b"\xff\xfe")
    assert run("lint", "--kit", str(bad), str(STARTER))[0] == 2
    assert run("lint", "--kit", str(tmp_path / "none.yaml"), str(STARTER))[0] == 2


def test_lint_of_another_dialect_says_import(tmp_path: Path) -> None:
    """A source of another system is named instead of being judged by marks that it does not have."""
    code, out, _ = run("lint", str(MAILCHIMP))
    assert code == 1 and "template.dialect" in out and "Mailchimp" in out


def test_import_writes_the_source_and_reports(tmp_path: Path) -> None:
    """The rewritten source is whole, and lint finds it good."""
    made = tmp_path / "made.html"
    code, out, err = run("import", str(MAILCHIMP), "--out", str(made))
    assert code == 0 and out == "" and "“note” is a field for partners" in err
    assert run("lint", str(made))[0] == 0
    code, out, _ = run("import", "--json", str(MAILCHIMP))
    answer = json.loads(out)
    assert answer["dialect"] == "mailchimp" and answer["source"] == made.read_text("utf-8")
    assert {r["sort"] for r in answer["report"]} == {"mapped", "locked", "unknown", "suggestion"}
    assert run("import", str(STARTER))[0] == 1


def test_render_takes_values(tmp_path: Path) -> None:
    """The mail with a designer's own values; a bad one is named and the exit code tells."""
    values = tmp_path / "v.json"
    values.write_text(json.dumps({"headline": "Hello <b>", "offers.count": "2"}))
    code, out, _ = run("render", str(STARTER), "--values", str(values))
    assert code == 0 and "Hello &lt;b&gt;" in out and out.count("Chain and gears") == 2
    assert run("render", str(STARTER), "--text")[1].count("<") == 0
    values.write_text(json.dumps({"offers.1.cost": "many"}))
    code, _, err = run("render", str(STARTER), "--values", str(values))
    assert code == 1 and "offers.1.cost" in err


@pytest.mark.parametrize("arguments", [("lint", "/nowhere.html"), ("render", str(STARTER), "--values", str(STARTER))])
def test_what_cannot_be_read_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    """2, as for arguments that argparse refuses."""
    assert run(*arguments)[0] == 2


def test_the_command_line_knows_the_area() -> None:
    """It hangs below the program's one command line, and needs no settings."""
    out = io.StringIO()
    assert cli.main(["template", "lint", str(STARTER)], out=out) == 0 and "good" in out.getvalue()
