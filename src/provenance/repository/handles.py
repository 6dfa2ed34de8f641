"""Repositories and stores as users hold them: an interpreter with a name and permissions."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from attrs import evolve, field, frozen

from provenance import errors
from provenance.archives import FileSource, FolderEntry, LocalSource, set_source_resolver
from provenance.codecs.trust import CopyPolicy
from provenance.effect import Interpreter, Program, run
from provenance.model.history import ShadowCheck
from provenance.model.ids import ArtifactId, SetId, ValueId, is_prefix
from provenance.model.records import (
    Artifact,
    ArtifactRecord,
    Blob,
    Derivation,
    Inputs,
    Json,
    Origin,
    Run,
    SetRecord,
)
from provenance.model.references import is_proxy, unwrap
from provenance.ports import blobs
from provenance.ports import records as ports_records
from provenance.ports.capabilities import AllEffects
from provenance.ports.copies import derivations_to_copy, record_with_inputs
from provenance.ports.history import FindDerivations, FindShadowChecks, GetRepositoryId
from provenance.ports.machine import Now
from provenance.ports.permissions import Permissions
from provenance.repository import programs, transfer
from provenance.repository.inputs import recorded_inputs
from provenance.repository.sets import ArtifactSet, Labels, labels_of
from provenance.results.handles import artifact_of, as_result, id_or_prefix_of, make_proxy
from provenance.results.kinds import LAZY
from provenance.results.origin import (
    CurrentOrigin,
    current_origin,
    is_current_origin,
    resolving_in,
    resolving_origin,
)
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported
from provenance.util.validation import require_iterable

if TYPE_CHECKING:
    from sqlalchemy import Engine


T = TypeVar("T")


@frozen
class Blueprint:
    """What a handle was opened from, so that another process can open it, too.

    `settings` are those of the configuration, `base` is the folder of their relative paths, and
    `parts` are the blueprints of the stores below.
    """

    name: str
    settings: object = field(repr=False)
    base: Path
    parts: tuple[Blueprint, ...] = ()


_reopener: list[Callable[[], Callable[[Blueprint], Repository]]] = []


def set_reopener(find: Callable[[], Callable[[Blueprint], Repository]]) -> None:
    """Say which function opens a pickled repository; *find* imports it."""
    _reopener[:] = [find]


@exported
@frozen(eq=False)
class Repository:
    """Records and values of artifacts under one name.

    An `artifact_id` may be the id of an artifact, an unambiguous prefix of it (at least 6 digits), an artifact, or the
    result of a decorated function. Their id is looked up here; a result that is itself an id counts as that id. Anything
    else is a `TypeError`. A `set_id` is the id of a set, a prefix of it, or a set. A `record` is an artifact, or what
    `load_record` returns.

    Methods raise `ArtifactNotFoundError` if there is no such artifact, `AmbiguousIdError` if several ids begin with the
    prefix, and `StoreUnavailableError` if a store fails.

    A chain uses it as its `permissions` allow. If it is not `trusted`, the chain is not trusted either.
    The `tiers` of a chain are its repositories, the nearest first. `process_id` is that of the process that opened it.

    Example:
        >>> import provenance as p
        >>> repo = p.SqliteRepo("project", db="records.db")
        >>> [artifact.name for artifact in repo]
        []
    """

    name: str
    interpreter: Interpreter[AllEffects] = field(repr=False)
    get_engine: Callable[[], Engine] | None = field(default=None, repr=False)
    migrate_to: Callable[[int | None], None] | None = field(default=None, repr=False)
    trusted: bool = field(default=True, repr=False)
    permissions: Permissions = field(factory=Permissions, repr=False)
    copy_policy: CopyPolicy = field(default=CopyPolicy.DATA_ONLY, repr=False)
    tiers: tuple[Repository, ...] = field(default=(), repr=False)
    records_at: str = field(default="a store of your own", repr=False)
    values_at: str = field(default="a store of your own", repr=False)
    blueprint: Blueprint | None = field(default=None, repr=False)
    process_id: int = field(factory=os.getpid, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what the repository was opened from; another process opens it again, and creates nothing.

        Raises:
            EngineError: if only this process can reach it.
        """
        if self.blueprint is None:
            raise errors.EngineError(
                f"repository {self.name!r} exists in this process only, and cannot be sent to another",
                "use one that both reach, such as SQLite or PostgreSQL, or fn.map, which stores the "
                "results of workers here",
            )
        return _reopener[0](), (self.blueprint,)

    @property
    def repository(self) -> Repository:
        """Itself, since its artifacts are here."""
        return self

    @property
    def engine(self) -> Engine:
        """SQLAlchemy engine of the database, for `pandas.read_sql` and the like; ConfigError where there is none."""
        if self.get_engine is None:
            raise self._no_database()
        return self.get_engine()

    def _no_database(self) -> errors.ConfigError:
        advice = "use a repository of type sqlite or postgres"
        return errors.ConfigError(f"repository {self.name!r}", "it has no SQL database", advice)

    @property
    def repository_id(self) -> str:
        """The random id that the repository got when it was made; of a chain, that of its farthest one."""
        return self.interpreter(GetRepositoryId())

    def with_layer(
        self, layer: Callable[[Interpreter[AllEffects]], Interpreter[AllEffects]], /
    ) -> Repository:
        """Return this repository with *layer* around its interpreter; this one stays as it is.

        Args:
            layer: A function from interpreter to interpreter; `provenance.extending` has some, and `with_layer` makes one.
        """
        return evolve(self, interpreter=layer(self.interpreter), blueprint=None)

    def migrate(self, version: int | None = None) -> None:
        """Bring the tables of the database to those of *version*, by default those that this library knows.

        A first use does so by itself unless the repository is configured with `migrate: command`.

        Raises:
            ConfigError: if the repository has no SQL database, or there is no such version.
        """
        if self.migrate_to is None:
            raise self._no_database()
        self.migrate_to(version)

    def _run(self, program: Program[AllEffects, T]) -> T:
        return run(program, self.interpreter)

    def get_by_id(self, artifact_id: object) -> Artifact[object]:
        """Return the artifact of this id."""
        record = self._run(programs.find(id_or_prefix_of(artifact_id), self.name))
        return Artifact.of(record, self)

    def batch_get_by_id(self, artifact_ids: Iterable[object]) -> list[Artifact[object]]:
        """Return the artifacts of *artifact_ids*, in their order."""
        return [*map(self.get_by_id, require_iterable(artifact_ids, "batch_get_by_id"))]

    def get_by_value_id(self, value_id: str) -> tuple[Artifact[object], ...]:
        """Return all artifacts whose value has the id *value_id*, oldest first.

        It is a whole id, as `p.hash(value)` and `artifact.value_id` give it. The tuple may be empty.
        """
        text = cast("object", unwrap(value_id))
        if not isinstance(text, str):
            advice = "pass artifact.value_id or p.hash(value)"
            raise TypeError(
                f"expected the id of a value as a string, got {safe_repr(text)}; {advice}"
            )
        records = self.interpreter(ports_records.FindRecordsByValue(ValueId(text)))
        return tuple(Artifact.of(record, self) for record in records)

    def get_value(self, artifact_id: object) -> object:
        """Read the value of the artifact with this id."""
        return self.load_value(self.get_by_id(artifact_id))

    def get_inputs(self, artifact_id: object) -> Inputs:
        """Return the inputs of the artifact of this id; artifacts among them are unread proxies."""
        return self.load_inputs(self.get_by_id(artifact_id))

    def get_recorded_inputs(self, artifact_id: object) -> dict[str, Json]:
        """Return the arguments of the call by parameter, as they are recorded; no value is read.

        Artifacts are `{"artifact": id}`, what is large is `{"type": …, "hash": …}`, and the
        arguments of `*args` are a list under `*args`.
        """
        record = self.get_by_id(artifact_id)
        return recorded_inputs(self._run(ports_records.find_inputs(record.id, self.name)))

    def get_code_receipt(self, artifact_id: object) -> dict[str, str]:
        """Return the digests, by name, of the code behind an artifact; empty if they are not recorded."""
        found = self._run(ports_records.find_code(self.get_by_id(artifact_id).code))
        return {} if found is None else found.digests

    def get_sources(self, artifact_id: object) -> dict[str, str]:
        """Return the sources, by name, of the code behind an artifact, as far as they are recorded."""
        found = self._run(ports_records.find_code(self.get_by_id(artifact_id).code))
        if found is None:
            return {}
        sources, digests = found.sources, found.digests
        return {name: sources[digest] for name, digest in digests.items() if digest in sources}

    def get_derivations(self, artifact_id: object) -> tuple[Derivation, ...]:
        """Return the other inputs, with values equal to the recorded ones, by which calls got an artifact, oldest first."""
        return self.interpreter(FindDerivations(self.get_by_id(artifact_id).id))

    def get_shadow_checks(self, artifact_id: object) -> tuple[ShadowCheck, ...]:
        """Return when an artifact was computed again beside a hit, and whether the same came out, oldest first."""
        return self.interpreter(FindShadowChecks(self.get_by_id(artifact_id).id))

    def dependent_ids(self, artifact_id: object) -> tuple[ArtifactId, ...]:
        """Return ids of the artifacts that were computed directly from this one."""
        return self.interpreter(ports_records.ListDependents(self.get_by_id(artifact_id).id))

    def delete(self, artifact_id: object, reason: str = "") -> None:
        """Delete an artifact with its inputs; raise `StorePermissionError` if the repository's configuration forbids that.

        The bytes of its value go too, unless another artifact shares them or they are less than a minute old.

        Args:
            artifact_id: As for `get_by_id`.
            reason: Why it is deleted; a later `fn.why` shows it.
        """
        self._run(programs.forget(self.get_by_id(artifact_id).id, reason))

    def put(self, artifact: object, /) -> Artifact[object]:
        """Store a copy of *artifact*, an artifact or result of another repository, and return it.

        What it was made from is not copied; `promote` takes that along.
        """
        given = as_result(artifact)
        known = artifact_of(given) if is_proxy(given) else given
        if not isinstance(known, Artifact):
            what = "an artifact or the result of a decorated function"
            raise TypeError(f"expected {what}, got {safe_repr(known)}")
        found = cast("Artifact[object]", known)
        source: object = getattr(found.origin, "repository", None)
        if not isinstance(source, Repository):
            raise errors.ArtifactNotFoundError(found.id, "(read-only)")
        return self.copy_from(found, source)

    def copy_from(self, record: ArtifactRecord, source: Repository, /) -> Artifact[object]:
        """Copy the artifact of *record* from *source*, unless it is here with all its bytes."""
        return next(self.copy_several((record,), source))

    def copy_several(
        self,
        records: Iterable[ArtifactRecord],
        source: Repository,
        /,
        needed: Collection[ArtifactId] | None = None,
    ) -> Iterator[Artifact[object]]:
        """Copy the artifacts of *records*, the bytes of all of them first; each as `copy_from` does, in their order.

        The values of those that are not *needed* may be missing if they were evicted; all are, by default. Raises
        UntrustedStoreError, before anything is copied, for what may not be copied from an untrusted *source*.
        """
        wanted = list(records)
        missing = [record for record in wanted if not self._run(transfer.is_whole(record))]
        trusted, policy = source.trusted, self.copy_policy
        transfer.check_copies(missing, source.name, self.name, trusted=trusted, into=policy)
        copies = self._run(transfer.copy_blobs(missing, blobs.copying_from(source.interpreter)))
        for record in wanted:
            if record in missing:
                given = source._run(record_with_inputs(record, source.name))
                evicted = False
                if needed is not None and record.id not in needed:
                    evicted = source._run(programs.was_evicted(record.id))
                self._run(transfer.store_copy(given, copies, self.name, evicted=evicted))
            if record in missing or source.trusted:
                for put in source._run(derivations_to_copy(record.id)):
                    self.interpreter(put)
            yield self.get_by_id(record.id)

    def put_set(self, artifact_set: ArtifactSet, /) -> ArtifactSet:
        """Store *artifact_set*, and return it as it is stored; of all sets with its labels it becomes the newest."""
        if not isinstance(cast("object", artifact_set), ArtifactSet):
            advice = "make one with create_set"
            raise TypeError(f"expected an ArtifactSet, got {safe_repr(artifact_set)}; {advice}")
        now = self.interpreter(Now())
        record = SetRecord(artifact_set.id, artifact_set.artifact_ids, artifact_set.labels, now)
        return self._set(self.interpreter(ports_records.PutSet(record)))

    def get_set_by_id(self, set_id: ArtifactSet | str) -> ArtifactSet:
        """Return the set of this id, with the labels that it was given last; raises `SetNotFoundError`, `AmbiguousIdError`."""
        return self._set(self._run(programs.find_set(_set_id(set_id), self.name)))

    def get_set_by_labels(self, labels: Labels) -> ArtifactSet:
        """Return the newest set that carries all of *labels*, a mapping or a name; raises `SetNotFoundError`."""
        record = self.interpreter(ports_records.FindSetByLabels(labels_of(labels)))
        if record is None:
            raise errors.SetNotFoundError(f"with the labels {labels!r}", self.name)
        return self._set(record)

    def contains_set(self, set_id: ArtifactSet | str) -> bool:
        """Return whether there is a set of this id."""
        wanted = _set_id(set_id)
        return bool(is_prefix(wanted) and self.interpreter(ports_records.ListSetIds(wanted, 1)))

    def delete_set(self, set_id: ArtifactSet | str) -> None:
        """Delete a set, whatever labels it has; its members stay. Raises as `get_set_by_id` does."""
        try:
            found = self.get_set_by_id(set_id).id
        except errors.CorruptRecordError as error:
            found = SetId(error.artifact_id)
        self.interpreter(ports_records.DeleteSet(found))

    def sets(self) -> tuple[ArtifactSet, ...]:
        """Return all sets, each with the labels that it was given last, newest first."""
        return programs.list_sets(self.interpreter, self.get_set_by_id)

    def runs(self) -> tuple[Run, ...]:
        """Return the runs (processes) that computed what is here, newest first."""
        return programs.list_runs(self.interpreter)

    def _set(self, record: SetRecord) -> ArtifactSet:
        found = ArtifactSet(record.artifact_ids, record.labels, record.created_at, self)
        if record.id != found.id:
            reason = "its members are not those that its id stands for"
            raise errors.CorruptRecordError(record.id, self.name, reason, what="set")
        return found

    def __iter__(self) -> Iterator[Artifact[object]]:
        return (Artifact.of(one, self) for one in ports_records.all_records(self.interpreter))

    if not TYPE_CHECKING:  # type checkers would believe that it has any attribute

        def __getattr__(self, name: str) -> object:
            advice = "; use `engine`" if name == "_db_engine" else ""
            raise AttributeError(f"a repository has no attribute {name!r}{advice}", name=name)

    def __contains__(self, artifact_id: object) -> bool:
        try:
            wanted = id_or_prefix_of(artifact_id)
        except TypeError:
            return False
        return self._run(programs.find_optional(wanted)) is not None

    def __getitem__(self, artifact_id: object) -> Artifact[object]:
        return self.get_by_id(artifact_id)

    def load_value(self, record: ArtifactRecord, /) -> object:
        """Read and decode the value of *record*; artifacts inside it are unread proxies."""
        return self.read_value(record)[1]

    def read_value(self, record: ArtifactRecord, /) -> tuple[ArtifactRecord, object]:
        """Return the record and the value of *record*, as `load_value`; it is a newer one if it was computed again meanwhile."""
        try:
            return record, self._read(record)
        except errors.BlobNotFoundError:
            newer = self.interpreter(ports_records.FindRecord(record.id, fresh=True))
            if newer is None or newer.value_blob == record.value_blob:
                if self._run(programs.was_evicted(record.id)):
                    raise errors.BlobNotFoundError(
                        record.value_blob.id, self.name, evicted=True
                    ) from None
                raise
            return newer, self._read(newer)

    def _read(self, record: ArtifactRecord) -> object:
        reading = programs.READING.get(record.serializer, programs.read_value)
        return self._resolve(reading(record, self.name))

    def _resolve(self, program: Program[AllEffects, T]) -> T:
        """Run a program that reads; artifacts in what it reads are proxies of those here."""
        return resolving_in(self, partial(self._run, program))

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """Read the inputs of *record*; artifacts among them are unread proxies."""
        return self._resolve(programs.read_inputs(record, self.name))

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Look up the run that computed *record*."""
        return self._run(programs.find_run(record, self.name))

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Look up the record of *artifact_id*, which is a whole id or a prefix."""
        return self._run(programs.find(artifact_id, self.name))

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Return a proxy of the value of *record*, which is read when it is first used."""
        return make_proxy(record, self, options=LAZY)

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Return the path of a local copy of the bytes *blob* of an archived file; its name ends with *extension*."""
        return self._run(programs.local_path(blob, extension, self.interpreter))

    def local_folder(self, blob: Blob, members: tuple[FolderEntry, ...], /) -> str:
        """Return the path of a local copy of an archived folder, whose list of *members* is *blob*."""
        return self._run(programs.local_folder(blob, members, self.interpreter))

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return what *read* makes of *blob*, the bytes of an archived file."""
        return cast("T", self._run(programs.read_bytes(blob, read)))


def _set_id(given: object) -> str:
    """Return the id, or first digits of one, of a set that is given as such or by id; TypeError for anything else."""
    wanted = unwrap(given)
    if isinstance(wanted, ArtifactSet):
        return wanted.id
    if isinstance(wanted, str):
        return wanted
    raise TypeError(f"expected an ArtifactSet or its id, got {safe_repr(wanted)}")


@frozen
class CurrentFiles(CurrentOrigin):
    """Keeper of files that a user unpickled: the environment's repository, whichever that is when they are used."""

    def local_path(self, blob: Blob, extension: str, /) -> str:
        """Return path of a local copy of the bytes, from the current repository."""
        return cast("Repository", current_origin()).local_path(blob, extension)

    def local_folder(self, blob: Blob, members: tuple[FolderEntry, ...], /) -> str:
        """Return path of a local copy of the folder, from the current repository."""
        return cast("Repository", current_origin()).local_folder(blob, members)

    def read_bytes_of(self, blob: Blob, read: Callable[[BinaryIO], T], /) -> T:
        """Return what *read* makes of the bytes, from the current repository."""
        return cast("Repository", current_origin()).read_bytes_of(blob, read)


