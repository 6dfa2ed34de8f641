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


@exported
@frozen
class BlobMissing:
    """The bytes of an artifact's value or inputs are not in the store.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> store = p.MemoryStore("values", delete=True)
        >>> with p.using_repo(p.MemoryRepo("project", store=store)):
        ...     store.delete(squares.artifact(3).value_blob)
        ...     [problem] = p.verify().problems
        >>> isinstance(problem, p.BlobMissing), problem.artifact_id == squares.artifact_id(3)
        (True, True)
    """

    artifact_id: ArtifactId
    blob: Blob


@exported
@frozen
class BlobDamaged:
    """The bytes of an artifact's value or inputs differ from those that were written.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> from pathlib import Path
        >>> store = p.DiskStore("values", cachedir="values")
        >>> with p.using_repo(p.MemoryRepo("project", store=store)):
        ...     _ = squares(3)
        ...     file = next(path for path in Path("values").rglob("*") if path.is_file())
        ...     file.chmod(0o600)
        ...     _ = file.write_bytes(b"other bytes")
        ...     print(type(p.verify().problems[0]).__name__)
        BlobDamaged
    """

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@exported
@frozen
class BlobUnreadable:
    """The bytes of an artifact's value or inputs exist but cannot be read.

    Example:
        >>> import provenance as p
        >>> for problem in p.verify().problems:
        ...     if isinstance(problem, p.BlobUnreadable):
        ...         print("the disk has a fault:", problem.reason)
    """

    artifact_id: ArtifactId
    blob: Blob
    reason: str


@exported
@frozen
class RecordDamaged:
    """The record of an artifact, or of the run that computed it, cannot be read.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sqlite3
        >>> with p.using_repo(p.SqliteRepo("project", db="records.db")):
        ...     _ = squares(3)
        >>> with sqlite3.connect("records.db") as database:
        ...     _ = database.execute("UPDATE artifacts SET tags = '['")
        >>> database.close()
        >>> p.verify(p.SqliteRepo("project", db="records.db")).problems
        (RecordDamaged(...),)
    """

    artifact_id: ArtifactId
    reason: str


@exported
@frozen
class RunMissing:
    """The run that computed an artifact is not recorded.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sqlite3
        >>> with p.using_repo(p.SqliteRepo("project", db="records.db")) as repo:
        ...     _ = squares(3)
        >>> with sqlite3.connect("records.db") as database:
        ...     _ = database.execute("DELETE FROM runs")
        >>> database.close()
        >>> p.verify(repo).problems
        (RunMissing(...),)
    """

    artifact_id: ArtifactId
    run_id: RunId


@exported
@frozen
class SetDamaged:
    """The record of a set cannot be read, or its members are not those that its id stands for.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import sqlite3
        >>> with p.using_repo(p.SqliteRepo("project", db="records.db")) as repo:
        ...     _ = p.create_set([squares(2), squares(3)], "best")
        >>> with sqlite3.connect("records.db") as database:
        ...     _ = database.execute("DELETE FROM artifact_set_members")
        >>> database.close()
        >>> p.verify(repo).problems
        (SetDamaged(...),)
    """

    set_id: SetId
    reason: str


@exported
@frozen
class ValueUnreadable:
    """The bytes of an artifact's value are sound but cannot be decoded.

    Example:
        >>> import provenance as p
        >>> for problem in p.verify(deep=True).problems:
        ...     if isinstance(problem, p.ValueUnreadable):
        ...         print(problem.artifact_id, "cannot be decoded here:", problem.reason)
    """

    artifact_id: ArtifactId
    reason: str


@exported
@frozen
class ValueDiffers:
    """The bytes of an artifact's value are sound but decode to another value than was hashed.

    Example:
        >>> import provenance as p
        >>> for problem in p.verify(deep=True).problems:
        ...     if isinstance(problem, p.ValueDiffers):
        ...         print(problem.artifact_id, "is read as another value than was stored")
    """

    artifact_id: ArtifactId
    current: ValueId


