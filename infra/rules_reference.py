"""Write docs/rules.md from the rules themselves: ``python -m infra.rules_reference``."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.domain import kit as kits
from chalicelib.domain.compliance import RULES
from chalicelib.domain.compliance.registry import Rule
from chalicelib.domain.kit import CLIENTS, ENTITY_FIELDS, LANGUAGES, Example
from chalicelib.domain.waiver import ASKABLE, MAX_DAYS, NEVER
from chalicelib.texts import compliance, rules

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "rules.md"
KIT = ROOT / "templates" / "starter" / "nordlicht.kit.yaml"
TEXTS = {**compliance.RULES, **rules.RULES}
GROUPS = {
    "BRD": "The brand", "LNK": "Links", "LEG": "The law", "DLV": "Delivery", "CLI": "Mail clients",
    "A11Y": "Accessibility", "SEC": "Safety",
}
SEVERITY = {"block": "blocks", "warn": "goes to the reviewer", "info": "informs"}
INTRO = """# Rules

Made by `python -m infra.rules_reference` from the code; do not edit.

Every mail is checked by these {count} rules, while a partner types and again when it is submitted. A rule that *blocks*
must be satisfied; a warning goes to the reviewer; a rule that cannot tell says that it *needs a look*, which never
counts as passed. Findings in locked parts are their author's and do not count against a partner.

Head office may grant an exception for one finding in one place with these words, with a reason, for at most {days}
days; never of {never}. Of {askable}, which can only guess, a partner may ask a person instead. When a new version of
the brand kit brings a rule, templates that were published before keep what stood in their locked parts (the baseline).

## The brand kit

Rules named BRD and some others compare with the brand kit, which head office writes as YAML. A part that is left out
demands nothing. Words are plain words, never patterns; one `*` may stand at a word's end.

```yaml
{kit}```

Languages: {languages}. Fields of an imprint: {fields}. Mail clients: {clients}.
"""


def render() -> str:
    """The whole document."""
    out = [INTRO.format(
        count=len(RULES), days=MAX_DAYS, never=", ".join(NEVER), askable=" and ".join(sorted(ASKABLE)),
        kit=KIT.read_text("utf-8"), languages=", ".join(LANGUAGES), fields=", ".join(ENTITY_FIELDS),
        clients=", ".join(CLIENTS),
    )]
    examples = kits.read(KIT.read_text("utf-8")).examples
    for prefix, title in GROUPS.items():
        out.append(f"\n## {title}\n")
        out += [_rule(rule, examples.get(rule.code)) for rule in sorted(RULES, key=lambda r: r.code)
                if re.match(rf"{prefix}\d", rule.code)]
    return "".join(out)


def _rule(rule: Rule, example: Example | None) -> str:
    message, why, fix = TEXTS[rule.code]
    said = " ".join((rule.check.__doc__ or "").split()).removeprefix(f"{rule.code}: ")
    lines = [
        f"\n### {rule.code}\n", f"*{SEVERITY[rule.severity.value]}*: {said}\n",
        f"- Says: {_plain(message)}", f"- Why: {_plain(why)}", f"- What to do: {_plain(fix)}",
    ]
    if rule.fix:
        lines.append("- One click puts it right in a field of the partner's.")
    if example:
        lines += [f"- Good: {_plain(example.good)}", f"- Bad: {_plain(example.bad)}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Parameters as an ellipsis, tags as code."""
    return re.sub(r"(<[^<>]+>)", r"`\1`", re.sub(r"\{[a-z]+\}", "…", text))


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