def _current_source() -> FileSource:
    origin = resolving_origin()
    return origin if isinstance(origin, Repository) else CurrentFiles()


def _is_home(source: FileSource) -> bool:
    return (
        resolving_origin() is None
        if isinstance(source, LocalSource)
        else is_current_origin(cast("Origin", source))
    )


@frozen(eq=False)
class RecoveringOrigin:
    """Origin of a hit: *recover* reads its value, and computes it again if it is lost; the rest is in *repo*."""

    repo: Repository
    recover: Callable[[ArtifactRecord], object] = field(repr=False)
    recover_record: Callable[[ArtifactId], ArtifactRecord] | None = field(default=None, repr=False)

    @property
    def repository(self) -> Repository:
        """Where the artifact is."""
        return self.repo

    def load_value(self, record: ArtifactRecord, /) -> object:
        """Return the value, computed again if it is lost."""
        return self.recover(record)

    def load_inputs(self, record: ArtifactRecord, /) -> Inputs:
        """Read the inputs of *record*."""
        return self.repo.load_inputs(record)

    def load_run(self, record: ArtifactRecord, /) -> Run:
        """Look up the run that computed *record*."""
        return self.repo.load_run(record)

    def load_record(self, artifact_id: ArtifactId, /) -> ArtifactRecord:
        """Look up a record, which is computed again if it is lost and if that is possible."""
        return (self.recover_record or self.repo.load_record)(artifact_id)

    def proxy_of(self, record: ArtifactRecord, /) -> object:
        """Return a proxy of the value of *record*, which is read when it is first used."""
        return make_proxy(record, self, options=LAZY)


set_source_resolver(_current_source, _is_home)
