"""How much memory a process needed at most."""

from __future__ import annotations

from pathlib import Path


def peak() -> int:
    """The largest resident set of this process so far, in KB.

    Not ``ru_maxrss``: on Linux that survives ``execve`` (kernel, fs/exec.c), so a child never shows less
    than the process that started it.
    """
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
