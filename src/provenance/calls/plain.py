"""Plain calls, of builtin scalars: their ids need no plan, which is made when something asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from provenance.calls import execute
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
    """Calls of one function in one environment whose arguments are builtin scalars, which are looked up in bulk."""

    def __init__(self, environment: Environment, spec: FunctionSpec, ids: ScalarIds) -> None:
        self._environment = environment
        self._spec = spec
        self._results = environment.results_with(spec.options.results)
        self.repo = environment.repository(spec.options.repo)
        self.find_ids = ids.find

    @classmethod
    def of(cls, environment: Environment, spec: FunctionSpec) -> PlainCalls | None:
        """Return the plain calls of a function; None if its options ask for more than a look-up."""
        options = spec.options
        asks = options.expires_after or options.valid_if or options.shadow or environment.shadow
        chosen = options.use_cache
        uses_cache = environment.use_cache if chosen is None else chosen
        ids = ScalarIds.of(spec) if uses_cache and not asks and not spec.wrapped.is_async else None
        return None if ids is None else cls(environment, spec, ids)

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
        call = execute.prepare(self._environment, self._spec, args[record.id], {})
        return execute.read_or_recover(call, record)
