"""Pickling of decorated functions: those of `__main__` travel with their code, and those in pools say where results belong.

`__main__` is another module in a worker process. A worker of a pool with another repository refuses to run a function. What the
picklers of such pools write says where results belong; other pickles do not, as they may be read years later, and only the
processes that the sender has started look at it.
"""

from __future__ import annotations

import functools
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from attrs import astuple, frozen

from provenance import environment as environments
from provenance.calls.draft import Call
from provenance.errors import EngineError, ProvenanceError
from provenance.model.records import NO_OPTIONS
from provenance.repository.handles import Repository
from provenance.repository.stores import is_copied_memory, is_in_memory
from provenance.telemetry import log
from provenance.util.context import setting
from provenance.util.formatting import describe_error
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.calls.spec import DecoratorOptions

_ADVICE: Final = (
    "send it as p.in_context(fn), use fn.map(…, engine=p.engines.futures(pool)), or configure the "
    "repository before the pool starts"
)
_DASK_ADVICE: Final = (
    "send it as p.in_context(fn), use fn.map(…, engine=p.engines.dask(client)), or register the plugin "
    "that provenance.engines.dask.environment_plugin() returns"
)
_CLUSTER: Final = "distributed.protocol.pickle"
"""The module whose functions pickle what goes to schedulers and workers of Dask, also on other machines."""
_PICKLERS: Final = frozenset(
    {
        _CLUSTER,
        "joblib.externals.loky.backend.reduction",
        "joblib.pool",
        "loky.backend.reduction",
        "multiprocessing.reduction",
    }
)
"""Modules whose functions pickle what goes to a worker."""
_DASK: Final = "dask.local"
"""The module of Dask whose function `fire_tasks` pickles what goes to a worker, and whose others run tasks."""
_OWN: Final = "provenance.engines.shipping"
"""The module whose pickles bring the environment along."""


@frozen
class Home:
    """Where the results of a function belong that was sent to a worker, as the sender sees it."""

    process: int
    repository: str
    repository_id: str


class Sendable(Protocol):
    """A decorated function, which is unpickled empty and then gets its state."""

    _options: DecoratorOptions

    @property
    def __wrapped__(self) -> Callable[..., object]: ...

    def __setstate__(self, state: tuple[object, ...], /) -> None: ...

    def __provenance_reduce__(self) -> str | tuple[object, ...]: ...

    def __provenance_belongs__(self, home: Home, /) -> None: ...


# ---------------------------------------------------------------- functions of `__main__`

_leaving: ContextVar[tuple[object, ...]] = ContextVar("provenance_leaving", default=())
"""Functions whose code is being pickled."""
_arriving: ContextVar[Mapping[str, object]] = ContextVar("provenance_arriving", default=NO_OPTIONS)
"""Functions whose code is being unpickled, by path."""


def reduce_with_code(
    wrapper: Sendable, path: str, function: Callable[..., object], others: tuple[object, ...]
) -> tuple[object, ...]:
    """Return the reduction of *wrapper*, which `__main__` has at *path*.

    Its state is *function* and *others*.
    """
    from provenance.codecs.pickling import traveling_code_pickler

    instructions = _instructions_of(function)
    if wrapper in _leaving.get():
        return restore_main_function, (type(wrapper), path, instructions, None)
    file = BytesIO()
    with setting(_leaving, (*_leaving.get(), wrapper)):
        traveling_code_pickler()(file, protocol=pickle.HIGHEST_PROTOCOL).dump((function, *others))
    return restore_main_function, (type(wrapper), path, instructions, file.getvalue())


@exported
def restore_main_function(
    kind: type[Sendable], path: str, instructions: bytes, code: bytes | None
) -> object:
    """Unpickle a function: that of this `__main__` if its code is the same, else a copy.

    Pickles refer to this function.
    """
    arriving = _arriving.get()
    found = arriving.get(path) or named("__main__", path)
    if code is None or (
        isinstance(found, kind) and _instructions_of(found.__wrapped__) == instructions
    ):
        return found
    return (_made if arriving else _built)(kind, path, code)


def _made(kind: type[Sendable], path: str, code: bytes) -> object:
    """Return the function of *code*, which may refer to itself by *path*."""
    made = kind.__new__(kind)
    with setting(_arriving, {**_arriving.get(), path: made}):
        made.__setstate__(cast("tuple[object, ...]", pickle.loads(code)))
    return made


_built = functools.lru_cache(maxsize=256)(_made)
"""The same, cached, as each task brings the code.

Not for nested functions, which may refer to outer ones by path.
"""


def named(module: str, path: str) -> object:
    """Return what *path* refers to in *module*, None if nothing."""
    found: object = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _instructions_of(function: object) -> bytes:
    """Return the bytecode, which distinguishes functions of the same name in two scripts."""
    return cast("bytes", getattr(getattr(function, "__code__", None), "co_code", b""))


# ---------------------------------------------------------------- pools


def is_for_pool() -> bool:
    """Tell whether the pickler that is at work is that of a pool."""
    for module, name in _callers():
        if module == _DASK:
            return name == "fire_tasks"
        if module in _PICKLERS or module == _OWN:
            return module != _OWN
    return False


