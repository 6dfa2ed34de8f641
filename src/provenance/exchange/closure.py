"""What is exported together: artifacts with all that they were made from, their runs and sets, and what is left out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, cast

from attrs import evolve, field, frozen

from provenance.effect import Program
from provenance.model.history import CodeReceipt
from provenance.model.ids import ArtifactId, DerivationId, RunId
from provenance.model.records import ArtifactRecord, Blob, Derivation, Json, Run, SetRecord
from provenance.ports.history import FindDerivations, FindReceipt, FindSources
from provenance.ports.records import FindInputs, FindRecord, FindRun, find_code, find_inputs
from provenance.repository.inputs import recorded_inputs
from provenance.repository.transfer import required_records, sources_first

OWN: Final = "."
"""The name of the function itself in a code receipt."""


@frozen
class Entry:
    """An artifact of a closure: its record, the recorded arguments by parameter, and the artifacts among them.

    `uses` are pairs of a parameter and an artifact; the parameter is empty where the arguments do not name it. `derivations`
    are other inputs with equal values, by which later calls obtained the artifact.
    """

    record: ArtifactRecord
    inputs: Mapping[str, Json]
    uses: tuple[tuple[str, ArtifactId], ...]
    derivations: tuple[Derivation, ...] = ()

    @property
    def plain(self) -> Iterator[tuple[str, Json]]:
        """The arguments that are not artifacts, by parameter."""
        for name, value in self.inputs.items():
            if _artifact_in(value) is None:
                yield name, value

    @property
    def ended_at(self) -> datetime:
        """When the call ended."""
        return self.record.computed_at + timedelta(seconds=self.record.compute_duration)


@frozen
class Closure:
    """Artifacts with all that they were made from, sources first."""

    roots: tuple[ArtifactId, ...]
    entries: tuple[Entry, ...]
    runs: Mapping[RunId, Run]
    sets: tuple[SetRecord, ...] = ()
    code: Mapping[str, CodeReceipt] = field(factory=dict[str, CodeReceipt])
    """Code receipts with their sources, by digest."""
    by_call: Mapping[ArtifactId, DerivationId] = field(factory=dict[ArtifactId, DerivationId])
    """The derivations by which the exported calls obtained their results, where they are not the recorded ones."""
    evicted: frozenset[ArtifactId] = frozenset()
    """Artifacts whose values were evicted, so that a bundle has no file of them."""

    @property
    def blobs(self) -> dict[Blob, None]:
        """The bytes of all artifacts that a bundle holds."""
        return {
            blob: None
            for entry in self.entries
            for blob in entry.record.blobs
            if not (entry.record.id in self.evicted and blob == entry.record.value_blob)
        }

    @property
    def sources(self) -> dict[str, str]:
        """The recorded sources of all functions by digest."""
        return {
            digest: text for known in self.code.values() for digest, text in known.sources.items()
        }

    def source_digests(self, record: ArtifactRecord) -> tuple[str, ...]:
        """Return the digests of the recorded sources behind an artifact, its function's own first."""
        known = self.code.get(record.code)
        if known is None:
            return ()
        named = sorted(known.digests.items(), key=lambda pair: (pair[0] != OWN, pair[0]))
        return tuple(dict.fromkeys(digest for _, digest in named if digest in known.sources))

    @property
    def used(self) -> set[ArtifactId]:
        """The artifacts that calls used, also those that have been deleted."""
        derivations = [one for entry in self.entries for one in entry.derivations]
        recorded = {source for entry in self.entries for _, source in entry.uses}
        return recorded.union(*[one.input_artifact_ids for one in derivations])

    @property
    def ids(self) -> frozenset[ArtifactId]:
        """The ids of all artifacts."""
        return frozenset(entry.record.id for entry in self.entries)


def collect_closure(
    roots: Iterable[ArtifactId], repo: str, sets: tuple[SetRecord, ...] = ()
) -> Program[
    FindRecord | FindDerivations | FindInputs | FindRun | FindReceipt | FindSources, Closure
]:
    """Gather the records of *roots* and of all that they were made from; no value is read.

    Raises:
        ArtifactNotFoundError: if a root, or what its inputs were, is not recorded.
    """
    wanted = tuple(roots)
    found: dict[ArtifactId, ArtifactRecord] = {}
    for root in wanted:
        if root not in found:
            found |= {record.id: record for record in (yield from required_records(root, repo))}
    entries: list[Entry] = []
    runs: dict[RunId, Run] = {}
    code: dict[str, CodeReceipt] = {}
    for record in sources_first(found):
        text = yield from find_inputs(record.id, repo)
        derivations = yield from FindDerivations(record.id)
        for run_id in (record.run_id, *[derivation.run_id for derivation in derivations]):
            if run_id not in runs:
                run = yield from FindRun(run_id)
                runs |= {} if run is None else {run_id: run}
        if record.code not in code:
            receipt = yield from find_code(record.code)
            code |= {} if receipt is None else {record.code: receipt}
        entries.append(evolve(entry_of(record, recorded_inputs(text)), derivations=derivations))
    return Closure(wanted, tuple(entries), runs, sets, code)


def own_source(code: CodeReceipt | None) -> str | None:
    """Return the source of the function itself, if it is recorded."""
    return None if code is None else code.sources.get(code.digests.get(OWN, ""))


def entry_of(record: ArtifactRecord, inputs: Mapping[str, Json]) -> Entry:
    """Return the entry of *record*, whose arguments were recorded as *inputs*."""
    uses = {
        (name, source): None for name, value in inputs.items() for source in artifacts_in(value)
    }
    named = {source for _, source in uses}
    others = [("", source) for source in sorted(record.input_artifact_ids - named)]
    return Entry(record, inputs, (*uses, *others))


def artifacts_in(value: Json) -> Iterator[ArtifactId]:
    """Yield the artifacts that a recorded argument names, at any depth.

    >>> list(artifacts_in([{"artifact": "1f"}, {"x": {"artifact": "2e"}}, 3]))
    ['1f', '2e']
    """
    known = _artifact_in(value)
    if known is not None:
        yield known
    elif isinstance(value, dict):
        for member in value.values():
            yield from artifacts_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from artifacts_in(member)


def _artifact_in(value: Json) -> ArtifactId | None:
    if isinstance(value, dict) and value.keys() == {"artifact"}:
        return cast("ArtifactId", value["artifact"]) if isinstance(value["artifact"], str) else None
    return None


def redact_run(run: Run) -> Run:
    """Return *run* without what names its host, user, folders, command line or remote repository.

    What the user's hook added goes too, as nobody knows what it tells.
    """
    return evolve(
        run,
        host=_only(run.host, "system", "machine"),
        process={},
        python=_only(run.python, "version", "implementation"),
        git=None if run.git is None else _only(run.git, "commit", "dirty"),
        extra={},
    )


def _only(facts: Mapping[str, Json], *names: str) -> dict[str, Json]:
    return {name: value for name, value in facts.items() if name in names}


def redact(closure: Closure) -> Closure:
    """Return *closure* with redacted runs."""
    return evolve(closure, runs={run_id: redact_run(run) for run_id, run in closure.runs.items()})
