"""Several blob stores as one: near ones before far ones, each holding the same bytes under the same names.

Reading goes from near to far, and what is found far away is copied to the nearer ones. Writing goes from far to near, so that what
is near is everywhere: a tier that fails on the way leaves nothing that would look finished.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final, TypeAlias

from attrs import field, frozen

from provenance.asks import Blobs, DropBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.chores import Discard, FindPlaces, Holding, ListHoldings, Shelf
from provenance.effect import Interpreter
from provenance.effects.joint import check_in, merged_holdings
from provenance.effects.sinks import Encoded
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    CorruptRecordError,
    ProvenanceError,
    StorePermissionError,
    StoreUnavailableError,
)
from provenance.ports import blob_effects
from provenance.records import Blob, Held, Permissions, Stored, Written
from provenance.transfers import CopyPolicy, copying_from, is_vouched, may_copy, read_executes

_Trouble: TypeAlias = BlobNotFoundError | CorruptBlobError | StoreUnavailableError
_log: Final = logging.getLogger("provenance")


@frozen
class Tier:
    """One of several stores: its name, what it answers, what it may be asked, whether it is trusted, and what it takes."""

    name: str
    ask: Interpreter[Any] = field(repr=False)
    permissions: Permissions
    trusted: bool = True
    copy_policy: CopyPolicy = CopyPolicy.DATA_ONLY


def tiered(name: str, tiers: Sequence[Tier]) -> Interpreter[Blobs]:
    """The blob store *name* that *tiers* make together, the nearest first."""
    all_tiers = _TieredBlobs(name, tuple(tiers))
    return blob_effects(all_tiers) | DropBlob.on(lambda ask: all_tiers.drop_blob(ask.blob, ask.before))


def allowed(tiers: Sequence[Tier], permission: str, operation: str, name: str) -> list[Tier]:
    """The tiers that have the permission; `StorePermissionError` where none has."""
    found = [each for each in tiers if getattr(each.permissions, permission)]
    if not found:
        raise StorePermissionError(operation, name, permission)
    return found


def takes_copies(tier: Tier) -> bool:
    """Whether what was found farther away is copied to this tier."""
    return tier.permissions.write and tier.permissions.read_through_write


def _may_take(tier: Tier, found: Tier, read: object) -> bool:
    """Whether *tier* takes a copy of the bytes that *read* reads in the tier where they were *found*."""
    trusted = found.trusted or is_vouched(read)
    return takes_copies(tier) and may_copy(trusted=trusted, executes=read_executes(read), into=tier.copy_policy)


@frozen
class _TieredBlobs:
    name: str
    tiers: tuple[Tier, ...]

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Written:
        """Write to all tiers, encoding once: the farthest gets what *write* writes, the others its bytes."""
        farthest, *nearer = allowed(self.tiers, "write", "writing a blob", self.name)[::-1]
        written: Written = farthest.ask(WriteBlob(write))
        for tier in nearer:
            copy: Written = tier.ask(WriteBlob(_copied(farthest, written)))
            written = copy if isinstance(copy, Held) else written
        return written

    def read_blob(self, blob: Blob, read: Callable[[BinaryIO], object]) -> object:
        troubles: list[_Trouble] = []
        readable = allowed(self.tiers, "read", "reading a blob", self.name)
        for position, tier in enumerate(readable):
            try:
                nearer = [each for each in readable[:position] if _may_take(each, tier, read)]
                return self._nearest(blob, tier, nearer).ask(ReadBlob(blob, read))
            except (BlobNotFoundError, CorruptBlobError, StoreUnavailableError) as error:
                troubles.append(error)
                if isinstance(error, CorruptBlobError) and tier.permissions.write:
                    tier.ask(Quarantine(blob))
        worst = max(troubles, key=_weight)
        raise BlobNotFoundError(blob.id, self.name) if isinstance(worst, BlobNotFoundError) else worst

    def _nearest(self, blob: Blob, tier: Tier, nearer: list[Tier]) -> Tier:
        """Where to read what *tier* has, if it has it: in the nearest of those that take a copy of it now."""
        there: bool = tier.ask(HasBlob(blob)) if nearer else False
        return self._brought_near(blob, tier, nearer) if there else tier

    def _brought_near(self, blob: Blob, found: Tier, nearer: list[Tier]) -> Tier:
        """The nearest tier that has the blob, once it was copied to those that take copies."""
        nearest = found
        for tier in reversed(nearer):
            try:
                copy: Written = tier.ask(WriteBlob(copying_from(found.ask)(blob)))
            except (StoreUnavailableError, StorePermissionError) as error:
                _log.warning("%s was not copied from %s to %s: %s", blob.id, found.name, tier.name, error)
            else:
                nearest = tier if isinstance(copy, Stored) else nearest  # else it is there with a record only
        return nearest

    def has_blob(self, blob: Blob) -> bool:
        readable = allowed(self.tiers, "read", "looking for a blob", self.name)
        return any(there for _, there in answers(readable, HasBlob(blob)))

    def drop_blob(self, blob: Blob, before: datetime | None = None) -> None:
        for tier in allowed(self.tiers, "delete", "deleting a blob", self.name):
            tier.ask(DropBlob(blob, before))

    def quarantine(self, blob: Blob) -> None:
        for tier in allowed(self.tiers, "write", "putting a damaged blob aside", self.name):
            tier.ask(Quarantine(blob))

    def check_blob(self, blob: Blob) -> None:
        check_in((each.ask for each in allowed(self.tiers, "read", "checking a blob", self.name)), blob)

    def list_holdings(self, shelf: Shelf, after: str, limit: int) -> tuple[Holding, ...]:
        readable = allowed(self.tiers, "read", "listing what is stored", self.name)
        return merged_holdings((each.ask for each in readable), ListHoldings(shelf, after, limit))

    def discard(self, shelf: Shelf, key: str, before: datetime) -> bool:
        tiers = allowed(self.tiers, "delete", "deleting what is left over", self.name)
        gone: list[bool] = [each.ask(Discard(shelf, key, before)) for each in tiers]
        return any(gone)

    def find_places(self) -> frozenset[str]:
        places: list[frozenset[str]] = [each.ask(FindPlaces()) for each in self.tiers]
        return frozenset[str]().union(*places)


def _copied(tier: Tier, written: Written) -> Callable[[BinaryIO], None]:
    """What writes the bytes that *tier* was given."""
    return Encoded(written.data) if isinstance(written, Held) else copying_from(tier.ask)(written.blob)


def answers(
    tiers: Sequence[Tier],
    effect: Any,  # noqa: ANN401 - whatever is answered
    past: tuple[type[ProvenanceError], ...] = (StoreUnavailableError, CorruptRecordError),
) -> Iterator[tuple[Tier, Any]]:
    """The tiers and their answers, one after the other; that one cannot be reached, or has damage, is an error after the last."""
    trouble: ProvenanceError | None = None
    for tier in tiers:
        try:
            yield tier, tier.ask(effect)
        except past as error:
            trouble = trouble or error
    if trouble is not None:  # what cannot be read is not known to be absent
        raise trouble


def _weight(trouble: _Trouble) -> int:
    """That a store cannot be reached weighs most: it may have the bytes, which are missing or damaged elsewhere."""
    return (BlobNotFoundError, CorruptBlobError, StoreUnavailableError).index(type(trouble))
