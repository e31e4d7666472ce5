"""AWS clients: one per service, made at first use, shared by all threads and partners."""

from __future__ import annotations

import threading
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib.adapters import credentials
from chalicelib.adapters.parsing import QuickParsers

USER_AGENT = "countersign"
CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 4
"""Tries in all, for calls that may be repeated: botocore's ``standard`` mode, with jitter."""
POOL = 25
"""Connections kept open per client: one per thread that works at once."""


class Clients:
    """Makes and keeps the process's AWS clients.

    ``region`` and ``endpoint`` come from the settings; an empty endpoint means AWS itself.
    ``own`` gives the keys used outside of partner sessions (None: botocore's usual chain).
    ``attempts`` is how often a call that may be repeated is tried in all.
    """

    def __init__(
        self, region: str, *, endpoint: str = "", own: credentials.Source | None = None, attempts: int = ATTEMPTS,
    ) -> None:
        self.region = region
        self.endpoint = endpoint
        self.attempts = attempts
        self._own = own
        self._session: Session | None = None
        self._made: dict[tuple[str, str, int, float], Any] = {}
        # Reentrant: making a client needs the session. botocore cannot make two clients at once.
        self.lock = threading.RLock()

    @property
    def session(self) -> Session:
        """The botocore session, whose clients sign with the credentials in force."""
        with self.lock:
            if self._session is None:
                session = get_session()
                credentials.install(session, self._own)
                session.register_component("response_parser_factory", QuickParsers())
                self._session = session
            return self._session

    def get(
        self, service: str, *, endpoint: str = "", attempts: int = 0, read_seconds: float = READ_SECONDS,
    ) -> Any:
        """The client of a service; ``attempts=1`` for calls that must never be repeated (SES sends)."""
        key = (service, endpoint or self.endpoint, attempts or self.attempts, read_seconds)
        client = self._made.get(key)
        if client is None:
            with self.lock:
                client = self._made.get(key)
                if client is None:
                    client = self._made[key] = self._make(*key)
        return client

    def _make(self, service: str, endpoint: str, attempts: int, read_seconds: float) -> Any:
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=POOL,
            account_id_endpoint_mode="disabled",
            # A fixed name: botocore would put its own together anew for every request, twice.
            user_agent=USER_AGENT,
            # pynamodb builds DynamoDB's requests itself, and botocore would check each of them again.
            parameter_validation=service != "dynamodb",
        )
        if service == "s3":
            # Path style works with every endpoint; v4 is what presigned forms with session keys need.
            config = config.merge(Config(s3={"addressing_style": "path"}, signature_version="s3v4"))
        return self.session.create_client(
            service, region_name=self.region, endpoint_url=endpoint or None, config=config,
        )
