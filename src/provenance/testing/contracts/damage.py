"""The contract of blob stores about damaged blobs; the `Place` damages them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provenance.asks import HasBlob, Quarantine, ReadBlob
from provenance.errors import CorruptBlobError
from provenance.testing.contracts.base import Contract
from provenance.testing.contracts.blobs import some
from provenance.testing.places import LIMIT, Place


def shorter(data: bytes) -> bytes:
    """Return all but the last byte."""
    return data[:-1]


def longer(data: bytes) -> bytes:
    """Return *data* with another byte."""
    return data + b"\0"


def emptied(_: bytes) -> bytes:
    """Return no bytes."""
    return b""


def flipped(data: bytes) -> bytes:
    """Return *data* with one bit changed."""
    return data[:-1] + bytes([data[-1] ^ 4])


class DamageContract(Contract):
    """Damaged bytes are never decoded. The `Place` needs `damage`."""

    @pytest.mark.parametrize("size", [2, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
    def test_a_flipped_bit_is_noticed(self, place: Place, size: int) -> None:
        """A blob with a changed bit is reported, even if it was read before, and is not decoded."""
        blob = place.keep(some(size))
        place.read(blob)
        place.damage(blob, flipped)
        decoded: list[object] = []
        with pytest.raises(CorruptBlobError, match=blob.id):
            place.ask(ReadBlob(blob, decoded.append))
        assert [] == decoded

    @pytest.mark.parametrize("size", [1, LIMIT, LIMIT + 1, 1 << 16, 3 << 20])
    @pytest.mark.parametrize("change", [shorter, longer, emptied])
    def test_another_length_is_noticed(
        self, place: Place, size: int, change: Callable[[bytes], bytes]
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
