"""Bundles: artifacts with all that they were made from in one file, which is a repository that can be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import cast

from attrs import frozen

from provenance import environment
from provenance.catalog.promotion import copy_with_sources
from provenance.config import exchange as wiring
from provenance.effect import Interpreter, overlay
from provenance.environment import RepositoryOrName
from provenance.errors import BundleError
from provenance.exchange.closure import Closure, redact_run
from provenance.exchange.page import page
from provenance.exchange.rocrate import METADATA, ro_crate
from provenance.model.ids import ID_DIGITS, ArtifactId, SetId, is_prefix
from provenance.model.records import Artifact, Json, Run
from provenance.ports.capabilities import AllEffects
from provenance.ports.records import FindRun, FindSet, PutSet
from provenance.repository.handles import Repository
from provenance.repository.sets import ArtifactSet
from provenance.util.naming import exported


def write_bundle(source: Repository, closure: Closure, path: str, *, redacted: bool) -> None:
    """Write *closure*, whose bytes are in *source*, as the bundle *path*."""
    with wiring.writing_bundle(path) as (target, writer):
        _copy(source, closure, target, redacted=redacted)
        files: dict[str, str] = {"records.db": "application/vnd.sqlite3"}
        for run in closure.runs.values():
            if run.packages:
                name = f"environment/{run.id}.txt"
                files[name] = "text/plain"
                writer.add(name, _requirements(run))
        for digest, text in closure.sources.items():
            files[f"sources/{digest}.py"] = "text/x-python"
            writer.add(f"sources/{digest}.py", text.encode())
        files["index.html"] = "text/html"
        writer.add("index.html", page(closure).encode())
        writer.add(METADATA, ro_crate(closure, files).encode())
        writer.facts |= {
            "roots": [*closure.roots],
            "sets": [known.id for known in closure.sets],
            "artifacts": len(closure.entries),
            "bytes": sum(
                blob.size
                for blob in {blob for entry in closure.entries for blob in entry.record.blobs}
            ),
            "redacted": redacted,
        }


def write_database(source: Repository, closure: Closure, path: str, *, redacted: bool) -> None:
    """Write *closure*, whose bytes are in *source*, as one SQLite file."""
    with wiring.writing_database(path) as target:
        _copy(source, closure, target, redacted=redacted)


def _requirements(run: Run) -> bytes:
    return "".join(f"{name}=={version}\n" for name, version in run.packages.items()).encode()


def _copy(source: Repository, closure: Closure, target: Repository, *, redacted: bool) -> None:
    if redacted:
        source = source.with_layer(_redacting)
    for root in closure.roots:
        copy_with_sources(source, root, target)
    for known in closure.sets:
        target.interpreter(PutSet(known))


def _redacting(base: Interpreter[AllEffects]) -> Interpreter[AllEffects]:
    """Return *base*, with runs that tell nothing private."""

    def find(ask: FindRun) -> Run | None:
        found = base(ask)
        return None if found is None else redact_run(found)

    return overlay(base, FindRun.on(find))


def open_bundle(path: str | os.PathLike[str], *, trusted: bool = False) -> Repository:
    """Open a bundle as a repository that can only be read.

    Args:
        path: The file, which `export` wrote.
        trusted: Whether values may be read that can execute code, such as pickles. Pass True only for a file of your own,
            or of someone whose programs you would run.

    Returns:
        A repository; its values are read from the file when they are used.

    Raises:
        BundleError: if the file is not a bundle, or was changed.
        StoreUnavailableError: if it cannot be read.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> bundle = p.open_bundle(p.export(squares(3), "squares.zip"))
        >>> [artifact.fn_name for artifact in bundle]
        ['squares']
    """
    return wiring.open_bundle(os.fspath(path), trusted=trusted).repository


@exported
@frozen
class ImportReport:
    """What was imported from a bundle.

    Attributes:
        repo: name of the repository that it was copied to.
        artifacts: the results that were exported, as they are there now.
        sets: the sets that were exported.
    """

    repo: str
    artifacts: tuple[Artifact[object], ...]
    sets: tuple[ArtifactSet, ...]


def import_bundle(
    path: str | os.PathLike[str],
    to: RepositoryOrName | None = None,
    *,
    trusted: bool = False,
) -> ImportReport:
    """Copy all artifacts and sets of a bundle into a repository; what is there already stays as it is.

    It can be run again, and goes on where it was interrupted: sources come first, and sets last.

    Args:
        path: The file, which `export` wrote.
        to: The repository to copy to, or its name; by default the default one.
        trusted: Whether values may be copied that can execute code when they are read, as for `open_bundle`.

    Returns:
        What was imported.

    Raises:
        BundleError: if the file is not a bundle, was changed, or lacks what it names.
        UntrustedStoreError: if it holds values that can execute code, the repository is trusted, and the bundle is not.
        BlobNotFoundError, CorruptBlobError: if bytes are missing or damaged; what was copied before stays.
        StoreUnavailableError, StorePermissionError: if the repository fails, or may not be written to.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> path = p.export(squares(3), "squares.zip")
        >>> len(p.import_bundle(path, to=p.MemoryRepo("mine"), trusted=True).artifacts)
        1
    """
    name = os.fspath(path)
    target = environment.current().repository(to)
    opened = wiring.open_bundle(name, trusted=trusted)
    source = opened.repository
    roots = [ArtifactId(root) for root in _ids(name, opened.manifest, "roots")]
    set_ids = [SetId(known) for known in _ids(name, opened.manifest, "sets")]
    artifacts = tuple(copy_with_sources(source, root, target) for root in roots)
    sets = tuple(_import_set(source, set_id, target) for set_id in set_ids)
    return ImportReport(target.name, artifacts, sets)


def _import_set(source: Repository, set_id: SetId, target: Repository) -> ArtifactSet:
    known = source.get_set_by_id(set_id)
    for member in sorted(known.artifact_ids):
        if member in source and member not in target:
            copy_with_sources(source, member, target)
    there = target.interpreter(FindSet(set_id))
    if there is None or there.labels != known.labels:
        return target.put_set(known)
    return target.get_set_by_id(set_id)


def _ids(path: str, manifest: Mapping[str, Json], name: str) -> list[str]:
    """Return the ids that a manifest lists under *name*."""
    found = manifest.get(name)
    ids = cast("list[object]", found) if isinstance(found, list) else None
    if ids is None or not all(
        isinstance(text, str) and len(text) == ID_DIGITS and is_prefix(text) for text in ids
    ):
        raise BundleError(path, f"{name!r} of its bundle.json is not a list of ids")
    return cast("list[str]", ids)
