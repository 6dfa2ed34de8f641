"""The clock and the machine: when and where this process runs, with what, from which code."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from provenance.effects.io import digest
from provenance.hashing import hash_value
from provenance.model.ids import RunId
from provenance.model.records import Json, Run
from provenance.model.rows import jsonable, run_to_json, time_text
from provenance.ports.machine import Clock
from provenance.receipts.ownership import is_own_file
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
_LONGEST: Final = 1_000_000
"""Characters of a script that are recorded."""
_AT_ONCE: Final = 500
"""Files that git is asked about at a time."""
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
    import getpass

    working_directory: str | None = None
    with suppress(OSError):  # it may have been deleted
        working_directory = str(Path.cwd())
    username: str | None = None
    with suppress(ImportError, KeyError, OSError):  # the system may not know it
        username = getpass.getuser()
    return {
        "pid": os.getpid(),
        "cmdline": list[Json](redact_arguments(sys.orig_argv)),
        "cwd": working_directory,
        "exe": sys.executable,
        "name": Path(sys.orig_argv[0]).name if sys.orig_argv else "",
        "num_threads": threading.active_count(),
        "username": username,
    }


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


def program(*, with_text: bool) -> Facts | None:
    """Describe the script or notebook that runs: path, digest and, *with_text*, its text.

    The text of a notebook is that of the cells executed so far. None in a console, and for a
    program of an installed library.
    """
    namespace = vars(sys.modules["__main__"])
    cells = namespace.get("_ih")
    file = namespace.get("__vsc_ipynb_file__") or namespace.get("__file__")
    if isinstance(cells, list):
        path = file or os.environ.get("JPY_SESSION_NAME", "")
        text = "\n\n".join(map(str, cast("list[object]", cells)[1:]))
    else:
        path = file
        if not isinstance(file, str) or not is_own_file(file):
            return None
        try:
            text = Path(file).read_text("utf-8", "backslashreplace")
        except OSError:
            return {"path": file}
    facts: Facts = {"path": str(path), "digest": digest(text.encode("utf-8", "backslashreplace"))}
    return {**facts, "text": text[:_LONGEST]} if with_text else facts


def executed_files() -> frozenset[str]:
    """Return the real paths of the user's files that this process has executed or imported."""
    files = {
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] != "provenance"
    }
    return frozenset(
        os.path.realpath(file) for file in files if isinstance(file, str) and is_own_file(file)
    )


def git(folder: Path | None = None) -> Facts | None:
    """Return commit, branch and whether files differ from the commit.

    None outside a checkout, without git, or if git takes too long.
    """
    answer = _ask_git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    return None if answer is None else git_facts(answer.decode(errors="replace"))


def _ask_git(folder: Path | None, *arguments: str) -> bytes | None:
    """Return what git prints in *folder*; None if it fails."""
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the command is our own
            ["git", *arguments],  # noqa: S607 - the user's git
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _git_with_code() -> Facts | None:
    """Return what `git` tells; code that was executed and is not tracked counts as a change."""
    facts = git()
    if facts is None:
        return None
    with suppress(OSError):  # the working directory may have been deleted
        files = _untracked(executed_files())
        if files:
            return {**facts, "dirty": True, "untracked": list[Json](files)}
    return facts


def _untracked(files: Iterable[str]) -> list[str]:
    """Return those of *files* in the checkout that git does not track, relative to its top.

    Empty if git cannot tell.
    """
    real = Path(os.path.realpath(Path.cwd()))
    top = next((path for path in (real, *real.parents) if (path / ".git").exists()), None)
    if top is None:
        return []
    paths = [Path(file) for file in files]
    inside = sorted(path.relative_to(top).as_posix() for path in paths if path.is_relative_to(top))
    tracked: set[str] = set()
    for start in range(0, len(inside), _AT_ONCE):
        answer = _ask_git(top, "ls-files", "-z", "--", *inside[start : start + _AT_ONCE])
        if answer is None:
            return []
        tracked.update(os.fsdecode(answer).split("\0"))
    return [file for file in inside if file not in tracked]


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
