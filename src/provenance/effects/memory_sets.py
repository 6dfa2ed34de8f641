"""Sets in memory."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from provenance.effects.locks import Shared
from provenance.ids import ArtifactId, SetId
from provenance.queries import carries
from provenance.records import Options, SetRecord
from provenance.wire import labels_from, labels_text


class MemorySets(Shared):
    """Sets in a dictionary, the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[tuple[SetId, str], SetRecord] = {}

    def put_set(self, record: SetRecord) -> SetRecord:
        """Store the set as the newest of its labels."""
        text = labels_text(record.labels)
        with self.lock:
            self._sets.pop((record.id, text), None)
            self._sets[record.id, text] = evolve(record, labels=labels_from(text))
        return record

    def find_set(self, set_id: SetId) -> SetRecord | None:
        """Return the newest record of this id, or None."""
        return self._newest(lambda record: record.id == set_id)

    def find_set_ids(self, prefix: str, limit: int, after: str = "") -> tuple[SetId, ...]:
        """Return up to *limit* ids that begin with *prefix* and follow *after*, in order."""
        with self.lock:
            ids = {key for key, _ in self._sets if key.startswith(prefix) and key > after}
        return tuple(sorted(ids)[:limit])

    def find_labelled(self, labels: Options) -> SetRecord | None:
        """Return the newest set that has *labels*, or None."""
        return self._newest(lambda record: carries(record.labels, labels))

    def drop_set(self, set_id: SetId) -> bool:
        """Delete all records of this id."""
        with self.lock:
            keys = [key for key in self._sets if key[0] == set_id]
            for key in keys:
                del self._sets[key]
        return bool(keys)

    def find_pins(self, artifact_id: ArtifactId) -> tuple[SetId, ...]:
        """Return the ids of the sets that contain the artifact, in order."""
        with self.lock:
            ids = {
                record.id for record in self._sets.values() if artifact_id in record.artifact_ids
            }
        return tuple(sorted(ids))

    def is_member(self, artifact_id: ArtifactId) -> bool:
        """Return whether a set contains the artifact; without the lock, as callers hold another."""
        return any(artifact_id in record.artifact_ids for record in list(self._sets.values()))

    def _newest(self, matches: Callable[[SetRecord], bool]) -> SetRecord | None:
        with self.lock:
            matching = [record for record in self._sets.values() if matches(record)]
        return max(reversed(matching), key=lambda record: record.created_at, default=None)
