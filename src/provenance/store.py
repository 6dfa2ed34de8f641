"""A blob store as a user holds it: a frozen handle over an interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from attrs import evolve, field, frozen

from provenance.asks import Blobs, DropBlob, HasBlob, ReadBlob, WriteBlob
from provenance.effect import Interpreter
from provenance.records import Blob, Permissions
from provenance.showing import shown
from provenance.transfers import CopyPolicy


@frozen(eq=False)
class Store:
    """Bytes under the digest of their content.

    A `Blob` is the key: the digest and the number of bytes; anything else is a TypeError, of `in` as well. Methods raise
    `StoreUnavailableError` where the store fails and `StorePermissionError` where its configuration forbids the operation.

    A chain that it is a part of asks it for what its `permissions` allow, and if it is not `trusted`, nor is the chain.
    """

    name: str
    interpreter: Interpreter[Blobs] = field(repr=False)
    trusted: bool = True
    permissions: Permissions = field(factory=Permissions, repr=False)
    copy_policy: CopyPolicy = field(default=CopyPolicy.DATA_ONLY, repr=False)

    def layered(self, layer: Callable[[Interpreter[Blobs]], Interpreter[Blobs]], /) -> Store:
        """This store with *layer* around all that it answers; `provenance.extending` has some layers, and makes others."""
        return evolve(self, interpreter=layer(self.interpreter))

    def put(self, data: bytes) -> Blob:
        """Store *data*; answers its key. Bytes that are there already are kept once."""
        return self.interpreter(WriteBlob(lambda sink: cast("None", sink.write(data)))).blob

    def get(self, blob: Blob) -> bytes:
        """The bytes of this key.

        Raises:
            BlobNotFoundError: if they are not there.
            CorruptBlobError: if they are not what was stored.
        """
        return cast("bytes", self.interpreter(ReadBlob(_key(blob), lambda source: source.read())))

    def delete(self, blob: Blob) -> None:
        """Delete the bytes of this key, if they are there."""
        self.interpreter(DropBlob(_key(blob)))

    def __contains__(self, blob: object) -> bool:
        return self.interpreter(HasBlob(_key(blob)))

    def __getitem__(self, blob: Blob) -> bytes:
        return self.get(blob)


def _key(given: object) -> Blob:
    """*given*, which must be a key: an id alone does not say how many bytes there are."""
    if isinstance(given, Blob):
        return given
    advice = "give the Blob (digest and size) that put answered, or the value_blob of an artifact"
    raise TypeError(f"{shown(given)} is no key of a blob store: {advice}")
