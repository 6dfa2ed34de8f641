"""A client of remote file systems: one connection per process, with a deadline and retries."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast

from attrs import frozen
from fsspec import AbstractFileSystem
from fsspec.callbacks import Callback

from provenance.effects.objectstore import filesystems
from provenance.effects.retry import backoff, call_with_retries
from provenance.errors import CorruptBlobError, ProvenanceError, StoreUnavailableError
from provenance.model.records import Blob
from provenance.ports.blobs import RemoteLocation
from provenance.util.locks import ForkSafeLock

_GRACE: Final = 5.0
"""Seconds that a cancelled request may take to end."""
_inherited_by_fork: Final[list[AbstractFileSystem]] = []
"""File systems of the parent process, which a child must neither use nor finalize."""


class FilesystemConnection:
    """The file system of a place, made on first use and again after a fork or a lost connection.

    Raises `MissingLibraryError` if its library is missing, and `ConfigError` if it is unknown.
    """

    def __init__(self, store: str, place: RemoteLocation) -> None:
        self.family: Final = filesystems.profile_of(place.protocol)
        self.kind: Final = self.family.load(store)
        self._timeout = place.timeout
        in_url: dict[str, Any] = {}
        if "://" in place.root:
            in_url = self.kind._get_kwargs_from_urls(place.root)  # noqa: SLF001 - no public name
        self.options: Final = {**in_url, **place.options}
        self._guard = ForkSafeLock()
        self._made: tuple[int, AbstractFileSystem] | None = None

    def files(self) -> AbstractFileSystem:
        """Return the file system of this process."""
        with self._guard.lock:
            if self._made is not None and self._made[0] != os.getpid():
                _inherited_by_fork.append(self._made[1])
                self._made = None
            if self._made is None:
                options = self.family.options(self._timeout, self.options)
                self._made = os.getpid(), self.kind(skip_instance_cache=True, **options)
            return self._made[1]

    def renew(self) -> None:
        """Make a new file system next time, if this kind is unusable after a lost connection."""
        if not self.family.is_atomic:
            with self._guard.lock:
                self._made = None


def call_filesystem(
    files: AbstractFileSystem, limit: float, method: str, *args: object, **options: object
) -> Any:  # noqa: ANN401 - whatever it returns
    """Call a method of *files*; cancel an asynchronous one after *limit* seconds."""
    files.invalidate_cache()
    if not files.async_impl:
        return getattr(files, method)(*args, **options)

    async def answer() -> object:
        return await asyncio.wait_for(getattr(files, f"_{method}")(*args, **options), limit)

    future = asyncio.run_coroutine_threadsafe(answer(), cast("Any", files).loop)
    try:
        return future.result(limit + _GRACE)
    except BaseException:
        future.cancel()
        raise


_ATTEMPTS: Final = 5
_FIRST_PAUSE: Final = 0.2
_SLOWEST: Final = 512 << 10
"""Minimum transfer rate in bytes per second; extends a request's timeout by size / rate."""
_STALE: Final = 24 * 60 * 60.0
"""Seconds after which a temporary file counts as abandoned."""
_FAIL_IF_IT_EXISTS: Final = {"mode": "create"}
_TIMES: Final = ("LastModified", "mtime", "updated", "last_modified", "modified", "created")


@frozen
class FileStatus:
    """An existing file: its size, and when it was last written (Unix time; 0 if unknown)."""

    size: int
    written_at: float


class _SizeCheck(Callback):
    """Stop a download that is larger than its blob, which could fill the disk."""

    def __init__(self, blob: Blob, store: str) -> None:
        super().__init__()
        self._blob = blob
        self._store = store

    def call(self, *_: object, **__: object) -> None:
        """Compare the announced size, and what has arrived, whenever one of them changes."""
        if max(self.size or 0, self.value) > self._blob.size:
            reason = f"it is larger than the {self._blob.size:,} bytes that were stored"
            raise CorruptBlobError(self._blob.id, self._store, reason)


