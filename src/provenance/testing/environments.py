"""Environments for tests: a repository of a test's own, in memory or in a folder, and time that stands still."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from provenance.asks import Now
from provenance.config import from_config
from provenance.ports import Clock
from provenance.repository import Repository
from provenance.session import Environment, substituting

_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


@frozen
class FixedClock:
    """A `Clock` that stands still at *moment*, so that every duration is zero.

    >>> FixedClock().now().isoformat(), FixedClock().ticks()
    ('2000-01-01T00:00:00+00:00', 0.0)
    """

    moment: datetime = _START

    def now(self) -> datetime:
        """Always *moment*."""
        return self.moment

    def ticks(self) -> float:
        """Always zero."""
        return 0.0


def memory_environment(clock: Clock | None = None) -> Environment:
    """An environment with one empty repository, `memory`, in which everything is allowed; nothing is installed.

    With a *clock*, artifacts carry its times and not those of the machine.
    """
    config = {"artifact_repos": {"memory": {"type": "memory", "delete": True}}}
    environment = from_config(config)
    if clock is None:
        return environment
    real = environment.repository()
    repo = evolve(real, interpreter=real.interpreter | Now.on(lambda _: clock.now()))
    return evolve(environment, openers={"memory": lambda: repo}, clock=clock)


@contextmanager
def in_memory(clock: Clock | None = None) -> Generator[Repository]:
    """Within this block decorated functions use an empty repository in memory, which is yielded.

    The environment of the *process* is replaced, so that threads and tasks that the tested code starts use it too,
    and settings that it changes (`set_use_cache`, `load_config` …) end with the block: afterwards whatever was before
    is back, even if that was nothing. Two such blocks may be nested, but not in two threads at once; there, use
    `using_repo(memory_environment().repository())`.

    >>> import provenance
    >>> with in_memory() as repo:
    ...     answer = provenance.provenance(lambda: 42, name="answer")()
    ...     provenance.artifact_of(answer).id in repo
    True
    """
    with substituting(memory_environment(clock)) as environment:
        yield environment.repository()


def folder_environment(folder: Path) -> Environment:
    """An environment with one repository, `folder`, of SQLite and files below *folder*; nothing is installed."""
    files = {"type": "disk", "cachedir": str(folder / "blobs"), "delete": True}
    records = {"type": "sqlite", "db": str(folder / "provenance.db"), "store": "files", "delete": True}
    return from_config({"blobstores": {"files": files}, "artifact_repos": {"folder": records}})


@contextmanager
def in_folder(folder: Path) -> Generator[Repository]:
    """Within this block decorated functions use SQLite and files below *folder*, as `in_memory` has them use memory.

    For tests of what memory is too kind to show: processes, damage, what is left for the next day.
    """
    with substituting(folder_environment(folder)) as environment:
        yield environment.repository()
