"""Bundles: artifacts with all that they were made from in one file, which is a repository that can be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Final, cast

from attrs import evolve, frozen

from provenance import environment
from provenance.catalog.promotion import copy_with_sources
from provenance.config import exchange as wiring
from provenance.effect import Interpreter, overlay, run
from provenance.engines.shipping import library_version
from provenance.environment import RepositoryOrName
from provenance.errors import BundleError
from provenance.escaping import html_text
from provenance.exchange.closure import Closure, Entry, artifacts_in, redact_run
from provenance.exchange.rocrate import METADATA, path_of, ro_crate
from provenance.model.ids import ID_DIGITS, ArtifactId, SetId, is_prefix
from provenance.model.records import Artifact, ArtifactRecord, Json, Run
from provenance.model.rows import json_text
from provenance.ports.blobs import ReadBlob
from provenance.ports.capabilities import AllEffects
from provenance.ports.history import FindDerivations
from provenance.ports.records import FindRun, FindSet, PutSet
from provenance.repository import transfer
from provenance.repository.handles import Repository
from provenance.repository.sets import ArtifactSet
from provenance.util.formatting import SHORT, duration, size
from provenance.util.naming import exported


def write_bundle(source: Repository, closure: Closure, path: str, *, redacted: bool) -> None:
    """Write *closure*, whose bytes are in *source*, as the bundle *path*."""
    with wiring.writing_bundle(path) as (target, writer):
        _copy(source, closure, target, redacted=redacted)
        records = [entry.record for entry in closure.entries]
        lacking = (record.id for record in records if not writer.has_blob(record.value_blob))
        closure = evolve(closure, evicted=frozenset(lacking))
        files: dict[str, str] = {"records.db": "application/vnd.sqlite3"}
        sources = ((f"sources/{digest}.py", text) for digest, text in closure.sources.items())
        # One by one: all pages together may take more memory than there is.
        members = chain(
            _requirements(closure),
            ((name, text.encode()) for name, text in sources),
            _pages(source, closure, target),
        )
        for name, data in members:
            files[name] = _MEDIA_TYPES[PurePosixPath(name).suffix]
            writer.add(name, data)
        writer.add(METADATA, ro_crate(closure, files).encode())
        writer.facts |= {
            "library": library_version(),
            "roots": [*closure.roots],
            "derivations": {str(root): str(one) for root, one in closure.by_call.items()},
            "sets": [known.id for known in closure.sets],
            "artifacts": len(closure.entries),
            "bytes": sum(blob.size for blob in closure.blobs),
            "redacted": redacted,
        }


_MEDIA_TYPES: Final = {
    ".txt": "text/plain",
    ".py": "text/x-python",
    ".html": "text/html",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


def _pages(source: Repository, closure: Closure, target: Repository) -> Iterable[tuple[str, bytes]]:
    """Return the pages of a bundle: those of the web page as files, or one plain page where Jinja2 is not installed.

    They are made of the records in *target*, so that they tell nothing of other artifacts, and nothing that is private.
    """
    if find_spec("jinja2") is None:
        return [("index.html", _page(closure).encode())]
    # By its name, as the page is made of what the whole library offers.
    render_site: Any = import_module("provenance.ui.static").render_site
    blobs = ReadBlob.on(source.interpreter)
    place = target.with_layer(lambda base: overlay(base, blobs))
    files = {path_of(blob) for blob in closure.blobs} | {
        f"sources/{digest}.py" for digest in closure.sources
    }
    nearest = [entry.record.id for entry in reversed(closure.entries)]
    pages: Iterable[tuple[str, bytes]] = render_site(place, closure.roots, nearest, files=files)
    return pages


_LONGEST = 100
"""Characters of an argument that are shown."""
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #8884}code{font-size:.9em;overflow-wrap:anywhere}tr:target{background:#fd08}"
)


def _page(closure: Closure) -> str:
    """Return an HTML page that lists the artifacts of *closure*, results first; it needs no script and no network."""
    names = [html_text(known.name or known.id) for known in closure.sets]
    roots = [entry for entry in closure.entries if entry.record.id in closure.roots]
    sources = [entry for entry in closure.entries if entry.record.id not in closure.roots]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width"><title>Results</title>',
        f"<style>:root{{color-scheme:light dark}}{_STYLE}</style></head><body><h1>Results</h1>",
        f"<p>Sets: {', '.join(names)}</p>" if names else "",
        *_table(roots, closure),
        "<h2>What they were made from</h2>" if sources else "",
        *_table(sources[::-1], closure),
        "<p>Values and inputs are in <code>blobs</code>, records in <code>records.db</code>. ",
        "<code>provenance.open_bundle</code> reads the file.</p></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


def _table(entries: list[Entry], closure: Closure) -> Iterator[str]:
    if not entries:
        return
    yield "<table><tr><th>artifact<th>call<th>value<th>computed</tr>"
    for entry in entries:
        record = entry.record
        given = ", ".join(_argument(name, entry, closure.ids) for name in entry.inputs)
        kind = record.value_type.rpartition(":")[2]
        moment = f"{record.computed_at:%Y-%m-%d %H:%M} UTC, {duration(record.compute_duration)}"
        code = closure.source_digests(record)
        called = (
            f'<a href="sources/{code[0]}.py">{html_text(record.name)}</a>'
            if code
            else html_text(record.name)
        )
        value = f'<a href="{path_of(record.value_blob)}">{html_text(kind)}</a>'
        if record.id in closure.evicted:
            value = f"{html_text(kind)} (evicted)"
        yield (
            f'<tr id="{record.id}"><td><code>{record.id[:SHORT]}</code>'
            f"<td>{called}({given}), version {record.version}"
            f"<td>{value}, {size(record.size_bytes)}, {html_text(record.serializer)}"
            f"<td>{moment}</tr>"
        )
    yield "</table>"


def _argument(name: str, entry: Entry, known: frozenset[ArtifactId]) -> str:
    """Return an argument as HTML: text, with links to the artifacts in it."""
    value = entry.inputs[name]
    links = [
        f'<a href="#{source}"><code>{source[:SHORT]}</code></a>'
        if source in known
        else f"<code>{source[:SHORT]}</code>"
        for source in artifacts_in(value)
    ]
    text = json_text(value)
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    shown = " ".join(links) if links else f"<code>{html_text(short)}</code>"
    return f"{html_text(name)}={shown}"


def write_database(source: Repository, closure: Closure, path: str, *, redacted: bool) -> None:
    """Write *closure*, whose bytes are in *source*, as one SQLite file."""
    with wiring.writing_database(path) as target:
        _copy(source, closure, target, redacted=redacted)


def _requirements(closure: Closure) -> Iterator[tuple[str, bytes]]:
    for process in closure.runs.values():
        lines = [f"{name}=={version}\n" for name, version in process.packages.items()]
        if lines:
            yield f"environment/{process.id}.txt", "".join(lines).encode()


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
        artifacts: the results that were exported, as they are there now, each with the lineage of the call whose result was
            exported.
        sets: the sets that were exported.
        dry_run: whether nothing was written, and artifacts and sets are those of the bundle.
        missing: of a dry run, ids of the artifacts that would be copied: results, and what they were made from.
        missing_bytes: the size of their values.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> path = p.export(squares(3), "squares.zip")
        >>> report = p.import_bundle(path, to=p.MemoryRepo("mine"), trusted=True, dry_run=True)
        >>> report.dry_run, len(report.missing)
        (True, 1)
    """

    repo: str
    artifacts: tuple[Artifact[object], ...]
    sets: tuple[ArtifactSet, ...]
    dry_run: bool = False
    missing: tuple[ArtifactId, ...] = ()
    missing_bytes: int = 0