class RemoteFiles:
    """The files below *place*, by their paths in there, for the store *name*."""

    def __init__(
        self, name: str, place: RemoteLocation, connection: FilesystemConnection | None = None
    ) -> None:
        self.name: Final = name
        self._place = place
        self._connection = connection or FilesystemConnection(name, place)
        self._family = self._connection.family
        self._kind = self._connection.kind
        root = self._kind._strip_protocol(place.root)  # noqa: SLF001 - fsspec has no public name
        self._root = root.rstrip("/")
        self._secrets = filesystems.secrets_of(self._connection.options)
        self._has_bucket = not self._family.is_atomic
        self._swept_by = 0

    @property
    def address(self) -> str:
        """The place as one string, without its host: two places taken for one delete less."""
        protocol = self._kind.protocol
        if not isinstance(protocol, str):
            protocol = protocol[0]
        root = os.path.realpath(self._root) if protocol == "file" else self._root
        return f"{protocol}:{root}"

    def status(self, path: str) -> FileStatus | None:
        """Return the status of *path*; None if it is not a file."""
        try:
            info = self._look("info", self._at(path))
        except FileNotFoundError:
            return None
        return None if info["type"] == "directory" else _status_of(info)

    def fetch(self, path: str, local: str, blob: Blob) -> bool:
        """Copy what is at *path* to the file *local*; return False if nothing is there.

        Raises `CorruptBlobError` as soon as it is known to be larger than *blob*.
        """
        options = {**self._family.get(blob.size), "callback": _SizeCheck(blob, self.name)}
        try:
            self._look("get_file", self._at(path), local, size=blob.size, **options)
        except FileNotFoundError:
            return False
        return True

    def publish(self, local: str, path: str, size: int, *, exclusive: bool = False) -> None:
        """Copy the file *local* to *path*, where it appears when it is complete.

        Raises `FileExistsError` if *exclusive* and *path* exists, where the place can tell.
        """
        if not self._family.is_atomic:
            self._publish_by_name(local, path, size)
            return
        options = {**self._family.put(size), **(_FAIL_IF_IT_EXISTS if exclusive else {})}
        try:
            self._ask("put_file", local, self._at(path), size=size, **options)
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        self._has_bucket = True

    def move(self, path: str, target: str) -> None:
        """Rename *path* to *target*, which is replaced; do nothing if *path* does not exist."""
        with suppress(FileNotFoundError):
            if self._family.is_atomic:
                self._look("cp_file", self._at(path), self._at(target))
                self.remove(path)
            else:
                self._ask_in_folder(target, "mv", self._at(path), self._at(target))

    def remove(self, path: str) -> None:
        """Delete what is at *path*, if anything is."""
        with suppress(FileNotFoundError):
            self._look("rm_file", self._at(path))

    def listed(self, folder: str = "") -> Iterator[tuple[str, FileStatus]]:
        """Yield the paths of all files in *folder* and below, and their status."""
        found: dict[str, Any] = {}
        with suppress(FileNotFoundError):
            found = self._look("find", self._at(folder).rstrip("/"), detail=True)
        for name, info in found.items():
            path = self._kind._strip_protocol(name)  # noqa: SLF001 - as above
            yield path.removeprefix(self._root).lstrip("/"), _status_of(info)

    def _publish_by_name(self, local: str, path: str, size: int) -> None:
        """Copy to a temporary name and rename, where a half-written file would be visible."""
        began = time.monotonic()
        temporary = f".tmp/{os.getpid()}-{os.urandom(8).hex()}"
        try:
            self._ask_in_folder(temporary, "put_file", local, self._at(temporary), size=size)
            self._ask_in_folder(path, "mv", self._at(temporary), self._at(path))
        except FileNotFoundError as error:
            status = self.status(path)
            # If it is there, it was renamed, and only the answer was lost.
            if status is None or status.size != size:
                problem = "the temporary file disappeared before it was renamed"
                raise StoreUnavailableError(self.name, problem, "try again") from error
        except BaseException:
            # Otherwise the place will not be reached now either; what stays is swept another day.
            if time.monotonic() - began < self._place.timeout:
                with suppress(Exception):
                    files = self._connection.files()
                    call_filesystem(files, self._place.timeout, "rm_file", self._at(temporary))
            raise
        self._sweep()

    def _ask_in_folder(self, path: str, method: str, *args: object, size: int = 0) -> None:
        """Make a request that creates *path*; if its folder is missing, make it and ask again."""
        try:
            self._ask(method, *args, size=size)
        except FileNotFoundError:
            self._ask("makedirs", self._at(path).rpartition("/")[0], exist_ok=True)
            self._ask(method, *args, size=size)

    def _sweep(self) -> None:
        """Delete abandoned temporary files, once in a process that writes."""
        if self._swept_by == os.getpid():
            return
        self._swept_by = os.getpid()
        before = time.time() - _STALE
        # Cleaning must not fail the write that it follows.
        with suppress(StoreUnavailableError):
            for path, status in list(self.listed(".tmp")):
                if 0 < status.written_at < before:
                    self.remove(path)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    def _look(self, method: str, *args: object, size: int = 0, **options: object) -> Any:  # noqa: ANN401 - as `call_filesystem`
        """Ask for a file; raise FileNotFoundError, or StoreUnavailableError without a bucket."""
        try:
            answer = self._ask(method, *args, size=size, **options)
        except FileNotFoundError as error:
            if not (self._has_bucket or self._finds_bucket()):
                raise self._no_bucket() from error
            self._has_bucket = True
            raise
        self._has_bucket = True
        return answer

    def _finds_bucket(self) -> bool:
        try:
            self._ask("info", self._root.partition("/")[0])
        except FileNotFoundError:
            return False
        except StoreUnavailableError:
            return True  # it may exist without being readable
        return True

    def _no_bucket(self) -> StoreUnavailableError:
        bucket = self._root.partition("/")[0]
        problem = f"bucket {bucket!r} does not exist"
        return StoreUnavailableError(self.name, problem, "create it, or correct its name")

    def _ask(self, method: str, *args: object, size: int = 0, **options: object) -> Any:  # noqa: ANN401 - as `call_filesystem`
        """Ask within the deadline, which *size*, the number of bytes to transfer, extends.

        Raises errors of the library, FileNotFoundError or FileExistsError.
        """
        extra = size / _SLOWEST
        longest = self._place.timeout + extra

        def attempt(left: float) -> Any:  # noqa: ANN401 - as `call_filesystem`
            limit = max(min(left, longest), 0.001)
            return call_filesystem(self._connection.files(), limit, method, *args, **options)

        def pause(failures: int) -> None:
            self._connection.renew()
            backoff(failures, _FIRST_PAUSE)

        try:
            return call_with_retries(
                attempt, _ATTEMPTS, filesystems.is_passing, pause, self._place.deadline + extra
            )
        except (FileNotFoundError, ProvenanceError):
            raise
        except Exception as error:
            if filesystems.is_conflict(error):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            cause = error if filesystems.is_open(error, self._secrets) else None
            raise filesystems.unavailable_error(self.name, error, self._secrets) from cause


def _status_of(info: Mapping[str, object]) -> FileStatus:
    """Return the status in *info*, by the names and types that the file system uses."""
    written = next((info[name] for name in _TIMES if info.get(name)), 0.0)
    if isinstance(written, str):
        with suppress(ValueError):
            written = datetime.fromisoformat(written)
    if isinstance(written, datetime):
        written = (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()
    seconds = float(written) if isinstance(written, int | float) else 0.0
    return FileStatus(int(cast("int", info["size"])), seconds)
