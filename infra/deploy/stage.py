"""A stage's file of parameters: read and judged as a whole, before anything is called."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STAGES = Path(__file__).resolve().parents[1] / "stages"
APP = "countersign"
OURS = frozenset({"App", "Stage", "OrgId", "Bucket", "Secret", "CodeBucket", "CodeKey", "Release"})
"""Parameters that the deployment chooses; a file can't."""
WANTED = ("region", "OrgName", "MailFrom")
_STAGE = re.compile(r"[a-z][a-z0-9-]{0,11}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class DeployError(RuntimeError):
    """The deployment can't go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its name, its region, the parameters from its file."""

    name: str
    region: str
    parameters: Mapping[str, str]

    @property
    def stack(self) -> str:
        """The stack's name, which every other name begins with."""
        return f"{APP}-{self.name}"


def read(name: str, known: Mapping[str, object], folder: Path = STAGES) -> Stage:
    """The stage of that name; ``known`` are the template's parameters. Raises DeployError with every problem."""
    if not _STAGE.fullmatch(name):
        raise DeployError(
            f"STAGE={name!r} is no name for a stage: take 1 to 12 lower-case letters, digits and hyphens, beginning "
            "with a letter. Names of roles and buckets are made from it, and AWS cuts none of them.")
    file = folder / f"{name}.toml"
    if not file.exists():
        raise DeployError(f"There is no {file.name} in infra/stages: copy example.toml to it and fill it in.")
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeployError(f"{file.name} is not TOML: {error}.") from error
    problems = [f"{key} is missing" for key in WANTED if not values.get(key)]
    problems += [f"{key} is not a parameter of the stack" for key in values if key not in known and key != "region"]
    problems += [f"{key} is chosen by the deployment" for key in values if key in OURS]
    problems += [f"{key} must be a text or a number" for key, value in values.items()
                 if isinstance(value, bool) or not isinstance(value, str | int)]
    if values.get("region") and not _REGION.fullmatch(str(values["region"])):
        problems.append("region is not a region, such as eu-central-1")
    if (values.get("PartnerDomain") or values.get("HqDomain")) and not values.get("CertificateArn"):
        problems.append("a host name of your own needs CertificateArn")
    if values.get("PartnerDomain") and values.get("PartnerDomain") == values.get("HqDomain"):
        problems.append("PartnerDomain and HqDomain are the same: head office's pages need a host name of their own")
    zone, sender = str(values.get("SenderDomain", "")), str(values.get("MailFrom", "")).rpartition("@")[2]
    if zone and sender and not f".{sender}".endswith(f".{zone}"):
        problems.append(f"MailFrom is not in SenderDomain, so SES would refuse its mails: take an address in {zone}")
    if values.get("BudgetUsd") and not values.get("AlarmEmail"):
        problems.append("BudgetUsd needs AlarmEmail, or nobody is told")
    if problems:
        raise DeployError(f"{file.name} is not right:\n  " + "\n  ".join(problems))
    return Stage(name, values["region"], {k: str(v) for k, v in values.items() if k != "region"})
