"""The clock and the machine: when and where this process runs, with what, from which code."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias, cast

from provenance.effects.redaction import redacted
from provenance.hashing import hash_value
from provenance.ids import RunId
from provenance.ports import Clock
from provenance.records import Json, Run
from provenance.showing import shown
from provenance.wire import jsonable, run_to_json, time_text

Facts: TypeAlias = "dict[str, Json]"
Hook: TypeAlias = "Callable[[Facts], object]"
"""The user's: it gets what was collected (`host`, `process`, `python`, `git`, `packages`) and answers the mapping to
keep, or None when it changed what it got. Its own keys go to `Run.extra`; what JSON cannot say is kept as its `str`.
One that fails, or whose answer cannot be recorded, is told in the log and left out: it must not cost a result."""

_log: Final = logging.getLogger("provenance")
_PATIENCE: Final = 2.0
"""Seconds that git may take: a slow network drive must not hold up the first result for long."""
_PARTS: Final = ("host", "process", "python", "git", "packages")


class SystemClock:
    """The clocks of the system."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def ticks(self) -> float:
        """Seconds on a clock that only moves forward."""
        return time.perf_counter()


class ThisMachine:
    """This process, described when it is first asked for; a forked child describes itself."""

    def __init__(self, clock: Clock, hook: Hook | None = None) -> None:
        self._clock = clock
        self._hook = hook
        self._told: Hook | None = None
        self._runs: dict[int, Run] = {}
        self._locks: dict[int, threading.Lock] = {}

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._clock.now()

    def current_run(self) -> Run:
        """This process."""
        pid = os.getpid()
        known = self._runs.get(pid)
        if known is None:
            with self._locks.setdefault(
                pid, threading.Lock()
            ):  # one a process: a fork may come while another collects
                known = self._runs.get(pid) or self._runs.setdefault(pid, self._collect())
        return known

    def pause(self, seconds: float) -> float:
        """Sleep between half and one and a half times so long, so that those who wait together part; answers how long."""
        began = time.perf_counter()
        time.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret depends on it
        return time.perf_counter() - began

    def ask(self, hook: Hook | None) -> None:
        """Let *hook* add to what is told of the process, which is described anew."""
        self._hook = hook
        self.renew()

    def renew(self) -> None:
        """Describe the process anew when it is next asked for."""
        self._runs.clear()

    def _collect(self) -> Run:
        facts: Facts = {
            "host": host(),
            "process": process(),
            "python": python(),
            "git": git(),
            "packages": packages(),
        }
        now, hook = self._clock.now(), self._hook
        if hook is not None:
            try:
                run = run_of(now, _asked(hook, deepcopy(facts)))
                run_to_json(run)  # what cannot be written must show before it is to be recorded
            except Exception as error:  # noqa: BLE001 - the hook is the user's, and may raise anything
                self._tell(hook, error)
            else:
                return run
        return run_of(now, facts)

    def _tell(self, hook: Hook, error: Exception) -> None:
        """Say, once for each hook, that it failed."""
        if hook is not self._told:
            self._told = hook
            _log.warning(
                "run_info_fn failed (%s: %s), so that runs are recorded without what it adds; correct the function, and set "
                "it with set_run_info_fn",
                type(error).__name__,
                error,
            )


def _asked(hook: Hook, facts: Facts) -> Mapping[str, Json]:
    """What *hook* makes of *facts*; TypeError if it is no mapping."""
    answer = hook(facts)
    if answer is None:
        return facts
    if not isinstance(answer, Mapping):
        raise TypeError(f"its answer must be a mapping, not {shown(answer)}")
    return cast("Mapping[str, Json]", answer)


def run_of(now: datetime, facts: Mapping[str, Json]) -> Run:
    """The run that *facts* tell of; its id is a digest of them all. TypeError for a part that is no mapping."""
    plain = {str(key): jsonable(value) for key, value in facts.items()}
    return Run(
        id=RunId(hash_value([time_text(now), plain])),
        created_at=now,
        host=_part(plain, "host"),
        process=_part(plain, "process"),
        python=_part(plain, "python"),
        git=_part(plain, "git") if plain.get("git") is not None else None,
        packages=_part(plain, "packages"),
        extra={key: value for key, value in plain.items() if key not in _PARTS},
    )


def _part(facts: Facts, name: str) -> Facts:
    part = facts.get(name, {})
    if not isinstance(part, dict):
        raise TypeError(f"{name!r} must be a mapping, not {shown(part)}")
    return part


def host() -> Facts:
    """The computer and its system."""
    import platform

    return {
        "cpu_count": os.cpu_count(),
        "machine": platform.machine(),
        "nodename": platform.node(),
        "platform": platform.platform(),
        "processor": platform.processor(),
        "release": platform.release(),
        "system": platform.system(),
        "version": platform.version(),
    }


def process() -> Facts:
    """This process, without what is secret in its command line."""
    working_directory: str | None = None
    with suppress(OSError):  # it may have been deleted
        working_directory = str(Path.cwd())
    return {
        "pid": os.getpid(),
        "cmdline": list[Json](redacted(sys.orig_argv)),
        "cwd": working_directory,
        "exe": sys.executable,
        "name": Path(sys.orig_argv[0]).name if sys.orig_argv else "",
        "num_threads": threading.active_count(),
    }


def python() -> Facts:
    """The interpreter."""
    import platform

    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
    }


def packages() -> Facts:
    """Installed distributions and their versions."""
    from importlib import metadata

    found: Facts = {}
    for each in metadata.distributions():
        with suppress(KeyError, TypeError, OSError):  # half-removed ones have no name
            found.setdefault(each.name, each.version)
    return dict(sorted(found.items()))


def git(folder: Path | None = None) -> Facts | None:
    """Commit, branch and whether files differ from it; None outside a checkout, without git, or if it takes too long."""
    import subprocess

    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(  # noqa: S603 - the command is our own
            command,
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return git_facts(done.stdout)


def git_facts(status: str) -> Facts:
    r"""What `git status --porcelain=v2 --branch` says.

    >>> git_facts("# branch.oid 1f0c\n# branch.head main\n1 .M N... a.py\n")
    {'commit': '1f0c', 'branch': 'main', 'dirty': True}
    >>> git_facts("# branch.oid (initial)\n# branch.head (detached)\n")
    {'commit': None, 'branch': None, 'dirty': False}
    """
    lines = status.splitlines()
    headers = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    commit, branch = headers.get("branch.oid"), headers.get("branch.head")
    return {
        "commit": None if commit == "(initial)" else commit,
        "branch": None if branch == "(detached)" else branch,
        "dirty": any(not line.startswith("#") for line in lines),
    }
