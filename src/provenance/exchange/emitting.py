"""OpenLineage events of calls as they end."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final

from attrs import field, frozen

from provenance import environment
from provenance.config import exchange as wiring
from provenance.effect import Program, run
from provenance.environment import RepositoryOrName
from provenance.errors import StoreUnavailableError
from provenance.events import Event, Miss, Recomputed, Recovered
from provenance.exchange.closure import entry_of, own_source
from provenance.exchange.openlineage import events_of
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord
from provenance.ports.history import FindReceipt, FindSources
from provenance.ports.records import FindInputs, FindRecord, FindRun, find_code
from provenance.repository.inputs import recorded_inputs
from provenance.telemetry import Subscription, subscribe

_log: Final = logging.getLogger("provenance")
_PATIENCE: Final = 3
"""Failures in a row after which nothing more is sent."""


def emit_openlineage(
    target: str | os.PathLike[str],
    *,
    namespace: str = "default",
    repo: RepositoryOrName | None = None,
    headers: Mapping[str, str] | None = None,
) -> Subscription:
    """Send an OpenLineage event for the start and one for the end of each call that is computed and stored, from now on.

    Hits are not sent, as nothing runs then. Events are sent when the call has ended, in its thread. A target that fails is
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
        """Send what is recorded of a call that was computed."""
        if not isinstance(event, Miss | Recomputed | Recovered) or not event.stored:
            return
        if len(self.failures) >= _PATIENCE:
            return
        repo = environment.current().repository(self.repo)
        lines = run(_lines(event.artifact_id, self.namespace), repo.interpreter)
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
) -> Program[FindRecord | FindInputs | FindRun | FindReceipt | FindSources, tuple[str, ...]]:
    """Return the events of the call that made an artifact; none if it is in another repository."""
    record = yield from FindRecord(artifact_id)
    text = None if record is None else (yield from FindInputs(artifact_id))
    if record is None or text is None:
        return ()
    entry = entry_of(record, recorded_inputs(text))
    known: dict[ArtifactId, ArtifactRecord] = {}
    for _, used in entry.uses:
        found = yield from FindRecord(used)
        known |= {} if found is None else {used: found}
    process = yield from FindRun(record.run_id)
    source = own_source((yield from find_code(record.code)))
    return tuple(events_of(entry, process, source, known, namespace))
