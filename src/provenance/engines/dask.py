"""Dask: an engine over a client, and what plain Dask needs: an environment for workers, tokens and sizes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen

from provenance.engines.pools import FutureLike, FuturePool, Pool
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

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Use the client."""
        client = self.client

        def submit(work: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
            sent = client.scatter(payload, hash=False) if len(payload) > _HEAVY else payload
            future: FutureLike = client.submit(work, sent, pure=False)
            return future

        pool = FuturePool(submit, max(1, sum(client.nthreads().values())), retries=True)
        try:
            yield pool
        finally:
            pool.recall()


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
