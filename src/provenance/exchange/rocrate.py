"""RO-Crate: the metadata of a bundle, by the profile Process Run Crate 0.5.

See https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5. The profile for workflows wants the definition of a
workflow, which a pipeline in the user's own code does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote

from provenance.exchange.closure import Closure, Entry
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Blob, Json, Run, SetRecord
from provenance.model.rows import json_text

METADATA: Final = "ro-crate-metadata.json"
CRATE: Final = "https://w3id.org/ro/crate/1.1"
PROFILE: Final = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT: Final = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
_MEDIA_TYPES: Final = {
    "pd_df_parquet": "application/vnd.apache.parquet",
    "pd_series_parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "numpy": "application/x-npy",
    "pickle": "application/x-python-pickle",
    "joblib": "application/x-python-pickle",
    "cloudpickle": "application/x-python-pickle",
}
Node: TypeAlias = dict[str, Json]


def ro_crate(closure: Closure, files: Mapping[str, str] | None = None) -> str:
    """Return the text of `ro-crate-metadata.json` for *closure*.

    Args:
        closure: What the crate describes.
        files: Media types of the other files of the crate, by path; None if the crate holds no files, and so no values.
    """
    graph = [*_head(closure, files), *_body(closure, has_files=files is not None)]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False)


def path_of(record: ArtifactRecord) -> str:
    """Return the path of an artifact's bytes in a bundle."""
    return _path(record.value_blob)


def _path(blob: Blob) -> str:
    return f"blobs/{blob.id[:2]}/{blob.id[2:]}"


