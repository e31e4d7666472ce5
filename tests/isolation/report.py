"""Writes docs/isolation.md from the policies and from what the journey did: ``make isolation``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.isolation import judge
from tests.isolation.grants import ROLES, Evidence, Grant, grants, machinery, used

PLACE = Path(__file__).resolve().parents[2] / "docs" / "isolation.md"
EXCEPTIONS = (
    ("The feedback queue", "SES writes events of all partners into one queue, addresses included. It has a KMS key of "
     "its own, one role reads it, and it keeps a message for four days at most. The role takes the partner from our "
     "own tag and assumes that partner's role before it writes anything."),
    ("The due index", "Ticks read which campaign of which partner is due next: keys only, no name, no content."),
    ("Programmes' index", "HQ reads name, state, start and size bracket of campaigns: the columns of that index."),
    ("HQ's page of health", "It reads settings and counts of tables, queues, alarms and SES: how each is set up, never "
     "an item or a message. Partners' mail domains stand in the org's list of partners."),
    ("Link tokens", "Links to pages lie in the org's items as SHA-256 hashes that name a partner and a campaign."),
    ("The administrator of the AWS account", "Whoever administers the account can read everything, unless a partner's "
     "KMS key lies in the partner's own account. Whom `OperatorArn` names may act for one partner at a time."),
)


def render(seen: Iterable[Evidence]) -> str:
    """The report; the same for the same policies and journey."""
    evidence = list(seen)
    lines = [
        "# Who reaches what", "",
        "Written by `make isolation`; a test compares. Every AWS call of every test is derived from the request as",
        "it leaves (leading keys, prefixes, encryption contexts, queues, roles) and judged by the documents in",
        "`infra/policies`, those that are deployed. *Used* means: a campaign that goes well, or a day with",
        "trouble after it, run by the functions' own handlers, would fail without this grant. No grant is unused: a",
        "test takes away each of them in turn, and each is missed; another widens each statement, and each is noticed.",
        "No emulator enforces these conditions; only a real account does.",
        "", "## What reaches over partners", "",
        *(f"- **{name}.** {text}" for name, text in EXCEPTIONS), "",
    ]
    for role in ROLES:
        lines += [f"## {role}", "", "| Statement | Action | Resource | |", "|---|---|---|---|"]
        rows: dict[tuple[str, str, str], list[str]] = {}
        for grant in grants(role):
            state = _state(grant, evidence)
            rows.setdefault((grant.sid, grant.resource, state), []).append(grant.action)
        for (sid, resource, state), actions in rows.items():
            service = actions[0].partition(":")[0]
            verbs = ", ".join(a.partition(":")[2] for a in actions)
            lines.append(f"| {sid} | {service}: {verbs} | `{_short(resource)}` | {state} |")
        lines.append("")
    lines += [
        "## Tests whose calls are not judged", "",
        *(f"- `{name}`: {why}." for name, why in judge.UNJUDGED.items()), "",
    ]
    return "\n".join(lines)


def _state(grant: Grant, evidence: list[Evidence]) -> str:
    by_lambda = machinery(grant.role).get(grant)
    return by_lambda or ("used" if used(grant, evidence) else "unused")


def _short(resource: str) -> str:
    """A resource without the parts that are the same everywhere."""
    return re.sub(r"arn:aws:[a-z0-9]+:(region)?:(account)?:", "", resource).replace("app-stage-", "")


def main() -> int:
    """Make the journey and write the report."""
    from moto import mock_aws
    from moto.core.models import DEFAULT_ACCOUNT_ID

    from tests.isolation import journey, scenes
    from tests.isolation.grants import evidence

    judge.listen()
    with mock_aws(), journey.deployment("", DEFAULT_ACCOUNT_ID) as made:
        journey.run(made)
        scenes.run(made)
    if made.wrong:
        print("\n".join(made.wrong))
        return 1
    PLACE.write_text(render(evidence(made.calls)), "utf-8")
    print(f"{PLACE.name}: {len(made.calls)} calls judged, none refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
