"""Several repositories as one, near ones before far ones, each with records and blobs of its own.

What is found in a far repository is copied to the nearer ones with its small values; large values
follow when they are read. Writes go to the farthest first, so that what is near is everywhere.
"""

from __future__ import annotations

import logging
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from attrs import evolve

from provenance.codecs.trust import may_copy, record_executes
from provenance.effect import Interpreter, run
from provenance.effects.tiers import Tier, TieredBlobs
from provenance.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    StorePermissionError,
    StoreUnavailableError,
)
from provenance.model.history import ShadowCheck
from provenance.model.ids import ArtifactId
from provenance.model.queries import Page, Query, Usage, summarize_records
from provenance.model.records import (
    ArtifactRecord,
    Blob,
    Derivation,
    InlineBlob,
    SetRecord,
    WriteResult,
)
from provenance.ports import history, leases, records
from provenance.ports.blobs import MARGIN, BlobEffects, DeleteBlob, HasBlob, WriteBlob, copying_from
from provenance.ports.inspection import ReadStoredRecords
from provenance.ports.permissions import reading_through
from provenance.util.locks import ForkSafeLock

_log: Final = logging.getLogger("provenance")
_TROUBLES: Final = (
    StorePermissionError,
    StoreUnavailableError,
    BlobNotFoundError,
    CorruptBlobError,
)
_SMALL: Final = 65_536
"""Size in bytes up to which values are copied together with their record."""


def make_chain(
    name: str, tiers: Sequence[Tier]
) -> Interpreter[records.RecordEffects | leases.LeaseEffects | BlobEffects]:
    """Return the repository *name* made of *tiers*, the nearest first; each is a repository."""
    chain = _Chain(name, tiers)
    return (
        chain.interpreter()
        | records.FindRecord.on(chain.find_record)
        | records.FindMany.on(chain.find_many)
        | records.ListIds.on(chain.merge_ids)
        | records.FindRecordsByValue.on(chain.find_records_by_value)
        | records.ListDependents.on(chain.merge_ids)
        | records.FindInputs.on(chain.first_answer)
        | records.FindRun.on(chain.first_answer)
        | records.SearchRecords.on(chain.search_records)
        | records.SummarizeRecords.on(chain.summarize_records)
        | records.PutRecord.on(chain.put_record)
        | records.PutRecords.on(chain.put_records)
        | records.DeleteRecord.on(chain.delete_record)
        | records.PutSet.on(chain.put_everywhere)
        | records.FindSet.on(chain.find_set)
        | records.ListSetIds.on(chain.merge_ids)
        | records.FindSetByLabels.on(chain.find_set)
        | records.DeleteSet.on(chain.delete_set)
        | records.ReadStoredRecord.on(chain.read_stored)
        # Each of them may be in several tiers.
        | ReadStoredRecords.on(lambda _: ())
        | records.FindReferencedBlobs.on(lambda ask: frozenset(chain.merge(ask)))
        | records.FindSetsContaining.on(chain.merge_ids)
        | records.MarkEvicted.on(chain.mark_evicted)
        | records.FindEviction.on(chain.first_answer)
        | records.CheckDatabase.on(chain.check_database)
        | records.GetDatabaseIds.on(lambda ask: frozenset(chain.merge(ask)))
        | history.FindReceipt.on(chain.first_answer)
        | history.FindSources.on(chain.find_sources)
        | history.PutEquivalence.on(chain.put_everywhere)
        | history.FindEquivalence.on(chain.first_answer)
        | history.PutDerivation.on(chain.put_derivation)
        | history.FindDerivations.on(chain.find_derivations)
        | history.PutDeletion.on(chain.put_everywhere)
        | history.FindDeletion.on(chain.first_answer)
        | history.PutShadowCheck.on(chain.put_everywhere)
        | history.FindShadowChecks.on(chain.find_shadow_checks)
        | history.GetRepositoryId.on(lambda ask: chain.allowed(ask)[-1].ask(ask))
        | leases.AcquireLease.on(chain.lease)
        | leases.RenewLease.on(chain.lease)
        | leases.ReleaseLease.on(chain.lease)
        | leases.ListExpiredLeases.on(chain.lease)
    )


