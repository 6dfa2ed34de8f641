"""Reports of maintenance: what was found and done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen

from provenance.escaping import escape_invisible, html_table
from provenance.history.reproduce import NotComparable
from provenance.model.ids import ArtifactId, RunId, SetId, ValueId
from provenance.model.records import Blob
from provenance.util.formatting import safe_repr, size
from provenance.util.naming import exported

Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each step with the number of steps so far, and the total if it is known."""


@frozen
class Problem:
    """A defect, which no regular use of the library causes."""


@frozen
class Gap:
    """A reference to a deleted artifact: a defect only if none was deleted."""


@exported
@frozen
class BlobMissing(Problem):
    """The bytes of an artifact's value or inputs are not in the store."""

    artifact_id: ArtifactId
    blob: Blob


@exported
@frozen
class BlobDamaged(Problem):
    """The bytes of an artifact's value or inputs differ from those that were written."""

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@exported
@frozen
class BlobUnreadable(Problem):
    """The bytes of an artifact's value or inputs exist but cannot be read."""

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@exported
@frozen
class RecordDamaged(Problem):
    """The record of an artifact, or of the run that computed it, cannot be read."""

    artifact_id: ArtifactId
    reason: str


@exported
@frozen
class RunMissing(Problem):
    """The run that computed an artifact is not recorded."""

    artifact_id: ArtifactId
    run_id: RunId


@exported
@frozen
class SetDamaged(Problem):
    """The record of a set cannot be read, or its members are not those that its id stands for."""

    set_id: SetId
    reason: str


@exported
@frozen
class ValueUnreadable(Problem):
    """The bytes of an artifact's value are sound but cannot be decoded."""

    artifact_id: ArtifactId
    reason: str


@exported
@frozen
class ValueDiffers(Problem):
    """The bytes of an artifact's value are sound but decode to another value than was hashed."""

    artifact_id: ArtifactId
    current: ValueId


@exported
@frozen
class StoreDamaged(Problem):
    """The database reports that its files are damaged."""

    reason: str


@exported
@frozen
class ResultDiffers(Problem):
    """The function of an artifact gave another result, or failed, when it was computed again."""

    artifact_id: ArtifactId
    reason: str


@exported
@frozen
class SourceMissing(Gap):
    """An artifact was made from, or holds, one that does not exist."""

    artifact_id: ArtifactId
    source_id: ArtifactId


@exported
@frozen
class MemberMissing(Gap):
    """A member of a set does not exist."""

    set_id: SetId
    artifact_id: ArtifactId


@exported
@frozen(repr=False)
class VerificationReport:
    """The scope and the findings of an integrity check.

    `evicted` counts the artifacts whose value was evicted, which is not a problem, and `recomputed`
    those that were computed again. `not_comparable` are those that could not be, with the reason.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> report = p.verify()
        >>> report.artifacts, report.problems
        (1, ())
    """

    repo: str
    artifacts: int
    blobs: int
    bytes: int
    sets: int
    evicted: int
    problems: tuple[Problem, ...]
    gaps: tuple[Gap, ...]
    recomputed: int = 0
    not_comparable: tuple[NotComparable, ...] = ()

    @property
    def is_sound(self) -> bool:
        """True without problems, regardless of gaps."""
        return not self.problems

    def __repr__(self) -> str:
        outcome = "sound" if self.is_sound else f"{len(self.problems):,} problems"
        checked = f"{self.artifacts:,} artifacts, {self.sets:,} sets, {size(self.bytes)}"
        text = f"{checked}: {outcome}{_first(self.problems)}"
        return f"<provenance.VerificationReport of {self.repo!r}, {text}>"

    def _repr_html_(self) -> str:
        """Return the first of them as a table for a notebook."""
        return _html(self, self.problems)


@exported
class GarbageReason(Enum):
    """Why something in a store is garbage."""

    UNREFERENCED = "unreferenced: no record names it"
    TEMPORARY = "temporary: the process that wrote it ended"
    QUARANTINED = "quarantined: it was damaged"
    LEASE = "lease: the process that computed an artifact ended"
    PARTIAL = "partial: a chunk of a stream that was never completed"


@exported
@frozen
class Garbage:
    """Something useless in a store: the reason, its key, size in bytes, and time of writing.

    The key of a lease or of a chunk is the id of the artifact; the size of a lease is 0.
    """

    reason: GarbageReason
    key: str
    size: int
    since: datetime


@exported
@frozen(repr=False)
class GarbageReport:
    """The garbage that was deleted or, in a *dry_run*, would be.

    `roots` are the repositories whose records were searched for references; `spared` is the number
    of entries that were too young.

    Example:
        >>> import provenance as p
        >>> p.collect_garbage().bytes
        0
    """

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

    def __repr__(self) -> str:
        done = "would delete" if self.dry_run else "deleted"
        text = f"{done} {len(self.garbage):,} entries, {size(self.bytes)}"
        return f"<provenance.GarbageReport of {self.repo!r}: {text}{_first(self.garbage)}>"

    def _repr_html_(self) -> str:
        """Return the first of them as a table for a notebook."""
        return _html(self, self.garbage)


@exported
@frozen
class EvictedValue:
    """An evicted value, the artifacts that have it, and the seconds to recompute it."""

    artifact_ids: tuple[ArtifactId, ...]
    blob: Blob
    seconds: float


@exported
@frozen(repr=False)
class EvictionReport:
    """The values that were evicted or, in a *dry_run*, would be, and the total size before.

    Example:
        >>> import provenance as p
        >>> p.evict(max_bytes=0).bytes
        0
    """

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

    def __repr__(self) -> str:
        done = "would evict" if self.dry_run else "evicted"
        text = f"{done} {len(self.values):,} values, {size(self.bytes)}"
        return f"<provenance.EvictionReport of {self.repo!r}: {text} of {size(self.bytes_before)}>"

    def _repr_html_(self) -> str:
        """Return the first of them as a table for a notebook."""
        return _html(self, self.values)


def _first(found: tuple[object, ...]) -> str:
    """Return the first of what a report found, as the end of a sentence."""
    return f", such as {escape_invisible(safe_repr(found[0]))}" if found else ""


_SHOWN: Final = 20
"""What a notebook shows of a report."""


def _html(report: object, found: tuple[object, ...]) -> str:
    rows = [(type(one).__name__, safe_repr(one)) for one in found[:_SHOWN]]
    more = f"; … and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return html_table(("found", "what") if rows else (), rows, f"{report!r}{more}")
