"""Local copies of archived files and folders, and the user's own files."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH100, PTH101, PTH103, PTH104, PTH105, PTH108, PTH112, PTH114, PTH116, PTH118, PTH120, PTH121, PTH123, PTH208

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Final, TypeAlias

from attrs import evolve

from provenance.archives import FolderEntry, LocalSource, manifest
from provenance.effects.io import (
    Temporary,
    absolute_path,
    blob_of,
    map_os_errors,
    read_through,
    remove,
    replacing_file,
    sweep,
    user_cache,
    write_to_file,
)
from provenance.errors import CorruptBlobError
from provenance.model.records import Blob
from provenance.ports import machine

Copies: TypeAlias = "tuple[tuple[FolderEntry, str], ...]"
_BUILDING: Final = ".tmp-"


def file_stamp(status: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is written."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def file_holds(path: str, blob: Blob) -> bool:
    """Return whether the file at *path* holds *blob*."""
    with open(path, "rb") as file:
        return read_through(file) == blob


def list_files(folder: str, way: str = "") -> Iterator[tuple[str, str]]:
    """Yield each file below *folder*: its relative path with `/`, and its path for the system.

    Raises OSError for a symbolic link, which may lead anywhere, and for special files.
    """
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if S_ISDIR(mode):
            yield from list_files(path, f"{way}{name}/")
        elif S_ISREG(mode):
            yield way + name, path
        else:
            what = "a symbolic link" if os.path.islink(path) else "neither a file nor a folder"
            problem = f"it is {what}: put a file or folder in its place"
            raise OSError(errno.EINVAL, problem, path)


def assemble(folder: str, copies: Copies) -> str:
    """Return *folder*, built under another name and renamed if it does not hold just *copies*."""
    if not _is_whole(folder, copies):
        parent = os.path.dirname(folder)
        os.makedirs(parent, exist_ok=True)
        building = f"{parent}{os.sep}{_BUILDING}{os.getpid()}-{os.urandom(8).hex()}"
        try:
            _build(building, copies)
            _publish(building, folder, copies)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def _build(folder: str, copies: Copies) -> None:
    os.makedirs(folder)
    for member, copy in copies:
        target = os.path.join(folder, *member.path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.link(copy, target)
        except OSError:  # the file system has no hard links
            shutil.copy2(copy, target)


def _publish(building: str, folder: str, copies: Copies) -> None:
    """Rename *building* to *folder*, unless another process was faster; replace a changed one."""
    try:
        os.rename(building, folder)
    except OSError:
        if _is_whole(folder, copies):
            return
        old = f"{building}-old"
        os.rename(folder, old)
        os.rename(building, folder)
        shutil.rmtree(old, ignore_errors=True)


def _is_whole(folder: str, copies: Copies) -> bool:
    """Return whether *folder* holds *copies* and nothing else."""
    try:
        found = dict(list_files(folder))
        return found.keys() == {member.path for member, _ in copies} and all(
            os.path.samefile(found[member.path], copy)
            or file_holds(found[member.path], member.blob)
            for member, copy in copies
        )
    except OSError:
        return False


def touch_tree(path: str, after: float) -> bool:
    """Touch *path* as in use if that was last done more than *after* seconds ago."""
    is_old = time.time() - os.stat(path).st_mtime > after
    if is_old:
        os.utime(path)
    return is_old


_log: Final = logging.getLogger("provenance")
_NAME: Final = "local copies"
_KEPT: Final = 30 * 24 * 60 * 60.0
"""Seconds after its last use when a copy may be deleted."""
_DAY: Final = 24 * 60 * 60.0
_SETTLED: Final = 100_000_000
"""Nanoseconds after which another change to a file is sure to change its modification time."""
_TREES: Final = "folders"


class LocalFiles:
    """The files of this machine; local copies are below *folder*, by default in the user's cache."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._verified: dict[str, tuple[int, ...]] = {}
        self._roots: dict[str, Temporary] = {}

    def inspect_file(self, path: str) -> machine.InspectedFile | machine.InspectedFolder:
        """Digest of the user's file, or of all files of the folder, at *path*; raises OSError."""
        path = absolute_path(path)
        link = file_stamp(os.lstat(path)) if os.path.islink(path) else ()
        found = _inspect_folder(path) if os.path.isdir(path) else _inspect_file(path)
        return evolve(found, original=evolve(found.original, link=link)) if link else found

    def materialize(self, ask: machine.Materialize) -> str:
        """Return the path of a copy of the blob; make one if none exists or it was changed.

        Raises `CorruptBlobError` if the store returns other bytes, and `StoreUnavailableError` if
        there is no room.
        """
        root = self._root()
        path = os.path.join(root, ask.blob.id + ("-x" if ask.executable else "") + ask.extension)
        with map_os_errors(_NAME):
            if not self._is_sound(path, ask.blob):
                self._make(root, path, ask)
        return path

    def materialize_folder(self, ask: machine.MaterializeFolder) -> str:
        """Return the path of a folder of copies; raise `StoreUnavailableError` if that fails."""
        path = os.path.join(self._root(), _TREES, ask.blob.id)
        with map_os_errors(_NAME):
            assemble(path, ask.copies)
            touch_tree(path, _DAY)
        return path

    def delete_source(self, original: LocalSource) -> bool:
        """Delete the file, if it is still what was examined and none of the copies; of a link, only the link.

        Of a folder what was archived goes, and each folder that is empty for it. What a link or a mount leads to stays.
        """
        expected = original.link or original.stamp
        if not expected:
            own = Path(original.path)
            gone = [
                not _leads_away(Path(part.path), own) and self.delete_source(part)
                for part in original.parts
            ]
            _remove_empty(original)
            return all(gone)
        if f"{os.path.realpath(os.path.dirname(original.path))}{os.sep}".startswith(
            os.path.realpath(self._place()) + os.sep
        ):
            return False
        try:
            if file_stamp(os.lstat(original.path)) != expected:
                _log.warning(
                    "%s was changed since it was archived, and so it is not deleted", original.path
                )
                return False
            os.unlink(original.path)
        except OSError as error:
            _log.warning("%s is archived, but cannot be deleted: %s", original.path, error.strerror)
            return False
        return True

    def export_file(self, ask: machine.ExportFile) -> None:
        """Write a file of the user's, which replaces one of its name when it is complete; raises OSError."""
        with replacing_file(ask.path) as file:
            ask.pour(file)

    def _place(self) -> str:
        return self._folder or os.path.abspath(os.path.join(user_cache(), "files"))

    def _root(self) -> str:
        """Return the folder of the copies, made if it is missing; delete copies unused for a month."""
        root = self._place()
        if root not in self._roots:
            try:
                os.makedirs(root, exist_ok=True)
            except OSError:  # the home folder is missing or read-only
                if self._folder is not None:
                    raise
                from tempfile import mkdtemp

                root = self._folder = mkdtemp(prefix="provenance-files-")
            self._roots[root] = Temporary(root)
            sweep(root, time.time() - _KEPT)
            sweep(os.path.join(root, _TREES), time.time() - _KEPT, shutil.rmtree)
        return root

    def _make(self, root: str, path: str, ask: machine.Materialize) -> None:
        fd, temporary = self._roots[root].create()
        try:
            _fill(fd, temporary, ask)
            os.replace(temporary, path)
        finally:
            remove(temporary)

    def _is_sound(self, path: str, blob: Blob) -> bool:
        """Return whether the copy at *path* holds *blob*; read it once, and after each change."""
        try:
            status = os.lstat(path)
            if not S_ISREG(status.st_mode) or status.st_size != blob.size:
                return False
            if self._verified.get(path) != file_stamp(status):
                if not file_holds(path, blob):
                    return False
                if time.time_ns() - status.st_mtime_ns > _SETTLED:
                    self._verified[path] = file_stamp(status)
        except FileNotFoundError:
            return False
        # A copy in use is kept for another month.
        if touch_tree(path, _DAY):
            self._verified[path] = file_stamp(os.stat(path))
        return True


