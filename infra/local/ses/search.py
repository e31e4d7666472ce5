"""Finding mails in the list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.local.ses.model import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for; every part that is given must be found, in any letter case.

    ``words`` are searched in everything that the list shows; ``tag`` is ``name`` or ``name=value``.
    """

    words: str = ""
    recipient: str = ""
    source: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()
    outcome: str = ""

    def finds(self, entry: Entry) -> bool:
        """Whether an entry is among those looked for."""
        return (
            self.recipient.lower() in entry.recipient.lower()
            and self.source.lower() in entry.source.lower()
            and self.subject.lower() in entry.subject.lower()
            and self.outcome in ("", entry.outcome.value)
            and all(_tagged(entry, tag) for tag in self.tags)
            and (not self.words or _words(entry, self.words))
        )


def find(query: Query, entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries that a query finds, in their order."""
    return filter(query.finds, entries) if query != Query() else iter(entries)


def _tagged(entry: Entry, tag: str) -> bool:
    name, given, value = tag.partition("=")
    return name in entry.tags and (not given or entry.tags[name] == value)


def _words(entry: Entry, words: str) -> bool:
    tags = " ".join(f"{name}={value}" for name, value in entry.tags.items())
    everything = f"{entry.subject} {entry.source} {entry.recipient} {tags} {entry.outcome}".lower()
    return all(word in everything for word in words.lower().split())
