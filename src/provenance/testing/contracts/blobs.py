"""What every blob store must do, also with damaged blobs."""

from __future__ import annotations

import array
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, Final, TypeAlias, cast

import pytest
from blake3 import blake3

from provenance.effects.io import blob_of
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.model.ids import BlobId
from provenance.model.records import Blob, StoredBlob
from provenance.ports.blobs import DeleteBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.testing.contracts.base import Contract
from provenance.testing.harness import LIMIT, StoreUnderTest

Removal: TypeAlias = type[DeleteBlob] | type[Quarantine]

SIZES: Final = [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 3 << 20]
INVALID: Final = Blob(BlobId("../" * 13 + "x"), 5)
BUFFERS: Final[list[Callable[[bytes], Any]]] = [
    bytes,
    bytearray,
    memoryview,
    lambda part: array.array("B", part),
]


def some(size: int) -> bytes:
    """Return *size* bytes without repetition."""
    return blake3(b"%d" % size).digest(length=size)


def dump_zip(values: object, sink: BinaryIO) -> None:
    """Write a ZIP file, whose directory depends on `sink.tell`."""
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("values", json.dumps(values))


def load_zip(source: BinaryIO) -> object:
    """Read a ZIP file, which needs to seek to the end."""
    with zipfile.ZipFile(source) as archive:
        return cast("object", json.loads(archive.read("values")))


def dump_text(values: object, sink: BinaryIO) -> None:
    """Write text in the pieces that JSON makes."""
    text = io.TextIOWrapper(sink, "utf-8")
    json.dump(values, text)
    text.flush()
    text.detach()


def dump_pickle(values: object, sink: BinaryIO) -> None:
    """Write a pickle, whose large parts are written unbuffered."""
    pickle.dump(values, sink, protocol=5)


