"""Stores of the reference library, as they are read: rows of its tables, and blobs by their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol, TypeAlias

from attrs import frozen

from provenance.effect import Effect, Interpreter
from provenance.model.records import Json


@frozen
class LegacyArtifact:
    """A row of the table `artifacts`; times are in UTC."""

    id: str
    value_id: str
    run_id: str
    name: str
    version: int
    fn_module: str
    fn_name: str
    composite: bool
    value_id_duration: float
    compute_duration: float
    hash_duration: float
    computed_at: datetime
    added_at: datetime
    input_artifact_ids: tuple[str, ...]
    serializer: str
    load_kwargs: Mapping[str, Json]
    custom_fields: Mapping[str, Json]


@frozen
class LegacyRun:
    """A row of the table `runs`."""

    id: str
    created_at: datetime
    info: Mapping[str, Json]


@frozen
class LegacySet:
    """A row of the table `artifact_sets`, with its members."""

    id: str
    members: frozenset[str]
    labels: Mapping[str, Json]
    created_at: datetime


@frozen(eq=False, repr=False)
class ListLegacyArtifacts(Effect[tuple[LegacyArtifact, ...]]):
    """All artifacts, the oldest first."""


@frozen(eq=False, repr=False)
class ListLegacyRuns(Effect[tuple[LegacyRun, ...]]):
    """All runs."""


@frozen(eq=False, repr=False)
class ListLegacySets(Effect[tuple[LegacySet, ...]]):
    """All sets, the oldest first."""


@frozen(eq=False, repr=False)
class ReadLegacyBlob(Effect[object]):
    """What *read* returns for the blob *key*; raises `BlobNotFoundError`."""

    key: str
    read: Callable[[BinaryIO], object]


@frozen(eq=False, repr=False)
class FetchLegacyBlob(Effect[str]):
    """The path of a local file with the blob *key*, which stays until the import ends; raises `BlobNotFoundError`."""

    key: str


LegacyEffects: TypeAlias = (
    ListLegacyArtifacts | ListLegacyRuns | ListLegacySets | ReadLegacyBlob | FetchLegacyBlob
)
"""Effects of a store of the reference library."""


class LegacyTables(Protocol):
    """The tables; each method answers the effect of its name above."""

    def list_artifacts(self) -> tuple[LegacyArtifact, ...]: ...
    def list_runs(self) -> tuple[LegacyRun, ...]: ...
    def list_sets(self) -> tuple[LegacySet, ...]: ...


class LegacyBlobs(Protocol):
    """The blobs."""

    def read(self, key: str, read: Callable[[BinaryIO], object], /) -> object: ...
    def fetch(self, key: str, /) -> str: ...


def legacy_effects(tables: LegacyTables, blobs: LegacyBlobs) -> Interpreter[LegacyEffects]:
    """Return an interpreter for *tables* and *blobs*."""
    return (
        ListLegacyArtifacts.on(lambda _: tables.list_artifacts())
        | ListLegacyRuns.on(lambda _: tables.list_runs())
        | ListLegacySets.on(lambda _: tables.list_sets())
        | ReadLegacyBlob.on(lambda ask: blobs.read(ask.key, ask.read))
        | FetchLegacyBlob.on(lambda ask: blobs.fetch(ask.key))
    )
