"""The local AWS: ministack in its own virtual environment and process, on this machine only.

It keeps everything in memory and saves it when it is ended in order (SIGTERM); after a kill or a
power cut the state is that of the last orderly end.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
HOST = "127.0.0.1"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
"""The account of the access key ``test``; an assumed role works in the account of its ARN."""
ACCESS_KEY = SECRET_KEY = "test"
SERVICES = "dynamodb,sqs,s3,kms,sts,iam,sns"
STACK_SERVICES = f"{SERVICES},lambda,apigateway,cloudformation,logs,events,ses,firehose,cloudwatch,monitoring"
"""What a deployed stack needs besides."""
START_SECONDS = 30.0
STOP_SECONDS = 60.0
"""A save of 100,000 items takes 6 to 10 seconds."""
PROMISED = range(20_000, 32_000)
"""Where :func:`free_ports` looks: below the ports that Linux and macOS give to outgoing connections."""
_locks: list[int] = []


class EmulatorError(RuntimeError):
    """The emulator could not be started; the text says why and what to do."""


class Emulator:
    """One emulator process. ``persist`` saves its state in ``data`` at an orderly end.

    ``variables`` are handed to it and, through it, to the processes of the functions that it runs.
    """

    def __init__(
        self, port: int, data: Path, *, persist: bool = False, services: str = SERVICES,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.data = data
        self.persist = persist
        self.services = services
        self.variables = dict(variables or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it has to say."""
        return self.data / "emulator.log"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers; raises EmulatorError with what to do."""
        if not PYTHON.exists():
            raise EmulatorError("The local AWS emulator is not installed: run `make run` once, which sets it up.")
        if port_taken(self.port):
            raise EmulatorError(
                f"Port {self.port} on {HOST} is taken by another program: end that one, or choose another with PORT=."
            )
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "tmp").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the runner, which ends this in order.
            self._process = subprocess.Popen(
                [str(PYTHON), "-m", "ministack"], cwd=self.data, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        self._wait()

    def health(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def reset(self) -> None:
        """Forget everything, what was saved included."""
        request = urllib.request.Request(f"{self.url}/_ministack/reset", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def stop(self) -> bool:
        """End it in order, which saves its state; True if it ended by itself, False if it was killed."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return process is None or process.returncode == 0
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.health():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                why = "ended at once" if ended else f"did not answer within {START_SECONDS:.0f} seconds"
                raise EmulatorError(f"The local AWS emulator {why}; its last words: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(line.strip() for line in lines[-3:] if line.strip()) or "none"

    def _environment(self) -> Mapping[str, str]:
        """Only what it needs: neither AWS credentials nor proxies of whoever starts it."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "SERVICES": self.services,
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.data / "tmp"),
            "PERSIST_STATE": "1" if self.persist else "0",
            "STATE_DIR": str(self.data / "state"),
            "S3_PERSIST": "1" if self.persist else "0",
            "S3_DATA_DIR": str(self.data / "s3"),
        } | self.variables


def port_taken(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """A port that nothing listens on, promised to this process for as long as it lives."""
    return free_ports(lambda port: (port,))[0]


def free_ports(pattern: Callable[[int], tuple[int, ...]]) -> tuple[int, ...]:
    """The first ``pattern`` of ports that are all free, promised to this process for as long as it lives.

    Asking the system for any free port is not enough: it gives the same one to the next that asks, or to an
    outgoing connection, before a server has started on it. So they lie below those that the system gives away,
    and a lock on a file of each keeps every other process that asks here from taking it. Raises EmulatorError.
    """
    first = PROMISED.start + os.getpid() * 97 % len(PROMISED)
    for port in (*range(first, PROMISED.stop), *range(PROMISED.start, first)):
        ports = pattern(port)
        if all(number in PROMISED for number in ports) and _promise(ports):
            return ports
    raise EmulatorError("There is no free port left between 20000 and 32000.")


def _promise(ports: tuple[int, ...]) -> bool:
    """Lock and try all of the ports, or none; the locks end with the process."""
    locks: list[int] = []
    folder = Path(tempfile.gettempdir()) / f"countersign-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    try:
        for port in ports:
            # A bare descriptor: it is meant to stay open until the process ends, which closes it.
            locks.append(os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            fcntl.flock(locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.create_server((HOST, port)):
                pass
    except OSError:
        for lock in locks:
            os.close(lock)
        return False
    _locks.extend(locks)
    return True
