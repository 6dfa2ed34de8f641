"""Operating system errors as errors of the library."""

from __future__ import annotations

import errno
from typing import Final

from provenance.errors import ProvenanceError, StoreUnavailableError

_ADVICE: Final = {
    errno.ENOSPC: "free some space, or choose another place for the store",
    errno.EDQUOT: "free some of the quota, or choose another place for the store",
    errno.EFBIG: "raise the limit on file sizes, or choose another place for the store",
    errno.EROFS: (
        "the file system is read-only: choose a writable place, or use the store with write: false"
    ),
    errno.EACCES: "check the permissions of the store's folder",
    errno.EPERM: "check the permissions of the store's folder",
    errno.ENOTDIR: (
        "a part of the path is a file, not a folder: choose another place for the store"
    ),
    errno.ENOENT: "check that the store's folder exists and is mounted",
    errno.EMFILE: "close some files, or raise the limit on open files",
}


def unavailable(store: str, error: OSError) -> StoreUnavailableError:
    """Return the error to raise when *error* kept *store* from answering."""
    advice = _ADVICE.get(error.errno or 0, "check that the store's place exists and is accessible")
    return StoreUnavailableError(store, str(error), advice)


class Reaching:
    """A block in which an `OSError` of the system becomes a `StoreUnavailableError` of *store*.

    It has no state, so one instance serves a store for life, in all threads and nested.
    """

    __slots__ = ("_store",)

    def __init__(self, store: str) -> None:
        self._store = store

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, ProvenanceError):
            raise unavailable(self._store, error) from error
