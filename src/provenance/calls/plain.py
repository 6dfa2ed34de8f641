"""Plain calls, of builtin scalars: their ids need no plan, which is made when something asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from provenance.calls import execute
from provenance.calls.draft import Call
from provenance.calls.hits import known_value, remember_value
from provenance.calls.spec import FunctionSpec, ScalarIds
from provenance.environment import Environment
from provenance.errors import BlobNotFoundError, CorruptBlobError
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Origin
from provenance.repository.handles import RecoveringOrigin
from provenance.results.handles import make_proxy

Arguments: TypeAlias = tuple[object, ...]


class PlainCalls:
    """Calls of one function in one environment, which are looked up in bulk.

    `find_id` returns the id of a call; None if the call is to be planned.
    """

    def __init__(self, environment: Environment, spec: FunctionSpec) -> None:
        self._environment = environment
        self._spec = spec
        self._results = environment.results_with(spec.options.results)
        self.repo = environment.repository(spec.options.repo)
        ids = ScalarIds.of(spec) if self._looks_up() else None
        self.find_id: Callable[[Arguments], ArtifactId | None]
        self.find_id = _never if ids is None else ids.find

    def _looks_up(self) -> bool:
        """Tell whether each stored result of the present code is a hit."""
        environment, options = self._environment, self._spec.options
        asks = options.expires_after or options.valid_if or options.shadow or environment.shadow
        chosen = options.use_cache
        uses_cache = environment.use_cache if chosen is None else chosen
        return uses_cache and not asks and not self._spec.wrapped.is_async

    def prepare(self, args: Arguments) -> Call:
        """Return the call, planned; raises as `execute.prepare` does."""
        return execute.prepare(self._environment, self._spec, args, {})

    def is_hit(self, record: ArtifactRecord) -> bool:
        """Tell whether the *record* of a call is a hit without further questions."""
        return record.code == self._spec.receipt.digest and not record.composite

    def origin(self, args: Mapping[ArtifactId, Arguments]) -> Origin:
        """Return the origin of the results of some calls, whose arguments are given by their ids."""
        return RecoveringOrigin(self.repo, partial(self._read, args))

    def result(self, origin: Origin, record: ArtifactRecord) -> object:
        """Return the stored result of a hit, as `execute.make_hit_proxy` does."""
        return make_proxy(record, origin, known_value(record), options=self._results)

    def _read(self, args: Mapping[ArtifactId, Arguments], record: ArtifactRecord) -> object:
        with suppress(BlobNotFoundError, CorruptBlobError):
            current, value = self.repo.read_value(record)
            remember_value(current, value)
            return value
        return execute.read_or_recover(self.prepare(args[record.id]), record)


def _never(_: Arguments) -> None:
    return None
