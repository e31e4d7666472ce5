"""What a deployment sets: ``COUNTERSIGN_*`` variables, read once and judged all together.

This module is the only reader of the environment. Beside our own variables it reads the region
and an endpoint under the names that AWS gave them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from urllib.parse import urlsplit

from chalicelib.domain.errors import Refused
from chalicelib.domain.ids import OrgId, is_id
from chalicelib.domain.record import dataclass


class Surface(StrEnum):
    """Which pages this process serves: HQ's and the partners' are two functions with two roles."""

    ALL = "all"
    PARTNER = "partner"
    HQ = "hq"


class SettingsError(ValueError):
    """Variables that are missing or wrong; ``problems`` has a sentence for each of them."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The settings are not right:\n  " + "\n  ".join(problems) + (
            "\nOn AWS `make deploy STAGE=...` sets them all (docs/deploy.md), on one machine `make run` does."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. ``secret`` is hex, or ``kms:`` and the base64 of the encrypted 32 bytes."""

    app: str
    stage: str
    org_id: OrgId
    org_name: str
    base_url: str
    hq_base_url: str
    surface: Surface
    bucket: str
    kms_key: str
    partner_role: str
    review_role: str
    secret: str = field(repr=False)
    former_secrets: tuple[str, ...] = field(default=(), repr=False)
    mail_from: str
    configuration_set: str
    ses_endpoint: str = ""
    queue_url_prefix: str = ""
    media_url: str = ""
    """Where the objects below ``MEDIA/`` are seen by everybody."""
    region: str
    endpoint: str = ""
    function: str = ""
    """The Lambda function that this process is; "" anywhere else."""

    @property
    def prefix(self) -> str:
        """What the name of every resource begins with."""
        return f"{self.app}-{self.stage}"


_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}")
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SECRET = re.compile(r"(?:[0-9a-fA-F]{2}){32,128}|kms:[A-Za-z0-9+/=]{40,2000}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_WHAT: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "APP": (lambda t: bool(_NAME.fullmatch(t)), "a short name in lower case, such as countersign"),
    "STAGE": (lambda t: bool(_NAME.fullmatch(t)), "a short name in lower case, such as prod"),
    "ORG_ID": (lambda t: is_id(t, "org"), "org_ and 26 characters, made once with `cli admin org`"),
    "ORG_NAME": (lambda t: t.isprintable() and len(t) <= 80, "the brand's name, 80 characters at most"),
    "BASE_URL": (lambda t: _is_base(t), "https://... without a slash at the end (http on this machine only)"),
    "HQ_BASE_URL": (lambda t: _is_base(t), "https://... without a slash at the end (http on this machine only)"),
    "SURFACE": (lambda t: t in set(Surface), "all, partner or hq"),
    "BUCKET": (lambda t: bool(_BUCKET.fullmatch(t)), "the name of an S3 bucket"),
    "KMS_KEY": (lambda t: len(t) <= 2048 and " " not in t, "the ARN, id or alias of a KMS key"),
    "PARTNER_ROLE": (lambda t: bool(_ROLE.fullmatch(t)), "the ARN of an IAM role"),
    "REVIEW_ROLE": (lambda t: bool(_ROLE.fullmatch(t)), "the ARN of an IAM role"),
    "SECRET": (lambda t: bool(_SECRET.fullmatch(t)), "64 or more hex digits, or kms: and base64"),
    "FORMER_SECRETS": (
        lambda t: all(_SECRET.fullmatch(part) for part in t.split(",")), "earlier secrets, separated by commas",
    ),
    "MAIL_FROM": (lambda t: _is_address(t), "the address that system mails come from"),
    "CONFIGURATION_SET": (lambda t: bool(_SET.fullmatch(t)), "the name of an SES configuration set"),
    "SENDER_DOMAIN": (lambda t: bool(_DOMAIN.fullmatch(t)), "the mail zone, such as mail.example.com"),
    "SES_ENDPOINT": (lambda t: _is_url(t), "a URL"),
    "MEDIA_URL": (lambda t: _is_base(t), "https://... without a slash at the end (http on this machine only)"),
    "QUEUE_URL_PREFIX": (lambda t: _is_url(t) and t.endswith("/"), "a URL with a slash at the end"),
}
_DEFAULTS = {
    "APP": "countersign", "SURFACE": Surface.ALL.value, "HQ_BASE_URL": "", "FORMER_SECRETS": "", "SES_ENDPOINT": "",
    "SENDER_DOMAIN": "", "QUEUE_URL_PREFIX": "", "MEDIA_URL": "",
}


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from variables; raises SettingsError that names every problem at once."""
    problems: list[str] = []
    given = {name: _judged(environ, name, problems) for name in _WHAT}
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    if not _REGION.fullmatch(region):
        problems.append(f"AWS_REGION {_found(region)}; expected the name of a region, such as eu-central-1.")
    endpoint = environ.get("AWS_ENDPOINT_URL", "")
    if endpoint and not _is_url(endpoint):
        problems.append("AWS_ENDPOINT_URL is not a URL.")
    function = environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    problems += _contradictions(given, region, endpoint, function)
    if problems:
        raise SettingsError(problems)
    return Settings(
        app=given["APP"], stage=given["STAGE"], org_id=OrgId(given["ORG_ID"]), org_name=given["ORG_NAME"],
        base_url=given["BASE_URL"], hq_base_url=given["HQ_BASE_URL"] or given["BASE_URL"],
        surface=Surface(given["SURFACE"]), bucket=given["BUCKET"], kms_key=given["KMS_KEY"],
        partner_role=given["PARTNER_ROLE"], review_role=given["REVIEW_ROLE"], secret=given["SECRET"],
        former_secrets=tuple(filter(None, given["FORMER_SECRETS"].split(","))), mail_from=given["MAIL_FROM"],
        configuration_set=given["CONFIGURATION_SET"], ses_endpoint=given["SES_ENDPOINT"],
        queue_url_prefix=given["QUEUE_URL_PREFIX"], media_url=given["MEDIA_URL"], region=region, endpoint=endpoint,
        function=function,
    )


def _contradictions(given: Mapping[str, str], region: str, endpoint: str, function: str) -> Iterator[str]:
    """What is right by itself and wrong beside the others, with what to do.

    What is missing or malformed was told already, and is "" here. An endpoint of its own means an
    emulator: there, plain http and one address for all pages are meant.
    """
    base, hq, pages = given["BASE_URL"], given["HQ_BASE_URL"], given["SURFACE"]
    prefix, mail_from, zone = f"{given['APP']}-{given['STAGE']}", given["MAIL_FROM"], given["SENDER_DOMAIN"]
    if not endpoint:
        for name in ("BASE_URL", "HQ_BASE_URL"):
            if given[name].startswith("http:"):
                yield (f"COUNTERSIGN_{name} is plain http, which is for an emulator on this machine: on AWS make it "
                       "the https address of the API or of your own host name.")
        if given["SES_ENDPOINT"]:
            yield ("COUNTERSIGN_SES_ENDPOINT is set, so mails would go past AWS: leave it out, or set AWS_ENDPOINT_URL "
                   "if everything is an emulator's.")
    if base and pages in (Surface.PARTNER, Surface.HQ) and hq in ("", base):
        yield ("COUNTERSIGN_HQ_BASE_URL is COUNTERSIGN_BASE_URL, though head office's and the partners' pages are two "
               "functions here: give each its own address (parameters HqDomain and PartnerDomain).")
    if given["PARTNER_ROLE"] and given["PARTNER_ROLE"] == given["REVIEW_ROLE"]:
        yield ("COUNTERSIGN_REVIEW_ROLE is COUNTERSIGN_PARTNER_ROLE, so reviewers would reach customers: name the two "
               "roles of the stack, ...-partner and ...-review.")
    if given["SECRET"] and given["SECRET"] in given["FORMER_SECRETS"].split(","):
        yield "COUNTERSIGN_FORMER_SECRETS has the secret that is in force: put only earlier ones there."
    if mail_from and zone and not f".{mail_from.rpartition('@')[2]}".endswith(f".{zone}"):
        yield (f"COUNTERSIGN_MAIL_FROM is not in the mail zone {zone}, so SES refuses or does not sign its mails: take "
               "an address there (parameter MailFrom), or another zone (SenderDomain).")
    key = given["KMS_KEY"].split(":")
    if region and len(key) > 5 and key[3] != region:
        yield f"COUNTERSIGN_KMS_KEY lies in {key[3]} and this program runs in {region}: name the key of this stack."
    if function and given["APP"] and given["STAGE"] and not function.startswith(f"{prefix}-"):
        yield (f"COUNTERSIGN_APP and COUNTERSIGN_STAGE say {prefix}, but this function is {function[:80]}: deploy "
               "again, its settings are another stage's.")
    for wanted in (Surface.PARTNER, Surface.HQ):
        if function.endswith(f"-pages-{wanted}") and pages and pages != wanted:
            yield (f"COUNTERSIGN_SURFACE is {pages}, but this function is {function[:80]}: set {wanted}, or pages "
                   "would answer with another role than theirs.")


def surface(environ: Mapping[str, str] | None = None) -> Surface:
    """Which pages to mount: all that app.py needs to know, at packaging too, where nothing else is set.

    Raises SettingsError for a surface that there is not.
    """
    text = (os.environ if environ is None else environ).get("COUNTERSIGN_SURFACE", "").strip()
    if text and text not in set(Surface):
        raise SettingsError([f"COUNTERSIGN_SURFACE {_found(text)}; expected {_WHAT['SURFACE'][1]}."])
    return Surface(text or Surface.ALL)


def load() -> Settings:
    """Settings from the process's environment."""
    return read(os.environ)


def _judged(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    """One variable, or "" with a sentence in ``problems``. The sentence never quotes a secret."""
    text = environ.get(f"COUNTERSIGN_{name}", "").strip()
    if not text and name in _DEFAULTS:
        return _DEFAULTS[name]
    fits, expected = _WHAT[name]
    if not text or not fits(text):
        shown = "is not of the right form" if text and "SECRET" in name else _found(text)
        problems.append(f"COUNTERSIGN_{name} {shown}; expected {expected}.")
        return ""
    return text


def _found(text: str) -> str:
    return f"is {text[:80]!r}" if text else "is missing"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_base(text: str) -> bool:
    """A base URL: cookies with the ``__Host-`` prefix need https, except where nothing leaves the machine."""
    if not _is_url(text) or text.endswith("/"):
        return False
    parts = urlsplit(text)
    plain = not parts.query and not parts.fragment and parts.username is None
    return plain and (parts.scheme == "https" or parts.hostname in _LOOPBACK)


def _is_address(text: str) -> bool:
    from chalicelib.domain.address import normalise

    try:
        return bool(normalise(text))
    except Refused:
        return False
