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
from provenance.model.records import ArtifactRecord, Blob, Json, Run
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


def path_of(blob: Blob) -> str:
    """Return the path of a blob in a bundle."""
    return f"blobs/{blob.id[:2]}/{blob.id[2:]}"


def _head(closure: Closure, files: Mapping[str, str] | None) -> Iterator[Node]:
    """Yield the crate itself, its license, and files that belong to no artifact."""
    roots = [entry.record for entry in closure.entries if entry.record.id in closure.roots]
    newest = max((f"{entry.ended_at:%Y-%m-%d}" for entry in closure.entries), default="1970-01-01")
    names = ", ".join(sorted({record.name for record in roots}))
    parts = {} if files is None else dict.fromkeys(map(path_of, closure.blobs))
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": {"@id": CRATE},
        "about": {"@id": "./"},
    }
    yield _node(
        "./",
        "Dataset",
        f"Results of {names}" if names else "Results",
        description=f"{len(closure.entries)} artifacts: {len(roots)} results, and all that they were made from",
        datePublished=newest,
        license={"@id": "#license"},
        conformsTo={"@id": PROFILE},
        hasPart=_references([*parts, *(files or {})]),
        mentions=_references(
            [_call(entry.record.id) for entry in closure.entries]
            + [f"#set-{known.id}" for known in closure.sets]
        ),
    )
    unlicensed = "The owner has not said under which license this may be used"
    yield _node("#license", "CreativeWork", "No license chosen", description=unlicensed)
    yield _node(PROFILE, "CreativeWork", "Process Run Crate", version="0.5")
    for path, media_type in (files or {}).items():
        yield _node(path, "File", path, encodingFormat=media_type)


def _body(closure: Closure, *, has_files: bool) -> Iterator[Node]:
    """Yield runs, functions, artifacts with their calls, and sets."""
    records = [entry.record for entry in closure.entries]
    paths = {
        record.id: path_of(record.value_blob)
        if has_files and record.id not in closure.evicted
        else _urn(record.id)
        for record in records
    }
    done: set[str] = set()
    for run in closure.runs.values():
        yield _python(run)
    for entry in closure.entries:
        nodes = [
            _function(entry.record, closure, has_files=has_files),
            _value(entry, paths, has_file=has_files and entry.record.id not in closure.evicted),
        ]
        inputs = entry.record.inputs_blob
        if has_files and inputs is not None:
            name = f"Inputs of {entry.record.name}"
            about: Node = {
                "encodingFormat": _MEDIA_TYPES["pickle"],
                "contentSize": str(inputs.size),
            }
            nodes.append(_node(path_of(inputs), "File", name, **about))
        for node in nodes:
            if str(node["@id"]) not in done:
                done.add(str(node["@id"]))
                yield node
        yield from _action(entry, paths)
    deleted = "The artifact has been deleted from the repository"
    for source in sorted(closure.used - paths.keys()):
        yield _node(_urn(source), "CreativeWork", source, description=deleted)
    for known in closure.sets:
        members = sorted(path for member, path in paths.items() if member in known.artifact_ids)
        yield _node(
            f"#set-{known.id}",
            "Collection",
            known.name or f"Set {known.id}",
            description=json_text(dict(known.labels)),
            hasPart=_references(members),
        )


def _node(id_: str, kind: str, name: str, **facts: Json) -> Node:
    return {"@id": id_, "@type": kind, "name": name, **facts}


def _references(names: list[str]) -> Json:
    """Return references to what is named; the format wants a single one outside of a list."""
    found: list[Json] = [{"@id": name} for name in names]
    return found[0] if len(found) == 1 else found


def _urn(artifact_id: str) -> str:
    return f"urn:provenance:artifact:{artifact_id}"


def _function_urn(record: ArtifactRecord) -> str:
    return f"urn:provenance:function:{quote(record.name, safe='')}"


def _call(artifact_id: ArtifactId) -> str:
    return f"#call-{artifact_id}"


def _python(run: Run) -> Node:
    return _node(
        f"#run-{run.id}",
        "SoftwareApplication",
        str(run.python.get("implementation") or "Python"),
        softwareVersion=str(run.python.get("version") or "unknown"),
        url="https://www.python.org",
        softwareRequirements=[f"{name}=={version}" for name, version in run.packages.items()],
    )


def _function(record: ArtifactRecord, closure: Closure, *, has_files: bool) -> Node:
    urn, version = _function_urn(record), str(record.version)
    node = _node(f"{urn}:{version}", "SoftwareApplication", record.name, version=version, url=urn)
    digests = closure.source_digests(record)
    if has_files and digests:
        node["hasPart"] = _references([f"sources/{digest}.py" for digest in digests])
    if record.run_id in closure.runs:
        node["softwareRequirements"] = {"@id": f"#run-{record.run_id}"}
    return node


def _value(entry: Entry, paths: Mapping[ArtifactId, str], *, has_file: bool) -> Node:
    record = entry.record
    node = _node(
        paths[record.id],
        "File" if has_file else "CreativeWork",
        record.name,
        description=f"{record.value_type} in the format {record.serializer}",
        identifier=_urn(record.id),
        encodingFormat=_MEDIA_TYPES.get(record.serializer, "application/octet-stream"),
        dateCreated=record.computed_at.isoformat(),
    )
    if entry.derivations:
        others = {used for one in entry.derivations for used in one.input_artifact_ids}
        node["isBasedOn"] = _references([paths.get(used, _urn(used)) for used in sorted(others)])
    if has_file:
        node["contentSize"] = str(record.size_bytes)
    return node


def _action(entry: Entry, paths: Mapping[ArtifactId, str]) -> Iterator[Node]:
    record = entry.record
    plain = {f"#input-{record.id}-{number}": given for number, given in enumerate(entry.plain)}
    used = [paths.get(source, _urn(source)) for _, source in entry.uses]
    shown = ", ".join(f"{name}={json_text(value)[:40]}" for name, value in plain.values())
    yield _node(
        _call(record.id),
        "CreateAction",
        f"{record.name}({shown})",
        description=f"Call that computed artifact {record.id}",
        startTime=record.computed_at.isoformat(timespec="seconds"),
        endTime=entry.ended_at.isoformat(timespec="seconds"),
        instrument={"@id": f"{_function_urn(record)}:{record.version}"},
        object=_references([*dict.fromkeys((*used, *plain))]),
        result={"@id": paths[record.id]},
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    for id_, (name, value) in plain.items():
        yield _node(id_, "PropertyValue", name, value=json_text(value))
