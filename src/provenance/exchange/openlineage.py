"""OpenLineage: each call as a run event, one JSON object a line.

See https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets beside it. A job is a function, its output the artifact, its
inputs the artifacts among the arguments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from provenance.exchange.closure import Closure, Entry
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Json, Run
from provenance.model.rows import json_text

PRODUCER: Final = "urn:python:provenance"
_SPEC: Final = "https://openlineage.io/spec"
_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_URL_NAMESPACE: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
"""The namespace for URLs of RFC 9562."""


def open_lineage(closure: Closure, namespace: str) -> str:
    """Return the events of all calls of *closure*, the sources first, one a line."""
    known = {entry.record.id: entry.record for entry in closure.entries}
    lines: list[str] = []
    for entry in closure.entries:
        run = closure.runs.get(entry.record.run_id)
        lines += events_of(entry, run, closure.own_source(entry.record), known, namespace)
    return "".join(f"{line}\n" for line in lines)


def events_of(
    entry: Entry,
    run: Run | None,
    source: str | None,
    known: Mapping[ArtifactId, ArtifactRecord],
    namespace: str,
) -> Iterator[str]:
    """Yield the start and the end of a call as JSON texts.

    Args:
        entry: The artifact that the call made.
        run: The process that it ran in.
        source: The source of the function.
        known: Records of the artifacts that the call used, as far as they are known.
        namespace: The namespace of functions and artifacts.
    """
    record = entry.record
    job_type: dict[str, Json] = {
        "processingType": "BATCH",
        "integration": "PROVENANCE",
        "jobType": "FUNCTION",
    }
    about: dict[str, Json] = {"jobType": _facet("JobTypeJobFacet", "2-0-4", job_type)}
    if source is not None:
        code: dict[str, Json] = {"language": "python", "sourceCode": source}
        about["sourceCode"] = _facet("SourceCodeJobFacet", "1-0-1", code)
    job: Json = {"namespace": namespace, "name": record.name, "facets": about}
    facets: dict[str, Json] = {"executionParameters": _parameters(entry)}
    if run is not None:
        engine: dict[str, Json] = {
            "version": str(run.python.get("version") or "unknown"),
            "name": str(run.python.get("implementation") or "Python"),
        }
        facets["processing_engine"] = _facet("ProcessingEngineRunFacet", "1-1-1", engine)
    inputs: list[Json] = [
        _dataset(known[used], namespace)
        if used in known
        else {"namespace": namespace, "name": used}
        for used in dict.fromkeys(used for _, used in entry.uses)
    ]
    statistics = _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", {"size": record.size_bytes})
    output: dict[str, Json] = {
        **_dataset(record, namespace),
        "outputFacets": {"outputStatistics": statistics},
    }
    for kind, moment in (
        ("START", record.computed_at.isoformat()),
        ("COMPLETE", entry.ended_at.isoformat()),
    ):
        event: Json = {
            "eventType": kind,
            "eventTime": moment,
            "producer": PRODUCER,
            "schemaURL": _EVENT,
            "run": {"runId": run_uuid(record.id), "facets": facets},
            "job": job,
            "inputs": inputs,
            "outputs": [output],
        }
        yield json.dumps(event, ensure_ascii=False)


def run_uuid(artifact_id: str) -> str:
    """Return the UUID, version 5 of RFC 9562, of the call that made an artifact.

    >>> run_uuid("88311853d7c885426fc5686543fe1412c62c0aac")
    '7f6e7647-e286-5468-8aab-3a607f12854e'
    """
    name = f"urn:provenance:artifact:{artifact_id}".encode()
    data = bytearray(hashlib.sha1(_URL_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    data[6] = data[6] & 0x0F | 0x50
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _facet(name: str, version: str, facts: dict[str, Json]) -> dict[str, Json]:
    schema = f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **facts}


def _parameters(entry: Entry) -> Json:
    given: list[Json] = [
        {"key": name, "name": name, "value": json_text(value)} for name, value in entry.plain
    ]
    return _facet("ExecutionParametersRunFacet", "1-0-0", {"parameters": given})


def _dataset(record: ArtifactRecord, namespace: str) -> dict[str, Json]:
    version = _facet("DatasetVersionDatasetFacet", "1-0-1", {"datasetVersion": record.value_id})
    source: dict[str, Json] = {
        "name": namespace,
        "uri": f"urn:provenance:repository:{quote(namespace, safe='')}",
    }
    facets: Json = {
        "version": version,
        "dataSource": _facet("DatasourceDatasetFacet", "1-0-1", source),
    }
    return {"namespace": namespace, "name": f"{record.name}/{record.id}", "facets": facets}
