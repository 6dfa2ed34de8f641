"""The machine: the clock, the process and the user's files as effects, and the interpreter made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeAlias

from attrs import frozen

from provenance.archives import Member, Original, Pour
from provenance.effect import Effect, Interpreter
from provenance.model.records import Blob, Run


@frozen
class Examined:
    """A file of the user's that was read and hashed, and its location."""

    blob: Blob
    original: Original


@frozen
class ExaminedFolder:
    """A folder of the user's whose files were read and hashed: its manifest, files and location."""

    blob: Blob
    members: tuple[Member, ...]
    original: Original


@frozen
class Examine(Effect["Examined | ExaminedFolder"]):
    """Read and hash the user's file or folder at *path*; raises OSError if it is unreadable."""

    path: str


@frozen
class CheckOut(Effect[str]):
    """The path of a local, read-only copy of *blob*.

    *pour* writes the bytes if there is none yet.
    """

    blob: Blob
    extension: str
    pour: Pour
    executable: bool = False


@frozen
class Assemble(Effect[str]):
    """The path of a local folder with the local *copies* at their paths in it.

    *blob* is its manifest.
    """

    blob: Blob
    copies: tuple[tuple[Member, str], ...]


@frozen
class DeleteOriginal(Effect[bool]):
    """Delete a file of the user's.

    Answers False and logs why if it changed since it was examined or cannot be deleted.
    """

    original: Original


@frozen
class Now(Effect[datetime]):
    """The current time, in UTC."""


@frozen
class CurrentRun(Effect[Run]):
    """The run of this process; its facts are collected once."""


@frozen
class Pause(Effect[float]):
    """Sleep for about *seconds*; answers how many seconds passed."""

    seconds: float


Files: TypeAlias = Examine | CheckOut | Assemble | DeleteOriginal
"""Effects of the local file system."""
World: TypeAlias = Now | CurrentRun | Pause
"""Effects of the machine."""


class Desk(Protocol):
    """The user's files, and local copies of stored ones."""

    def examine(self, path: str, /) -> Examined | ExaminedFolder: ...
    def check_out(self, ask: CheckOut, /) -> str: ...
    def assemble(self, ask: Assemble, /) -> str: ...
    def delete_original(self, original: Original, /) -> bool: ...


class Clock(Protocol):
    """A clock."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...

    def ticks(self) -> float:
        """Return the seconds of a monotonic clock, for measuring durations."""
        ...


class Machine(Protocol):
    """Time and facts of this process."""

    def now(self) -> datetime: ...
    def current_run(self) -> Run: ...
    def pause(self, seconds: float, /) -> float: ...


def file_effects(desk: Desk) -> Interpreter[Files]:
    """Return an interpreter for *desk*."""
    return (
        Examine.on(lambda ask: desk.examine(ask.path))
        | CheckOut.on(desk.check_out)
        | Assemble.on(desk.assemble)
        | DeleteOriginal.on(lambda ask: desk.delete_original(ask.original))
    )


def world_effects(machine: Machine) -> Interpreter[World]:
    """Return an interpreter for *machine*."""
    return (
        Now.on(lambda _: machine.now())
        | CurrentRun.on(lambda _: machine.current_run())
        | Pause.on(lambda ask: machine.pause(ask.seconds))
    )
