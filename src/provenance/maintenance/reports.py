"""Reports of maintenance: what was found and done."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from provenance.model.ids import ArtifactId, RunId, SetId, ValueId
from provenance.model.records import Blob


@frozen
class BlobMissing:
    """The bytes of an artifact's value or inputs are not in the store."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    blob: Blob


@frozen
class BlobDamaged:
    """The bytes of an artifact's value or inputs differ from those that were written."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@frozen
class BlobUnreadable:
    """The bytes of an artifact's value or inputs exist but cannot be read."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@frozen
class RecordDamaged:
    """The record of an artifact, or of the run that computed it, cannot be read."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    reason: str


@frozen
class RunMissing:
    """The run that computed an artifact is not recorded."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    run_id: RunId


@frozen
class ValueUnreadable:
    """The bytes of an artifact's value are sound but cannot be decoded."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    reason: str


@frozen
class ValueDiffers:
    """The bytes of an artifact's value are sound but decode to another value than was hashed."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    current: ValueId


@frozen
class StoreDamaged:
    """The database reports that its files are damaged."""

    __module__ = "provenance"

    reason: str


Problem: TypeAlias = (
    BlobMissing
    | BlobDamaged
    | BlobUnreadable
    | RecordDamaged
    | RunMissing
    | StoreDamaged
    | ValueDiffers
    | ValueUnreadable
)
"""A defect, which no regular use of the library causes."""


@frozen
class SourceMissing:
    """An artifact was made from, or holds, one that does not exist."""

    __module__ = "provenance"

    artifact_id: ArtifactId
    source_id: ArtifactId


@frozen
class MemberMissing:
    """A member of a set does not exist."""

    __module__ = "provenance"

    set_id: SetId
    artifact_id: ArtifactId


Gap: TypeAlias = SourceMissing | MemberMissing
"""A reference to a deleted artifact: a defect only if none was deleted."""


@frozen
class VerificationReport:
    """The scope and the findings of an integrity check.

    `evicted` counts the artifacts whose value was evicted, which is not a problem.
    """

    __module__ = "provenance"

    repo: str
    artifacts: int
    blobs: int
    bytes: int
    sets: int
    evicted: int
    problems: tuple[Problem, ...]
    gaps: tuple[Gap, ...]

    @property
    def is_sound(self) -> bool:
        """True without problems, regardless of gaps."""
        return not self.problems


class GarbageReason(Enum):
    """Why something in a store is garbage."""

    __module__ = "provenance"

    UNREFERENCED = "unreferenced: no record names it"
    TEMPORARY = "temporary: the process that wrote it ended"
    QUARANTINED = "quarantined: it was damaged"
    LEASE = "lease: the process that computed an artifact ended"


@frozen
class Garbage:
    """Something useless in a store: the reason, its key, size in bytes, and time of writing.

    The key of a lease is the id of the artifact, and its size is 0.
    """

    __module__ = "provenance"

    reason: GarbageReason
    key: str
    size: int
    since: datetime


@frozen
class GarbageReport:
    """The garbage that was deleted or, in a *dry_run*, would be.

    `roots` are the repositories whose records were searched for references; `spared` is the number
    of entries that were too young.
    """

    __module__ = "provenance"

    repo: str
    roots: tuple[str, ...]
    dry_run: bool
    garbage: tuple[Garbage, ...]
    spared: int

    @property
    def bytes(self) -> int:
        """The size of all garbage in bytes."""
        return sum(garbage.size for garbage in self.garbage)

    @property
    def by_reason(self) -> dict[GarbageReason, int]:
        """The size of the garbage in bytes, by reason."""
        sizes = dict.fromkeys(GarbageReason, 0)
        for garbage in self.garbage:
            sizes[garbage.reason] += garbage.size
        return sizes


@frozen
class EvictedValue:
    """An evicted value, the artifacts that have it, and the seconds to recompute it."""

    __module__ = "provenance"

    artifact_ids: tuple[ArtifactId, ...]
    blob: Blob
    seconds: float


@frozen
class EvictionReport:
    """The values that were evicted or, in a *dry_run*, would be, and the total size before."""

    __module__ = "provenance"

    repo: str
    dry_run: bool
    values: tuple[EvictedValue, ...]
    bytes_before: int

    @property
    def bytes(self) -> int:
        """The size of the evicted values in bytes."""
        return sum(value.blob.size for value in self.values)

    @property
    def bytes_after(self) -> int:
        """The size of the remaining values in bytes."""
        return self.bytes_before - self.bytes
