"""The handle of a blob store."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, cast

from attrs import evolve, field, frozen

from provenance.codecs.trust import CopyPolicy
from provenance.effect import Interpreter
from provenance.model.records import Blob
from provenance.ports.blobs import BlobEffects, DeleteBlob, HasBlob, ReadBlob, WriteBlob
from provenance.ports.permissions import Permissions
from provenance.repository.handles import Blueprint, Repository
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported

MEMORY: Final = "memory"
"""The location of what ends with the process."""


def is_in_memory(repo: Repository) -> bool:
    """Tell whether the records or values of a repository end with the process, of a chain those that it stores farthest away."""
    return MEMORY in (_farthest(repo).records_at, _farthest(repo).values_at)


def is_copied_memory(repo: Repository) -> bool:
    """Tell whether a repository is a forked copy of one in the memory of another process."""
    return _farthest(repo).process_id != os.getpid() and is_in_memory(repo)


def _farthest(repo: Repository) -> Repository:
    """Return the farthest repository of a chain into which it stores."""
    while repo.tiers:
        written = [tier for tier in repo.tiers if tier.permissions.write]
        repo = (written or repo.tiers)[-1]
    return repo


@exported
@frozen(eq=False)
class Store:
    """A blob store: bytes under the digest of their content.

    A key, `blob`, is a `Blob`: digest and size. Anything else is a TypeError, also for `in`. Methods
    raise `StoreUnavailableError` if the store fails and `StorePermissionError` if its configuration
    forbids the operation.

    In a chain, its `permissions` apply to it, and if it is not `trusted`, the chain is not either.

    Example:
        >>> import provenance as p
        >>> store = p.MemoryStore("values")
        >>> blob = store.put(b"some bytes")
    """

    name: str
    interpreter: Interpreter[BlobEffects] = field(repr=False)
    trusted: bool = True
    permissions: Permissions = field(factory=Permissions, repr=False)
    copy_policy: CopyPolicy = field(default=CopyPolicy.DATA_ONLY, repr=False)
    location: str = field(default="a store of your own", repr=False)
    blueprint: Blueprint | None = field(default=None, repr=False)

    def with_layer(
        self, layer: Callable[[Interpreter[BlobEffects]], Interpreter[BlobEffects]], /
    ) -> Store:
        """Return this store with *layer* around its interpreter; this one stays as it is.

        Args:
            layer: A function from interpreter to interpreter; `provenance.extending` has some, and `with_layer` makes one.
        """
        return evolve(self, interpreter=layer(self.interpreter), blueprint=None)

    def put(self, data: bytes) -> Blob:
        """Store *data* and return its key; equal bytes are stored once."""
        return self.interpreter(WriteBlob(lambda sink: cast("None", sink.write(data)))).blob

    def get(self, blob: Blob) -> bytes:
        """Return the bytes of this key.

        Raises:
            BlobNotFoundError: if they are missing.
            CorruptBlobError: if they are not what was stored.
        """
        reading = ReadBlob(_require_blob(blob), lambda source: source.read())
        return cast("bytes", self.interpreter(reading))

    def delete(self, blob: Blob) -> None:
        """Delete the bytes of this key, if they exist."""
        self.interpreter(DeleteBlob(_require_blob(blob)))

    def __contains__(self, blob: object) -> bool:
        return self.interpreter(HasBlob(_require_blob(blob)))

    def __getitem__(self, blob: Blob) -> bytes:
        return self.get(blob)


def _require_blob(given: object) -> Blob:
    if isinstance(given, Blob):
        return given
    advice = "pass the Blob (digest and size) that put returned, or the value_blob of an artifact"
    raise TypeError(f"expected a Blob as key, got {safe_repr(given)}; {advice}")
