"""pynamodb's connection, signing with the credentials in force and sharing the process's session."""

from __future__ import annotations

from typing import Any

from botocore.session import Session
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable

from chalicelib.adapters.aws import Clients


class ScopedConnection(Connection):
    """One connection for all tables, threads and partners; its client is made at first use.

    pynamodb keeps a botocore session per thread, each with the function's own credentials. This
    class gives it the one session whose clients read the context variable at signing time.
    """

    def __init__(self, clients: Clients) -> None:
        super().__init__(region=clients.region, host=clients.endpoint or None)
        self._clients = clients

    @property
    def session(self) -> Session:
        """The shared session; see the class."""
        return self._clients.session

    @property
    def client(self) -> Any:
        """The one DynamoDB client, with the timeouts and retries of all clients."""
        return self._clients.get("dynamodb")

    def knows(self, table: str, keys: tuple[str, str], indexes: dict[str, tuple[str, str]]) -> None:
        """Tell pynamodb the keys of a table and its indexes, all strings, without asking DynamoDB."""
        if table in self._tables:
            return
        names = dict.fromkeys([*keys, *(name for pair in indexes.values() for name in pair)])
        # Not add_meta_table: it refuses a second time, and two threads may come here at once.
        self._tables.setdefault(table, MetaTable({
            "TableName": table,
            "KeySchema": _schema(keys),
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "KeySchema": _schema(pair)} for name, pair in indexes.items()
            ],
        }))


def _schema(keys: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": keys[0], "KeyType": "HASH"},
        {"AttributeName": keys[1], "KeyType": "RANGE"},
    ]
