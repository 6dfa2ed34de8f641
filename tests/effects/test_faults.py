"""The layer that fails on purpose; that it changes nothing else is in the contract."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.stores import memory
from provenance.effect import run
from provenance.effects.io import blob_of
from provenance.ports.blobs import HasBlob
from provenance.ports.records import FindRecord, PutRecord
from provenance.testing import StoreUnderTest, failing, harness

ERROR = ConnectionResetError("cut")


def outcomes(ask, count):
    """Whether each of so many effects failed."""
    found = []
    for _ in range(count):
        try:
            ask(HasBlob(blob_of(b"x")))
        except ConnectionResetError as error:
            found.append(error is ERROR)
        else:
            found.append(False)
    return found


@given(n=st.integers(0, 12), count=st.integers(0, 10), after=st.booleans())
def test_it_fails_once_and_at_the_chosen_effect(n, count, after):
    """Of all effects, the one of the number fails, and fails with the very error; no other one does."""
    ask = failing(memory(None).ask, n, ERROR, after=after)
    assert [turn == n for turn in range(1, count + 1)] == outcomes(ask, count)


@pytest.mark.parametrize("after", [False, True])
def test_the_effect_is_carried_out_or_not(after):
    """What fails before leaves nothing; what fails after has been done, and only the answer is lost."""
    place, one = memory(None), harness.record()
    with pytest.raises(ConnectionResetError):
        StoreUnderTest(failing(place.ask, 1, ERROR, after=after)).put(one)
    assert (one if after else None) == place.find(one)


def test_all_kinds_of_effects_are_counted_together():
    """The number is that of the effect among all that are asked, whatever they ask."""
    place, one = memory(None), harness.record()
    ask = failing(place.ask, 3, ERROR)
    assert [None, one] == [ask(FindRecord(one.id)), ask(PutRecord(one, harness.run(), "{}"))]
    with pytest.raises(ConnectionResetError):
        ask(HasBlob(one.value_blob))
    assert one == ask(FindRecord(one.id))


def test_each_layer_counts_for_itself():
    """A second layer over one store begins anew, and so the first does not shift it."""
    place = memory(None)
    first, second = (failing(place.ask, 2, ERROR) for _ in range(2))
    assert [[False, True, False], [False, True, False]] == [outcomes(first, 3), outcomes(second, 3)]


def test_an_error_of_the_store_comes_first():
    """What the store itself raises is raised, also where the answer was to be lost."""

    def refuse(_):
        raise PermissionError

    with pytest.raises(PermissionError):
        failing(HasBlob.on(refuse), 1, ERROR, after=True)(HasBlob(blob_of(b"x")))


def test_threads_share_the_count():
    """However many threads ask, one effect of one of them fails."""
    ask = failing(memory(None).ask, 100, ERROR)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: outcomes(ask, 50), range(8)))
    assert 1 == sum(map(sum, found))


def test_a_program_may_catch_it_unless_it_is_no_exception():
    """A program is told of an `Exception` at its question; what stops processes passes it by."""

    def careful():
        try:
            return (yield from HasBlob(blob_of(b"x")))
        except ConnectionResetError:
            return "caught"

    assert "caught" == run(careful(), failing(memory(None).ask, 1, ERROR))
    with pytest.raises(KeyboardInterrupt):
        run(careful(), failing(memory(None).ask, 1, KeyboardInterrupt()))
