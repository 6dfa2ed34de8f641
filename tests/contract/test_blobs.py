"""What every blob store does, asked of each of ours."""

import numpy as np
import pytest

from contract.everywhere import Everywhere
from contract.stores import PLACES
from provenance.ports.blobs import ReadBlob, WriteBlob
from provenance.testing.contracts import BlobContract, DamageContract


class TestBlobs(Everywhere, BlobContract):
    """Every place keeps bytes."""

    @pytest.mark.parametrize("count", [10, 200_000])
    def test_numpy_writes_into_the_sink(self, place, count):
        """NumPy writes into the sink and reads from the source as if they were files, and hands over its own buffers."""
        values = np.arange(count)
        for dump, load in [
            (lambda sink: np.savez(sink, a=values), lambda source: dict(np.load(source))["a"]),
            (lambda sink: np.save(sink, values), np.load),
            (
                lambda sink: sink.write(memoryview(values)) and None,
                lambda source: np.frombuffer(source.read(), int),
            ),
        ]:
            blob = place.kept(place.ask(WriteBlob(dump)))
            assert values.tolist() == place.ask(ReadBlob(blob, load)).tolist()


class TestDamage(DamageContract):
    """Damage is noticed wherever others may do some."""

    @pytest.fixture(params=[name for name in PLACES if "memory" not in name])
    def place(self, request, tmp_path):
        """Each such place in turn, empty."""
        made = PLACES[request.param](tmp_path)
        yield made
        made.close()


class TestDamagedMemory(DamageContract):
    """Memory, which nobody else can reach, compares lengths only."""

    test_a_flipped_bit_is_noticed = None

    @pytest.fixture(params=[name for name in PLACES if "memory" in name])
    def place(self, request, tmp_path):
        """Each such place in turn, empty."""
        made = PLACES[request.param](tmp_path)
        yield made
        made.close()
