"""Stores and layers of one's own, as the type checkers see them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, assert_type

import provenance as p
from provenance.effect import Effect, Interpreter, with_layer
from provenance.effects.io import MemorySink
from provenance.effects.layers import Counter, counted
from provenance.extending import repository_over
from provenance.model.records import Blob, StoredBlob
from provenance.ports.blobs import BlobEffects, BlobStore, blob_effects
from provenance.testing import StoreUnderTest, failing, in_folder
from provenance.testing.contracts import BlobContract, StoreModel, store_machine

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


class Shelf:
    def write_blob(self, write: Callable[[BinaryIO], None], /) -> StoredBlob:
        sink = MemorySink()
        write(sink)
        return StoredBlob(sink.inline_blob().blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object], /) -> object:
        raise NotImplementedError

    def has_blob(self, blob: Blob, /) -> bool:
        return False

    def delete_blob(self, blob: Blob, /) -> None:
        return None

    def quarantine(self, blob: Blob, /) -> None:
        return None


class ShelfSuite(BlobContract):
    def make(self, folder: Path, /) -> StoreUnderTest:
        return StoreUnderTest.of_blobs(Shelf())


def quiet(base: Interpreter[E]) -> Interpreter[E]:
    def around(effect: Effect[A], answer: Callable[[Effect[A]], A]) -> A:
        return answer(effect)

    return with_layer(base, around)


store: BlobStore = Shelf()
assert_type(blob_effects(store), Interpreter[BlobEffects])
assert_type(store_machine(lambda: StoreUnderTest.of_blobs(Shelf())), type[StoreModel])
assert_type(p.MemoryStore().with_layer(quiet), p.Store)
assert_type(p.MemoryRepo().with_layer(quiet), p.Repository)
assert_type(p.ChainedStore(stores=[p.MemoryStore()], write=False), p.Store)
assert_type(
    p.ChainedRepo("both", stores=(p.MemoryRepo(), p.ChainedRepo(stores=[p.MemoryRepo("far")]))),
    p.Repository,
)
assert_type(p.MemoryRepo().with_layer(lambda base: counted(base, Counter())), p.Repository)
assert_type(
    p.MemoryRepo().with_layer(lambda base: failing(base, 1, OSError(), after=True)), p.Repository
)
with in_folder(Path()) as repo:
    assert_type(repo, p.Repository)

p.ChainedRepo()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # of what?
p.ChainedRepo(stores=[p.MemoryStore()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # it is no repository
p.ChainedStore(stores=["near"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # names are for a configuration
p.ChainedStore(stores=[p.MemoryStore()], wirte=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
p.MemoryRepo().with_layer(lambda base: blob_effects(store))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]  # a layer keeps the row
p.MemoryRepo().with_layer(counted)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it wants a counter
repository_over("mine", blob_effects(store))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no records are kept
StoreUnderTest.of_blobs(object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it is no store
