"""Where a worker puts what the driver is to store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

from provenance.config import wiring
from provenance.config.schema import MemoryRepoSettings
from provenance.effect import Interpreter, overlay, run
from provenance.engines.shipping import Copy
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.blobs import ReadBlob
from provenance.ports.capabilities import AllEffects
from provenance.ports.copies import record_with_inputs
from provenance.ports.history import PutDerivation
from provenance.ports.records import ListIds, ReadStoredRecord
from provenance.repository.handles import Repository


class Outboxes:
    """Repositories in memory, by the names of those of the driver for which their artifacts are.

    They keep what was sent for later calls of the same map. Another map has others: its driver may have lost what was
    sent for this one, or never waited for it.
    """

    def __init__(self) -> None:
        self._opened: dict[str | None, tuple[Repository, set[ArtifactId]]] = {}
        self._derivations: list[tuple[str | None, PutDerivation]] = []

    def open(self, name: str | None) -> Repository:
        """Return the outbox for the driver's repository of this name, None for its default one."""
        if name not in self._opened:
            settings = MemoryRepoSettings(delete=True)
            repo = wiring.open_repository(name or "outbox", settings, Path(), None)
            self._opened[name] = repo.with_layer(partial(self._noting, name)), set()
        return self._opened[name][0]

    def _noting(self, name: str | None, base: Interpreter[AllEffects]) -> Interpreter[AllEffects]:
        """Return *base*, in which derivations are noted: artifacts that were sent before may get more of them."""

        def put(ask: PutDerivation) -> bool:
            self._derivations.append((name, ask))
            return base.answer_to(PutDerivation)(ask)

        return overlay(base, PutDerivation.on(put))

    def take_copies(self) -> list[Copy]:
        """Return copies of all artifacts that were made here since the last time."""
        return [
            copy
            for name, (repo, exported) in self._opened.items()
            for copy in _copies(repo, exported, name)
        ]

    def take_derivations(self) -> tuple[tuple[str | None, PutDerivation], ...]:
        """Return the derivations that were noted since the last time, each with the name of its repository."""
        taken, self._derivations = tuple(self._derivations), []
        return taken


def _copies(repo: Repository, exported: set[ArtifactId], name: str | None) -> Iterator[Copy]:
    """Yield copies of the artifacts of an outbox that are not *exported* yet."""
    ask, after = repo.interpreter, ""
    fresh: list[ArtifactId] = []
    while ids := ask(ListIds("", 500, after)):
        fresh += [artifact_id for artifact_id in ids if artifact_id not in exported]
        after = ids[-1]
    for artifact_id in fresh:
        record = cast("ArtifactRecord", ask(ReadStoredRecord(artifact_id)))
        blobs = {
            blob.id: cast("bytes", ask(ReadBlob(blob, lambda source: source.read())))
            for blob in record.blobs
        }
        yield Copy(run(record_with_inputs(record, repo.name), ask), blobs, name)
    exported.update(fresh)
