"""Files elsewhere, asked for with patience: whatever goes wrong is told as the library tells it, within a time."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

from attrs import frozen
from fsspec import AbstractFileSystem

from provenance.effects.connections import Connection, call
from provenance.effects.outages import is_conflict, is_open, is_passing, secrets_of, told
from provenance.effects.patience import backoff, persistent
from provenance.errors import ProvenanceError, StoreUnavailableError
from provenance.places import Place

T = TypeVar("T")

_ATTEMPTS: Final = 5
_FIRST_PAUSE: Final = 0.2
_SLOWEST: Final = 512 << 10
"""Bytes a second that a connection must move at least; transfers have so much more time than other requests."""
_STALE: Final = 24 * 60 * 60.0
"""Seconds after which a temporary file is nobody's any more."""
_TIMES: Final = ("LastModified", "mtime", "updated", "last_modified", "modified", "created")


@frozen
class Status:
    """A file is there: its bytes, and when it was written last (in seconds since 1970; 0 where that is not known)."""

    size: int
    written_at: float


class Remote:
    """The files below *place*, by their paths in there, for the store *name*."""

    def __init__(self, name: str, place: Place, connection: Connection | None = None) -> None:
        self.name: Final = name
        self._place = place
        self._connection = connection or Connection(name, place)
        self._family = self._connection.family
        self._kind = self._connection.kind
        self._root = self._kind._strip_protocol(place.root).rstrip("/")  # noqa: SLF001 - fsspec has no other name for it
        self._secrets = secrets_of(self._connection.options)
        self._has_bucket = not self._family.is_atomic
        self._swept_by = 0

    @property
    def address(self) -> str:
        """What tells the place from others. Hosts do not count: who takes two places for one deletes less."""
        protocol = (
            self._kind.protocol if isinstance(self._kind.protocol, str) else self._kind.protocol[0]
        )
        root = os.path.realpath(self._root) if protocol == "file" else self._root
        return f"{protocol}:{root}"

    def status(self, path: str) -> Status | None:
        """What is at *path*; None where there is no file."""
        found = self._found(lambda files, limit: call(files, limit, "info", self._at(path)))
        if found is None or found["type"] == "directory":
            return None
        return Status(int(cast("int", found["size"])), _moment(found))

    def fetch(self, path: str, local: str, size: int) -> bool:
        """Copy what is at *path* to the file *local*; False where nothing is."""
        options = self._family.get(size)

        def ask(files: AbstractFileSystem, limit: float) -> bool:
            call(files, limit, "get_file", self._at(path), local, **options)
            return True

        return self._found(ask, size) or False

    def publish(self, local: str, path: str, size: int, *, exclusive: bool = False) -> None:
        """Copy the file *local* to *path*, where it is seen when it is complete.

        Raises `FileExistsError` where something is already, if *exclusive* and the place can tell.
        """
        if not self._family.is_atomic:
            self._publish_by_name(local, path, size)
            return
        options = {**self._family.put(size), **(self._family.exclusive if exclusive else {})}
        try:
            self._patiently(
                lambda files, limit: call(
                    files, limit, "put_file", local, self._at(path), **options
                ),
                size,
            )
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        self._has_bucket = True

    def move(self, path: str, target: str) -> None:
        """Give what is at *path* another name, over what is there; nothing happens where nothing is."""
        if self._family.is_atomic:
            moved = self._found(
                lambda files, limit: _done(
                    files, limit, "cp_file", self._at(path), self._at(target)
                )
            )
            if moved:
                self.remove(path)
        else:
            with suppress(FileNotFoundError):
                self._rename(path, target)

    def remove(self, path: str) -> None:
        """Delete what is at *path*, if anything is."""
        self._found(lambda files, limit: _done(files, limit, "rm_file", self._at(path)))

    def listed(self, folder: str = "") -> Iterator[tuple[str, Status]]:
        """Paths of all files in *folder* and below, and what is there."""
        where = self._at(folder).rstrip("/")
        found = self._found(lambda files, limit: call(files, limit, "find", where, detail=True))
        for name, info in cast("dict[str, dict[str, object]]", found or {}).items():
            path = self._kind._strip_protocol(name).removeprefix(self._root).lstrip("/")  # noqa: SLF001 - as above
            yield path, Status(int(cast("int", info["size"])), _moment(info))

    def _publish_by_name(self, local: str, path: str, size: int) -> None:
        begun = time.monotonic()
        temporary = f".tmp/{os.getpid()}-{os.urandom(8).hex()}"
        try:
            self._in_folder(
                temporary,
                lambda files, limit: call(files, limit, "put_file", local, self._at(temporary)),
                size,
            )
            self._rename(temporary, path)
        except FileNotFoundError as error:
            there = self.status(path)
            if there is None or there.size != size:  # else it was renamed, and the answer was lost
                problem = "the temporary file is gone that was to be renamed"
                raise StoreUnavailableError(self.name, problem, "try again") from error
        except BaseException:
            if (
                time.monotonic() - begun < self._place.timeout
            ):  # else it will not be reached now either
                self._tidy(temporary)
            raise
        self._sweep()

    def _tidy(self, path: str) -> None:
        with suppress(Exception):  # what stays is swept another day
            call(self._connection.files(), self._place.timeout, "rm_file", self._at(path))

    def _rename(self, path: str, target: str) -> None:
        self._in_folder(
            target, lambda files, limit: call(files, limit, "mv", self._at(path), self._at(target))
        )

    def _in_folder(
        self, path: str, ask: Callable[[AbstractFileSystem, float], object], size: int = 0
    ) -> None:
        """Ask for what makes a file at *path*; where the folder is not there, make it and ask again."""
        try:
            self._patiently(ask, size)
        except FileNotFoundError:
            folder = self._at(path).rpartition("/")[0]
            self._patiently(
                lambda files, limit: call(files, limit, "makedirs", folder, exist_ok=True)
            )
            self._patiently(ask, size)

    def _sweep(self) -> None:
        """Delete what killed writers left, once in a process that writes."""
        if self._swept_by == os.getpid():
            return
        self._swept_by = os.getpid()
        before = time.time() - _STALE
        with suppress(StoreUnavailableError):  # tidying must not fail the write that it follows
            for path, status in list(self.listed(".tmp")):
                if 0 < status.written_at < before:
                    self.remove(path)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    def _found(self, ask: Callable[[AbstractFileSystem, float], T], size: int = 0) -> T | None:
        """What *ask* answers; None where it finds no file. That there is no bucket is told."""
        try:
            found = self._patiently(ask, size)
        except FileNotFoundError as error:
            if not self._has_bucket and not self._looks_for_bucket():
                raise self._no_bucket() from error
            found = None
        self._has_bucket = True
        return found

    def _looks_for_bucket(self) -> bool:
        bucket = self._root.partition("/")[0]
        try:
            self._patiently(lambda files, limit: call(files, limit, "info", bucket))
        except FileNotFoundError:
            return False
        except StoreUnavailableError:  # it may be there, and not to be looked at
            return True
        return True

    def _no_bucket(self) -> StoreUnavailableError:
        bucket = self._root.partition("/")[0]
        return StoreUnavailableError(
            self.name, f"there is no bucket {bucket!r}", "make it, or correct its name"
        )

    def _patiently(self, ask: Callable[[AbstractFileSystem, float], T], size: int = 0) -> T:
        """What *ask* answers within the deadline; its failures are told, but for what is or is not there."""
        extra = size / _SLOWEST
        one = self._place.timeout + extra

        def attempt(left: float) -> T:
            return ask(self._connection.files(), max(min(left, one), 0.001))

        try:
            return persistent(
                attempt, _ATTEMPTS, is_passing, self._pause, self._place.deadline + extra
            )
        except (FileNotFoundError, ProvenanceError):
            raise
        except Exception as error:
            if is_conflict(error):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            cause = error if is_open(error, self._secrets) else None
            raise told(self.name, error, self._secrets) from cause

    def _pause(self, failures: int) -> None:
        self._connection.renew()
        backoff(failures, _FIRST_PAUSE)


def _done(files: AbstractFileSystem, limit: float, method: str, *args: object) -> bool:
    call(files, limit, method, *args)
    return True


def _moment(info: Mapping[str, object]) -> float:
    """When a file was written last, by whatever name and type its file system tells it."""
    told = next((info[name] for name in _TIMES if info.get(name)), 0.0)
    if isinstance(told, str):
        with suppress(ValueError):
            told = datetime.fromisoformat(told)
    if isinstance(told, datetime):
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return float(told) if isinstance(told, int | float) else 0.0
