"""OpenLineage: each call as a run event, one JSON object a line; also as calls end or fail.

See https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets beside it. A job is a function, its output the artifact, its
inputs the artifacts among the arguments.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from attrs import evolve, field, frozen

from provenance import environment
from provenance.config import exchange as wiring
from provenance.effect import Program, run
from provenance.environment import RepositoryOrName
from provenance.errors import StoreUnavailableError
from provenance.events import Event, Miss, Raised, Recomputed, Recovered
from provenance.exchange.closure import Closure, Entry, entry_of, own_source
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Json, Run
from provenance.model.rows import json_text
from provenance.ports.history import FindReceipt, FindSources
from provenance.ports.machine import CurrentRun
from provenance.ports.records import FindInputs, FindMany, FindRecord, FindRun, find_code
from provenance.repository.inputs import recorded_inputs
from provenance.telemetry import Subscription, subscribe

PRODUCER: Final = "urn:python:provenance"
_SPEC: Final = "https://openlineage.io/spec"
_EVENT: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_URL_NAMESPACE: Final = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
"""The namespace for URLs of RFC 9562."""
_log: Final = logging.getLogger("provenance")
_PATIENCE: Final = 3
"""Failures in a row after which nothing more is sent."""


def open_lineage(closure: Closure, namespace: str) -> str:
    """Return the events of all calls of *closure*, the sources first, one a line."""
    known = {entry.record.id: entry.record for entry in closure.entries}
    lines: list[str] = []
    for entry in closure.entries:
        process = closure.runs.get(entry.record.run_id)
        source = own_source(closure.code.get(entry.record.code))
        lines += events_of(entry, process, source, known, namespace)
    return "".join(f"{line}\n" for line in lines)


def events_of(
    entry: Entry,
    process: Run | None,
    source: str | None,
    known: Mapping[ArtifactId, ArtifactRecord],
    namespace: str,
) -> Iterator[str]:
    """Yield the start and the end of a call as JSON texts.

    Args:
        entry: The artifact that the call made.
        process: The process that it ran in.
        source: The source of the function.
        known: Records of the artifacts that the call used, as far as they are known.
        namespace: The namespace of functions and artifacts.
    """
    record = entry.record
    used = dict.fromkeys(used for _, used in entry.uses)
    given: list[Json] = [
        {"key": name, "name": name, "value": json_text(value)} for name, value in entry.plain
    ]
    parameters = _facet("ExecutionParametersRunFacet", "1-0-0", parameters=given)
    about = _About(
        run_uuid(record.id),
        _job(record.name, source, namespace),
        {"executionParameters": parameters, **_about_process(process, namespace)},
        _datasets(used, known, namespace),
    )
    statistics = _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", size=record.size_bytes)
    output: dict[str, Json] = {
        **_dataset(record, namespace),
        "outputFacets": {"outputStatistics": statistics},
    }
    yield about.event("START", record.computed_at, [output])
    yield about.event("COMPLETE", entry.ended_at, [output])


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
    job_type = _facet(
        "JobTypeJobFacet",
        "2-0-4",
        processingType="BATCH",
        integration="PROVENANCE",
        jobType="FUNCTION",
    )
    about: dict[str, Json] = {"jobType": job_type}
    if source is not None:
        about["sourceCode"] = _facet(
            "SourceCodeJobFacet", "1-0-1", language="python", sourceCode=source
        )
    return {"namespace": namespace, "name": name, "facets": about}


def _about_process(process: Run | None, namespace: str) -> dict[str, Json]:
    """Return the facets about the process of a call, which is its parent; the driver of a worker is the root."""
    if process is None:
        return {}
    engine = _facet(
        "ProcessingEngineRunFacet",
        "1-1-1",
        version=str(process.python.get("version") or "unknown"),
        name=str(process.python.get("implementation") or "Python"),
    )
    job: Json = {"namespace": namespace, "name": "process"}
    parent: dict[str, Json] = {"run": {"runId": _uuid(f"run:{process.id}")}, "job": job}
    if process.parent_id is not None:
        parent["root"] = {"run": {"runId": _uuid(f"run:{process.parent_id}")}, "job": job}
    return {
        "processing_engine": engine,
        "parent": _facet("ParentRunFacet", "1-2-0", **parent),
    }


def run_uuid(artifact_id: str) -> str:
    """Return the UUID, version 5 of RFC 9562, of the call that made an artifact.

    >>> run_uuid("88311853d7c885426fc5686543fe1412c62c0aac")
    '7f6e7647-e286-5468-8aab-3a607f12854e'
    """
    return _uuid(f"artifact:{artifact_id}")


def _uuid(name: str) -> str:
    # The module uuid also makes random ones, so the core does not import it.
    urn = f"urn:provenance:{name}".encode()
    data = bytearray(hashlib.sha1(_URL_NAMESPACE + urn, usedforsecurity=False).digest()[:16])
    data[6] = data[6] & 0x0F | 0x50
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _facet(kind: str, release: str, **facts: Json) -> dict[str, Json]:
    schema = f"{_SPEC}/facets/{release}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **facts}


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
    uri = f"urn:provenance:repository:{quote(namespace, safe='')}"
    facets: Json = {
        "version": _facet("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=record.value_id),
        "dataSource": _facet("DatasourceDatasetFacet", "1-0-1", name=namespace, uri=uri),
    }
    return {"namespace": namespace, "name": f"{record.name}/{record.id}", "facets": facets}


# ---------------------------------------------------------------- calls as they end or fail


def emit_openlineage(
    target: str | os.PathLike[str],
    *,
    namespace: str = "default",
    repo: RepositoryOrName | None = None,
    headers: Mapping[str, str] | None = None,
) -> Subscription:
    """Send an OpenLineage event for the start and one for the end of each call that is computed and stored, from now on.

    A call whose function raises has the end `FAIL`, with type and message of the exception. Hits are not sent, as nothing runs then. Events are sent when the call has ended, in its thread. A target that fails is
    logged, fails no call, and is left alone after three failures in a row.

    Args:
        target: A file, to which each event is appended as a line, or an address with http or https, to which it is posted.
        namespace: The namespace of jobs and data sets.
        repo: The repository that has the artifacts, or its name; by default the default one at the time of the call.
        headers: HTTP headers, such as one with a token.

    Returns:
        A subscription that ends when it is cancelled, or at the end of its `with` block.

    Raises:
        ConfigError: if *target* is an address of another kind.

    Example:
        >>> import provenance as p
        >>> from pathlib import Path
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.emit_openlineage("events.ndjson"):
        ...     _ = squares(2)
        >>> len(Path("events.ndjson").read_text().splitlines())
        2
    """
    outlet = wiring.open_outlet(os.fspath(target), headers or {})
    return subscribe(_Emitter(outlet, namespace, repo).receive)


@frozen(eq=False)
class _Emitter:
    outlet: Callable[[str], None]
    namespace: str
    repo: RepositoryOrName | None
    failures: list[str] = field(factory=list)

    def receive(self, event: Event) -> None:
        """Send what is recorded of a call that was computed, or what is known of one that raised."""
        if len(self.failures) >= _PATIENCE:
            return
        ask = environment.current().repository(self.repo).interpreter
        match event:
            case Raised():
                lines = run(_failed_lines(event, self.namespace), ask)
            case Miss() | Recomputed() | Recovered() if event.stored:
                lines = run(_lines(event.artifact_id, self.namespace), ask)
            case _:
                return
        try:
            for line in lines:
                self.outlet(line)
        except StoreUnavailableError as error:
            self.failures.append(error.reason)
            end = "; no more events are sent" if len(self.failures) == _PATIENCE else ""
            _log.warning("an OpenLineage event was not sent: %s%s", error, end)
        else:
            self.failures.clear()


def _lines(
    artifact_id: ArtifactId, namespace: str
) -> Program[
    FindRecord | FindMany | FindInputs | FindRun | FindReceipt | FindSources, tuple[str, ...]
]:
    """Return the events of the call that made an artifact; none if it is in another repository."""
    record = yield from FindRecord(artifact_id)
    text = None if record is None else (yield from FindInputs(artifact_id))
    if record is None or text is None:
        return ()
    entry = entry_of(record, recorded_inputs(text))
    known = yield from FindMany(tuple(used for _, used in entry.uses))
    process = yield from FindRun(record.run_id)
    source = own_source((yield from find_code(record.code)))
    return tuple(events_of(entry, process, source, known, namespace))


def _failed_lines(
    raised: Raised, namespace: str
) -> Program[FindMany | CurrentRun, tuple[str, ...]]:
    """Return the start and the failure of a call, of which nothing is recorded.

    The run has an id of its own, as the same call may succeed later.
    """
    known = yield from FindMany(tuple(raised.inputs))
    process = yield from CurrentRun()
    about = _About(
        _uuid(f"failure:{raised.artifact_id}:{raised.started_at.isoformat()}"),
        _job(raised.name, None, namespace),
        _about_process(process, namespace),
        _datasets(sorted(raised.inputs), known, namespace),
    )
    error = _facet(
        "ErrorMessageRunFacet", "1-0-1", message=raised.error, programmingLanguage="PYTHON"
    )
    failed = evolve(about, facets={**about.facets, "errorMessage": error})
    ended = raised.started_at + timedelta(seconds=raised.seconds)
    start = about.event("START", raised.started_at, [])
    return start, failed.event("FAIL", ended, [])
