"""Export: a result or a set as a file, in a format for people, for programs or for another repository."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias, cast

from provenance import environment
from provenance.archives import ArchivedFile
from provenance.effect import run
from provenance.environment import RepositoryOrName
from provenance.errors import ConfigError, StoreUnavailableError
from provenance.exchange import bundles
from provenance.exchange.closure import Closure, collect_closure, redact
from provenance.exchange.openlineage import open_lineage
from provenance.exchange.plain import WRITERS, write_plain
from provenance.exchange.prov import prov_json, prov_n
from provenance.exchange.rocrate import ro_crate
from provenance.model.records import ArtifactRecord, SetRecord
from provenance.model.references import is_proxy
from provenance.ports.machine import ExportFile, Now
from provenance.repository.handles import Repository
from provenance.repository.sets import ArtifactSet

ExportFormat: TypeAlias = Literal[
    "value", "bundle", "sqlite", "prov-json", "prov-n", "ro-crate", "openlineage"
]
"""What `export` can write."""

_TEXTS: Final[Mapping[str, Callable[[Closure, str], str]]] = {
    "prov-json": lambda closure, _: prov_json(closure),
    "prov-n": lambda closure, _: prov_n(closure),
    "ro-crate": lambda closure, _: ro_crate(closure),
    "openlineage": open_lineage,
}
_FORMATS: Final = ("value", "bundle", "sqlite", *_TEXTS)
_VALUE: Final[ExportFormat] = "value"
_BY_EXTENSION: Final[Mapping[str, ExportFormat]] = {
    ".zip": "bundle",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".provn": "prov-n",
    **dict.fromkeys(WRITERS, _VALUE),
}


def export(
    what: object,
    path: str | os.PathLike[str],
    format: ExportFormat | None = None,  # noqa: A002 - its public name
    *,
    repo: RepositoryOrName | None = None,
    redacted: bool = True,
) -> Path:
    """Write a result, or all results of a set, to the file *path*; a file that is there is replaced.

    Args:
        what: The result of a decorated function, an artifact, its id or first digits, a list of these, or an `ArtifactSet`.
        path: The file to write.
        format: By default the extension decides. `value`: the plain value, as `.parquet`, `.csv`, `.json`, `.npy`, `.joblib`
            or `.safetensors`; an archived file as its bytes, with any extension. `bundle` (`.zip`): the artifacts with all
            that they were made from, in one file that `open_bundle` reads and that is an RO-Crate. `sqlite` (`.db`): the
            same in one SQLite file. `prov-json` and `prov-n` (`.provn`): W3C PROV. `ro-crate`: the metadata of an RO-Crate.
            `openlineage`: events, one a line.
        repo: The repository of an id, or its name; by default the default one.
        redacted: Leave out host names, users, folders, command lines and what `run_info_fn` added. False keeps them.

    Returns:
        The path that was written.

    Raises:
        TypeError: if *what* is anything else.
        ConfigError: if there is no such format, or the extension does not tell one.
        ArtifactNotFoundError, AmbiguousIdError: if an id does not name one artifact.
        BlobNotFoundError, CorruptBlobError: if bytes are missing or damaged; nothing is written.
        UnserializableValueError: if the format cannot hold the value.
        MissingLibraryError: if the library of the format is not installed.
        StoreUnavailableError: if the file cannot be written.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> import json
        >>> json.loads(p.export(squares(3), "squares.json").read_text())
        [0, 1, 4]
    """
    target = Path(path)
    several = isinstance(what, ArtifactSet) or _members_of(what) is not None
    if format in (None, _VALUE) and not several:
        artifact = environment.artifact_for(what, repo)
        if _format_of(target, format, artifact) == _VALUE:
            source = environment.repository_of(artifact)
            return _write(
                source, target, partial(write_plain, artifact.value, target.suffix.lower())
            )
    chosen = _format_of(target, format, None)
    source, closure = _closure_of(what, repo)
    closure = redact(closure) if redacted else closure
    if chosen in _TEXTS:
        data = _TEXTS[chosen](closure, source.name).encode()
        return _write(source, target, lambda sink: cast("None", sink.write(data)))
    if chosen == _VALUE:
        advice = "export one of its members, or choose format='bundle'"
        raise ConfigError("format", "several results have no value of their own", advice)
    write = bundles.write_bundle if chosen == "bundle" else bundles.write_database
    write(source, closure, str(target), redacted=redacted)
    return target


def _closure_of(what: object, repo: RepositoryOrName | None) -> tuple[Repository, Closure]:
    """Return the repository of what is exported, and its closure."""
    chosen = None if repo is None else environment.current().repository(repo)
    sets: tuple[SetRecord, ...] = ()
    if isinstance(what, ArtifactSet):
        source = chosen or _repository_of_set(what)
        roots = tuple(sorted(what.artifact_ids))
        at = what.created_at or source.interpreter(Now())
        sets = (SetRecord(what.id, what.artifact_ids, what.labels, at),)
    else:
        members = _members_of(what)
        wanted = [what] if members is None else members
        artifacts = [environment.artifact_for(item, repo) for item in wanted]
        if not artifacts:
            raise ConfigError("what", "there is nothing to export", "pass a result")
        source = chosen or environment.repository_of(artifacts[0])
        roots = tuple(artifact.id for artifact in artifacts)
    return source, run(collect_closure(roots, source.name, sets), source.interpreter)


def _members_of(what: object) -> list[object] | None:
    """Return the members of a plain list or tuple; None for anything else, also for a result that is a list."""
    is_plain = isinstance(what, list | tuple) and not is_proxy(cast("object", what))
    return list(cast("list[object]", what)) if is_plain else None


def _repository_of_set(what: ArtifactSet) -> Repository:
    return (
        what.origin if isinstance(what.origin, Repository) else environment.current().repository()
    )


def _write(source: Repository, target: Path, pour: Callable[[BinaryIO], None]) -> Path:
    try:
        source.interpreter(ExportFile(str(target), pour))
    except StoreUnavailableError:
        raise
    except OSError as error:
        advice = "check that the folder exists and that you may write to it"
        raise StoreUnavailableError(str(target), str(error), advice) from error
    return target


def _format_of(target: Path, given: str | None, record: ArtifactRecord | None) -> ExportFormat:
    """Return the format that was *given*, or that the extension of *target* tells.

    Raises:
        ConfigError: if there is none.
    """
    suffix = target.suffix.lower()
    is_file = (
        record is not None
        and record.value_type == f"{ArchivedFile.__module__}:{ArchivedFile.__qualname__}"
    )
    if given is None:
        found = _BY_EXTENSION.get(suffix)
        if found is None and is_file:
            return _VALUE
        if found is None:
            known = ", ".join((*_BY_EXTENSION,))
            raise ConfigError(
                "path",
                f"the extension {suffix!r} tells no format",
                f"use one of {known}, or pass format=",
            )
        return found
    if given not in _FORMATS:
        near = difflib.get_close_matches(str(given), _FORMATS, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(_FORMATS)}"
        raise ConfigError("format", f"unknown format {given!r}", advice)
    if given == "value" and suffix not in WRITERS and not is_file:
        raise ConfigError(
            "path",
            f"the extension {suffix!r} tells no format of values",
            f"use one of {', '.join(WRITERS)}",
        )
    return cast("ExportFormat", given)
