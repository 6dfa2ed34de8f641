"""Sets in the memory of this process."""

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
        """Keep the set as the newest of its labels."""
        text = labels_text(record.labels)
        with self.lock:
            self._sets.pop((record.id, text), None)
            self._sets[record.id, text] = evolve(record, labels=labels_from(text))
        return record

    def find_set(self, set_id: SetId) -> SetRecord | None:
        """The newest record of this id, or None."""
        return self._newest(lambda record: record.id == set_id)

    def find_set_ids(self, prefix: str, limit: int, after: str = "") -> tuple[SetId, ...]:
        """At most *limit* ids that begin with *prefix* and come after *after*, in order."""
        with self.lock:
            return tuple(sorted({each for each, _ in self._sets if each.startswith(prefix) and each > after})[:limit])

    def find_labelled(self, labels: Options) -> SetRecord | None:
        """The newest set that carries *labels*, or None."""
        return self._newest(lambda record: carries(record.labels, labels))

    def drop_set(self, set_id: SetId) -> bool:
        """Forget all records of this id."""
        with self.lock:
            keys = [key for key in self._sets if key[0] == set_id]
            for key in keys:
                del self._sets[key]
        return bool(keys)

    def find_pins(self, artifact_id: ArtifactId) -> tuple[SetId, ...]:
        """Ids of the sets that the artifact is in, in order."""
        with self.lock:
            return tuple(sorted({each.id for each in self._sets.values() if artifact_id in each.artifact_ids}))

    def is_member(self, artifact_id: ArtifactId) -> bool:
        """Whether a set has it as a member; asked by who holds another lock, so it waits for none."""
        return any(artifact_id in each.artifact_ids for each in list(self._sets.values()))

    def _newest(self, is_it: Callable[[SetRecord], bool]) -> SetRecord | None:
        with self.lock:
            fitting = [record for record in self._sets.values() if is_it(record)]
        return max(reversed(fitting), key=lambda record: record.created_at, default=None)