class BlobContract(Contract):
    """Bytes are read back under their digest, or not at all."""

    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_written_is_read(self, place: StoreUnderTest, size: int) -> None:
        """Any number of bytes is read back under its digest."""
        blob = place.keep(some(size))
        assert Blob(BlobId(blake3(some(size)).digest()[:20].hex()), size) == blob
        assert some(size) == place.read(blob)
        assert place.ask(HasBlob(blob))

    @pytest.mark.parametrize("size", SIZES)
    def test_writing_again_changes_nothing(self, place: StoreUnderTest, size: int) -> None:
        """The same bytes are the same blob each time they are written."""
        first, second = place.keep(some(size)), place.keep(some(size))
        assert first == second
        assert some(size) == place.read(first)

    @pytest.mark.parametrize("piece", [1, 999, 70_000, 1 << 20])
    def test_pieces_make_one_blob(self, place: StoreUnderTest, piece: int) -> None:
        """The blob does not depend on the pieces and buffers in which the bytes arrive."""
        data = some(3000 if piece == 1 else 2_500_000)

        def write(sink: BinaryIO) -> None:
            for turn, start in enumerate(range(0, len(data), piece)):
                part = data[start : start + piece]
                assert len(part) == sink.write(BUFFERS[turn % len(BUFFERS)](part))
                assert start + len(part) == sink.tell()

        written = place.ask(WriteBlob(write))
        assert blob_of(data) == written.blob
        if isinstance(written, StoredBlob):
            assert data == place.read(written.blob)

    def test_a_reused_buffer_is_not_kept(self, place: StoreUnderTest) -> None:
        """An encoder may change its buffer after writing it."""
        buffer = bytearray(b"a" * 100)

        def write(sink: BinaryIO) -> None:
            sink.write(buffer)
            buffer[:] = b"b" * 100
            sink.write(buffer)

        written = place.ask(WriteBlob(write))
        buffer[:] = b"c" * 100
        assert blob_of(b"a" * 100 + b"b" * 100) == written.blob

    @pytest.mark.parametrize("count", [10, 200_000])
    @pytest.mark.parametrize(
        ("dump", "load"), [(dump_pickle, pickle.load), (dump_zip, load_zip), (dump_text, json.load)]
    )
    def test_libraries_write_into_the_sink(
        self,
        place: StoreUnderTest,
        count: int,
        dump: Callable[[object, BinaryIO], None],
        load: Callable[[BinaryIO], object],
    ) -> None:
        """Libraries can use the sink and the source like files."""
        values = {"a": list(range(count)), "b": "x" * count}
        blob = place.kept(place.ask(WriteBlob(lambda sink: dump(values, sink))))
        assert values == place.ask(ReadBlob(blob, load))

    @pytest.mark.parametrize("size", [10, 100_000])
    def test_an_encoder_may_close_the_sink(self, place: StoreUnderTest, size: int) -> None:
        """The bytes are stored even if the encoder closes the sink."""

        def write(sink: BinaryIO) -> None:
            with sink:
                sink.write(b"x" * size)

        assert blob_of(b"x" * size) == place.ask(WriteBlob(write)).blob

    @pytest.mark.parametrize("size", [0, 10, LIMIT + 1, 100_000])
    def test_what_the_encoder_raises_passes_unchanged(
        self, place: StoreUnderTest, size: int
    ) -> None:
        """An encoder's exception reaches the caller unchanged, and nothing is stored."""
        error = OSError("the encoder's own")

        def write(sink: BinaryIO) -> None:
            sink.write(b"y" * size)
            raise error

        with pytest.raises(OSError, match="own") as caught:
            place.ask(WriteBlob(write))
        assert error is caught.value
        assert not place.ask(HasBlob(blob_of(b"y" * size)))

    @pytest.mark.parametrize("size", [10, LIMIT + 1, 100_000])
    def test_what_the_decoder_raises_passes_unchanged(
        self, place: StoreUnderTest, size: int
    ) -> None:
        """A decoder's exception reaches the caller unchanged, and the blob stays."""
        blob = place.keep(some(size))
        error = FileNotFoundError("the decoder's own")

        def read(_: BinaryIO) -> object:
            raise error

        with pytest.raises(FileNotFoundError, match="own") as caught:
            place.ask(ReadBlob(blob, read))
        assert error is caught.value
        assert place.ask(HasBlob(blob))

    @pytest.mark.parametrize("size", [10, LIMIT + 1])
    def test_a_missing_blob_is_reported(self, place: StoreUnderTest, size: int) -> None:
        """Reading a missing blob raises, and deleting it does nothing."""
        blob = blob_of(some(size))
        with pytest.raises(BlobNotFoundError, match=blob.id):
            place.read(blob)
        assert not place.ask(HasBlob(blob))
        place.ask(DeleteBlob(blob))
        place.ask(Quarantine(blob))

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("remove", [DeleteBlob, Quarantine])
    def test_dropped_is_gone(self, place: StoreUnderTest, size: int, remove: Removal) -> None:
        """A deleted or quarantined blob is not found any longer, and can be written again."""
        blob = place.keep(some(size))
        other = place.keep(b"another")
        place.ask(remove(blob))
        assert not place.ask(HasBlob(blob))
        with pytest.raises(BlobNotFoundError):
            place.read(blob)
        assert b"another" == place.read(other)
        assert blob == place.keep(some(size))
        assert some(size) == place.read(blob)

    def test_an_invalid_id_is_not_found(self, place: StoreUnderTest) -> None:
        """No store has a blob whose id is not a digest, even if the id looks like a path."""
        assert not place.ask(HasBlob(INVALID))
        with pytest.raises((BlobNotFoundError, CorruptBlobError)):
            place.read(INVALID)
        place.ask(DeleteBlob(INVALID))
        place.ask(Quarantine(INVALID))


def shorten(data: bytes) -> bytes:
    """Return all but the last byte."""
    return data[:-1]


def lengthen(data: bytes) -> bytes:
    """Return *data* with another byte."""
    return data + b"\0"


def empty(_: bytes) -> bytes:
    """Return no bytes."""
    return b""


def flip_bit(data: bytes) -> bytes:
    """Return *data* with one bit changed."""
    return data[:-1] + bytes([data[-1] ^ 4])


class DamageContract(Contract):
    """Damaged bytes are never decoded. The `StoreUnderTest` needs `damage`."""

    @pytest.mark.parametrize("size", [2, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
    def test_a_flipped_bit_is_noticed(self, place: StoreUnderTest, size: int) -> None:
        """A blob with a changed bit is reported, even if it was read before, and is not decoded."""
        blob = place.keep(some(size))
        place.read(blob)
        place.damage(blob, flip_bit)
        decoded: list[object] = []
        with pytest.raises(CorruptBlobError, match=blob.id):
            place.ask(ReadBlob(blob, decoded.append))
        assert [] == decoded

    @pytest.mark.parametrize("size", [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
    @pytest.mark.parametrize("change", [shorten, lengthen, empty])
    def test_another_length_is_noticed(
        self, place: StoreUnderTest, size: int, change: Callable[[bytes], bytes]
    ) -> None:
        """A truncated or extended blob counts as absent, and is corrupt when read."""
        blob = place.keep(some(size))
        place.damage(blob, change)
        assert not place.ask(HasBlob(blob))
        with pytest.raises(CorruptBlobError, match=blob.id):
            place.read(blob)
        place.ask(Quarantine(blob))
        place.keep(some(size))
        assert some(size) == place.read(blob)
