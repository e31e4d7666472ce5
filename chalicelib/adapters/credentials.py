"""Whose credentials sign the next AWS call: a context variable that signing reads.

There is one client per service for the whole process (a client per partner costs about 100 ms
and several megabytes). Its credentials object holds no keys: when botocore asks for them at
signing time, it answers with the keys of the partner session in force in the current thread or
task, and outside of a partner session with the function's own role. So two threads can sign for
two partners at once, through the same client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field

from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.session import Session

from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession

Keys = ReadOnlyCredentials
"""Access key, secret key and session token, frozen."""

Source = Callable[[], Keys]
"""Gives keys that are valid now; it may have to fetch new ones."""


@dataclass(frozen=True, slots=True)
class ScopedSession:
    """A partner session whose keys come from STS; it stays good while work goes on.

    Only ``adapters.sessions`` makes these. ``source`` is asked at every signing, so that a worker
    which outlives one set of keys goes on with the next.
    """

    partner: PartnerId
    zone: Zone
    source: Source = field(repr=False, compare=False)


_in_force: ContextVar[Source | None] = ContextVar("credentials_in_force", default=None)


@contextmanager
def acting_as(session: PartnerSession) -> Iterator[PartnerId]:
    """Sign every call made inside with the session's keys; yields the one partner they reach.

    Raises Permanent for a session that did not come from STS: a store must never fall back on
    the function's own role for a partner's data.
    """
    if not isinstance(session, ScopedSession):
        raise Permanent("a partner's data needs a session with scoped credentials")
    token = _in_force.set(session.source)
    try:
        yield session.partner
    finally:
        _in_force.reset(token)


@contextmanager
def acting_as_self() -> Iterator[None]:
    """Sign with the function's own role, even inside of a partner session."""
    token = _in_force.set(None)
    try:
        yield
    finally:
        _in_force.reset(token)


class ContextCredentials(Credentials):
    """A credentials object without keys of its own; see the module's text."""

    def __init__(self, own: Source) -> None:
        self.method = "countersign-context"
        self._own = own

    def get_frozen_credentials(self) -> Keys:
        """The keys to sign with, now and in this context."""
        source = _in_force.get()
        return (source or self._own)()

    # botocore reads single fields in a few places (endpoint rules, presigning of old versions);
    # each must tell the same story as the frozen keys.
    @property
    def access_key(self) -> str | None:  # type: ignore[override]
        """The access key in force."""
        return self.get_frozen_credentials().access_key

    @property
    def secret_key(self) -> str | None:  # type: ignore[override]
        """The secret key in force."""
        return self.get_frozen_credentials().secret_key

    @property
    def token(self) -> str | None:  # type: ignore[override]
        """The session token in force."""
        return self.get_frozen_credentials().token

    @property
    def account_id(self) -> str | None:
        """Unknown: endpoints are not chosen by account."""
        return None


class _ContextProvider(CredentialProvider):
    METHOD = "countersign-context"

    def __init__(self, credentials: ContextCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def install(session: Session, own: Source | None = None) -> None:
    """Make every client of a botocore session sign with the credentials in force.

    ``own`` gives the keys outside of partner sessions; by default botocore's usual chain
    (environment, profile, role of the function), looked up at the first signing.
    """
    chain = session.get_component("credential_provider")
    provider = _ContextProvider(ContextCredentials(own or _chain_source(chain)))
    session.register_component("credential_provider", CredentialResolver([provider]))


def _chain_source(chain: CredentialResolver) -> Source:
    found: list[Credentials] = []

    def source() -> Keys:
        if not found:
            credentials = chain.load_credentials()
            if credentials is None:
                raise Permanent("no AWS credentials: neither a role, a profile nor the environment has any")
            found.append(credentials)
        return found[0].get_frozen_credentials()

    return source
