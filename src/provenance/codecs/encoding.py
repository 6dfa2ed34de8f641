"""Encoding and decoding of values, as callables that programs pass to a blob store.

Encoding checks that a serializer gives back what it is given. What is written is kept in memory,
read back, and its hash compared with that of the value. In each process the first value of a type
is checked, then the second, the fourth, the eighth and so on.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection, Mapping
from functools import partial
from itertools import islice
from typing import BinaryIO, Final, TypeAlias, cast

from attrs import field, frozen

from provenance import errors
from provenance.codecs.compression import CompressingWriter, PassingSink, open_decompressed
from provenance.codecs.limits import RATIO, limit_decoded_size
from provenance.codecs.pickling import scalar_bytes
from provenance.codecs.registry import (
    PICKLE,
    Serializer,
    get_serializer,
    is_registered,
    misfits,
)
from provenance.hashing import hash_value
from provenance.model.ids import ValueId
from provenance.model.records import NO_OPTIONS, Options, freeze_options
from provenance.model.references import SCALARS
from provenance.results.origin import keeping_unread
from provenance.util.formatting import describe_error

COMPRESSION = "compression"
"""The key of `dump_kwargs` that every serializer supports."""
_LIMIT: Final = 1 << 26
"""Number of bytes up to which a value is read back."""
_MEMBERS: Final = 64
"""Number of members of a container whose types count."""
_KINDS: Final = 10_000
_CONTAINERS: Final = (list, tuple, set, frozenset, dict)
_Key: TypeAlias = "tuple[object, ...]"
_counts: Final[dict[_Key, int]] = {}
"""Numbers of values that were written, by serializer and type."""


def _key_of(serializer: str, value: object) -> _Key:
    """Return what the values that are written alike have in common: the type, and those of members.

    >>> _key_of("pickle", [1]) == _key_of("pickle", [2, 3]) != _key_of("pickle", ["a"])
    True
    """
    type_ = type(value)
    if type_ not in _CONTAINERS:
        return serializer, type_
    held = cast("Collection[object]", value)
    if type_ is dict:
        held = cast("Mapping[object, object]", value).values()
    return serializer, type_, frozenset(map(type, islice(held, _MEMBERS)))


class _CopyingSink(PassingSink):
    """A sink that keeps what is written into *sink*, unless it is large."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__(sink)
        self.written: bytearray | None = bytearray()

    def _take(self, view: memoryview) -> None:
        if self._size > _LIMIT:
            self.written = None
        if self.written is not None:
            self.written += view
        super()._take(view)


@frozen
class Encoding:
    """Writes *value* with a serializer; may be called more than once."""

    serializer: str
    value: object = field(eq=False, repr=False)
    what: str
    dump_kwargs: Options = NO_OPTIONS
    value_id: ValueId | None = field(default=None, eq=False)
    """Hash of the value, if what is written may be read back to compare it."""
    load_kwargs: Options = field(default=NO_OPTIONS, eq=False)
    """Arguments for reading it back."""

    def __call__(self, sink: BinaryIO) -> None:
        """Write the bytes into *sink*.

        Raises:
            UnserializableValueError: if the serializer refuses the value, or does not give it back;
                the sink's errors propagate.
        """
        if self.value_id is None or (self.serializer == PICKLE and type(self.value) in SCALARS):
            self._write(sink)
            return
        key = _key_of(self.serializer, self.value)
        count = _counts.get(key, 0) + 1
        if count & (count - 1):
            self._write(sink)
        else:
            copying = _CopyingSink(sink)
            self._write(copying.binary())
            if copying.written is None:
                return
            self._read_back(bytes(copying.written))
            if len(_counts) >= _KINDS:
                _counts.clear()
        # One that did not come back as it was is not counted, so the next is checked.
        _counts[key] = count

    def _read_back(self, written: bytes) -> None:
        """Raise `UnserializableValueError` unless *written* is read as the value."""
        try:
            decoding = Decoding(self.serializer, self.load_kwargs, self.dump_kwargs)
            found = hash_value(decoding(io.BytesIO(written)))
        except MemoryError:
            return
        except Exception as error:
            reason = f"serializer {self.serializer!r} cannot read it back: {describe_error(error)}"
            raise errors.UnserializableValueError(self.what, reason, self.value) from error
        if found != self.value_id:
            reason = f"serializer {self.serializer!r} does not give it back as it is"
            raise errors.UnserializableValueError(self.what, reason, self.value)

    def _write(self, sink: BinaryIO) -> None:
        serializer = get_serializer(self.serializer)
        compression, kwargs = split_compression(serializer, self.dump_kwargs)
        target = sink
        try:
            if compression is None:
                serializer.dump(self.value, sink, **kwargs)
                return
            compressing = CompressingWriter(sink, compression)
            target = compressing.binary()
            serializer.dump(self.value, target, **kwargs)
            compressing.finish()
        except (OSError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, errors.ProvenanceError) and not isinstance(
                error, errors.MissingLibraryError
            ):
                raise
            if isinstance(error, TypeError) and misfits(serializer.dump, target, kwargs, error):
                raise TypeError(
                    f"serializer {self.serializer!r} cannot be called as it is: {error}; it gets a "
                    "value and a binary file, or the name of a file if its second parameter is "
                    "`filename`"
                ) from error
            reason = f"serializer {self.serializer!r} refused it: {describe_error(error)}"
            raise errors.UnserializableValueError(self.what, reason, self.value) from error

    def short_encoding(self) -> bytes | None:
        """Return the encoded bytes of a pickled builtin scalar; None for any other value."""
        is_pickled = self.serializer == PICKLE and type(self.value) in SCALARS
        return scalar_bytes(self.value) if is_pickled and self.dump_kwargs is NO_OPTIONS else None


