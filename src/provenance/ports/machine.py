"""The machine: the clock, the process and the user's files as effects, and the interpreter made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from attrs import frozen

from provenance.archives import FolderEntry, LocalSource, Pour
from provenance.effect import Effect, Interpreter
from provenance.model.records import Blob, Run


@frozen
class InspectedFile:
    """A file of the user's that was read and hashed, and its location."""

    blob: Blob
    original: LocalSource


@frozen
class InspectedFolder:
    """A folder of the user's whose files were read and hashed: its manifest, files and location."""

    blob: Blob
    members: tuple[FolderEntry, ...]
    original: LocalSource


@frozen(eq=False, repr=False)
class InspectFile(Effect["InspectedFile | InspectedFolder"]):
    """Read and hash the user's file or folder at *path*; raises OSError if it is unreadable."""

    path: str


@frozen(eq=False, repr=False)
class Materialize(Effect[str]):
    """The path of a local, read-only copy of *blob*.

    *pour* writes the bytes if there is none yet.
    """

    blob: Blob
    extension: str
    pour: Pour
    executable: bool = False


@frozen(eq=False, repr=False)
class MaterializeFolder(Effect[str]):
    """The path of a local folder with the local *copies* at their paths in it.

    *blob* is its manifest.
    """

    blob: Blob
    copies: tuple[tuple[FolderEntry, str], ...]


@frozen(eq=False, repr=False)
class DeleteSource(Effect[bool]):
    """Delete a file of the user's.

    Answers False and logs why if it changed since it was examined or cannot be deleted.
    """

    original: LocalSource


@frozen(eq=False, repr=False)
class ExportFile(Effect[None]):
    """Write a file of the user's at *path*, which appears when it is complete; raises OSError.

    *pour* writes the bytes. A file that is there is replaced.
    """

    path: str
    pour: Pour


@frozen(eq=False, repr=False)
class Now(Effect[datetime]):
    """The current time, in UTC."""


@frozen(eq=False, repr=False)
class CurrentRun(Effect[Run]):
    """The run of this process; its facts are collected once."""


@frozen(eq=False, repr=False)
class Sleep(Effect[float]):
    """Sleep for about *seconds*; answers how many seconds passed."""

    seconds: float


FileEffects: TypeAlias = InspectFile | Materialize | MaterializeFolder | DeleteSource | ExportFile
"""Effects of the local file system."""
SystemEffects: TypeAlias = Now | Sleep | CurrentRun
"""Effects of the machine."""


class FileSystem(Protocol):
    """The user's files, and local copies of stored ones."""

    def inspect_file(self, path: str, /) -> InspectedFile | InspectedFolder: ...
    def materialize(self, ask: Materialize, /) -> str: ...
    def materialize_folder(self, ask: MaterializeFolder, /) -> str: ...
    def delete_source(self, original: LocalSource, /) -> bool: ...
    def export_file(self, ask: ExportFile, /) -> None: ...


class Clock(Protocol):
    """The only source of time for calls: for time stamps, durations and pauses."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return the seconds of a monotonic clock, for measuring durations."""
        ...

    def sleep(self, seconds: float, /) -> float:
        """Sleep for about *seconds*; return how many seconds passed."""
        ...


def file_effects(files: FileSystem) -> Interpreter[FileEffects]:
    """Return an interpreter for *files*."""
    return (
        InspectFile.on(lambda ask: files.inspect_file(ask.path))
        | Materialize.on(files.materialize)
        | MaterializeFolder.on(files.materialize_folder)
        | DeleteSource.on(lambda ask: files.delete_source(ask.original))
        | ExportFile.on(files.export_file)
    )


def system_effects(clock: Clock, current_run: Callable[[], Run]) -> Interpreter[SystemEffects]:
    """Return an interpreter for *clock* and a function that describes this process."""
    return (
        Now.on(lambda _: clock.now())
        | Sleep.on(lambda ask: clock.sleep(ask.seconds))
        | CurrentRun.on(lambda _: current_run())
    )
