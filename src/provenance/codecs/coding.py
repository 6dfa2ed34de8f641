"""What a program asks a blob store to write and to read: an encoding and a decoding, as values."""

from __future__ import annotations

import pickle
from functools import partial
from typing import BinaryIO, Final, cast

from attrs import field, frozen

from provenance.codecs.compression import Compressing, decompressed
from provenance.codecs.pickles import SCALARS, scalar_bytes
from provenance.codecs.registry import PICKLE, Load, Serializer, serializer_named
from provenance.errors import MissingLibraryError, ProvenanceError, UnserializableValueError, UntrustedStoreError
from provenance.records import NO_OPTIONS, Options
from provenance.showing import said

COMPRESSION = "compression"
"""The one of a function's `dump_kwargs` that holds for every serializer."""


@frozen
class Encoding:
    """Writes *value* with the serializer of this name; may be called more than once."""

    serializer: str
    value: object = field(eq=False, repr=False)
    what: str
    dump_kwargs: Options = NO_OPTIONS

    def __call__(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*.

        Raises:
            UnserializableValueError: if the serializer refuses the value; what the sink raises goes through.
        """
        try:
            self._write(sink)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, ProvenanceError) and not isinstance(error, MissingLibraryError):
                raise
            reason = f"serializer {self.serializer!r} refused it: {said(error)}"
            raise UnserializableValueError(self.what, reason, self.value) from error

    def at_once(self) -> bytes | None:
        """What a sink would get, where that is one short piece: of a scalar that pickle writes as it is; else None."""
        if self.serializer == PICKLE and type(self.value) in SCALARS and self.dump_kwargs is NO_OPTIONS:
            return scalar_bytes(self.value)
        return None

    def _write(self, sink: BinaryIO) -> None:
        serializer = serializer_named(self.serializer)
        if self.dump_kwargs is NO_OPTIONS:  # as a rule: each call that is stored comes this way
            serializer.dump(self.value, sink)
            return
        compression, kwargs = split(serializer, self.dump_kwargs)
        if compression is None:
            serializer.dump(self.value, sink, **kwargs)
            return
        compressing = Compressing(sink, compression)
        serializer.dump(self.value, compressing.binary(), **kwargs)
        compressing.finish()


@frozen
class Decoding:
    """Reads a value back with the serializer of this name; *dump_kwargs* are those that it was written with.

    *untrusted* names the store that the bytes are from if nothing of them may be executed.
    """

    serializer: str
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS
    untrusted: str | None = None

    def __call__(self, source: BinaryIO) -> object:
        """Read the value from *source*; raises whatever the serializer raises.

        Raises:
            UntrustedStoreError: if the value could not be read without executing what the bytes say.
            ValueError: if the bytes ask for more memory than they could fill; MemoryError if they need more than there is.
        """
        stored = source
        serializer = serializer_named(self.serializer)
        load = serializer.load if self.untrusted is None else self._safe(serializer, self.untrusted)
        if self.dump_kwargs is not NO_OPTIONS:
            compression, _ = split(serializer, self.dump_kwargs)
            if compression is not None:
                source = decompressed(source, compression, in_order=serializer.in_order)
        try:
            return load(source) if self.load_kwargs is NO_OPTIONS else load(source, **self.load_kwargs)
        except MemoryError as error:
            if serializer.in_order and self.dump_kwargs is NO_OPTIONS and _is_room_for(stored.seek(0, 2)):
                raise ValueError("it asks for more memory than its bytes could fill") from error
            raise

    def _safe(self, serializer: Serializer, store: str) -> Load:
        if serializer.load_safely is None:
            raise UntrustedStoreError(store, self.serializer, "its format can execute code when it is read")
        return partial(_refusing, serializer.load_safely, store, self.serializer)


_GROWTH: Final = 100
"""Bytes of memory that a stored byte may become: an empty dictionary takes 72 for its one byte in a list."""


def _is_room_for(size: int) -> bool:
    """Tell whether there is memory for what *size* uncompressed bytes can become; if so, only damage can need more."""
    try:
        return len(bytearray(_GROWTH * size)) >= 0
    except MemoryError:
        return False


def _refusing(load: Load, store: str, serializer: str, source: BinaryIO, /, **kwargs: object) -> object:
    """What *load* reads; `UntrustedStoreError` where it refuses to, as pickle and torch put it."""
    try:
        return load(source, **kwargs)
    except pickle.UnpicklingError as error:
        raise UntrustedStoreError(store, serializer, str(error)) from error


def split(serializer: Serializer, dump_kwargs: Options) -> tuple[str | None, Options]:
    """The compression around a serializer, and what is left for it; one that compresses by itself gets all."""
    compression = dump_kwargs.get(COMPRESSION)
    if serializer.compresses or COMPRESSION not in dump_kwargs:
        return None, dump_kwargs
    rest = NO_OPTIONS if len(dump_kwargs) == 1 else dump_kwargs.remove(COMPRESSION)
    return cast("str | None", compression), rest
