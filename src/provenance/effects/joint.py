"""Several blob stores as one, for all effects that each of them answers in the same way."""

# ruff: noqa: D102 - the methods of `BlobStore`
from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from provenance.asks import DropBlob, HasBlob, Quarantine
from provenance.chores import CheckBlob, Discard, FindPlaces, Holding, ListHoldings, Shelf
from provenance.effect import Effect, Interpreter
from provenance.errors import BlobNotFoundError
from provenance.records import Blob


class Joint:
    """The methods of a blob store that ask several stores; a subclass says which ones."""

    def stores(self, ask: Effect[Any]) -> Sequence[Interpreter[Any]]:
        """Return the stores to ask, the most likely one first."""
        raise NotImplementedError

    def has_blob(self, blob: Blob) -> bool:
        ask = HasBlob(blob)
        return any(store(ask) for store in self.stores(ask))

    def drop_blob(self, blob: Blob, before: datetime | None = None) -> None:
        self._ask_all(DropBlob(blob, before))

    def quarantine(self, blob: Blob) -> None:
        self._ask_all(Quarantine(blob))

    def check_blob(self, blob: Blob) -> None:
        check_in(self.stores(CheckBlob(blob)), blob)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        ask = ListHoldings(shelf, after, limit)
        return merged_holdings(self.stores(ask), ask)

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        return any(self._ask_all(Discard(shelf, key, before)))

    def find_places(self) -> frozenset[str]:
        return frozenset[str]().union(*self._ask_all(FindPlaces()))

    def _ask_all(self, ask: Effect[Any]) -> list[Any]:
        return [store(ask) for store in self.stores(ask)]


def check_in(stores: Iterable[Interpreter[Any]], blob: Blob) -> None:
    """Check *blob* in each store that has it; raise `BlobNotFoundError` if none has it."""
    missing: BlobNotFoundError | None = None
    is_checked = False
    for store in stores:
        try:
            store(CheckBlob(blob))
            is_checked = True
        except BlobNotFoundError as error:
            missing = missing or error
    if missing is not None and not is_checked:
        raise missing


def merged_holdings(stores: Iterable[Interpreter[Any]], ask: ListHoldings) -> tuple[Holding, ...]:
    """Return a page of what *stores* have; copies are one holding, as old as the youngest."""
    found: dict[str, Holding] = {}
    for store in stores:
        page: tuple[Holding, ...] = store(ask)
        for holding in page:
            known = found.get(holding.key)
            if known is not None:
                size, since = known.size + holding.size, max(known.since, holding.since)
                found[holding.key] = Holding(holding.key, size, since)
            else:
                found[holding.key] = holding
    return tuple(found[key] for key in sorted(found)[: ask.limit])
