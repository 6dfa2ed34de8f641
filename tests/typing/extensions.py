"""Stores and layers of one's own, as the type checkers see them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, assert_type

import provenance as p
from provenance.effect import Effect, Interpreter, layered
from provenance.effects.io import Kept
from provenance.effects.layers import Counter, counted
from provenance.extending import repository_over
from provenance.model.records import Blob, Stored
from provenance.ports.blobs import BlobEffects as Blobs
from provenance.ports.blobs import BlobStore, blob_effects
from provenance.testing import Place, faulty, in_folder
from provenance.testing.contracts import BlobContract, StoreModel, store_machine

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])


class Shelf:
    def write_blob(self, write: Callable[[BinaryIO], None], /) -> Stored:
        sink = Kept()
        write(sink)
        return Stored(sink.held().blob)

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object], /) -> object:
        raise NotImplementedError

    def has_blob(self, blob: Blob, /) -> bool:
        return False

    def drop_blob(self, blob: Blob, /) -> None:
        return None

    def quarantine(self, blob: Blob, /) -> None:
        return None


class ShelfSuite(BlobContract):
    def make(self, folder: Path, /) -> Place:
        return Place.of_blobs(Shelf())


def quiet(base: Interpreter[E]) -> Interpreter[E]:
    def around(effect: Effect[A], answer: Callable[[Effect[A]], A]) -> A:
        return answer(effect)

    return layered(base, around)


store: BlobStore = Shelf()
assert_type(blob_effects(store), Interpreter[Blobs])
assert_type(store_machine(lambda: Place.of_blobs(Shelf())), type[StoreModel])
assert_type(p.MemoryStore().layered(quiet), p.Store)
assert_type(p.MemoryRepo().layered(quiet), p.Repository)
assert_type(p.ChainedStore(stores=[p.MemoryStore()], write=False), p.Store)
assert_type(
    p.ChainedRepo("both", stores=(p.MemoryRepo(), p.ChainedRepo(stores=[p.MemoryRepo("far")]))),
    p.Repository,
)
assert_type(p.MemoryRepo().layered(lambda base: counted(base, Counter())), p.Repository)
assert_type(
    p.MemoryRepo().layered(lambda base: faulty(base, 1, OSError(), after=True)), p.Repository
)
with in_folder(Path()) as repo:
    assert_type(repo, p.Repository)

p.ChainedRepo()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # of what?
p.ChainedRepo(stores=[p.MemoryStore()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # it is no repository
p.ChainedStore(stores=["near"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # names are for a configuration
p.ChainedStore(stores=[p.MemoryStore()], wirte=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # misspelt
p.MemoryRepo().layered(lambda base: blob_effects(store))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]  # a layer keeps the row
p.MemoryRepo().layered(counted)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it wants a counter
repository_over("mine", blob_effects(store))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no records are kept
Place.of_blobs(object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it is no store
