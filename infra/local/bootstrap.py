"""Make the virtual environments that a command needs, and say what is missing in one sentence.

This file runs under whatever ``python3`` is, so it is written to be *parsed* by Python 3.8: an old
Python must get as far as reading that it is too old. It imports the standard library only.

Usage: ``python3 infra/local/bootstrap.py run|dev`` (``run``: what ``make run`` needs; ``dev``: the
tests' and tools' packages as well). Each environment remembers the digest of the lock file it was
made from, so that a second start costs a few milliseconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from typing import Callable, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOG = os.path.join(ROOT, ".local", "setup.log")
OLDEST = (3, 11)
TESTED = (3, 11)

# name of the step -> (environment, lock file, names of the steps that it contains)
STEPS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "app": (".venv", "infra/local/requirements-app.txt", ()),
    "dev": (".venv", "requirements-dev.txt", ("app",)),
    "emulator": (".venv-emulator", "infra/local/requirements.txt", ()),
}
GOALS: dict[str, tuple[str, ...]] = {"run": ("app", "emulator"), "dev": ("dev", "emulator")}
TELLS = {
    "app": "the application's packages",
    "dev": "the packages of tests and tools",
    "emulator": "the local AWS emulator",
}

OFFLINE = ("name resolution", "NewConnectionError", "Network is unreachable", "Connection refused",
           "ConnectTimeout", "Read timed out", "Max retries exceeded", "No route to host", "ProxyError")
UNMATCHED = ("Could not find a version", "No matching distribution")


class Hindrance(Exception):
    """What keeps the set-up from going on, as one sentence with what to do."""


def _minor(version: Sequence[int | str]) -> tuple[int, int]:
    return int(version[0]), int(version[1])


def check_python(version: Sequence[int | str], find: Callable[[str], object] = importlib.util.find_spec) -> str:
    """Return a warning or "" for this Python; raise Hindrance if it can't be used.

    ``find`` looks a module up; Debian ships Python without ``venv`` and ``ensurepip``.
    """
    found = ".".join(str(part) for part in version[:3])
    if _minor(version) < OLDEST:
        raise Hindrance(
            "Countersign needs Python 3.11 or newer and this one is {}: install Python 3.11 and run the same "
            "command with PYTHON=python3.11 at its end.".format(found))
    if find("venv") is None or find("ensurepip") is None:
        raise Hindrance(
            "This Python {} has no venv module: install it (on Debian and Ubuntu: apt install python3-venv) and run "
            "the same command again.".format(found))
    if _minor(version) > TESTED:
        return "Python {} is newer than the 3.11 that Countersign is tested on; if something fails, " \
               "try PYTHON=python3.11.".format(found)
    return ""


def explain(output: str) -> str:
    """One sentence for what pip said when it failed."""
    details = "All that pip said is in .local/setup.log."
    if any(sign in output for sign in OFFLINE):
        return "The packages could not be downloaded, the network or the package index does not answer: go online " \
               "(or set pip's proxy or index) and run the same command again. " + details
    if "do not match the hashes" in output:
        return "A downloaded package is not the one that was tested (its hash differs): do not use it; try again " \
               "later or from another network. " + details
    if any(sign in output for sign in UNMATCHED):
        return "The package index does not offer a pinned package for this Python and machine. " + details
    lines = [line for line in output.splitlines() if line.strip()]
    return "pip failed ({}). {}".format(lines[-1].strip() if lines else "without a word", details)


def stamp_path(environment: str, step: str) -> str:
    """Where an environment remembers what was installed into it."""
    return os.path.join(ROOT, environment, ".countersign-" + step)


def digest_of(lock: str) -> str:
    """What identifies the content of a step: this Python's version and the lock file's bytes."""
    with open(os.path.join(ROOT, lock), "rb") as file:
        return hashlib.sha256(repr(sys.version_info[:2]).encode() + file.read()).hexdigest()


def is_done(step: str) -> bool:
    """Whether a step's environment is there, alive and made from the present lock file."""
    environment, lock, _ = STEPS[step]
    try:
        with open(stamp_path(environment, step)) as file:
            same = file.read() == digest_of(lock)
    except OSError:
        return False
    # A clone that was moved or copied has interpreters that point elsewhere: os.path.exists follows the link.
    return same and os.path.exists(os.path.join(ROOT, environment, "bin", "python"))


def works(environment: str) -> bool:
    """Whether the interpreter of an environment starts, belongs to this place and has this version."""
    python = os.path.join(ROOT, environment, "bin", "python")
    try:
        out = subprocess.check_output([python, "-c", "import pip, sys; print(sys.version_info[:2], sys.prefix)"],
                                      stderr=subprocess.DEVNULL, universal_newlines=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return out.strip() == "{} {}".format(tuple(sys.version_info[:2]), os.path.join(ROOT, environment))


def run_logged(command: list[str]) -> tuple[int, str]:
    """Run a command with its output in the log; return (exit status, output)."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    output = done.stdout.decode("utf-8", "replace")
    with open(LOG, "a") as log:
        log.write("$ {}\n{}\n".format(" ".join(command), output))
    return done.returncode, output


def make(step: str) -> None:
    """Make the step's environment if need be and install its lock file into it."""
    environment, lock, contained = STEPS[step]
    place = os.path.join(ROOT, environment)
    if not works(environment):
        shutil.rmtree(place, ignore_errors=True)
        status, output = run_logged([sys.executable, "-m", "venv", place])
        if status:
            raise Hindrance("The virtual environment {} could not be made: {}".format(environment, explain(output)))
    python = os.path.join(place, "bin", "python")
    status, output = run_logged([
        python, "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check", "--no-input",
        "--retries", "2", "-r", os.path.join(ROOT, lock)])
    if status:
        raise Hindrance(explain(output))
    for name in (step,) + contained:
        with open(stamp_path(environment, name), "w") as file:
            file.write(digest_of(STEPS[name][1]))


def main(goal: str) -> int:
    """Do the steps of a goal that are not done yet, with one line of progress for each."""
    try:
        warning = check_python(sys.version_info)
        if warning:
            print(warning)
        missing = [step for step in GOALS[goal] if not is_done(step)]
        if missing:
            os.makedirs(os.path.dirname(LOG), exist_ok=True)
            open(LOG, "w").close()
        for number, step in enumerate(missing, 1):
            print("[{}/{}] Installing {} into {} (once; a minute or two)".format(
                number, len(missing), TELLS[step], STEPS[step][0]), flush=True)
            make(step)
    except Hindrance as hindrance:
        print(hindrance, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped during the set-up; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
