"""A stage's file of parameters: read and judged as a whole, before anything is built or called."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).resolve().parents[1]
STAGES = INFRA / "stages"
APP = "countersign"
OURS = frozenset({"App", "Stage", "OrgId", "Bucket", "Secret", "FormerSecrets", "CodeBucket", "CodeKey", "Release"})
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


def read(name: str, folder: Path = STAGES) -> Stage:
    """The stage of that name; raises DeployError with every problem of its file."""
    if not name:
        raise DeployError("Say which stage: STAGE=prod, say, for the parameters in infra/stages/prod.toml.")
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
    problems = [*_alone(values), *_together({key: str(value) for key, value in values.items()})]
    if problems:
        raise DeployError(f"{file.name} is not right:\n  " + "\n  ".join(problems))
    return Stage(name, values["region"], {k: str(v) for k, v in values.items() if k != "region"})


def _alone(values: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with each value by itself, by the template's own words about its parameters."""
    declared = yaml.safe_load((INFRA / "resources.yaml").read_text("utf-8"))["Parameters"]
    yield from (f"{key} is missing" for key in WANTED if values.get(key) in (None, ""))
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            yield f"{key} must be a text or a number"
        elif key == "region":
            if value and not _REGION.fullmatch(str(value)):
                yield "region is not a region, such as eu-central-1"
        elif key not in declared:
            yield f"{key} is not a parameter of the stack"
        elif key in OURS:
            yield f"{key} is chosen by the deployment"
        elif value != "":
            yield from _unfit(key, str(value), declared[key])


def _unfit(key: str, value: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """Why CloudFormation would refuse a value of a parameter."""
    allowed = [str(each) for each in rule.get("AllowedValues", ())]
    if allowed and value not in allowed:
        yield f"{key} is {value!r}; it may be {', '.join(allowed)}"
    elif rule["Type"] == "Number" and not re.fullmatch(r"\d+", value):
        yield f"{key} must be a whole number, 0 or more"
    elif not re.fullmatch(rule.get("AllowedPattern", r"[\s\S]*"), value):
        yield f"{key} is {value!r}; it must be {rule['ConstraintDescription']}"
    elif len(value) > rule.get("MaxLength", 4096):
        yield f"{key} has {len(value)} characters; at most {rule.get('MaxLength', 4096)} are allowed"


def _together(values: Mapping[str, str]) -> Iterator[str]:
    """What contradicts itself."""
    partner, hq, certificate = (values.get(key, "") for key in ("PartnerDomain", "HqDomain", "CertificateArn"))
    if (partner or hq) and not certificate:
        yield "a host name of your own needs CertificateArn"
    if partner and partner == hq:
        yield "PartnerDomain and HqDomain are the same: head office's pages need a host name of their own"
    region = certificate.split(":")[3] if certificate.count(":") > 3 else ""
    if region and region != values.get("region"):
        yield f"CertificateArn lies in {region}, where API Gateway of {values.get('region')} does not find it"
    zone, (_, at, sender) = values.get("SenderDomain", ""), values.get("MailFrom", "").rpartition("@")
    if zone and at and not f".{sender}".endswith(f".{zone}"):
        yield f"MailFrom is not in SenderDomain, so SES would refuse its mails: take an address in {zone}"
    if values.get("BudgetUsd", "0") not in ("", "0") and not values.get("AlarmEmail"):
        yield "BudgetUsd needs AlarmEmail, or nobody is told"
