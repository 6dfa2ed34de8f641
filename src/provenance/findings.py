"""What taking care of a repository found and did: reports, as frozen records."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from provenance.ids import ArtifactId, RunId, SetId
from provenance.records import Blob


@frozen
class BlobMissing:
    """The bytes of an artifact's value or inputs are not in the store."""

    artifact_id: ArtifactId
    blob: Blob


@frozen
class BlobDamaged:
    """The bytes of an artifact's value or inputs are not those that were written."""

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@frozen
class BlobUnreadable:
    """The bytes of an artifact's value or inputs are there and cannot be read."""

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@frozen
class RecordDamaged:
    """What is recorded of an artifact, or of the run that computed it, cannot be read."""

    artifact_id: ArtifactId
    reason: str


@frozen
class RunMissing:
    """Nothing is recorded of the run that computed an artifact."""

    artifact_id: ArtifactId
    run_id: RunId


@frozen
class StoreDamaged:
    """The database itself finds its files damaged."""

    reason: str


Problem: TypeAlias = (
    BlobMissing | BlobDamaged | BlobUnreadable | RecordDamaged | RunMissing | StoreDamaged
)
"""What should not be, whatever was called and deleted."""


@frozen
class SourceMissing:
    """An artifact was made from one, or holds one, that is not there."""

    artifact_id: ArtifactId
    source_id: ArtifactId


@frozen
class MemberMissing:
    """An artifact of a set is not there."""

    set_id: SetId
    artifact_id: ArtifactId


Gap: TypeAlias = SourceMissing | MemberMissing
"""What deleting artifacts leaves by design, and what should not be where nobody deleted any."""


@frozen
class Verified:
    """What a verification looked at, and what it found.

    `evicted` artifacts are those whose value was let go on purpose: it is not missed.
    """

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
        """Whether there are no problems; gaps are none."""
        return not self.problems


class Reason(Enum):
    """Why something in a store is of no use."""

    UNREFERENCED = "no record names it"
    TEMPORARY = "it was being written, and its writer is gone"
    QUARANTINED = "it was damaged, and put aside"
    LEASE = "somebody was computing an artifact, and is gone"


@frozen
class Garbage:
    """What is of no use: why, under which key the store has it, how many bytes it takes, and since when.

    Of a lease the key is the artifact's id; it takes none.
    """

    reason: Reason
    key: str
    size: int
    since: datetime


@frozen
class Collected:
    """What was left over in a store and was deleted or, in a *dry_run*, would be.

    `roots` are the repositories whose records were asked what they name; `spared` is how much was too young.
    """

    repo: str
    roots: tuple[str, ...]
    dry_run: bool
    garbage: tuple[Garbage, ...]
    spared: int

    @property
    def bytes(self) -> int:
        """How many bytes all of it takes."""
        return sum(each.size for each in self.garbage)

    @property
    def by_reason(self) -> dict[Reason, int]:
        """How many bytes it takes, by reason."""
        return {
            reason: sum(each.size for each in self.garbage if each.reason is reason)
            for reason in Reason
        }


@frozen
class LetGo:
    """A value whose bytes were deleted, the artifacts that have it, and the seconds that computing it anew takes."""

    artifact_ids: tuple[ArtifactId, ...]
    blob: Blob
    seconds: float


@frozen
class Evicted:
    """Which values were let go or, in a *dry_run*, would be; the bytes of all values before and after."""

    repo: str
    dry_run: bool
    values: tuple[LetGo, ...]
    bytes_before: int

    @property
    def bytes(self) -> int:
        """How many bytes were freed."""
        return sum(each.blob.size for each in self.values)

    @property
    def bytes_after(self) -> int:
        """How many bytes the values take that are left."""
        return self.bytes_before - self.bytes
