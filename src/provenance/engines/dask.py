"""Dask: an engine over a client, and the environment for workers of those who write Dask themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from attrs import frozen

from provenance import environment as environments
from provenance.engines.functions import open_environment, pack_environment
from provenance.engines.pools import FutureLike, Pool
from provenance.engines.shipping import Committer
from provenance.util.optional import require_library

_HEAVY: Final = 1_000_000
"""Size in bytes from which a batch goes to a worker past the scheduler."""


@frozen
class DaskEngine:
    """Runs calls on the workers of a Dask cluster, in batches; the client stays open."""

    name = "dask"
    client: Any
    commit: Committer = "auto"

    def open(self) -> AbstractContextManager[Pool]:
        """Use the client."""
        client = self.client

        def submit(work: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
            sent = client.scatter(payload, hash=False) if len(payload) > _HEAVY else payload
            future: FutureLike = client.submit(work, sent, pure=False)
            return future

        return nullcontext(Pool(submit, max(1, sum(client.nthreads().values())), retries=True))


def dask(client: object, *, commit: Committer = "auto") -> DaskEngine:
    """Return the engine that runs calls on a Dask cluster.

    Args:
        client: A `distributed.Client`.
        commit: As for `processes`.

    Raises:
        MissingLibraryError: without the library distributed.
    """
    require_library("distributed", "the engine dask")
    return DaskEngine(client, commit)


def environment_plugin() -> Any:  # noqa: ANN401 - Dask's type
    """Return a plugin for `client.register_plugin`: workers, also later ones, store results where this process does.

    Then plain `client.map(fn, …)` and `dask.delayed(fn)` do so, too. A worker that does not reach the
    repository refuses the plugin with an `EngineError`.

    Raises:
        MissingLibraryError: without the library distributed.
        EngineError: if the repository is in the memory of this process.
    """
    base: Any = require_library("distributed", "a plugin for Dask").WorkerPlugin
    packed = pack_environment(environments.current())

    def setup(_: object, worker: object) -> None:  # noqa: ARG001 - as Dask calls it
        environments.install(open_environment(*packed))

    return type("EnvironmentPlugin", (base,), {"name": "provenance", "setup": setup})()
