"""Scoped credentials of a partner: an assumed role with the session tag ``partner``.

The roles' static policies compare ``aws:PrincipalTag/partner`` with the leading keys, the S3
prefix and the KMS encryption context; their trust policy demands the tag. So these keys reach one
partner whatever the code does with them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys, ScopedSession, acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, translated
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import PartnerId, is_id
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import Clock

LIFETIME = timedelta(hours=1)
"""The longest that AWS grants to a role assumed from a role (role chaining)."""
MARGIN = timedelta(minutes=5)
"""How long before their end keys are no longer handed out."""
CACHED = 1_000
"""Sets of keys kept at most; the oldest go first."""


class StsPartnerSessions:
    """See ``ports.system.PartnerSessions``; ``roles`` gives the role's ARN for each zone."""

    def __init__(self, clients: Clients, clock: Clock, roles: Mapping[Zone, str]) -> None:
        self._clients = clients
        self._clock = clock
        self._roles = dict(roles)
        self._keys: dict[tuple[PartnerId, Zone], tuple[Keys, datetime]] = {}
        self._locks: dict[tuple[PartnerId, Zone], threading.Lock] = {}
        self._lock = threading.Lock()

    def open(self, partner: PartnerId, zone: Zone) -> ScopedSession:
        """Obtains the keys at once, so that a refusal shows here; raises NotFound for what is no id."""
        if not is_id(partner, "prt"):
            raise NotFound("no such partner")
        self._current(partner, zone)
        return ScopedSession(partner, zone, lambda: self._current(partner, zone))

    def _current(self, partner: PartnerId, zone: Zone) -> Keys:
        """The cached keys while they are good; else one thread fetches and the others wait for it."""
        place = (partner, zone)
        known = self._good(place)
        if known is not None:
            return known
        with self._lock:
            lock = self._locks.setdefault(place, threading.Lock())
        with lock:
            known = self._good(place)
            if known is not None:
                return known
            asked_at = self._clock.now()
            keys = self._assume(partner, zone)
            with self._lock:
                self._keys.pop(place, None)
                self._keys[place] = (keys, asked_at + LIFETIME - MARGIN)
                while len(self._keys) > CACHED:
                    oldest = next(iter(self._keys))
                    del self._keys[oldest]
                    self._locks.pop(oldest, None)
            return keys

    def _good(self, place: tuple[PartnerId, Zone]) -> Keys | None:
        keys, until = self._keys.get(place, (None, None))
        return keys if until is not None and self._clock.now() < until else None

    def _assume(self, partner: PartnerId, zone: Zone) -> Keys:
        client = self._clients.get("sts")
        try:
            with acting_as_self():
                answer = client.assume_role(
                    RoleArn=self._roles[zone], RoleSessionName=partner,
                    DurationSeconds=int(LIFETIME.total_seconds()), Tags=[{"Key": "partner", "Value": partner}],
                )
        except VENDOR_ERRORS as error:
            raise translated(error, "AssumeRole") from error
        given = answer["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], None)
