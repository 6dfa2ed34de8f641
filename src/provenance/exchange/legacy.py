"""The import of a store of the reference library: its artifacts, runs and sets, under the ids that this library gives them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, cast

from attrs import define, evolve, field, frozen

from provenance import environment, errors
from provenance.archives import ArchivedFile
from provenance.calls import commit, flow
from provenance.calls.commit import archive_call
from provenance.calls.composite import part_plan, part_spec
from provenance.calls.draft import Call, PendingArtifact, Received, Timing, make_draft
from provenance.config import exchange as wiring
from provenance.effect import overlay, run
from provenance.environment import RepositoryOrName
from provenance.exchange import legacy_rows
from provenance.model.ids import ArtifactId, RunId
from provenance.model.records import Run, SetRecord, freeze_options
from provenance.ports.legacy import LegacyArtifact, LegacyBlobs, LegacyRun, LegacySet, LegacyTables
from provenance.ports.machine import CurrentRun, Now
from provenance.ports.records import FindSetByLabels, PutSet
from provenance.repository import programs
from provenance.repository.handles import Repository
from provenance.repository.sets import set_id
from provenance.results.handles import make_proxy
from provenance.results.kinds import LAZY
from provenance.util.components import strongly_connected_components
from provenance.util.formatting import describe_error
from provenance.util.naming import exported


@exported
@frozen
class LegacyProblem:
    """Something of the reference's store that was not imported as it is.

    Attributes:
        kind: `artifact`, `function` or `set`.
        id: its id there; of a function its name.
        name: its name.
        reason: why.

    Example:
        >>> import provenance as p
        >>> problem = p.LegacyProblem("function", "churn.train", "churn.train", "it cannot be imported")
        >>> if problem.kind == "function":
        ...     print("calls of", problem.name, "may miss:", problem.reason)
        calls of churn.train may miss: it cannot be imported
    """

    kind: str
    id: str
    name: str
    reason: str


@exported
@frozen
class LegacyReport:
    """What was imported from a store of the reference library.

    Attributes:
        repo: name of the repository that it was imported to.
        ids: the id of each artifact that is there now, by the id that the reference gave it.
        imported: number of artifacts that this import wrote; the others were there before.
        sets: number of sets that are there now.
        problems: what was not imported, or not as it is: an artifact that cannot be read; a function that was not found, so
            that its calls hit only if it ignores no parameter; a set without the members that were not imported.

    Example:
        >>> import provenance as p
        >>> def summarize(report: p.LegacyReport) -> str:
        ...     return f"{report.imported} imported, {len(report.problems)} with problems"
        >>> summarize(p.LegacyReport("local", ids={}, imported=2, sets=0, problems=()))
        '2 imported, 0 with problems'
    """

    repo: str
    ids: Mapping[str, ArtifactId]
    imported: int
    sets: int
    problems: tuple[LegacyProblem, ...]


class NotImportedError(errors.ProvenanceError):
    """An artifact of the reference's store needs another one that was not imported."""

    def __init__(self, artifact_id: str, reason: str) -> None:
        super().__init__(f"it needs the artifact {artifact_id}, which was not imported: {reason}")


def import_legacy(
    *,
    db: str,
    blobstore: str | os.PathLike[str] | Mapping[str, object],
    to: RepositoryOrName | None = None,
    schema: str | None = None,
    modules: Mapping[str, str] | None = None,
    import_modules: bool = True,
) -> LegacyReport:
    """Import a store of the reference library, so that the same calls hit afterwards.

    Reading its values executes their pickles, as the reference library did: import only a store that you trust. The store is
    only read. What cannot be read is reported, and nothing of it is imported; running the import again continues it.

    The modules that decorated the functions are imported, since only they tell which parameters are ignored. A module that does
    more than define things when it is imported does it now.

    Args:
        db: URL of the PostgreSQL database with the tables `artifacts`, `runs`, `artifact_sets` and `artifact_set_members`.
        blobstore: Where the blobs are: a folder, an URL that fsspec knows, or the store's settings in the configuration of the
            reference, such as `{"type": "s3", "basepath": "bucket/prefix"}`.
        to: The repository to import to, or its name; by default the default one.
        schema: Schema of the tables.
        modules: New names of modules by the names that were recorded, such as `{"__main__": "churn.train"}`.
        import_modules: False imports no modules; all parameters of all functions count then.

    Returns:
        What was imported, and what was not.

    Raises:
        ConfigError: if *blobstore* is not one of these.
        StoreUnavailableError: if the database, the blobs or the repository cannot be reached; what was imported before stays.
        StorePermissionError: if the repository may not be written to.
        MissingLibraryError: if psycopg is not installed.

    Example:
        >>> import provenance as p
        >>> p.import_legacy(db="postgresql://localhost/old", blobstore="blobs")
        Traceback (most recent call last):
        ...
        provenance.errors.StoreUnavailableError: ...
    """
    target = environment.current().repository(to)
    functions = legacy_rows.LegacyFunctions(dict(modules or {}), import_modules)
    with wiring.opening_legacy(db, blobstore, schema) as (tables, blobs), legacy_rows.standing_in():
        importing = _Import(tables, blobs, target, functions)
        for row in importing.in_order():
            importing.import_artifact(row)
        sets = sum(importing.import_set(known) for known in tables.list_sets())
    gone = [LegacyProblem("function", name, name, why) for name, why in functions.missing.items()]
    problems = (*importing.problems.values(), *gone, *importing.incomplete)
    return LegacyReport(target.name, dict(importing.ids), importing.written, sets, problems)


