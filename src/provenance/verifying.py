"""Checking that a repository is sound: its records, their bytes, what they lead to, and its sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Final, TypeAlias

from attrs import Factory, define, frozen

from provenance import session
from provenance.asks import FindIds, FindRun, FindSet, FindSetIds, Now
from provenance.checks import is_count
from provenance.chores import CheckBlob, CheckRecords, FindEviction, InspectRecord
from provenance.effect import Program, run
from provenance.errors import (
    BlobNotFoundError,
    ConfigError,
    CorruptBlobError,
    CorruptRecordError,
    StoreUnavailableError,
)
from provenance.findings import (
    BlobDamaged,
    BlobMissing,
    BlobUnreadable,
    Gap,
    MemberMissing,
    Problem,
    RecordDamaged,
    RunMissing,
    SourceMissing,
    StoreDamaged,
    Verified,
)
from provenance.hashing import combine
from provenance.ids import ArtifactId, SetId
from provenance.records import ArtifactRecord, Blob
from provenance.repository import Repository
from provenance.session import RepositoryOrName
from provenance.showing import shown

_PAGE: Final = 1000
_TRIES: Final = 3
"""Times that an artifact is looked at while others write to it."""
_DOWN: Final = 3
"""Artifacts one after the other whose bytes cannot be read, after which the store counts as out of reach."""

Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Called after each step: how many are done, and how many there are, if that is known."""
_Verify: TypeAlias = InspectRecord | FindEviction | FindRun | FindIds | CheckBlob


@frozen
class Examined:
    """What was found of one artifact: problems and gaps, its blobs that are sound, and whether its value was evicted."""

    problems: tuple[Problem, ...] = ()
    gaps: tuple[Gap, ...] = ()
    sound: tuple[Blob, ...] = ()
    evicted: bool = False