def _callers() -> Iterator[tuple[object, str]]:
    """Yield the modules and names of the functions that are running, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        yield frame.f_globals.get("__name__"), frame.f_code.co_name
        frame = frame.f_back


def reduce_for_pool(function: Sendable) -> str | tuple[object, ...]:
    """Return the reduction of a decorated function for a worker of this process."""
    plain, home = function.__provenance_reduce__(), _home_of(function)
    if home is None:
        return plain
    if isinstance(plain, str):
        module = cast("Any", function).__module__
        plain = restore_by_name, (module, plain)
    return restore_in_pool, (*plain, os.getpid(), astuple(home))


def _home_of(function: Sendable) -> Home | None:
    """Return where the results of a function belong; None if this program has not chosen a repository yet."""
    sent: Home | None = vars(function).get("_home")
    if sent is not None and not environments.is_overlaid():
        return sent
    # A worker of a cluster may have another default than this program.
    is_far = any(module == _CLUSTER for module, _ in _callers())
    environment = environments.current() if is_far else environments.chosen()
    if environment is None or environment.read_only:
        return None
    if environments.is_in_doubt():
        # Pools pickle in threads of their own, which do not see the context of the caller.
        log.warning("%r goes to a pool, which does not see `using_repo`: %s", function, _ADVICE)
    try:
        repo = environment.repository(function._options.repo)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it is of this package
        return Home(os.getpid(), repo.name, repo.repository_id)
    except ProvenanceError as error:
        # Nothing can be compared then, so a worker with another repository would not refuse.
        log.warning("%r goes to a pool without its repository: %s", function, describe_error(error))
        return None


@exported
def restore_by_name(module: str, path: str) -> object:
    """Return what *path* refers to in *module*, which is imported if need be."""
    import_module(module)
    return named(module, path)


@exported
def restore_in_pool(
    make: Callable[..., object], args: tuple[object, ...], sender: int, facts: tuple[Any, ...]
) -> Sendable:
    """Unpickle a decorated function in a worker; what pools send names this function.

    A worker that sends it back tells its parent nothing new. A scheduler of Dask sends it on.
    """
    if any(module == "distributed.scheduler" for module, _ in _callers()):
        return cast("Sendable", _Forwarded(make, args, sender, facts))
    function = cast("Sendable", make(*args))
    process: Any = import_module("multiprocessing.process")
    parent = process.parent_process()
    # A process that starts reads what it is to run before it knows its parent.
    is_starting = hasattr(process.current_process(), "_inheriting")
    is_child = is_starting or (parent is not None and parent.pid == sender)
    if is_child or (sender != os.getpid() and _is_dask_worker()):
        function.__provenance_belongs__(Home(*facts))
    return function


class _Forwarded:
    """A function in a scheduler, which sends on to workers what it got, and does not call it."""

    def __init__(self, *sent: object) -> None:
        self._sent = sent

    def __call__(self) -> object:
        """Refuse to run it: a scheduler demands that it can be called, and does not call it.

        Raises:
            EngineError: always.
        """
        problem = "a scheduler of Dask sends decorated functions on, and does not run them"
        raise EngineError(problem, "call the function in a task, which runs on a worker")

    def __reduce__(self) -> tuple[object, ...]:
        return restore_in_pool, self._sent


def _is_dask_worker() -> bool:
    workers: Any = sys.modules.get("distributed.worker")
    return workers is not None and bool(workers.Worker._instances)  # noqa: SLF001 - `get_worker` knows tasks only


def refuse_elsewhere(call: Call, home: Home | None) -> None:
    """Raise an error if *call* would store its result in another repository than that of the sender.

    Code that chooses a repository in the worker is not in question.

    Raises:
        EngineError: as above.
    """
    if home is None or call.read_only or environments.is_overlaid():
        return
    repo: Repository = call.repo
    is_other = repo.repository_id != home.repository_id
    if is_other or (home.process != os.getpid() and is_in_memory(repo)):
        place = repo.records_at if is_other else repo.values_at
        problem = (
            f"process {os.getpid()} would store results of {call.spec.wrapped.label} in {place}, "
            f"where process {home.process} with its repository {home.repository!r} does not find them"
        )
        raise EngineError(problem, _DASK_ADVICE if _is_dask_worker() else _ADVICE)


def refuse_copied_memory(call: Call) -> None:
    """Raise an error if a forked worker would store the result of *call* in its copy of its parent's memory.

    What is computed again there is only read, and a process that is nobody's worker may use what it has.

    Raises:
        EngineError: as above.
    """
    if call.read_only or call.replaced_hit is not None or not is_copied_memory(call.repo):
        return
    process: Any = import_module("multiprocessing.process")
    parent = process.parent_process()
    if parent is not None:
        problem = (
            f"process {os.getpid()} would store results of {call.spec.wrapped.label} in its copy of the "
            f"memory of process {parent.pid}, which does not find them there"
        )
        advice = "use a repository that both reach, fn.map, or a MemoryRepo that the worker makes"
        raise EngineError(problem, advice)
