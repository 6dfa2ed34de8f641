"""What all servers of the tests share: ports, processes that end with the one that started them, an address for children."""

import atexit
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PATIENCE = 60.0


def address_of(name: str, start: Callable[[], str]) -> str:
    """Where the server of this name is; it is started when it is first wanted, and children of this process find it."""
    variable = f"PROVENANCE_TEST_{name}"
    if variable not in os.environ:
        os.environ[variable] = at_the_second_try(start)
    return os.environ[variable]


def at_the_second_try(start: Callable[[], str]) -> str:
    """What *start* answers; it may fail once, as when another takes its port just before."""
    try:
        return start()
    except RuntimeError:
        return start()


def free_ports(count: int) -> list[int]:
    """So many different ports of loopback that nobody uses just now."""
    with ExitStack() as open_until_all_are_drawn:
        probes = [open_until_all_are_drawn.enter_context(socket.socket()) for _ in range(count)]
        for each in probes:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in probes]


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    return free_ports(1)[0]


def at_end(stop: Callable[[], object]) -> None:
    """Call *stop* when this process ends; not when a forked child of it does."""
    owner = os.getpid()
    atexit.register(lambda: stop() if os.getpid() == owner else None)


def folder_of(name: str) -> Path:
    """An empty folder, which goes with this process."""
    for left in Path(tempfile.gettempdir()).glob(f"provenance-{name}-*-*"):
        if not Path("/proc", left.name.split("-")[2]).exists():  # whose it was, was killed
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"provenance-{name}-{os.getpid()}-"))
    at_end(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def run_server(command: Sequence[object], port: int, folder: Path, **options: object) -> None:
    """Start *command* and wait until it listens on *port*; it is killed when this process ends."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - servers start in the main thread
            **options,
        )

    def stop() -> None:
        process.kill()
        process.wait()

    at_end(stop)
    end = time.monotonic() + _PATIENCE
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(
                f"{command[0]} did not start: {(folder / 'log').read_text()[-2000:]}"
            )
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