def _fill(fd: int, path: str, ask: machine.Materialize) -> None:
    """Write the blob into the open file, close it, make it read-only, and check its digest."""
    try:
        blob = write_to_file(fd, _NAME, ask.pour)
        mode = (0o555 if ask.executable else 0o444) & ~_umask(fd)
    finally:
        os.close(fd)
    os.chmod(path, mode)
    if blob != ask.blob:
        raise CorruptBlobError(
            ask.blob.id, _NAME, f"the store returned {blob.size} bytes of digest {blob.id}"
        )


def _umask(fd: int) -> int:
    """Return the umask, from the mode of a file that was made with all but execute permissions.

    What it denies for reading, it denies for executing.
    """
    denied = 0o444 & ~os.fstat(fd).st_mode
    return denied | denied >> 2


def _inspect_file(path: str) -> machine.InspectedFile:
    if not S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for a writer
        raise OSError(errno.EINVAL, "not a regular file", path)
    with open(path, "rb") as file:
        before = file_stamp(os.fstat(file.fileno()))
        return machine.InspectedFile(read_through(file), LocalSource(path, before))


def _inspect_folder(path: str) -> machine.InspectedFolder:
    members: list[FolderEntry] = []
    parts: list[LocalSource] = []
    for way, file in list_files(path):
        found = _inspect_file(file)
        members.append(FolderEntry(way, found.blob, bool(os.stat(file).st_mode & 0o100)))
        parts.append(found.original)
    ordered = sorted(members, key=lambda member: member.path)
    return machine.InspectedFolder(
        blob_of(manifest(ordered)), tuple(ordered), LocalSource(path, parts=tuple(parts))
    )


def _leads_away(path: Path, folder: Path) -> bool:
    """Return whether *folder*, or one in it on the way to *path*, is a link or a mount: what is below it is in another place."""
    way = [above for above in path.parents if above == folder or folder in above.parents]
    return any(os.path.islink(above) or os.path.ismount(above) for above in way)


def _remove_empty(folder: LocalSource) -> None:
    """Remove *folder* and the folders in it that its parts were in, where nothing is left in them."""
    own = Path(folder.path)
    parents = [above for part in folder.parts for above in Path(part.path).parents]
    inside = {own, *[above for above in parents if own in above.parents]}
    for path in sorted(inside, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):  # it is not empty
            if not _leads_away(path / "a file in it", own):
                path.rmdir()
    if os.path.lexists(own):
        _log.warning("%s is archived, but something is left in it, and so it is not deleted", own)
