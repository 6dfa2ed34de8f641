"""The clock and the machine: when and where this process runs, with what, from which code."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from provenance.effects.system.program import executed_files, program, untracked
from provenance.hashing import hash_value
from provenance.model.ids import RunId
from provenance.model.records import Json, Run
from provenance.model.rows import jsonable, run_to_json, time_text
from provenance.ports.machine import Clock
from provenance.util.formatting import safe_repr
from provenance.util.redaction import redact_arguments

if TYPE_CHECKING:
    from importlib.metadata import Distribution

Facts: TypeAlias = "dict[str, Json]"
Hook: TypeAlias = "Callable[[Facts], object]"
"""The user's function that edits what is recorded of a process.

It gets what was collected (`host`, `process`, `python`, `git`, `packages`) and returns the mapping
to record, or None if it changed its argument. Its own keys go to `Run.extra`; values without a JSON
form are recorded as their `str`. A hook that fails, or whose answer cannot be recorded, is logged
and ignored: it must not cost a result."""

_log: Final = logging.getLogger("provenance")
_PATIENCE: Final = 2.0
"""Timeout for git in seconds: a slow network drive must not delay the first result for long."""
_PARTS: Final = ("host", "process", "python", "git", "packages")


class SystemClock:
    """The clocks of the system."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.perf_counter)
    """Return the seconds of a monotonic clock."""

    def sleep(self, seconds: float) -> float:
        """Sleep for 0.5 to 1.5 times *seconds*; return for how long.

        The time is random, so that processes that wait together do not go on together.
        """
        from random import uniform

        began = time.perf_counter()
        time.sleep(seconds * uniform(0.5, 1.5))  # noqa: S311 - not a secret
        return time.perf_counter() - began


class ThisMachine:
    """This process, described on first use; a forked child describes itself."""

    def __init__(
        self, clock: Clock, hook: Hook | None = None, with_text: Callable[[], bool] = lambda: True
    ) -> None:
        self._clock = clock
        self._with_text = with_text
        self._hook = hook
        self._failed_hook: Hook | None = None
        self._runs: dict[int, Run] = {}
        self._locks: dict[int, threading.Lock] = {}

    def current_run(self) -> Run:
        """Return the record of this process."""
        pid = os.getpid()
        run = self._runs.get(pid)
        if run is None:
            # One lock per process: a fork may happen while another thread collects.
            with self._locks.setdefault(pid, threading.Lock()):
                run = self._runs.get(pid) or self._runs.setdefault(pid, self._collect())
        return run

    def set_hook(self, hook: Hook | None) -> None:
        """Let *hook* edit the description of the process, which is collected again."""
        self._hook = hook
        self.renew()

    def renew(self) -> None:
        """Collect the description of the process again on next use."""
        self._runs.clear()

    def _collect(self) -> Run:
        facts: Facts = {
            "host": host(),
            "process": {**process(), "script": program(with_text=self._with_text())},
            "python": python(),
            "git": _git_with_code(),
            "packages": packages(),
        }
        now, hook = self._clock.now(), self._hook
        if hook is None:
            return make_run(now, facts)
        try:
            edited = deepcopy(facts)
            answer = hook(edited)
            if answer is not None and not isinstance(answer, Mapping):
                problem = f"its answer must be a mapping, not {safe_repr(answer)}"
                raise TypeError(problem)  # noqa: TRY301 - logged below
            run = make_run(now, edited if answer is None else cast("Mapping[str, Json]", answer))
            run_to_json(run)  # to find now what cannot be recorded
        except Exception as error:  # noqa: BLE001 - the hook is the user's
            if hook is not self._failed_hook:  # log each hook once
                self._failed_hook = hook
                _log.warning(
                    "run_info_fn failed (%s: %s), so that runs are recorded without what it adds; "
                    "correct the function, and set it with set_run_info_fn",
                    type(error).__name__,
                    error,
                )
            return make_run(now, facts)
        return run


def make_run(now: datetime, facts: Mapping[str, Json]) -> Run:
    """Return the run that *facts* describe; its id is a digest of them and of the time.

    Raises:
        TypeError: for a part that is not a mapping.
    """
    plain = {str(key): jsonable(value) for key, value in facts.items()}

    def part(name: str) -> Facts:
        value = plain.get(name, {})
        if not isinstance(value, dict):
            raise TypeError(f"{name!r} must be a mapping, not {safe_repr(value)}")
        return value

    return Run(
        id=RunId(hash_value([time_text(now), plain])),
        created_at=now,
        host=part("host"),
        process=part("process"),
        python=part("python"),
        git=part("git") if plain.get("git") is not None else None,
        packages=part("packages"),
        extra={key: value for key, value in plain.items() if key not in _PARTS},
    )


def host() -> Facts:
    """Describe the computer and its system."""
    import platform

    names = ("machine", "platform", "processor", "release", "system", "version")
    return {
        "cpu_count": os.cpu_count(),
        "nodename": platform.node(),
        **{name: getattr(platform, name)() for name in names},
    }


def process() -> Facts:
    """Describe this process, without the secrets in its command line."""
    working_directory: str | None = None
    with suppress(OSError):  # it may have been deleted
        working_directory = str(Path.cwd())
    return {
        "pid": os.getpid(),
        "cmdline": list[Json](redact_arguments(sys.orig_argv)),
        "cwd": working_directory,
        "exe": sys.executable,
        "name": Path(sys.orig_argv[0]).name if sys.orig_argv else "",
        "num_threads": threading.active_count(),
        "username": user_name(),
    }


def user_name() -> str | None:
    """Return the name of the user, None if the system does not know it."""
    import getpass

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return None


def python() -> Facts:
    """Describe the Python interpreter."""
    import platform

    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
    }


def packages() -> Facts:
    """Return the versions of installed distributions by name."""
    from importlib import metadata

    found: Facts = {}
    for distribution in metadata.distributions():
        with suppress(KeyError, TypeError, OSError):  # half-removed ones have no name or version
            name, version = _name_and_version(distribution)
            if version:
                found.setdefault(name, version)
    return dict(sorted(found.items()))


_HEADER: Final = re.compile(r"^(Name|Version):[ \t]*(.*)$", re.MULTILINE)


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Return both as `importlib.metadata` does, which parses the whole text, twice, in ten times the time."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    found = dict(reversed(_HEADER.findall(text.partition("\n\n")[0])))
    if len(found) < len(("Name", "Version")):
        return distribution.name, distribution.version
    return found["Name"], found["Version"]


def git(folder: Path | None = None) -> Facts | None:
    """Return commit, branch and whether files differ from the commit.

    None outside a checkout, without git, or if git takes too long.
    """
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


def _git_with_code() -> Facts | None:
    """Return what `git` tells; code that was executed and is not tracked counts as a change."""
    facts = git()
    if facts is None:
        return None
    with suppress(OSError):  # the working directory may have been deleted
        files = untracked(executed_files(), Path.cwd(), _PATIENCE)
        if files:
            return {**facts, "dirty": True, "untracked": list[Json](files)}
    return facts


def git_facts(status: str) -> Facts:
    r"""Parse the output of `git status --porcelain=v2 --branch`.

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
