"""The other operations: the account, identities and configuration sets.

The shapes follow the service model that botocore ships (``sesv2``, 2019-09-27); a test sends each
of them through a real client, which parses the answers by that model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from infra.local.ses import checks, wire
from infra.local.ses.account import Account, ConfigurationSet, Destination, Identity
from infra.local.ses.config import Config
from infra.local.ses.errors import already_exists, bad_request, not_found
from infra.local.ses.publisher import Publisher, stream_name
from infra.local.ses.rate import Limits

_SET_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REASONS = ("BOUNCE", "COMPLAINT")
_EVENT_TYPES_WORDS = """
    SEND REJECT BOUNCE COMPLAINT DELIVERY OPEN CLICK RENDERING_FAILURE DELIVERY_DELAY SUBSCRIPTION
"""
_EVENT_TYPES = frozenset(_EVENT_TYPES_WORDS.split())
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")
_PASSED_ON = (
    "TrackingOptions",
    "DeliveryOptions",
    "ReputationOptions",
    "VdmOptions",
    "ArchivingOptions",
    "MessageSecurityOptions",
)


class Operations:
    """Everything of SES v2 that the project uses and that sends nothing."""

    def __init__(
        self,
        config: Config,
        account: Account,
        limits: Limits,
        publisher: Publisher,
        clock: Callable[[], datetime],
    ) -> None:
        self._config, self._account, self._limits = config, account, limits
        self._publisher, self._clock = publisher, clock

    def get_account(self) -> dict[str, object]:
        """GetAccount."""
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": self._config.production,
            "SendQuota": {
                "Max24HourSend": self._config.max_24_hour_send,
                "MaxSendRate": self._config.max_send_rate,
                "SentLast24Hours": self._limits.sent(self._clock()),
            },
            "SendingEnabled": self._config.sending_enabled,
            "SuppressionAttributes": {"SuppressedReasons": list(_REASONS)},
        }

    def create_identity(self, request: wire.Json) -> dict[str, object]:
        """CreateEmailIdentity; verified at once unless the configuration says otherwise."""
        name = checks.identity(wire.required(request, "EmailIdentity"))
        configuration_set = wire.text(request, "ConfigurationSetName")
        with self._account.lock:
            if name in self._account.identities:
                raise already_exists(f"Email identity {name} already exist.")
            if configuration_set:
                self._set(configuration_set)
            status = "SUCCESS" if self._account.auto_verify else "PENDING"
            identity = Identity(name, status, configuration_set, tags=_resource_tags(request))
            self._account.identities[name] = identity
            self._account.save()
        return {
            "IdentityType": _identity_type(identity),
            "VerifiedForSendingStatus": identity.verified,
            "DkimAttributes": _dkim(identity),
        }

    def get_identity(self, name: str) -> dict[str, object]:
        """GetEmailIdentity."""
        identity = self._identity(name)
        found: dict[str, object] = {
            "IdentityType": _identity_type(identity),
            "FeedbackForwardingStatus": True,
            "VerifiedForSendingStatus": identity.verified,
            "DkimAttributes": _dkim(identity),
            "MailFromAttributes": {
                "MailFromDomain": f"bounce.{name.rpartition('@')[2]}" if identity.mail_from else "",
                "MailFromDomainStatus": identity.mail_from or "SUCCESS",
                "BehaviorOnMxFailure": "REJECT_MESSAGE" if identity.mail_from else "USE_DEFAULT_VALUE",
            },
            "Policies": {},
            "Tags": identity.tags,
            "VerificationStatus": identity.status,
            "VerificationInfo": {},
        }
        return found | ({"ConfigurationSetName": identity.configuration_set} if identity.configuration_set else {})

    def list_identities(self, request: wire.Json) -> dict[str, object]:
        """ListEmailIdentities, a page at a time."""
        size = int(wire.number(request, "PageSize", 1000))
        token = wire.text(request, "NextToken", "0")
        if not 0 <= size <= 1000 or not token.isdigit():
            raise bad_request("PageSize is 0 to 1000; NextToken is one that was given.")
        wanted = wire.member(request, "Filter") or {}
        start, found = int(token), [one for one in self._sorted() if _matches(one, wanted)]
        page = found[start : start + (size or 1000)]
        listed: dict[str, object] = {
            "EmailIdentities": [
                {
                    "IdentityType": _identity_type(one),
                    "IdentityName": one.name,
                    "SendingEnabled": one.verified,
                    "VerificationStatus": one.status,
                }
                for one in page
            ]
        }
        more = start + len(page)
        return listed | ({"NextToken": str(more)} if more < len(found) else {})

    def delete_identity(self, name: str) -> dict[str, object]:
        """DeleteEmailIdentity."""
        with self._account.lock:
            self._account.identities.pop(self._identity(name).name)
            self._account.save()
        return {}

    def create_set(self, request: wire.Json) -> dict[str, object]:
        """CreateConfigurationSet."""
        name = wire.required(request, "ConfigurationSetName")
        if not _SET_NAME.fullmatch(name):
            raise bad_request(f"Invalid configuration set name <{name}>: 1 to 64 letters, digits, '_' or '-'.")
        suppression = wire.member(request, "SuppressionOptions")
        made = ConfigurationSet(
            name,
            sending=wire.flag(wire.member(request, "SendingOptions") or {}, "SendingEnabled", True),
            suppressed_reasons=None if suppression is None else _reasons(suppression),
            options={key: request[key] for key in _PASSED_ON if request.get(key) is not None}
            | {"Tags": _resource_tags(request)},
        )
        with self._account.lock:
            if name in self._account.sets:
                raise already_exists(f"Configuration set <{name}> already exists.")
            self._account.sets[name] = made
            self._account.save()
        return {}

    def get_set(self, name: str) -> dict[str, object]:
        """GetConfigurationSet."""
        found = self._set(name)
        answer = {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": found.sending}, **found.options}
        if found.suppressed_reasons is not None:
            answer["SuppressionOptions"] = {"SuppressedReasons": found.suppressed_reasons}
        return answer

    def put_suppression(self, name: str, request: wire.Json) -> dict[str, object]:
        """PutConfigurationSetSuppressionOptions; an empty list switches suppression off for the set."""
        with self._account.lock:
            self._set(name).suppressed_reasons = _reasons(request)
            self._account.save()
        return {}

    def create_destination(self, name: str, request: wire.Json) -> dict[str, object]:
        """CreateConfigurationSetEventDestination; SES then sends a test message to a new topic."""
        label = wire.required(request, "EventDestinationName")
        if not _SET_NAME.fullmatch(label):
            raise bad_request(f"Invalid event destination name <{label}>.")
        definition = dict(wire.member(request, "EventDestination") or {})
        topic = _check_destination(definition)
        with self._account.lock:
            found = self._set(name)
            if any(one.name == label for one in found.destinations):
                raise already_exists(f"Event destination <{label}> already exists.")
            found.destinations.append(Destination(label, definition))
            self._account.save()
        if topic:
            self._publisher.announce(topic)
        return {}

    def get_destinations(self, name: str) -> dict[str, object]:
        """GetConfigurationSetEventDestinations."""
        found = self._set(name).destinations
        return {"EventDestinations": [{"Name": one.name, "Enabled": False, **one.definition} for one in found]}

    def _identity(self, name: str) -> Identity:
        found = self._account.identities.get(name.lower())
        if found is None:
            raise not_found(f"Email identity {name} does not exist.")
        return found

    def _set(self, name: str) -> ConfigurationSet:
        found = self._account.sets.get(name)
        if found is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        return found

    def _sorted(self) -> list[Identity]:
        with self._account.lock:
            return sorted(self._account.identities.values(), key=lambda one: one.name)


def _identity_type(identity: Identity) -> str:
    return "DOMAIN" if identity.is_domain else "EMAIL_ADDRESS"


def _dkim(identity: Identity) -> dict[str, object]:
    """Easy DKIM: three tokens for a domain's CNAME records, none for an address."""
    seed = hashlib.sha256(identity.name.encode()).hexdigest()
    tokens = [seed[start : start + 20] for start in (0, 20, 40)] if identity.is_domain else []
    return {
        "SigningEnabled": identity.is_domain,
        "Status": identity.status if identity.is_domain else "NOT_STARTED",
        "Tokens": tokens,
        "SigningAttributesOrigin": "AWS_SES",
    }


