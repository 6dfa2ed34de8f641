"""Decorated functions for other people's schedulers: as plain functions, and with their context."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Final, Generic, ParamSpec, TypeVar, cast

from provenance import environment as environments
from provenance.calls.function import CachedFunction, is_async
from provenance.engines.shipping import Description, describe, dump, open_description
from provenance.engines.worker import report
from provenance.environment import Environment, using_environment
from provenance.errors import EngineError, ProvenanceError
from provenance.repository.stores import is_in_memory
from provenance.util.formatting import describe_error
from provenance.util.naming import exported
from provenance.util.optional import require_library

P = ParamSpec("P")
R = TypeVar("R")

_ADVICE: Final = (
    "use a repository that both reach (PostgreSQL, or files on a shared disk), or fn.map, which "
    "stores the results of such workers here"
)


def as_function(function: CachedFunction[P, R]) -> Callable[P, R]:
    """Return a plain function that calls a decorated one, for libraries that accept nothing else.

    `ray.remote` and Spark's `applyInPandas` are such libraries.

    Args:
        function: The decorated function.

    Raises:
        TypeError: if *function* is not decorated.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> type(p.as_function(squares)).__name__
        'function'
    """
    if not isinstance(cast("object", function), CachedFunction):
        raise TypeError(f"expected a decorated function, got {function!r}")
    if is_async(function):
        awaited = cast("CachedFunction[P, Coroutine[object, object, object]]", function)

        @functools.wraps(function.__wrapped__)
        async def plain_async(*args: P.args, **kwargs: P.kwargs) -> object:
            return await awaited(*args, **kwargs)

        return cast("Callable[P, R]", plain_async)

    @functools.wraps(function.__wrapped__)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return plain


class _InContext(Generic[P, R]):
    """Calls a function in a copy of the context in which this was made.

    In another process, where contexts cannot go, it calls the function in the environment.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(cast("Callable[..., object]", self), function, updated=())
        self._function = function
        self._context = copy_context()

    @property
    def _environment(self) -> Environment:
        """The environment of that context."""
        return self._context.copy().run(environments.current)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered once at a time.
        return self._context.copy().run(self._function, *args, **kwargs)

    def __dask_tokenize__(self) -> tuple[object, ...]:
        """Return what stands for this in keys of Dask: the function, and where its results are stored."""
        tokenize = require_library("dask.base", "a token of Dask").tokenize
        repository_id = self._environment.repository().repository_id
        return "provenance.in_context", tokenize(self._function), repository_id

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the function, the environment as data, and the id of its repository.

        Raises:
            EngineError: if the repository is in the memory of this process.
        """
        function = dump(self._function, self._environment.repository())
        return restore_in_environment, (function, *pack_environment(self._environment))


def pack_environment(environment: Environment) -> tuple[bytes, str]:
    """Return an environment as data, and the id of its default repository.

    Raises:
        EngineError: if that is in the memory of this process.
    """
    repo, description = environment.repository(), describe(environment)
    if description.default is None or is_in_memory(repo):
        problem = f"repository {repo.name!r} cannot be reached from another process"
        raise EngineError(problem, _ADVICE)
    return pickle.dumps(description), repo.repository_id


class _InEnvironment(_InContext[P, R]):
    """Calls a function in an environment that came from another process, in the context of the caller."""

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with using_environment(self._environment):
            return self._function(*args, **kwargs)


@exported
def restore_in_environment(
    function: bytes, description: bytes, repository_id: str
) -> Callable[..., object]:
    """Unpickle what `in_context` returned. Pickles name this function.

    Raises:
        EngineError: if this process does not reach the repository.
    """
    environment = open_environment(description, repository_id)
    with using_environment(environment):
        return _InEnvironment(pickle.loads(function))


@functools.lru_cache(maxsize=4)
def open_environment(description: bytes, repository_id: str) -> Environment:
    """Open an environment, and make sure that its repository has this id.

    Raises:
        EngineError: if it cannot be opened here, or is another one.
    """
    given: Description = pickle.loads(description)
    try:
        environment = open_description(given)
        repo = environment.repository()
        found = repo.repository_id
    except ProvenanceError as error:
        raise EngineError(report(describe_error(error)), _ADVICE) from error
    if found != repository_id:
        raise EngineError(report(f"it uses another repository, {repo.records_at}"), _ADVICE)
    return environment


def in_context(function: Callable[P, R]) -> Callable[P, R]:
    """Return *function*, which runs in the context of this call wherever an executor calls it.

    In threads, `using_repo`, `using_results` and `capture_set` hold there, too:
    `executor.map(p.in_context(fn), items)`. Other processes get the environment: those of joblib,
    Dask, Ray or Spark store results in the same repository, or raise an `EngineError`.

    Args:
        function: The function, decorated or not.

    Raises:
        TypeError: if *function* is not callable.

    Example:
        >>> import provenance as p
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.using_repo(p.MemoryRepo("scratch")) as repo, ThreadPoolExecutor(2) as pool:
        ...     _ = list(pool.map(p.in_context(squares), [2, 3]))
        ...     len(list(repo))
        2
    """
    return _InContext(function)
