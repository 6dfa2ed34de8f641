"""Integrity checks of a repository: its records, their bytes and references, and its sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Final, TypeAlias

from attrs import Factory, define, frozen

from provenance import environment, errors
from provenance.effect import Program, run
from provenance.environment import RepositoryOrName
from provenance.hashing import combine, hash_value
from provenance.history.reproduce import Differs, Failed, NotComparable, Outcome, reproduce_each
from provenance.maintenance import reports
from provenance.maintenance.reports import Progress, VerificationReport
from provenance.model.ids import ArtifactId, SetId
from provenance.model.records import Artifact, ArtifactRecord, Blob
from provenance.model.references import unwrap
from provenance.ports.blobs import VerifyBlob
from provenance.ports.inspection import ReadStoredRecords, StoredRecord
from provenance.ports.machine import Now
from provenance.ports.records import (
    CheckDatabase,
    FindEviction,
    FindInputs,
    FindRun,
    FindSet,
    ListIds,
    ListSetIds,
    ReadStoredRecord,
)
from provenance.repository.handles import Repository
from provenance.repository.programs import pages
from provenance.repository.sets import set_id as id_of_members
from provenance.util.formatting import describe_error, safe_repr
from provenance.util.validation import is_count

_PAGE: Final = 1000
_AT_ONCE: Final = 200
"""Artifacts whose records, and bytes beside them, are read at once."""
_TRIES: Final = 3
"""Number of times that an artifact is examined while others write to it."""
_DOWN: Final = 3
"""Number of consecutive unreadable artifacts after which the store counts as out of reach."""

_Verify: TypeAlias = ReadStoredRecord | FindInputs | FindEviction | FindRun | ListIds | VerifyBlob


@frozen
class Findings:
    """What was found of one artifact or set: problems, gaps, sound blobs, and whether it was evicted."""

    problems: tuple[reports.Problem, ...] = ()
    gaps: tuple[reports.Gap, ...] = ()
    sound: tuple[Blob, ...] = ()
    evicted: bool = False


def verify(
    repo: RepositoryOrName | None = None,
    sample: int | None = None,
    progress: Progress | None = None,
    *,
    deep: bool = False,
    recompute: int | None = None,
) -> VerificationReport:
    """Check the bytes of each record, the run and artifacts that it names, and all sets' members.

    All bytes are read, where they are stored, and compared with their digests; nothing is changed
    or copied. Others may write meanwhile. Memory use does not grow with the repository.

    Args:
        repo: A repository or the name of one, by default the default one.
        sample: Check only this number of artifacts, chosen at random, and no sets.
        progress: Called after each artifact and each set with the number of them so far.
        deep: Also decode each value, one at a time, and compare its hash with the recorded one.
            Values of untrusted stores that could execute code are left out.
        recompute: Also compute this number of artifacts again, chosen at random, and compare the
            results, as `reproduce` does.

    Returns:
        What was checked, and the problems that were found.

    Raises:
        ConfigError: if *sample* is not a positive integer.
        StoreUnavailableError, StorePermissionError: if a store cannot, or may not, be read.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> p.verify().problems
        ()
    """
    place = repo if isinstance(repo, Repository) else environment.current().repository(repo)
    for option, number in (("sample", sample), ("recompute", recompute)):
        if number is not None and not is_count(number, 1):
            problem = f"must be a positive int, got {safe_repr(number)}"
            raise errors.ConfigError(
                f"verify, {option}", problem, "pass 1 or more, or leave it out"
            )
    tally = _Tally(place, progress, deep)
    if sample is not None:
        chosen = _sample(place, sample)
        tally.examine_artifacts(chosen, len(chosen))
    elif complaints := place.interpreter(CheckDatabase()):
        # Nothing that a damaged database says of its records can be relied on.
        tally.problems += map(reports.StoreDamaged, complaints)
    else:
        tally.examine_artifacts(all_ids(place), None)
        tally.examine_sets()
    if recompute is not None:
        tally.recompute(recompute)
    return tally.report()


def all_ids(repo: Repository) -> Iterator[ArtifactId]:
    """Yield the ids of all artifacts in order, reading page by page."""
    return chain.from_iterable(pages(ListIds("", _PAGE), repo.interpreter))


def all_set_ids(repo: Repository) -> Iterator[SetId]:
    """Yield the ids of all sets in order, reading page by page."""
    return chain.from_iterable(pages(ListSetIds("", _PAGE), repo.interpreter))


_MOST: Final = 2**31
"""More artifacts than there are; no database takes any number as a limit."""


def _sample(repo: Repository, size: int) -> tuple[ArtifactId, ...]:
    return run(sample_ids(size, repo.interpreter(Now()).isoformat()), repo.interpreter)


def sample_ids(size: int, seed: str) -> Program[ListIds, tuple[ArtifactId, ...]]:
    """Choose *size* different ids at points that *seed* determines, or all if there are fewer."""
    size = min(size, _MOST)
    first = yield from ListIds("", size + 1)
    if len(first) <= size:
        return first
    chosen: dict[ArtifactId, None] = {}
    for turn in range(size):
        found = yield from ListIds("", 1, combine("sample", [seed, turn]).hex())
        while not found or found[0] in chosen:
            found = yield from ListIds("", 1, found[0] if found else "")
        chosen[found[0]] = None
    return tuple(chosen)


def examine(artifact_id: ArtifactId) -> Program[_Verify, Findings]:
    """Examine an artifact, again if another process changes it meanwhile."""
    found = Findings()
    for _ in range(_TRIES):
        try:
            record = yield from ReadStoredRecord(artifact_id)
            if record is not None:
                yield from FindInputs(artifact_id)
        except errors.CorruptRecordError as error:
            return Findings((reports.RecordDamaged(artifact_id, error.reason),))
        if record is None:  # deleted since it was listed
            return Findings()
        found = yield from _examine_record(record)
        if not found.problems or (yield from ReadStoredRecord(artifact_id)) == record:
            return found
    return found


def read_pages(
    ids: Iterable[ArtifactId], repo: Repository
) -> Iterator[tuple[ArtifactId, StoredRecord | None]]:
    """Yield each id with its record; None for one that the store does not answer for in pages."""
    remaining = iter(ids)
    while page := tuple(islice(remaining, _AT_ONCE)):
        found = {stored.record.id: stored for stored in repo.interpreter(ReadStoredRecords(page))}
        for artifact_id in page:
            yield artifact_id, found.get(artifact_id)


def _examine(artifact_id: ArtifactId, stored: StoredRecord | None) -> Program[_Verify, Findings]:
    """Examine an artifact; if anything is unusual about it, by asking everything again."""
    if stored is None or stored.evicted or not stored.is_complete:
        return (yield from examine(artifact_id))
    for blob in stored.record.blobs:
        if blob not in stored.held and (yield from _blob_problem(artifact_id, blob)) is not None:
            return (yield from examine(artifact_id))
    return Findings(sound=tuple(dict.fromkeys(stored.record.blobs)))


def _examine_record(record: ArtifactRecord) -> Program[_Verify, Findings]:
    checked: dict[Blob, reports.Problem | None] = {}
    for blob in dict.fromkeys(record.blobs):
        checked[blob] = yield from _blob_problem(record.id, blob)
    # After the bytes are checked: they are deleted after the eviction is recorded.
    evicted = (yield from FindEviction(record.id)) is not None
    if evicted and isinstance(checked.get(record.value_blob), reports.BlobMissing):
        del checked[record.value_blob]
    problems = [problem for problem in checked.values() if problem is not None]
    try:
        if (yield from FindRun(record.run_id)) is None:
            problems.append(reports.RunMissing(record.id, record.run_id))
    except errors.CorruptRecordError as error:
        problems.append(reports.RecordDamaged(record.id, error.reason))
    missing = yield from _missing(record.source_ids)
    return Findings(
        tuple(problems),
        tuple(reports.SourceMissing(record.id, source_id) for source_id in missing),
        tuple(blob for blob, problem in checked.items() if problem is None),
        evicted,
    )


def _blob_problem(
    artifact_id: ArtifactId, blob: Blob
) -> Program[VerifyBlob, reports.Problem | None]:
    try:
        yield from VerifyBlob(blob)
    except errors.BlobNotFoundError:
        return reports.BlobMissing(artifact_id, blob)
    except errors.CorruptBlobError as error:
        return reports.BlobDamaged(artifact_id, blob, error.reason)
    except errors.StoreUnavailableError as error:
        return reports.BlobUnreadable(artifact_id, blob, error.reason)
    return None


def _missing(ids: Iterable[ArtifactId]) -> Program[ListIds, list[ArtifactId]]:
    """Return those of *ids* that no artifact has."""
    missing: list[ArtifactId] = []
    for artifact_id in sorted(ids):
        if not (yield from ListIds(artifact_id, 1)):
            missing.append(artifact_id)  # noqa: PERF401 - a comprehension cannot ask
    return missing


def decode(artifact_id: ArtifactId, repo: Repository) -> tuple[reports.Problem, ...]:
    """Decode the value of an artifact, and return what is wrong with it if anything is."""
    try:
        record = repo.load_record(artifact_id)
        current = hash_value(unwrap(repo.load_value(record)))
    except (errors.ArtifactNotFoundError, errors.StoreUnavailableError, errors.UntrustedStoreError):
        return ()
    except Exception as error:  # noqa: BLE001 - the value's own methods may raise anything
        return (reports.ValueUnreadable(artifact_id, describe_error(error)),)
    return () if current == record.value_id else (reports.ValueDiffers(artifact_id, current),)


def examine_set(set_id: SetId) -> Program[FindSet | ListIds, Findings]:
    """Find the missing members of a set, or how its record is damaged."""
    try:
        known = yield from FindSet(set_id)
    except errors.CorruptRecordError as error:
        return Findings((reports.SetDamaged(set_id, error.reason),))
    if known is not None and id_of_members(known.artifact_ids) != set_id:
        reason = "its members are not those that its id stands for"
        return Findings((reports.SetDamaged(set_id, reason),))
    missing = yield from _missing(() if known is None else known.artifact_ids)
    return Findings(gaps=tuple(reports.MemberMissing(set_id, member) for member in missing))


@define
class _Tally:
    """The counts and findings so far."""

    repo: Repository
    progress: Progress | None
    deep: bool
    artifacts: int = 0
    blobs: int = 0
    bytes: int = 0
    sets: int = 0
    evicted: int = 0
    problems: list[reports.Problem] = Factory(list[reports.Problem])
    gaps: list[reports.Gap] = Factory(list[reports.Gap])
    outcomes: tuple[Outcome, ...] = ()

    def examine_artifacts(self, ids: Iterable[ArtifactId], total: int | None) -> None:
        unreadable = 0
        for artifact_id, stored in read_pages(ids, self.repo):
            found = run(_examine(artifact_id, stored), self.repo.interpreter)
            self.artifacts += 1
            self.blobs += len(found.sound)
            self.bytes += sum(blob.size for blob in found.sound)
            self.evicted += found.evicted
            if self.deep and not found.problems and not found.evicted:
                self.problems += decode(artifact_id, self.repo)
            # Give up on a store that is out of reach: each request to it may take long.
            reasons = [
                one.reason for one in found.problems if isinstance(one, reports.BlobUnreadable)
            ]
            unreadable = unreadable + 1 if reasons else 0
            if unreadable >= _DOWN:
                advice = "check that the store can be reached, and verify again"
                raise errors.StoreUnavailableError(self.repo.name, reasons[0], advice)
            self._add(found, total)

    def examine_sets(self) -> None:
        for set_id in all_set_ids(self.repo):
            found = run(examine_set(set_id), self.repo.interpreter)
            self.sets += 1
            self._add(found, None)

    def _add(self, found: Findings, total: int | None) -> None:
        self.problems += found.problems
        self.gaps += found.gaps
        if self.progress is not None:
            self.progress(self.artifacts + self.sets, total)

    def recompute(self, number: int) -> None:
        records: list[Artifact[object]] = []
        for artifact_id in _sample(self.repo, number):
            # Either is a problem of its own.
            with suppress(errors.ArtifactNotFoundError, errors.CorruptRecordError):
                records.append(Artifact.of(self.repo.load_record(artifact_id), self.repo))
        self.outcomes = reproduce_each(records, self.repo)
        for outcome in self.outcomes:
            if isinstance(outcome, Differs | Failed):
                self.problems.append(reports.ResultDiffers(outcome.artifact_id, str(outcome)))

    def report(self) -> VerificationReport:
        counts = self.artifacts, self.blobs, self.bytes, self.sets, self.evicted
        found = tuple(self.problems), tuple(self.gaps)
        skipped = tuple(one for one in self.outcomes if isinstance(one, NotComparable))
        recomputed = len(self.outcomes) - len(skipped)
        return VerificationReport(self.repo.name, *counts, *found, recomputed, skipped)