def _matches(identity: Identity, wanted: wire.Json) -> bool:
    """The filters of ListEmailIdentities: part of the name, type, status."""
    kind, status = wire.text(wanted, "IDENTITY_TYPE"), wire.text(wanted, "VERIFICATION_STATUS")
    return (
        wire.text(wanted, "IDENTITY_NAME").lower() in identity.name
        and kind in ("", _identity_type(identity))
        and status in ("", identity.status)
    )


def _resource_tags(request: wire.Json) -> list[dict[str, str]]:
    given = wire.objects(request, "Tags")
    return [{"Key": wire.required(item, "Key"), "Value": wire.text(item, "Value")} for item in given]


def _reasons(source: wire.Json) -> list[str]:
    given = wire.texts(source, "SuppressedReasons")
    if not set(given) <= set(_REASONS):
        raise bad_request(f"SuppressedReasons are among {', '.join(_REASONS)}.")
    return given


def _check_destination(definition: wire.Json) -> str:
    """Refuse a destination that SES refuses; returns the topic of an SNS destination."""
    types = wire.texts(definition, "MatchingEventTypes")
    if not types or not set(types) <= _EVENT_TYPES:
        raise bad_request(f"MatchingEventTypes are one or more of {', '.join(sorted(_EVENT_TYPES))}.")
    kinds = [key for key in definition if key.endswith("Destination")]
    if len(kinds) != 1:
        raise bad_request("An event destination has exactly one kind of destination.")
    member = wire.member(definition, kinds[0]) or {}
    if kinds[0] == "SnsDestination":
        topic = wire.required(member, "TopicArn")
        if not _TOPIC.fullmatch(topic):
            raise bad_request(f"Invalid SNS topic <{topic}>.")
        return topic
    if kinds[0] == "KinesisFirehoseDestination":
        wire.required(member, "IamRoleArn")
        try:
            stream_name(wire.required(member, "DeliveryStreamArn"))
        except ValueError as error:
            raise bad_request(f"{error}.") from None
    return ""
