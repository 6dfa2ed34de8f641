"""Stores of the reference library: its PostgreSQL tables, and its blobs on disk or in a bucket. They are only read."""

# Paths are text here, as in `disk`.
# ruff: noqa: PTH112, PTH113, PTH118, PTH123

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from provenance.effects.io import absolute_path, remove
from provenance.errors import BlobNotFoundError, StoreUnavailableError
from provenance.model.ids import BlobId
from provenance.model.records import Blob
from provenance.ports.legacy import LegacyArtifact, LegacyRun, LegacySet
from provenance.util.optional import require_library
from provenance.util.redaction import redact_url

if TYPE_CHECKING:
    from provenance.effects.objectstore.client import RemoteFiles

_KEY: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""A key that is one name, and leads to no other folder."""
_TIMEOUT: Final = 10
_ADVICE: Final = "check that the URL names the database of the reference library, and its schema"
_ARTIFACTS: Final = """
    SELECT id, value_id, run_id, name, version, fn_module, fn_name, composite, value_id_duration,
        compute_duration, hash_duration, computed_at, added_at, input_artifact_ids, serializer,
        load_kwargs, custom_fields
    FROM artifacts ORDER BY added_at, id"""
_RUNS: Final = "SELECT id, created_at, info FROM runs"
_SETS: Final = """
    SELECT s.set_id, s.labels, s.created_at,
        (SELECT array_agg(m.artifact_id) FROM artifact_set_members m WHERE m.set_id = s.set_id)
    FROM artifact_sets s ORDER BY s.created_at, s.id"""


class PostgresTables:
    """The tables in the database *url*, in *schema* or in the first one of the search path."""

    def __init__(self, url: str, schema: str | None = None) -> None:
        self._url = url.replace("postgresql+psycopg2://", "postgresql://", 1)
        self._schema = schema

    def list_artifacts(self) -> tuple[LegacyArtifact, ...]:
        """Return all artifacts, the oldest first; raises `StoreUnavailableError`."""
        return tuple(map(_artifact, self._query(_ARTIFACTS)))

    def list_runs(self) -> tuple[LegacyRun, ...]:
        """Return all runs; raises `StoreUnavailableError`."""
        return tuple(
            LegacyRun(run_id, _utc(at), dict(info or {})) for run_id, at, info in self._query(_RUNS)
        )

    def list_sets(self) -> tuple[LegacySet, ...]:
        """Return all sets, the oldest first; raises `StoreUnavailableError`."""
        return tuple(
            LegacySet(set_id, frozenset(members or ()), dict(labels or {}), _utc(at))
            for set_id, labels, at, members in self._query(_SETS)
        )

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        psycopg = require_library("psycopg", "a database of the reference library")
        try:
            with psycopg.connect(self._url, connect_timeout=_TIMEOUT) as connection:
                connection.read_only = True
                if self._schema is not None:
                    connection.execute(
                        "SELECT set_config('search_path', %s, false)", (self._schema,)
                    )
                return cast("list[tuple[Any, ...]]", connection.execute(statement).fetchall())
        except psycopg.Error as error:
            reason = redact_url(str(error).strip())
            raise StoreUnavailableError(redact_url(self._url), reason, _ADVICE) from None


def _artifact(row: tuple[Any, ...]) -> LegacyArtifact:
    artifact_id, value_id, run_id, name, version, module, function, composite, *rest = row
    hashed, computed, hashing, computed_at, added_at, inputs, serializer, load, fields = rest
    return LegacyArtifact(
        artifact_id,
        value_id,
        run_id,
        name,
        version or 0,
        module or "",
        function or "",
        bool(composite),
        hashed or 0.0,
        computed or 0.0,
        hashing or 0.0,
        _utc(computed_at),
        _utc(added_at or computed_at),
        tuple(inputs or ()),
        serializer or "joblib",
        dict(load or {}),
        dict(fields or {}),
    )


def _utc(moment: datetime | None) -> datetime:
    """Return a time of the tables, which have no time zone and mean UTC."""
    if moment is None:
        return datetime.fromtimestamp(0, UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class FolderBlobs:
    """The blobs in a folder, each a file under its key."""

    def __init__(self, folder: Path) -> None:
        self._folder = absolute_path(folder)
        if not os.path.isdir(self._folder):
            reason, advice = "the folder does not exist", "check the path of the blob store"
            raise StoreUnavailableError(self._folder, reason, advice)

    def read(self, key: str, read: Callable[[BinaryIO], object]) -> object:
        """Return what *read* makes of the blob; raises `BlobNotFoundError`."""
        with open(self.fetch(key), "rb") as source:
            return read(source)

    def fetch(self, key: str) -> str:
        """Return the path of the file; raises `BlobNotFoundError`."""
        path = os.path.join(self._folder, key)
        if _KEY.fullmatch(key) is None or not os.path.isfile(path):
            raise BlobNotFoundError(key, self._folder)
        return path


class RemoteBlobs:
    """The blobs below a place that fsspec reaches; what is fetched is in *folder*."""

    def __init__(self, files: RemoteFiles, folder: str) -> None:
        self._files = files
        self._folder = folder

    def read(self, key: str, read: Callable[[BinaryIO], object]) -> object:
        """Return what *read* makes of the blob; raises `BlobNotFoundError`, `StoreUnavailableError`."""
        path = self.fetch(key)
        try:
            with open(path, "rb") as source:
                return read(source)
        finally:
            remove(path)

    def fetch(self, key: str) -> str:
        """Return the path of a local copy; raises `BlobNotFoundError`, `StoreUnavailableError`."""
        status = None if _KEY.fullmatch(key) is None else self._files.status(key)
        path = os.path.join(self._folder, key)
        if status is None or not self._files.fetch(key, path, Blob(BlobId(key), status.size)):
            raise BlobNotFoundError(key, self._files.name)
        return path


@contextmanager
def remote_blobs(files: RemoteFiles) -> Generator[RemoteBlobs]:
    """Return the blobs below a place, whose local copies go when the block ends."""
    with tempfile.TemporaryDirectory(prefix="provenance-") as folder:
        yield RemoteBlobs(files, folder)