class _Chain(TieredBlobs):
    """Several repositories as one; of threads that delete one record, only one gets its blobs."""

    def __init__(self, name: str, tiers: Sequence[Tier]) -> None:
        super().__init__(name, tiers)
        # Not a `ForkBarrier` lock, for which forks wait: the tiers take such locks while it is held.
        self._deleting = ForkSafeLock()

    def merge(self, ask: Any) -> Iterator[Any]:  # noqa: ANN401 - any effect that is answered with several
        """Yield the members of all tiers' answers, one tier after the other."""
        for _, members in self.answers(ask):
            yield from members

    def merge_ids(self, ask: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any effect that lists ids
        """Return the ids of all tiers in order, up to the effect's limit if it has one."""
        return tuple(sorted(set(self.merge(ask)))[: getattr(ask, "limit", None)])

    def find_record(self, ask: records.FindRecord) -> ArtifactRecord | None:
        for tier, record in self.answers(ask):
            if record is not None:
                self._bring_near(record, tier, ask)
                return cast("ArtifactRecord", record)
        return None

    def find_many(self, ask: records.FindMany) -> Mapping[ArtifactId, ArtifactRecord]:
        """Ask the nearest tier for all, and each farther one for what is still missing."""
        found: dict[ArtifactId, ArtifactRecord] = {}

        def ask_for_others() -> records.FindMany:
            return records.FindMany(tuple([key for key in ask.ids if key not in found]))

        for tier, answer in self.answers(ask, narrow=ask_for_others):
            for record in answer.values():
                self._bring_near(record, tier, ask)
            found.update(answer)
            if found.keys() >= set(ask.ids):
                break
        return found

    def _bring_near(
        self, record: ArtifactRecord, found: Tier, ask: records.FindRecord | records.FindMany
    ) -> None:
        """Copy the record to the tiers before the one where *ask* *found* it."""
        readable = self.allowed(ask)
        for tier in reversed(readable[: readable.index(found)]):
            if not (tier.permissions.read_through_write and _may_take(tier, record, found)):
                continue
            try:
                with reading_through():
                    _copy(record, found, tier)
            except _TROUBLES as error:
                _log.warning(
                    "%s was not copied from %s to %s: %s", record.id, found.name, tier.name, error
                )

    def find_records_by_value(self, ask: records.FindRecordsByValue) -> tuple[ArtifactRecord, ...]:
        by_id: dict[ArtifactId, ArtifactRecord] = {}
        for record in self.merge(ask):
            by_id.setdefault(record.id, record)
        return tuple(sorted(by_id.values(), key=lambda record: (record.added_at, record.id)))

    def first_answer(self, ask: Any) -> Any:  # noqa: ANN401 - any effect that is answered with something or None
        """Return the answer of the nearest tier that has one."""
        found = self.answers(ask)
        return next((answer for _, answer in found if answer is not None), None)

    def read_stored(self, ask: records.ReadStoredRecord) -> ArtifactRecord | None:
        """Return the nearest record; raise for a damaged one, whatever farther tiers have."""
        found = self.answers(ask, past=(StoreUnavailableError,))
        return next((record for _, record in found if record is not None), None)

    def search_records(self, ask: records.SearchRecords) -> Page:
        """Return a page of one tier, without what nearer tiers have; `after` encodes the tier."""
        readable = self.allowed(ask)
        place, number = divmod(ask.after or 0, len(readable))
        page: Page = readable[number].ask(evolve(ask, after=place or None))
        nearer = readable[:number]
        fresh = tuple(
            record
            for record in page.records
            if all(tier.ask(records.FindRecord(record.id)) is None for tier in nearer)
        )
        if page.next is not None:
            return Page(fresh, page.next * len(readable) + number)
        return Page(fresh, number + 1 if number + 1 < len(readable) else None)

    def summarize_records(self, ask: records.SummarizeRecords) -> tuple[Usage, ...]:
        """Summarize all records, which must be read because tiers share some of them."""

        def search(query: Query, after: int | None, limit: int) -> Page:
            return self.search_records(records.SearchRecords(query, after, limit))

        def is_evicted(artifact_id: ArtifactId) -> bool:
            return self.first_answer(records.FindEviction(artifact_id)) is not None

        return summarize_records(records.all_records(search), ask.by, is_evicted)

    def put_record(self, ask: records.PutRecord) -> ArtifactRecord:
        """Put everywhere, from far to near; where a far tier has another record already, that one goes everywhere.

        A tier that may not take that one gets what was put, and from there on its record is the one.
        """
        holder, *nearer = self.allowed(ask)[::-1]
        stored: ArtifactRecord = holder.ask(ask)
        for tier in nearer:
            if stored == ask.record:
                tier.ask(ask)
            elif _may_take(tier, stored, holder):
                _copy(stored, holder, tier)
            else:
                holder, stored = tier, tier.ask(ask)
        return stored

    def put_records(self, ask: records.PutRecords) -> tuple[ArtifactRecord, ...]:
        """Put all everywhere, from far to near, in one transaction a tier; one by one if others were first."""
        holder, *nearer = self.allowed(ask)[::-1]
        stored: tuple[ArtifactRecord, ...] = holder.ask(ask)
        if stored != tuple([put.record for put in ask.records]):
            return tuple([self.put_record(put) for put in ask.records])
        for tier in nearer:
            tier.ask(ask)
        return stored

    def delete_record(self, ask: records.DeleteRecord) -> tuple[Blob, ...] | None:
        """Delete from each tier the record, and the blobs that none of its own records names.

        Return the blobs that no tier needs, if all tiers had the record; delete others at once,
        unless they were written lately.
        """
        before = datetime.now(UTC) - MARGIN  # as in `programs.forget`
        orphans: list[tuple[Tier, tuple[Blob, ...] | None]]
        with self._deleting.lock:
            orphans = [(tier, tier.ask(ask)) for tier in self.allowed(ask)]
        known = [set(blobs) for _, blobs in orphans if blobs is not None]
        common: set[Blob] = (
            known[0].intersection(*known) if len(known) == len(self.tiers) else set()
        )
        for tier, blobs in orphans:
            for blob in blobs or ():
                if blob not in common:
                    tier.ask(DeleteBlob(blob, before))
        ours = dict.fromkeys(blob for _, blobs in orphans for blob in blobs or () if blob in common)
        return tuple(ours) if known else None

    def lease(self, ask: Any) -> Any:  # noqa: ANN401 - any effect that concerns a lease, and its answer
        """Ask the farthest writable tier, which most other processes share."""
        return self.allowed(leases.AcquireLease)[-1].ask(ask)

    def find_sources(self, ask: history.FindSources) -> dict[str, str]:
        """Return the texts of all tiers, where they differ those of the nearest."""
        return dict(ChainMap(*[found for _, found in self.answers(ask)]))

    def put_derivation(self, ask: history.PutDerivation) -> bool:
        return sum(tier.ask(ask) for tier in reversed(self.allowed(ask))) > 0

    def find_derivations(self, ask: history.FindDerivations) -> tuple[Derivation, ...]:
        """Return the derivations of all tiers, each once."""
        known = {derivation.id: derivation for derivation in self.merge(ask)}
        return tuple(
            sorted(known.values(), key=lambda derivation: (derivation.derived_at, derivation.id))
        )

    def find_shadow_checks(self, ask: history.FindShadowChecks) -> tuple[ShadowCheck, ...]:
        """Return the comparisons of all tiers, each once."""
        return tuple(sorted({*self.merge(ask)}, key=lambda check: check.checked_at))

    def put_everywhere(self, ask: Any) -> Any:  # noqa: ANN401 - any effect that stores the same in all tiers
        """Ask all tiers, the farthest first; return the answer of the nearest."""
        return [tier.ask(ask) for tier in reversed(self.allowed(ask))][-1]

    def find_set(self, ask: records.FindSet | records.FindSetByLabels) -> SetRecord | None:
        """Return the newest set of all tiers: a nearer one may be older."""
        found = [record for _, record in self.answers(ask) if record is not None]
        return max(found, key=lambda record: record.created_at, default=None)

    def delete_set(self, ask: records.DeleteSet) -> bool:
        return sum(tier.ask(ask) for tier in self.allowed(ask)) > 0

    def mark_evicted(self, ask: records.MarkEvicted) -> tuple[Blob, ...] | None:
        """Evict from every tier, unless a set of any has it; return the blob if none needs it."""
        if any(self.merge(records.FindSetsContaining(ask.id))):
            return None
        freed: list[tuple[Tier, tuple[Blob, ...] | None]]
        freed = [(tier, tier.ask(ask)) for tier in self.allowed(ask)]
        if all(blobs is None for _, blobs in freed):
            return None
        if any(blobs == () for _, blobs in freed):
            return ()
        evicted = [tier for tier, blobs in freed if blobs is not None]
        referenced = records.FindReferencedBlobs((ask.blob,))
        others = [tier for tier in self.allowed(referenced) if tier not in evicted]
        return () if any(tier.ask(referenced) for tier in others) else (ask.blob,)

    def check_database(self, ask: records.CheckDatabase) -> tuple[str, ...]:
        found = self.answers(ask)
        return tuple(f"{tier.name}: {complaint}" for tier, lines in found for complaint in lines)


def _may_take(tier: Tier, record: ArtifactRecord, found: Tier) -> bool:
    return may_copy(trusted=found.trusted, executes=record_executes(record), into=tier.copy_policy)


def _copy(record: ArtifactRecord, source: Tier, target: Tier) -> None:
    """Copy a record, and its values if they are small; large ones are copied when they are read."""
    what = run(records.record_with_inputs(record, source.name), source.ask)
    copy = copying_from(source.ask)
    small = [
        blob
        for blob in dict.fromkeys(record.blobs)
        if blob.size <= _SMALL and source.ask(HasBlob(blob))
    ]
    written: list[WriteResult] = [target.ask(WriteBlob(copy(blob))) for blob in small]
    held = tuple(blob for blob in written if isinstance(blob, InlineBlob))
    target.ask(what.put(record, held, False))
    for put in run(records.derivations_to_copy(record.id), source.ask):
        target.ask(put)
