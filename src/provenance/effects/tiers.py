"""Several blob stores as one, near ones before far ones, with the same bytes under the same names.

Reads go from near to far, and what is found in a far tier is copied to the nearer ones. Writes go
from far to near, so that what is near is everywhere: a tier that fails on the way leaves nothing
that would look finished.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, TypeAlias

from attrs import field, frozen

from provenance.asks import Blobs, DropBlob, HasBlob, Quarantine, ReadBlob, WriteBlob
from provenance.chores import CheckBlob, Discard, FindPlaces, ListHoldings
from provenance.effect import Effect, Interpreter
from provenance.effects.joint import Joint
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
_OPERATIONS: Final[dict[type[Effect[Any]], tuple[str, str]]] = {
    DropBlob: ("delete", "deleting a blob"),
    Quarantine: ("write", "quarantining a damaged blob"),
    CheckBlob: ("read", "checking a blob"),
    ListHoldings: ("read", "listing stored blobs"),
    Discard: ("delete", "deleting garbage"),
}
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
    """Return the blob store *name* made of *tiers*, the nearest first."""
    all_tiers = _TieredBlobs(name, tuple(tiers))
    return blob_effects(all_tiers) | DropBlob.on(
        lambda ask: all_tiers.drop_blob(ask.blob, ask.before)
    )


def allowed(tiers: Sequence[Tier], permission: str, operation: str, name: str) -> list[Tier]:
    """Return the tiers with the permission; raise `StorePermissionError` if none has it."""
    found = [tier for tier in tiers if getattr(tier.permissions, permission)]
    if not found:
        raise StorePermissionError(operation, name, permission)
    return found


def takes_copies(tier: Tier) -> bool:
    """Return whether what was found in a farther tier is copied to this one."""
    return tier.permissions.write and tier.permissions.read_through_write


def _may_take(tier: Tier, found: Tier, read: object) -> bool:
    """Whether *tier* takes a copy of the bytes that *read* reads in the tier where they were *found*."""
    trusted = found.trusted or is_vouched(read)
    return takes_copies(tier) and may_copy(
        trusted=trusted, executes=read_executes(read), into=tier.copy_policy
    )


@frozen
class _TieredBlobs(Joint):
    name: str
    tiers: tuple[Tier, ...]

    def write_blob(self, write: Callable[[BinaryIO], None]) -> Written:
        """Write to all tiers, encoding once: the farthest runs *write*, the others get its bytes."""
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
        raise (
            BlobNotFoundError(blob.id, self.name) if isinstance(worst, BlobNotFoundError) else worst
        )

    def _nearest(self, blob: Blob, tier: Tier, nearer: list[Tier]) -> Tier:
        """Return the tier to read from: the nearest that takes a copy now of what *tier* has."""
        there: bool = tier.ask(HasBlob(blob)) if nearer else False
        return self._brought_near(blob, tier, nearer) if there else tier

    def _brought_near(self, blob: Blob, found: Tier, nearer: list[Tier]) -> Tier:
        """Copy the blob to the tiers that take copies, and return the nearest that has it."""
        nearest = found
        for tier in reversed(nearer):
            try:
                copy: Written = tier.ask(WriteBlob(copying_from(found.ask)(blob)))
            except (StoreUnavailableError, StorePermissionError) as error:
                _log.warning(
                    "%s was not copied from %s to %s: %s", blob.id, found.name, tier.name, error
                )
            else:
                nearest = (
                    tier if isinstance(copy, Stored) else nearest
                )  # else it is there with a record only
        return nearest

    def has_blob(self, blob: Blob) -> bool:
        readable = allowed(self.tiers, "read", "looking for a blob", self.name)
        return any(there for _, there in answers(readable, HasBlob(blob)))

    def stores(self, ask: Effect[Any]) -> list[Interpreter[Any]]:
        if isinstance(ask, FindPlaces):
            return [tier.ask for tier in self.tiers]
        permission, operation = _OPERATIONS[type(ask)]
        return [tier.ask for tier in allowed(self.tiers, permission, operation, self.name)]


def _copied(tier: Tier, written: Written) -> Callable[[BinaryIO], None]:
    """Return a writer of the bytes that *tier* has just stored."""
    return (
        Encoded(written.data) if isinstance(written, Held) else copying_from(tier.ask)(written.blob)
    )


def answers(
    tiers: Sequence[Tier],
    effect: Any,  # noqa: ANN401 - whatever is answered
    past: tuple[type[ProvenanceError], ...] = (StoreUnavailableError, CorruptRecordError),
) -> Iterator[tuple[Tier, Any]]:
    """Yield the tiers and their answers; raise the first error of a tier after the last one."""
    trouble: ProvenanceError | None = None
    for tier in tiers:
        try:
            yield tier, tier.ask(effect)
        except past as error:
            trouble = trouble or error
    if trouble is not None:  # what cannot be read is not known to be absent
        raise trouble


def _weight(trouble: _Trouble) -> int:
    """Rank an unreachable store highest: it may have the bytes that other tiers lack."""
    return (BlobNotFoundError, CorruptBlobError, StoreUnavailableError).index(type(trouble))