@define(eq=False)
class _Import:
    """An import under way: the rows by id, and which of them are in the repository by now."""

    tables: LegacyTables
    blobs: LegacyBlobs
    repo: Repository
    functions: legacy_rows.LegacyFunctions
    rows: Mapping[str, LegacyArtifact] = field(init=False)
    files: Mapping[str, str] = field(init=False)
    """Artifacts of archived files, by the keys of their blobs."""
    current: LegacyArtifact = field(init=False)
    """The row that is being written: its run and its times are what the repository records."""
    parts: dict[str, dict[str, str]] = field(factory=dict)
    """The parts of each composite by key."""
    wholes: dict[str, str] = field(factory=dict)
    """The composite of each part."""
    busy: set[str] = field(factory=set)
    """The rows whose import has begun."""
    ids: dict[str, ArtifactId] = field(factory=dict)
    problems: dict[str, LegacyProblem] = field(factory=dict)
    incomplete: list[LegacyProblem] = field(factory=list)
    written: int = 0

    def __attrs_post_init__(self) -> None:
        """Read the rows; values and inputs are read one by one."""
        self.rows = {row.id: row for row in self.tables.list_artifacts()}
        self.files = {
            row.value_id: row.id for row in self.rows.values() if row.serializer == legacy_rows.FILE
        }
        runs = {run.id: run for run in self.tables.list_runs()}
        at_that_time = CurrentRun.on(lambda _: _run_of(self.current, runs)) | Now.on(
            lambda _: self.current.added_at
        )
        self.repo = self.repo.with_layer(lambda base: overlay(base, at_that_time))

    def in_order(self) -> Iterator[LegacyArtifact]:
        """Yield the rows, each after what it was made from; parts of composites come with their whole."""
        for row in self.rows.values():
            if row.composite:
                self._read_parts(row)
        edges: dict[str, list[str]] = {
            row.id: [
                self.wholes.get(source, source)
                for source in row.input_artifact_ids
                if source in self.rows
            ]
            for row in self.rows.values()
            if row.id not in self.wholes
        }
        for group in strongly_connected_components(edges):
            yield from (self.rows[artifact_id] for artifact_id in sorted(group))
        for part, whole in self.wholes.items():
            if part not in self.ids:
                reason = f"the composite {whole}, whose part it is, was not imported"
                self._report(self.rows[part], reason)

    def import_artifact(self, row: LegacyArtifact) -> None:
        """Import a row, unless it is there; what cannot be read is noted, and leaves nothing behind.

        Raises:
            StoreUnavailableError, StorePermissionError: if a store fails, or may not be written to.
        """
        if row.id in self.ids or row.id in self.problems:
            return
        self.busy.add(row.id)
        try:
            with legacy_rows.resolving(self._proxy_of):
                self._import(row)
        except (errors.StoreUnavailableError, errors.StorePermissionError):
            raise
        except Exception as error:  # noqa: BLE001 - what users pickled may raise anything
            self._report(row, describe_error(error))

    def import_set(self, known: LegacySet) -> bool:
        """Record a set, with the members that were imported; return whether there is any."""
        members = frozenset(self.ids[member] for member in known.members if member in self.ids)
        if len(members) < len(known.members):
            name = str(known.labels.get("name", ""))
            reason = f"{len(known.members) - len(members)} of its members were not imported"
            self.incomplete.append(LegacyProblem("set", known.id, name, reason))
        if not members:
            return False
        record = SetRecord(set_id(members), members, freeze_options(known.labels), known.created_at)
        there = self.repo.interpreter(FindSetByLabels(record.labels))
        if there is None or there.id != record.id or there.labels != record.labels:
            self.repo.interpreter(PutSet(record))
        return True

    def _read_parts(self, row: LegacyArtifact) -> None:
        try:
            with legacy_rows.resolving(lambda artifact_id: artifact_id):
                whole = self._value(row)
            parts = {str(key): str(part) for key, part in cast("dict[str, object]", whole).items()}
            missing = [part for part in parts.values() if part not in self.rows]
            if missing:
                raise NotImportedError(missing[0], "the table has no such row")  # noqa: TRY301 - noted below
        except errors.StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._report(row, describe_error(error))
        else:
            self.parts[row.id] = parts
            self.wholes.update(dict.fromkeys(parts.values(), row.id))

    def _import(self, row: LegacyArtifact) -> None:
        if (row.fn_module, row.fn_name) == legacy_rows.ARCHIVE:
            made = archive_call(self._file(row), row.name, freeze_options(row.custom_fields))
            self._finish(row, made.artifact_id, partial(made.draft, row.computed_at, replace=False))
            return
        spec = self.functions.spec_for(row)
        inputs = self.blobs.read(row.id, partial(legacy_rows.decode, "joblib", {}))
        plan = legacy_rows.plan_recorded(spec, inputs)
        call = Call(spec, plan, (), {}, environment.current(), self.repo, row.hash_duration)
        self._finish(row, plan.artifact_id, partial(self._draft, row, call))
        for key, part in self.parts.get(row.id, {}).items():
            self.ids[part] = part_plan(plan, part_spec(spec, key).cache_key).artifact_id

    def _finish(
        self, row: LegacyArtifact, artifact_id: ArtifactId, draft: Callable[[], PendingArtifact]
    ) -> None:
        """Store what *draft* makes, unless it is there with its bytes, and note the id."""
        found = run(programs.probe(artifact_id), self.repo.interpreter)
        if not isinstance(found, programs.LookupHit):
            pending = evolve(draft(), replace=not isinstance(found, programs.LookupMiss))
            self.current = row
            flow.store_draft(self.repo, pending)
            self.written += 1 + len(self.parts.get(row.id, {}))
        self.ids[row.id] = artifact_id

    def _draft(self, row: LegacyArtifact, call: Call) -> PendingArtifact:
        """Return the artifact of *row* with its value, as if the call had just computed it."""
        parts = self.parts.get(row.id, {})
        members = {key: self._value(self.rows[part]) for key, part in parts.items()}
        value = members if row.composite else self._value(row)
        timing = Timing(row.computed_at, 0.0, row.compute_duration)
        draft = make_draft(call, value, timing, Received((), {}, None))
        rows = [self.rows[part] for part in parts.values()]
        timed = tuple(map(_with_duration, draft.parts, rows))
        return evolve(_with_duration(draft, row), parts=timed)

    def _value(self, row: LegacyArtifact) -> object:
        if row.serializer == legacy_rows.FILE:
            return self._file(row)
        read = partial(legacy_rows.decode, row.serializer, row.load_kwargs)
        return self.blobs.read(row.value_id, read)

    def _file(self, row: LegacyArtifact) -> ArchivedFile:
        """Return an archived file, whose bytes were compared with the MD5 that is their name.

        Raises:
            CorruptBlobError: if they differ.
        """
        key = row.value_id
        found = self.blobs.read(key, _md5)
        if found != key.partition(".")[0]:
            raise errors.CorruptBlobError(key, "the blob store", f"its bytes have the MD5 {found}")
        path = self.blobs.fetch(key)
        return run(commit.inspect(path, "." in key, key), self.repo.interpreter)

    def _proxy_of(self, reference: str) -> object:
        """Return a proxy of the artifact that a pickle refers to, which is imported first if it was not yet.

        Raises:
            NotImportedError: if it cannot be.
        """
        wanted = self.files.get(reference, reference)
        whole = self.wholes.get(wanted, wanted)
        if whole in self.rows and whole not in self.busy:
            self.import_artifact(self.rows[whole])
        if wanted not in self.ids:
            known = self.problems.get(whole)
            raise NotImportedError(wanted, "its row is missing" if known is None else known.reason)
        return make_proxy(self.repo.load_record(self.ids[wanted]), self.repo, options=LAZY)

    def _report(self, row: LegacyArtifact, reason: str) -> None:
        self.problems[row.id] = LegacyProblem("artifact", row.id, row.name, reason)


def _with_duration(draft: PendingArtifact, row: LegacyArtifact) -> PendingArtifact:
    """Return *draft* with the time that the reference took to hash the value."""
    done = evolve(draft.computation, value_id_duration=row.value_id_duration)
    return evolve(draft, computation=done)


def _md5(source: BinaryIO) -> str:
    algorithm = partial(hashlib.md5, usedforsecurity=False)
    return hashlib.file_digest(cast("Any", source), algorithm).hexdigest()


def _run_of(row: LegacyArtifact, runs: Mapping[str, LegacyRun]) -> Run:
    """Return the run of *row*; what a hook of the user's added is in `extra`."""
    known = runs.get(row.run_id)
    info = {} if known is None else dict(known.info)
    at = row.computed_at if known is None else known.created_at
    host, process = info.pop("host", {}), info.pop("process", {})
    extra = {name: value for name, value in info.items() if name not in ("id", "created_at")}
    return Run(
        id=RunId(row.run_id),
        created_at=at,
        host=host if isinstance(host, dict) else {},
        process=process if isinstance(process, dict) else {},
        python={},
        git=None,
        packages={},
        extra=extra,
    )
