"""Keeps one emulator for this folder: starts it, finds one that outlived its runner, ends it in order.

The emulator is a process group of its own, so neither Ctrl-C nor a crash of the application reaches
it. ``emulator.json`` says which process it is; ``unsaved`` stands from its start until an end in
which it saved its state. If ``unsaved`` is found without a living emulator, that one was killed, and
what was written since its last orderly end is lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from infra.local.emulator import STOP_SECONDS, Emulator


class Keeper:
    """The emulator of one data folder at one port."""

    def __init__(self, port: int, data: Path) -> None:
        self.data = data
        self.emulator = Emulator(port, data, persist=True)
        self.lost = False
        """Whether the last end was disorderly, known after :meth:`start`."""
        self._adopted: int | None = None

    @property
    def _note(self) -> Path:
        return self.data / "emulator.json"

    @property
    def _unsaved(self) -> Path:
        return self.data / "unsaved"

    def start(self) -> bool:
        """Find ours or start one; True if it was there. Raises EmulatorError with what to do."""
        pid, port = self._read_note()
        if pid and is_emulator(pid):
            if port == self.emulator.port and self.emulator.health():
                self._adopted = pid
                return True
            # Ours, but at another port (PORT= was changed) or deaf: it saves, and starts anew.
            self._end(pid)
        self.lost = self._unsaved.exists()
        self.emulator.start()
        self.data.mkdir(parents=True, exist_ok=True)
        self._note.write_text(json.dumps({"pid": self.emulator.pid, "port": self.emulator.port}), "utf-8")
        self._unsaved.touch()
        return False

    def mark_recovered(self) -> None:
        """What the loss asked for was done; a later start need not do it again."""
        self.lost = False

    def stop(self) -> bool:
        """End it in order; True if it saved its state. A second call does nothing."""
        if self._adopted is not None:
            pid, self._adopted = self._adopted, None
            return self._end(pid)
        if self.emulator.pid is None:
            self.emulator.stop()
            return False
        return self._settle(self.emulator.stop())

    def end_left_over(self) -> None:
        """End an emulator that outlived its runner, whatever its port."""
        pid, _ = self._read_note()
        if pid and is_emulator(pid):
            self._end(pid)

    def save(self) -> None:
        """Save the state now, which this emulator only does when it ends: end it and start it again."""
        if self.stop():
            self.start()

    def alive(self) -> bool:
        """Whether the process is there (it may be killed from outside at any time)."""
        return self.emulator.pid is not None or (self._adopted is not None and is_emulator(self._adopted))

    def _end(self, pid: int) -> bool:
        """End a process that an earlier runner started; one that is gone already did not save."""
        if not is_emulator(pid):
            return self._settle(False)
        try:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while is_emulator(pid):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    return self._settle(False)
                time.sleep(0.05)
        except ProcessLookupError:
            return self._settle(False)
        return self._settle(True)

    def _settle(self, saved: bool) -> bool:
        self._note.unlink(missing_ok=True)
        if saved:
            self._unsaved.unlink(missing_ok=True)
        return saved

    def _read_note(self) -> tuple[int, int]:
        try:
            note = json.loads(self._note.read_text("utf-8"))
            return int(note["pid"]), int(note["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, 0


def is_emulator(pid: int) -> bool:
    """Whether that process lives and is an emulator: a number may have been given to another program."""
    try:
        return b"ministack" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    # Systems without /proc (macOS).
    listing = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False)
    return b"ministack" in listing.stdout