def import_bundle(
    path: str | os.PathLike[str],
    to: RepositoryOrName | None = None,
    *,
    trusted: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Copy all artifacts and sets of a bundle into a repository; what is there already stays as it is.

    It can be run again, and goes on where it was interrupted: sources come first, and sets last.

    Args:
        path: The file, which `export` wrote.
        to: The repository to copy to, or its name; by default the default one.
        trusted: Whether values may be copied that can execute code when they are read, as for `open_bundle`.
        dry_run: Write nothing, and report what would be copied.

    Returns:
        What was imported, or would be.

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
    if dry_run:
        return _rehearse(opened, target, roots, set_ids)
    copies = (copy_with_sources(source, root, target) for root in roots)
    artifacts = tuple(_as_exported(copy, opened.manifest, target) for copy in copies)
    sets = tuple(_import_set(source, set_id, target) for set_id in set_ids)
    return ImportReport(target.name, artifacts, sets)


def _rehearse(
    opened: wiring.OpenedBundle,
    target: Repository,
    roots: list[ArtifactId],
    set_ids: list[SetId],
) -> ImportReport:
    """Report what an import would copy; raises UntrustedStoreError if it would be refused."""
    source = opened.repository
    sets = tuple(source.get_set_by_id(set_id) for set_id in set_ids)
    members = {member for known in sets for member in known.artifact_ids if member in source}
    records: dict[ArtifactId, ArtifactRecord] = {}
    for root in (*roots, *sorted(members - {*roots})):
        found = run(transfer.required_records(root, source.name), source.interpreter)
        records |= {record.id: record for record in found}
    missing = [
        record
        for record in records.values()
        if not run(transfer.is_whole(record), target.interpreter)
    ]
    transfer.check_copies(
        missing, source.name, target.name, trusted=source.trusted, into=target.copy_policy
    )
    exported = (source.get_by_id(root) for root in roots)
    artifacts = tuple(_as_exported(one, opened.manifest, source) for one in exported)
    ids = tuple(record.id for record in missing)
    total = sum(record.size_bytes for record in missing)
    return ImportReport(target.name, artifacts, sets, True, ids, total)


def _as_exported(
    copy: Artifact[object], manifest: Mapping[str, Json], target: Repository
) -> Artifact[object]:
    """Return *copy* with the derivation by which the exported call obtained it, if there is one."""
    chosen = manifest.get("derivations")
    wanted = chosen.get(copy.id) if isinstance(chosen, dict) else None
    if wanted is None:
        return copy
    known = target.interpreter(FindDerivations(copy.id))
    return evolve(copy, derivation=next((one for one in known if one.id == wanted), None))


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
