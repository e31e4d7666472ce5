"""Where mails are kept: in files that survive a restart, or in memory for large tests.

On disk: ``mails/<yyyy-mm-dd>/<id>.json``, one file a mail, written whole and then renamed into
place; beside it ``<id>.eml`` (for raw mails at once, for others when somebody first looks), and
``index.jsonl``, a cache of what the list shows, which is made anew if it is missing. Nothing is
synced to the disk: a killed process loses nothing, a power cut may lose the last seconds.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from infra.local.ses import mime
from infra.local.ses.files import append_file, replace_file
from infra.local.ses.ids import day_of
from infra.local.ses.model import Entry, Mail, entry_of, mail_of

INDEX_LIMIT = 200_000
"""Entries held in memory; the oldest fall out of the list (their files stay)."""


class Index:
    """The newest entries, oldest first, behind one lock."""

    def __init__(self, limit: int = INDEX_LIMIT) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def put(self, entries: Iterable[Entry]) -> list[str]:
        """Add entries or change them; returns the ids that fell out."""
        dropped = []
        with self.lock:
            for entry in entries:
                self._entries[entry.id] = entry
            while len(self._entries) > self.limit:
                dropped.append(self._entries.popitem(last=False)[0])
        return dropped

    def newest(self) -> list[Entry]:
        """A snapshot, newest first."""
        with self.lock:
            return list(reversed(self._entries.values()))

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


class Store(Protocol):
    """What keeps mails."""

    def add(self, mails: Sequence[Mail]) -> None:
        """Keep new mails."""

    def change(self, mail_id: str, change: Callable[[Mail], Mail]) -> Mail | None:
        """Replace a mail by what ``change`` makes of it, one at a time; None if it is unknown."""

    def get(self, mail_id: str) -> Mail | None:
        """One mail."""

    def newest(self) -> list[Entry]:
        """The index, newest first."""

    def eml(self, mail: Mail) -> bytes:
        """The mail as a message."""

    def clear(self) -> None:
        """Remove every mail."""


class MemoryStore:
    """Keeps mails unrendered in memory: the store for tests with many recipients."""

    def __init__(self, limit: int = INDEX_LIMIT) -> None:
        self._index = Index(limit)
        self._mails: dict[str, Mail] = {}
        self._lock = threading.Lock()

    def add(self, mails: Sequence[Mail]) -> None:
        """Keep new mails."""
        self._mails.update((mail.id, mail) for mail in mails)
        for dropped in self._index.put(mail.entry() for mail in mails):
            self._mails.pop(dropped, None)

    def change(self, mail_id: str, change: Callable[[Mail], Mail]) -> Mail | None:
        """Replace a mail by what ``change`` makes of it."""
        with self._lock:
            mail = self._mails.get(mail_id)
            if mail is None:
                return None
            self._mails[mail_id] = mail = change(mail)
            self._index.put([mail.entry()])
            return mail

    def get(self, mail_id: str) -> Mail | None:
        """One mail."""
        return self._mails.get(mail_id)

    def newest(self) -> list[Entry]:
        """The index, newest first."""
        return self._index.newest()

    def eml(self, mail: Mail) -> bytes:
        """The mail as a message."""
        return mime.build(mail)

    def clear(self) -> None:
        """Remove every mail."""
        self._mails.clear()
        self._index.clear()


class FileStore:
    """Keeps each mail as a file under a directory."""

    def __init__(self, root: Path, limit: int = INDEX_LIMIT) -> None:
        self._mails = root / "mails"
        self._index_file = root / "index.jsonl"
        self._mails.mkdir(parents=True, exist_ok=True)
        self._index = Index(limit)
        self._lock = threading.Lock()
        self._loaded = False

    def add(self, mails: Sequence[Mail]) -> None:
        """Write the files first, so that the index never names a mail that is not there."""
        for mail in mails:
            self._write(mail)
        self._note([mail.entry() for mail in mails])

    def change(self, mail_id: str, change: Callable[[Mail], Mail]) -> Mail | None:
        """Replace a mail's file by what ``change`` makes of it."""
        with self._lock:
            mail = self.get(mail_id)
            if mail is None:
                return None
            mail = change(mail)
            self._write(mail)
        self._note([mail.entry()])
        return mail

    def get(self, mail_id: str) -> Mail | None:
        """One mail, read from its file."""
        try:
            path = self._path(mail_id)
            source = path.read_bytes()
        except (OSError, ValueError):
            return None
        mail = mail_of(source)
        if json.loads(source)["raw"]:
            return mail_of(source, path.with_suffix(".eml").read_bytes())
        return mail

    def newest(self) -> list[Entry]:
        """The index, newest first."""
        self._load()
        return self._index.newest()

    def eml(self, mail: Mail) -> bytes:
        """The mail as a message; its file is written when it is first asked for."""
        message = mime.build(mail)
        path = self._path(mail.id).with_suffix(".eml")
        if not path.exists():
            replace_file(path, message)
        return message

    def clear(self) -> None:
        """Remove every mail and the index."""
        with self._lock:
            for path in self._files("*"):
                path.unlink(missing_ok=True)
            self._index_file.unlink(missing_ok=True)
            self._index.clear()
            self._loaded = True

    def _write(self, mail: Mail) -> None:
        path = self._path(mail.id)
        if mail.raw is not None:
            replace_file(path.with_suffix(".eml"), mail.raw)
        replace_file(path, json.dumps(mail.as_json(), ensure_ascii=False).encode())

    def _note(self, entries: list[Entry]) -> None:
        """Append to the index file in one write, which other writers cannot cut in two."""
        with self._lock:
            append_file(self._index_file, "".join(entry.encode() for entry in entries).encode())
            if self._loaded:
                self._index.put(entries)

    def _load(self) -> None:
        """Read the index when the list is first asked for: a start must not wait for it."""
        with self._lock:
            if self._loaded:
                return
            if not self._index_file.exists():
                self._rewrite(mail_of(path.read_bytes()).entry() for path in sorted(self._files("*.json")))
            lines = 0
            for entry in self._read():
                self._index.put([entry])
                lines += 1
            if lines > 2 * len(self._index) + 1_000:
                self._rewrite(reversed(self._index.newest()))
            self._loaded = True

    def _rewrite(self, entries: Iterable[Entry]) -> None:
        replace_file(self._index_file, "".join(entry.encode() for entry in entries).encode())

    def _read(self) -> Iterator[Entry]:
        with self._index_file.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield entry_of(line)
                except ValueError:
                    continue  # a write that a crash cut short; the mail's own file is whole

    def _files(self, pattern: str) -> Iterator[Path]:
        for day in self._mails.iterdir():
            yield from day.glob(pattern)

    def _path(self, mail_id: str) -> Path:
        """Where a mail's file is; raises ValueError for what is no id (so that no id leaves the directory)."""
        return self._mails / day_of(mail_id) / f"{mail_id}.json"
