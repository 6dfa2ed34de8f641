"""Stores of the reference library, as they are read: rows of its tables, and blobs by their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import BinaryIO, Protocol

from attrs import frozen

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


class LegacyTables(Protocol):
    """The tables: artifacts and sets come the oldest first."""

    def list_artifacts(self) -> tuple[LegacyArtifact, ...]: ...
    def list_runs(self) -> tuple[LegacyRun, ...]: ...
    def list_sets(self) -> tuple[LegacySet, ...]: ...


class LegacyBlobs(Protocol):
    """The blobs by their keys; both methods raise `BlobNotFoundError` for a key that is unknown.

    `read` returns what its function makes of the blob. `fetch` returns the path of a local file with
    the blob, which stays until the import ends.
    """

    def read(self, key: str, read: Callable[[BinaryIO], object], /) -> object: ...
    def fetch(self, key: str, /) -> str: ...
