"""Several stores taken care of as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provenance.chores import CheckBlob, Holding, ListHoldings
from provenance.effect import Interpreter
from provenance.errors import BlobNotFoundError
from provenance.records import Blob


def check_in(stores: Iterable[Interpreter[Any]], blob: Blob) -> None:
    """Check *blob* in each store that has it; raises `BlobNotFoundError` where none has, or the first trouble."""
    missing: BlobNotFoundError | None = None
    checked = False
    for ask in stores:
        try:
            ask(CheckBlob(blob))
            checked = True
        except BlobNotFoundError as error:
            missing = missing or error
    if missing is not None and not checked:
        raise missing


def merged_holdings(stores: Iterable[Interpreter[Any]], ask: ListHoldings) -> tuple[Holding, ...]:
    """A page of what all of *stores* have: what several have is one holding, as old as its youngest copy."""
    found: dict[str, Holding] = {}
    for store in stores:
        listed: tuple[Holding, ...] = store(ask)
        for each in listed:
            known = found.get(each.key)
            found[each.key] = each if known is None else _together(known, each)
    return tuple(found[key] for key in sorted(found)[: ask.limit])


def _together(one: Holding, other: Holding) -> Holding:
    return Holding(one.key, one.size + other.size, max(one.since, other.since))
