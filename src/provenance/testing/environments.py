"""Environments for tests: a repository in memory or in a folder, and a fixed clock."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import frozen

from provenance.config.api import from_config
from provenance.config.parsing import parse
from provenance.config.wiring import environment_of
from provenance.environment import Environment, replacing_environment
from provenance.ports.machine import Clock
from provenance.repository.handles import Repository

_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


@frozen
class FixedClock:
    """A `Clock` stopped at *moment*, so that every duration is zero.

    >>> FixedClock().now().isoformat(), FixedClock().monotonic()
    ('2000-01-01T00:00:00+00:00', 0.0)
    """

    moment: datetime = _START

    def now(self) -> datetime:
        """Return *moment*."""
        return self.moment

    def monotonic(self) -> float:
        """Return zero."""
        return 0.0

    def sleep(self, seconds: float) -> float:
        """Return *seconds* at once, as if they had passed."""
        return seconds


def memory_environment(clock: Clock | None = None) -> Environment:
    """Return an environment with one empty repository, `memory`, which permits everything.

    The environment of the process stays as it is. With a *clock*, artifacts have its times, and
    what waits waits by it, instead of the machine's.
    """
    config = {"artifact_repos": {"memory": {"type": "memory", "delete": True}}}
    return environment_of(parse(config, {}), Path.cwd(), clock)


@contextmanager
def in_memory(clock: Clock | None = None) -> Generator[Repository]:
    """Let decorated functions use an empty repository in memory within a block, with the time of *clock*.

    The block replaces the environment of the *process*, so that threads and tasks that the tested
    code starts use it too. When it ends, the previous environment is restored, and changes of
    settings (`set_use_cache`, `load_config` …) are undone. Such blocks may be nested, but must not
    run in two threads at once; use `using_repo(memory_environment().repository())` there.

    >>> import provenance
    >>> with in_memory() as repo:
    ...     answer = provenance.provenance(lambda: 42, name="answer")()
    ...     provenance.artifact_of(answer).id in repo
    True
    """
    with replacing_environment(memory_environment(clock)) as environment:
        yield environment.repository()


def folder_environment(folder: Path) -> Environment:
    """Return an environment with one repository, `folder`, of SQLite and files below *folder*."""
    files = {"type": "disk", "cachedir": str(folder / "blobs"), "delete": True}
    records = {
        "type": "sqlite",
        "db": str(folder / "provenance.db"),
        "store": "files",
        "delete": True,
    }
    return from_config({"blobstores": {"files": files}, "artifact_repos": {"folder": records}})


@contextmanager
def in_folder(folder: Path) -> Generator[Repository]:
    """Let decorated functions use SQLite and files below *folder* within a block, like `in_memory`.

    For tests of several processes, damaged files and persistence.
    """
    with replacing_environment(folder_environment(folder)) as environment:
        yield environment.repository()
