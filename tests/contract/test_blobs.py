"""What every blob store does."""

import pickle

import numpy as np
import pytest
from blake3 import blake3

from contract.samples import record, run
from contract.stores import LIMIT, PLACES
from provenance.asks import DropBlob, HasBlob, PutRecord, Quarantine, ReadBlob, WriteBlob
from provenance.effects.sinks import blob_of
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.ids import BlobId
from provenance.records import Blob, Held, Stored

SIZES = [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 3 << 20]
ELSEWHERE = Blob(BlobId("../" * 13 + "x"), 5)


def some(size):
    """So many bytes, which do not repeat."""
    return np.random.default_rng(size).bytes(size)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(place, size):
    """Bytes of any number come back, under the id that is their digest."""
    blob = place.keep(some(size))
    assert Blob(BlobId(blake3(some(size)).digest()[:20].hex()), size) == blob
    assert some(size) == place.read(blob)
    assert place.ask(HasBlob(blob))


@pytest.mark.parametrize("size", SIZES)
def test_writing_again_changes_nothing(place, size):
    """The same bytes are the same blob, however often they are written."""
    first, second = place.keep(some(size)), place.keep(some(size))
    assert first == second
    assert some(size) == place.read(first)


@pytest.mark.parametrize("piece", [1, 999, 70_000, 1 << 20])
def test_pieces_make_one_blob(place, piece):
    """Whether bytes arrive at once or in pieces, in whatever kind of buffer, the blob is the same."""
    data = some(3000 if piece == 1 else 2_500_000)
    kinds = [bytes, bytearray, memoryview, lambda part: np.frombuffer(part, np.uint8)]

    def write(sink):
        for turn, start in enumerate(range(0, len(data), piece)):
            part = data[start : start + piece]
            assert len(part) == sink.write(kinds[turn % 4](part))
            assert start + len(part) == sink.tell()

    written = place.ask(WriteBlob(write))
    assert blob_of(data) == written.blob
    if isinstance(written, Stored):
        assert data == place.read(written.blob)


def test_a_reused_buffer_is_not_kept(place):
    """What an encoder does to its buffer after it was written does not matter."""
    buffer = bytearray(b"a" * 100)

    def write(sink):
        sink.write(buffer)
        buffer[:] = b"b" * 100
        sink.write(buffer)

    written = place.ask(WriteBlob(write))
    buffer[:] = b"c" * 100
    assert blob_of(b"a" * 100 + b"b" * 100) == written.blob


@pytest.mark.parametrize("count", [10, 200_000])
def test_libraries_write_into_the_sink(place, count):
    """Pickle and NumPy write into the sink and read from the source as if they were files."""
    values = {"a": np.arange(count), "b": list(range(count))}
    for dump, load in [
        (lambda sink: pickle.dump(values, sink, protocol=5), pickle.load),
        (lambda sink: np.savez(sink, a=values["a"]), lambda source: dict(np.load(source))),
        (lambda sink: np.save(sink, values["a"]), lambda source: {"a": np.load(source)}),
    ]:
        written = place.ask(WriteBlob(dump))
        if isinstance(written, Held):
            named = record(value_blob=written.blob, inputs_blob=written.blob)
            place.ask(PutRecord(named, run(), "{}", (written,)))
        assert values["a"].tolist() == place.ask(ReadBlob(written.blob, load))["a"].tolist()


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_encoder_may_close_the_sink(place, size):
    """What was written counts, although the sink is closed by whoever wrote it."""

    def write(sink):
        with sink:
            sink.write(b"x" * size)

    assert blob_of(b"x" * size) == place.ask(WriteBlob(write)).blob


@pytest.mark.parametrize("size", [0, 10, LIMIT + 1, 100_000])
def test_what_the_encoder_raises_passes_unchanged(place, size):
    """An encoder's exception reaches the caller as it was raised, and nothing is stored."""
    error = OSError("the encoder's own")

    def write(sink):
        sink.write(b"y" * size)
        raise error

    with pytest.raises(OSError, match="own") as caught:
        place.ask(WriteBlob(write))
    assert error is caught.value
    assert not place.ask(HasBlob(blob_of(b"y" * size)))


@pytest.mark.parametrize("size", [10, LIMIT + 1, 100_000])
def test_what_the_decoder_raises_passes_unchanged(place, size):
    """A decoder's exception reaches the caller as it was raised, and the blob stays."""
    blob = place.keep(some(size))
    error = FileNotFoundError("the decoder's own")

    def read(source):
        raise error

    with pytest.raises(FileNotFoundError, match="own") as caught:
        place.ask(ReadBlob(blob, read))
    assert error is caught.value
    assert place.ask(HasBlob(blob))


@pytest.mark.parametrize("size", [10, LIMIT + 1])
def test_a_missing_blob_is_told(place, size):
    """What is not there is told as missing when read, absent when asked for, and no matter when dropped."""
    blob = blob_of(some(size))
    with pytest.raises(BlobNotFoundError, match=blob.id):
        place.read(blob)
    assert not place.ask(HasBlob(blob))
    place.ask(DropBlob(blob))
    place.ask(Quarantine(blob))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("remove", [DropBlob, Quarantine])
def test_dropped_is_gone(place, size, remove):
    """A blob that was dropped or put aside is found no more, and can be written anew."""
    blob = place.keep(some(size))
    other = place.keep(b"another")
    place.ask(remove(blob))
    assert not place.ask(HasBlob(blob))
    with pytest.raises(BlobNotFoundError):
        place.read(blob)
    assert b"another" == place.read(other)
    assert blob == place.keep(some(size))
    assert some(size) == place.read(blob)


@pytest.mark.parametrize("size", [2, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
@pytest.mark.parametrize("name", [name for name in PLACES if "memory" not in name])
def test_a_flipped_bit_is_noticed(tmp_path, name, size):
    """A blob with one bit changed is damaged, also when it was read before; nothing of it is decoded."""
    place = PLACES[name](tmp_path)
    blob = place.keep(some(size))
    place.read(blob)
    place.damage(blob, lambda data: data[:-1] + bytes([data[-1] ^ 4]))
    decoded = []
    with pytest.raises(CorruptBlobError, match=blob.id):
        place.ask(ReadBlob(blob, decoded.append))
    assert [] == decoded
    place.close()


@pytest.mark.parametrize("size", [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: b""])
def test_another_length_is_noticed(place, size, change):
    """A blob that lost or gained bytes is damaged when read, absent when asked for; put aside, it can be written anew."""
    blob = place.keep(some(size))
    place.damage(blob, change)
    assert not place.ask(HasBlob(blob))
    with pytest.raises(CorruptBlobError, match=blob.id):
        place.read(blob)
    place.ask(Quarantine(blob))
    place.keep(some(size))
    assert some(size) == place.read(blob)


def test_an_id_from_elsewhere_leads_nowhere(place):
    """An id that is no digest is in no store, whatever path it looks like."""
    assert not place.ask(HasBlob(ELSEWHERE))
    with pytest.raises((BlobNotFoundError, CorruptBlobError)):
        place.read(ELSEWHERE)
    place.ask(DropBlob(ELSEWHERE))
    place.ask(Quarantine(ELSEWHERE))
