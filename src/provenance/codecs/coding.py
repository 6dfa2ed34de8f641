"""What a program asks a blob store to write and to read: an encoding and a decoding, as values."""

from __future__ import annotations

from typing import BinaryIO

from attrs import field, frozen

from provenance.codecs.registry import serializer_named
from provenance.errors import ProvenanceError, UnserializableValueError
from provenance.records import NO_OPTIONS, Options


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
            dump = serializer_named(self.serializer).dump
            dump(self.value, sink, **self.dump_kwargs) if self.dump_kwargs else dump(self.value, sink)
        except (OSError, MemoryError, ProvenanceError):
            raise
        except Exception as error:
            reason = f"serializer {self.serializer!r} refused it: {type(error).__name__}: {error}"
            raise UnserializableValueError(self.what, reason, self.value) from error


@frozen
class Decoding:
    """Reads a value back with the serializer of this name."""

    serializer: str
    load_kwargs: Options = NO_OPTIONS

    def __call__(self, source: BinaryIO) -> object:
        """Read the value from *source*; raises whatever the serializer raises."""
        load = serializer_named(self.serializer).load
        return load(source, **self.load_kwargs) if self.load_kwargs else load(source)
