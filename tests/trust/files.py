"""Files of customers, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HEADER = "email,first_name,consent_basis,consent_at,consent_source,status"


def row(address: str, *, name: str = "Anna", basis: str = "double_opt_in", at: str = "2026-01-15",
        source: str = "web form", status: str = "") -> str:
    """A line of a file with HEADER."""
    return f"{address},{name},{basis},{at},{source},{status}"


def file_of(*rows: str, header: str = HEADER) -> bytes:
    """A file of these lines."""
    return ("\n".join([header, *rows]) + "\n").encode()


def chunked(data: bytes, size: int = 65536) -> Iterable[bytes]:
    """The file as it comes from the store."""
    return [data[start:start + size] for start in range(0, len(data), size)]


def people(count: int, *, unsubscribed: Sequence[int] = (), broken: Sequence[int] = ()) -> bytes:
    """A file of many customers; those at the given places are unsubscribed or lack a consent date."""
    return file_of(*(
        row(f"person{n}@example.com", status="unsubscribed" if n in unsubscribed else "",
            at="" if n in broken else "2026-01-15")
        for n in range(count)
    ))
