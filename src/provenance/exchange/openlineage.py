"""OpenLineage: each call as a run event, one JSON object a line.

See https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets beside it. A job is a function, its output the artifact, its
inputs the artifacts among the arguments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from attrs import evolve, frozen

from provenance.events import Raised
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
    used = dict.fromkeys(used for _, used in entry.uses)
    about = _About(
        run_uuid(record.id),
        _job(record.name, source, namespace),
        {"executionParameters": _parameters(entry), **_process(run, namespace)},
        _datasets(used, known, namespace),
    )
    statistics = _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", {"size": record.size_bytes})
    output: dict[str, Json] = {
        **_dataset(record, namespace),
        "outputFacets": {"outputStatistics": statistics},
    }
    yield about.event("START", record.computed_at, [output])
    yield about.event("COMPLETE", entry.ended_at, [output])


def failed_events_of(
    raised: Raised,
    run: Run | None,
    known: Mapping[ArtifactId, ArtifactRecord],
    namespace: str,
) -> Iterator[str]:
    """Yield the start and the failure of a call as JSON texts; for arguments, see `events_of`.

    The run has an id of its own, as the same call may succeed later.
    """
    about = _About(
        _uuid(f"failure:{raised.artifact_id}:{raised.started_at.isoformat()}"),
        _job(raised.name, None, namespace),
        _process(run, namespace),
        _datasets(sorted(raised.inputs), known, namespace),
    )
    yield about.event("START", raised.started_at, [])
    error = _facet(
        "ErrorMessageRunFacet",
        "1-0-1",
        {"message": raised.error, "programmingLanguage": "PYTHON"},
    )
    ended = raised.started_at + timedelta(seconds=raised.seconds)
    yield evolve(about, facets={**about.facets, "errorMessage": error}).event("FAIL", ended, [])


@frozen
class _About:
    """What the events of a run have in common."""

    run_id: str
    job: Json
    facets: Mapping[str, Json]
    inputs: list[Json]

    def event(self, kind: str, moment: datetime, outputs: list[Json]) -> str:
        """Return the event of this kind as a JSON text."""
        event: Json = {
            "eventType": kind,
            "eventTime": moment.isoformat(),
            "producer": PRODUCER,
            "schemaURL": _EVENT,
            "run": {"runId": self.run_id, "facets": {**self.facets}},
            "job": self.job,
            "inputs": self.inputs,
            "outputs": outputs,
        }
        return json.dumps(event, ensure_ascii=False)


def _job(name: str, source: str | None, namespace: str) -> Json:
    job_type: dict[str, Json] = {
        "processingType": "BATCH",
        "integration": "PROVENANCE",
        "jobType": "FUNCTION",
    }
    about: dict[str, Json] = {"jobType": _facet("JobTypeJobFacet", "2-0-4", job_type)}
    if source is not None:
        code: dict[str, Json] = {"language": "python", "sourceCode": source}
        about["sourceCode"] = _facet("SourceCodeJobFacet", "1-0-1", code)
    return {"namespace": namespace, "name": name, "facets": about}


def _process(run: Run | None, namespace: str) -> dict[str, Json]:
    """Return the facets about the process of a call, which is its parent; the driver of a worker is the root."""
    if run is None:
        return {}
    engine: dict[str, Json] = {
        "version": str(run.python.get("version") or "unknown"),
        "name": str(run.python.get("implementation") or "Python"),
    }
    job: Json = {"namespace": namespace, "name": "process"}
    parent: dict[str, Json] = {"run": {"runId": _uuid(f"run:{run.id}")}, "job": job}
    if run.parent_id is not None:
        parent["root"] = {"run": {"runId": _uuid(f"run:{run.parent_id}")}, "job": job}
    return {
        "processing_engine": _facet("ProcessingEngineRunFacet", "1-1-1", engine),
        "parent": _facet("ParentRunFacet", "1-2-0", parent),
    }


def run_uuid(artifact_id: str) -> str:
    """Return the UUID, version 5 of RFC 9562, of the call that made an artifact.

    >>> run_uuid("88311853d7c885426fc5686543fe1412c62c0aac")
    '7f6e7647-e286-5468-8aab-3a607f12854e'
    """
    return _uuid(f"artifact:{artifact_id}")


def _uuid(name: str) -> str:
    urn = f"urn:provenance:{name}".encode()
    data = bytearray(hashlib.sha1(_URL_NAMESPACE + urn, usedforsecurity=False).digest()[:16])
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


def _datasets(
    used: Iterable[ArtifactId], known: Mapping[ArtifactId, ArtifactRecord], namespace: str
) -> list[Json]:
    return [
        _dataset(known[artifact_id], namespace)
        if artifact_id in known
        else {"namespace": namespace, "name": artifact_id}
        for artifact_id in used
    ]


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
