"""Ray: an engine, and remote functions with their environment for those who write Ray themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from attrs import frozen

from provenance.calls.function import CachedFunction
from provenance.engines.functions import in_context
from provenance.engines.pools import FutureLike, Pool
from provenance.engines.shipping import Committer
from provenance.util.optional import require_library


@frozen
class RayEngine:
    """Runs calls as tasks of Ray with these options; Ray is started if it does not run."""

    name = "ray"
    options: Mapping[str, object]
    commit: Committer = "auto"

    def open(self) -> AbstractContextManager[Pool]:
        """Use the cluster that is connected, or start one on this machine."""
        library = require_library("ray", "the engine ray")
        if not library.is_initialized():
            library.init()
        # Ray's own retries would hide which call ends its worker.
        options = {"max_retries": 0, **self.options}

        def submit(work: Callable[[bytes], bytes], payload: bytes) -> FutureLike:
            task: Any = library.remote(**options)(work) if options else library.remote(work)
            future: FutureLike = task.remote(payload).future()
            return future

        return nullcontext(Pool(submit, max(1, int(library.cluster_resources().get("CPU", 1)))))


def ray(*, commit: Committer = "auto", **options: object) -> RayEngine:
    """Return the engine that runs calls as tasks of Ray.

    Args:
        commit: As for `processes`.
        **options: As for `ray.remote`, such as `num_cpus=2`.

    Raises:
        MissingLibraryError: without the library ray.
    """
    require_library("ray", "the engine ray")
    return RayEngine(options, commit)


def remote(function: CachedFunction[..., object], **options: object) -> Any:  # noqa: ANN401 - Ray's type
    """Return a decorated function as a remote function of Ray, which computes in the environment of this process.

    Args:
        function: A decorated function.
        **options: As for `ray.remote`.
    """
    library = require_library("ray", "engines.ray.remote")
    call = in_context(cast("Callable[..., object]", function))

    @functools.wraps(function.__wrapped__)
    def plain(*args: object, **kwargs: object) -> object:
        return call(*args, **kwargs)

    return library.remote(**options)(plain) if options else library.remote(plain)