@exported
@frozen
class StoreDamaged:
    """The database reports that its files are damaged.

    Example:
        >>> import provenance as p
        >>> for problem in p.verify().problems:
        ...     if isinstance(problem, p.StoreDamaged):
        ...         print("restore the database from a backup:", problem.reason)
    """

    reason: str


@exported
@frozen
class ResultDiffers:
    """The function of an artifact gave another result, or failed, when it was computed again.

    Example:
        >>> import provenance as p
        >>> for problem in p.verify(recompute=100).problems:
        ...     if isinstance(problem, p.ResultDiffers):
        ...         print(problem.artifact_id, problem.reason)
    """

    artifact_id: ArtifactId
    reason: str


Problem: TypeAlias = (
    BlobMissing
    | BlobDamaged
    | BlobUnreadable
    | RecordDamaged
    | ResultDiffers
    | RunMissing
    | SetDamaged
    | StoreDamaged
    | ValueDiffers
    | ValueUnreadable
)
"""A defect, which no regular use of the library causes."""


@exported
@frozen
class SourceMissing:
    """An artifact was made from, or holds, one that does not exist.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> numbers = squares(3)
        >>> total = p.provenance(sum)(numbers)
        >>> p.get_default_repo().delete(numbers)
        >>> p.verify().gaps
        (SourceMissing(...),)
    """

    artifact_id: ArtifactId
    source_id: ArtifactId


@exported
@frozen
class MemberMissing:
    """A member of a set does not exist.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> best = p.create_set([squares(2), squares(3)], "best")
        >>> p.get_default_repo().delete(squares(3))
        >>> p.verify().gaps
        (MemberMissing(...),)
    """

    set_id: SetId
    artifact_id: ArtifactId


Gap: TypeAlias = SourceMissing | MemberMissing
"""A reference to a deleted artifact: a defect only if none was deleted."""


@exported
@frozen(repr=False)
class VerificationReport:
    """The scope and the findings of an integrity check of the repository named `repo`.

    `artifacts`, `blobs` and `sets` are the numbers of what was checked, and `bytes` is the size of
    the blobs. `problems` are what is damaged; `gaps` are references to artifacts that are not there.
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
    """Why something in a store is garbage.

    Example:
        >>> import provenance as p
        >>> from datetime import timedelta
        >>> store = p.MemoryStore("values", delete=True)
        >>> blob = store.put(b"some bytes")
        >>> repo = p.MemoryRepo("project", store=store)
        >>> report = p.collect_garbage(repo, older_than=timedelta(0))
        >>> report.garbage[0].reason is p.GarbageReason.UNREFERENCED
        True
    """

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

    Example:
        >>> import provenance as p
        >>> from datetime import timedelta
        >>> store = p.MemoryStore("values", delete=True)
        >>> blob = store.put(b"some bytes")
        >>> repo = p.MemoryRepo("project", store=store)
        >>> report = p.collect_garbage(repo, older_than=timedelta(0))
        >>> [(garbage.key == blob.id, garbage.size) for garbage in report.garbage]
        [(True, 10)]
    """

    reason: GarbageReason
    key: str
    size: int
    since: datetime


@exported
@frozen(repr=False)
class GarbageReport:
    """The `garbage` in the repository named `repo` that was deleted or, in a *dry_run*, would be.

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
    """An evicted value, its `blob`, the artifacts that have it, and the seconds to recompute it.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> from datetime import timedelta
        >>> _ = squares(3)
        >>> [value] = p.evict(older_than=timedelta(0)).values
        >>> value.artifact_ids == (squares.artifact_id(3),)
        True
    """

    artifact_ids: tuple[ArtifactId, ...]
    blob: Blob
    seconds: float


@exported
@frozen(repr=False)
class EvictionReport:
    """The `values` in the repository named `repo` that were evicted or, in a *dry_run*, would be.

    `bytes_before` is the size of all values before.

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