def _head(closure: Closure, files: Mapping[str, str] | None) -> Iterator[Node]:
    """Yield the crate itself, its license, and files that belong to no artifact."""
    roots = [entry.record for entry in closure.entries if entry.record.id in closure.roots]
    newest = max((f"{entry.ended_at:%Y-%m-%d}" for entry in closure.entries), default="1970-01-01")
    names = ", ".join(sorted({record.name for record in roots}))
    blobs = (blob for entry in closure.entries for blob in entry.record.blobs)
    parts = {} if files is None else dict.fromkeys(map(_path, blobs))
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": CRATE},
        "about": {"@id": "./"},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Results of {names}" if names else "Results",
        "description": f"{len(closure.entries)} artifacts: {len(roots)} results, and all that they were made from",
        "datePublished": newest,
        "license": {"@id": "#license"},
        "conformsTo": {"@id": PROFILE},
        "hasPart": _references([*parts, *(files or {})]),
        "mentions": _references(
            [_call(entry.record.id) for entry in closure.entries]
            + [f"#set-{known.id}" for known in closure.sets]
        ),
    }
    yield {
        "@id": "#license",
        "@type": "CreativeWork",
        "name": "No license chosen",
        "description": "The owner has not said under which license this may be used",
    }
    yield {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    for path, media_type in (files or {}).items():
        yield {"@id": path, "@type": "File", "name": path, "encodingFormat": media_type}


def _body(closure: Closure, *, has_files: bool) -> Iterator[Node]:
    """Yield runs, functions, artifacts with their calls, and sets."""
    paths = {
        entry.record.id: _id_of(entry.record, has_files=has_files) for entry in closure.entries
    }
    done: set[str] = set()
    for run in closure.runs.values():
        yield _python(run)
    for entry in closure.entries:
        nodes = [
            _function(entry, closure, has_files=has_files),
            _value(entry, paths, has_files=has_files),
        ]
        if has_files and entry.record.inputs_blob is not None:
            nodes.append(_inputs(entry.record, entry.record.inputs_blob))
        for node in nodes:
            if str(node["@id"]) not in done:
                done.add(str(node["@id"]))
                yield node
        yield from _action(entry, paths)
    for source in sorted(closure.used):
        if source not in paths:
            about = "The artifact has been deleted from the repository"
            yield {
                "@id": _urn(source),
                "@type": "CreativeWork",
                "name": source,
                "description": about,
            }
    for known in closure.sets:
        yield _set(known, paths)


def _references(names: list[str]) -> Json:
    """Return references to what is named; the format wants a single one outside of a list."""
    found: list[Json] = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


def _id_of(record: ArtifactRecord, *, has_files: bool) -> str:
    return path_of(record) if has_files else _urn(record.id)


def _urn(artifact_id: str) -> str:
    return f"urn:provenance:artifact:{artifact_id}"


def _call(artifact_id: ArtifactId) -> str:
    return f"#call-{artifact_id}"


def _python(run: Run) -> Node:
    return {
        "@id": f"#run-{run.id}",
        "@type": "SoftwareApplication",
        "name": str(run.python.get("implementation") or "Python"),
        "softwareVersion": str(run.python.get("version") or "unknown"),
        "url": "https://www.python.org",
        "softwareRequirements": [f"{name}=={version}" for name, version in run.packages.items()],
    }


def _function(entry: Entry, closure: Closure, *, has_files: bool) -> Node:
    record = entry.record
    node: Node = {
        "@id": f"urn:provenance:function:{quote(record.name, safe='')}:{record.version}",
        "@type": "SoftwareApplication",
        "name": record.name,
        "version": str(record.version),
        "url": f"urn:provenance:function:{quote(record.name, safe='')}",
    }
    if has_files and closure.source_digests(record):
        node["hasPart"] = _references(
            [f"sources/{digest}.py" for digest in closure.source_digests(record)]
        )
    if record.run_id in closure.runs:
        node["softwareRequirements"] = {"@id": f"#run-{record.run_id}"}
    return node


def _value(entry: Entry, paths: Mapping[ArtifactId, str], *, has_files: bool) -> Node:
    record = entry.record
    node: Node = {
        "@id": _id_of(record, has_files=has_files),
        "@type": "File" if has_files else "CreativeWork",
        "name": record.name,
        "description": f"{record.value_type} in the format {record.serializer}",
        "identifier": _urn(record.id),
        "encodingFormat": _MEDIA_TYPES.get(record.serializer, "application/octet-stream"),
        "dateCreated": record.computed_at.isoformat(),
    }
    if entry.derivations:
        others = {used for one in entry.derivations for used in one.input_artifact_ids}
        node["isBasedOn"] = _references([paths.get(used, _urn(used)) for used in sorted(others)])
    return {**node, "contentSize": str(record.size_bytes)} if has_files else node


def _inputs(record: ArtifactRecord, blob: Blob) -> Node:
    return {
        "@id": _path(blob),
        "@type": "File",
        "name": f"Inputs of {record.name}",
        "encodingFormat": _MEDIA_TYPES["pickle"],
        "contentSize": str(blob.size),
    }


def _action(entry: Entry, paths: Mapping[ArtifactId, str]) -> Iterator[Node]:
    record = entry.record
    plain = list(entry.plain)
    names = [f"#input-{record.id}-{number}" for number in range(len(plain))]
    used = [paths.get(source, _urn(source)) for _, source in entry.uses]
    shown = ", ".join(f"{name}={json_text(value)[:40]}" for name, value in plain)
    yield {
        "@id": _call(record.id),
        "@type": "CreateAction",
        "name": f"{record.name}({shown})",
        "description": f"Call that computed artifact {record.id}",
        "startTime": record.computed_at.isoformat(timespec="seconds"),
        "endTime": entry.ended_at.isoformat(timespec="seconds"),
        "instrument": {
            "@id": f"urn:provenance:function:{quote(record.name, safe='')}:{record.version}"
        },
        "object": _references([*dict.fromkeys((*used, *names))]),
        "result": {"@id": paths[record.id]},
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    for name, (parameter, value) in zip(names, plain, strict=True):
        yield {"@id": name, "@type": "PropertyValue", "name": parameter, "value": json_text(value)}


def _set(known: SetRecord, paths: Mapping[ArtifactId, str]) -> Node:
    members = sorted(path for member, path in paths.items() if member in known.artifact_ids)
    return {
        "@id": f"#set-{known.id}",
        "@type": "Collection",
        "name": known.name or f"Set {known.id}",
        "description": json_text(dict(known.labels)),
        "hasPart": _references(members),
    }