def verify(
    repo: RepositoryOrName | None = None,
    sample: int | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Check a repository: the bytes of each record, the run and the artifacts that it names, the members of each set.

    All bytes are read, where they are stored, and compared with their digests; nothing is decoded, changed or copied.
    Others may write meanwhile. The memory that it takes does not grow with the repository.

    Args:
        repo: A repository or the name of one, by default the default one.
        sample: Check so many artifacts, chosen at random, and no sets.
        progress: Told after each artifact, and each set, how many are done.

    Raises:
        ConfigError: for a sample that is no positive number.
        StoreUnavailableError, StorePermissionError: if a store cannot, or may not, be read.
    """
    return verified(session.current().repository(repo), sample, progress)


def verified(
    repo: Repository, sample: int | None = None, progress: Progress | None = None
) -> Verified:
    """As `verify`, of a repository that is given."""
    if sample is not None and not is_count(sample, 1):
        raise ConfigError(
            "verify, sample",
            f"{shown(sample)} is no number of artifacts",
            "give 1 or more, or leave it out",
        )
    tally = _Tally(repo, progress)
    if sample is not None:
        chosen = run(sampled(sample, repo.interpreter(Now()).isoformat()), repo.interpreter)
        tally.look_at(chosen, len(chosen))
        return tally.report()
    complaints = repo.interpreter(CheckRecords())
    if complaints:  # what such a database says of its records is worth nothing
        tally.problems += map(StoreDamaged, complaints)
        return tally.report()
    tally.look_at(all_ids(repo), None)
    tally.look_at_sets()
    return tally.report()


def all_ids(repo: Repository) -> Iterator[ArtifactId]:
    """The ids of all artifacts, in order, page by page."""
    after = ""
    while page := repo.interpreter(FindIds("", _PAGE, after)):
        yield from page
        after = page[-1]


def sampled(size: int, seed: str) -> Program[FindIds, tuple[ArtifactId, ...]]:
    """So many different ids, each the next one after a point that the *seed* chooses; all ids if there are no more."""
    first = yield from FindIds("", size + 1)
    if len(first) <= size:
        return first
    chosen: dict[ArtifactId, None] = {}
    for turn in count():
        found = yield from FindIds("", 1, combine("sample", [seed, turn]).hex())
        while not found or found[0] in chosen:
            found = yield from FindIds("", 1, found[0] if found else "")
        chosen[found[0]] = None
        if len(chosen) == size:
            break
    return tuple(chosen)


def examine(artifact_id: ArtifactId) -> Program[_Verify, Examined]:
    """What there is to find of an artifact, looked at again if another process changes it meanwhile."""
    found = Examined()
    for _ in range(_TRIES):
        try:
            record = yield from InspectRecord(artifact_id)
        except CorruptRecordError as error:
            return Examined((RecordDamaged(artifact_id, error.reason),))
        if record is None:  # it was deleted since it was listed
            return Examined()
        found = yield from _examined(record)
        if not found.problems or (yield from InspectRecord(artifact_id)) == record:
            return found
    return found


def _examined(record: ArtifactRecord) -> Program[_Verify, Examined]:
    found: list[tuple[Blob, Problem | None]] = []
    gaps: list[Gap] = []
    for blob in dict.fromkeys(record.blobs):
        found.append((blob, (yield from _blob_problem(record.id, blob))))  # noqa: PERF401 - a comprehension cannot ask
    evicted = yield from FindEviction(
        record.id
    )  # after its bytes, which go after it is noted that they were let go
    problems = [
        problem
        for blob, problem in found
        if problem is not None
        and not (evicted and blob == record.value_blob and isinstance(problem, BlobMissing))
    ]
    sound = tuple(blob for blob, problem in found if problem is None)
    problem = yield from _run_problem(record)
    problems += () if problem is None else (problem,)
    for source_id in sorted(record.source_ids):
        if not (yield from FindIds(source_id, 1)):
            gaps.append(SourceMissing(record.id, source_id))  # noqa: PERF401 - as above
    return Examined(tuple(problems), tuple(gaps), sound, evicted is not None)


def _blob_problem(artifact_id: ArtifactId, blob: Blob) -> Program[CheckBlob, Problem | None]:
    try:
        yield from CheckBlob(blob)
    except BlobNotFoundError:
        return BlobMissing(artifact_id, blob)
    except CorruptBlobError as error:
        return BlobDamaged(artifact_id, blob, error.reason)
    except StoreUnavailableError as error:
        return BlobUnreadable(artifact_id, blob, error.reason)
    return None


def _run_problem(record: ArtifactRecord) -> Program[FindRun, Problem | None]:
    try:
        known = yield from FindRun(record.run_id)
    except CorruptRecordError as error:
        return RecordDamaged(record.id, error.reason)
    return RunMissing(record.id, record.run_id) if known is None else None


def examine_set(set_id: SetId) -> Program[FindSet | FindIds, tuple[Gap, ...]]:
    """The members of a set that are not there."""
    known = yield from FindSet(set_id)
    missing: list[Gap] = []
    for member in sorted(known.artifact_ids if known is not None else ()):
        if not (yield from FindIds(member, 1)):
            missing.append(MemberMissing(set_id, member))  # noqa: PERF401 - as above
    return tuple(missing)


@define
class _Tally:
    """What was looked at so far; it holds numbers, and what is wrong."""

    repo: Repository
    progress: Progress | None
    artifacts: int = 0
    blobs: int = 0
    bytes: int = 0
    sets: int = 0
    evicted: int = 0
    problems: list[Problem] = Factory(list[Problem])
    gaps: list[Gap] = Factory(list[Gap])
    unreadable: int = 0

    def look_at(self, ids: Iterable[ArtifactId], total: int | None) -> None:
        """Examine the artifacts of these ids."""
        for artifact_id in ids:
            found = run(examine(artifact_id), self.repo.interpreter)
            self.artifacts += 1
            self.blobs += len(found.sound)
            self.bytes += sum(each.size for each in found.sound)
            self.evicted += found.evicted
            self.problems += found.problems
            self.gaps += found.gaps
            self._watch(found)
            self._tell(total)

    def look_at_sets(self) -> None:
        """Examine all sets."""
        after = ""
        while page := self.repo.interpreter(FindSetIds("", _PAGE, after)):
            for set_id in page:
                self.gaps += run(examine_set(set_id), self.repo.interpreter)
                self.sets += 1
                self._tell(None)
            after = page[-1]

    def _watch(self, found: Examined) -> None:
        """Give up on a store that is out of reach: each question to it may take long."""
        reasons = [each.reason for each in found.problems if isinstance(each, BlobUnreadable)]
        self.unreadable = self.unreadable + 1 if reasons else 0
        if self.unreadable >= _DOWN:
            advice = "check that the store can be reached, and verify again"
            raise StoreUnavailableError(self.repo.name, reasons[0], advice)

    def _tell(self, total: int | None) -> None:
        if self.progress is not None:
            self.progress(self.artifacts + self.sets, total)

    def report(self) -> Verified:
        """All of it."""
        return Verified(
            self.repo.name,
            self.artifacts,
            self.blobs,
            self.bytes,
            self.sets,
            self.evicted,
            tuple(self.problems),
            tuple(self.gaps),
        )