@frozen
class Decoding:
    """Reads a value with the serializer and *dump_kwargs* that it was written with.

    *untrusted* is the name of the store if it is untrusted: then decoding must not execute code,
    nor return more than *max_expansion* times the stored bytes. With *keep_unread*, results that the
    value refers to are lazy proxies.
    """

    serializer: str
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS
    untrusted: str | None = None
    max_expansion: int = RATIO
    keep_unread: bool = False

    def __call__(self, source: BinaryIO) -> object:
        """Read the value from *source*; the serializer's errors propagate.

        Raises:
            UntrustedStoreError: if reading the value could execute code.
            ValueError: if bytes of an untrusted store become too many, or the bytes ask for more memory than they could fill; MemoryError if they need more than there is.
        """
        if self.untrusted is None:
            return self._read(source)
        with limit_decoded_size(source, self.max_expansion):
            return self._read(source)

    def _read(self, source: BinaryIO) -> object:
        stored = source
        if not is_registered(self.serializer):
            problem = f"{self.serializer!r} wrote the value, and is not registered in this process"
            raise errors.ConfigError("serializer", problem, "import the module that registers it")
        serializer = get_serializer(self.serializer)
        load = serializer.load
        if self.untrusted is not None:
            if serializer.load_safely is None:
                reason = "its format can execute code when it is read"
                raise errors.UntrustedStoreError(self.untrusted, self.serializer, reason)
            load = serializer.load_safely
        if self.keep_unread:
            load = partial(keeping_unread, load)
        compression, _ = split_compression(serializer, self.dump_kwargs)
        if compression is not None:
            source = open_decompressed(source, compression, in_order=serializer.in_order)
        try:
            return load(source, **self.load_kwargs)
        except pickle.UnpicklingError as error:
            # What pickle and torch raise where they refuse to execute something.
            if self.untrusted is None:
                raise
            raise errors.UntrustedStoreError(self.untrusted, self.serializer, str(error)) from error
        except MemoryError as error:
            is_plain = serializer.in_order and self.dump_kwargs is NO_OPTIONS
            if is_plain and _is_room_for(stored.seek(0, 2)):
                raise ValueError("it asks for more memory than its bytes could fill") from error
            raise


_GROWTH: Final = 100
"""Bytes of memory that a stored byte may become: an empty dictionary takes 72 for its one byte in a list."""


def _is_room_for(size: int) -> bool:
    """Tell whether there is memory for what *size* uncompressed bytes can become; if so, only damage can need more."""
    try:
        return len(bytearray(_GROWTH * size)) >= 0
    except MemoryError:
        return False


def split_compression(serializer: Serializer, dump_kwargs: Options) -> tuple[str | None, Options]:
    """Return the compression around a serializer, and its own arguments.

    One that compresses by itself gets all.
    """
    compression = dump_kwargs.get(COMPRESSION)
    if serializer.compresses or COMPRESSION not in dump_kwargs:
        return None, dump_kwargs
    rest = {key: value for key, value in dump_kwargs.items() if key != COMPRESSION}
    return cast("str | None", compression), freeze_options(rest)
