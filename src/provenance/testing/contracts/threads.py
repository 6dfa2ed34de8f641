"""The contract of stores that several threads share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from provenance.asks import DropRecord, FindProgeny
from provenance.ids import ArtifactId
from provenance.testing.contracts.base import Contract
from provenance.testing.places import LIMIT, Place, inline_blobs
from provenance.testing.samples import new_id, record

T = TypeVar("T")

THREADS = 8
SOURCE = ArtifactId("a" * 40)


def at_once(work: Callable[[int], T]) -> list[T]:
    """Return the results of *work* in several threads that start together."""
    barrier = Barrier(THREADS)

    def wait(turn: int) -> T:
        barrier.wait()
        return work(turn)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait, range(THREADS)))


def put_whole(place: Place) -> None:
    """Put a record with its own value, and read both."""
    artifact = new_id()
    written = place.write(artifact.encode())
    blob = written.blob
    one = record(
        id=artifact, input_artifact_ids=frozenset({SOURCE}), value_blob=blob, inputs_blob=blob
    )
    assert one == place.put(one, *inline_blobs(written))
    assert one == place.find(one)
    assert artifact.encode() == place.read(blob)


class ThreadContract(Contract):
    """A store may be shared by threads."""

    def test_threads_share_a_store(self, place: Place) -> None:
        """Threads put, find and read at the same time without affecting each other."""

        def work(turn: int) -> bytes:
            for _ in range(5):
                put_whole(place)
            return place.read(place.keep(bytes([turn]) * (LIMIT + 1)))

        assert [bytes([turn]) * (LIMIT + 1) for turn in range(THREADS)] == at_once(work)
        assert 5 * THREADS == len(place.ask(FindProgeny(SOURCE)))

    def test_one_of_many_threads_wins(self, place: Place) -> None:
        """Threads that put records of one id at the same time all get the same record."""
        one = record()
        answers = set(at_once(lambda turn: place.put(record(id=one.id, version=turn)).version))
        assert 1 == len(answers)
        stored = place.find(one)
        assert stored is not None
        assert answers == {stored.version}

    def test_one_of_many_threads_deletes(self, place: Place) -> None:
        """If threads delete one record at the same time, one of them gets its blobs."""
        one = place.put(record())
        answers = at_once(lambda _: place.ask(DropRecord(one.id)))
        assert 1 == sum(answer is not None for answer in answers)
        assert place.find(one) is None
