"""Spark: an engine over a session. Each batch is a task of a job of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from provenance.engines.pools import FutureLike, Pool
from provenance.engines.shipping import Committer
from provenance.util.optional import require_library


@frozen
class SparkEngine:
    """Runs calls in the executors of a Spark session, which stays open."""

    name = "spark"
    session: Any
    commit: Committer = "auto"

    @contextmanager
    def open(self) -> Generator[Pool]:
        """Use the session; each thread here waits for one job."""
        context = self.session.sparkContext
        width = max(1, int(context.defaultParallelism))
        with ThreadPoolExecutor(width, "provenance-spark") as threads:

            def collect(work: Callable[[bytes], bytes], payload: bytes) -> bytes:
                (answer,) = context.parallelize([payload], 1).map(work).collect()
                return bytes(answer)

            def submit(work: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
                return threads.submit(collect, work, payload)

            yield Pool(submit, width)


def spark(session: object, *, commit: Committer = "auto") -> SparkEngine:
    """Return the engine that runs calls in a Spark session.

    Set `PYSPARK_PYTHON` to the Python of this environment, or workers take that of the system.

    Args:
        session: A `pyspark.sql.SparkSession`.
        commit: As for `processes`.

    Raises:
        MissingLibraryError: without the library pyspark.
    """
    require_library("pyspark", "the engine spark")
    return SparkEngine(session, commit)
