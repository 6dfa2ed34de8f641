"""Decorated functions in other people's pools of processes: a worker with another repository refuses to run them.

The picklers of such pools get a reducer of their own. It adds where results belong to what pickles
say otherwise, and only processes of the same program look at that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from attrs import astuple, field, frozen

from provenance import environment as environments
from provenance.calls.draft import Call
from provenance.calls.main_functions import named
from provenance.errors import EngineError, ProvenanceError
from provenance.hashing import hash_value
from provenance.repository.handles import Repository
from provenance.telemetry import log
from provenance.util.formatting import describe_error
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.calls.spec import DecoratorOptions

Reduction: TypeAlias = "tuple[Callable[..., object], tuple[object, ...]]"
_ADVICE: Final = (
    "send it as p.in_context(fn), use fn.map(…, engine=p.engines.futures(pool)), or configure the "
    "repository before the pool starts"
)
_PICKLERS: Final = {
    "multiprocessing.reduction": "ForkingPickler",
    "joblib.externals.loky.backend.reduction": "",
    "loky.backend.reduction": "",
}
"""Modules with a function `register` for reducers, or with a class that has it."""
_taught: Final[set[str]] = set()


@frozen
class Home:
    """Where the results of a function belong that was sent to a worker, as the sender sees it."""

    family: str = field(repr=False)
    process: int
    starter: int
    repository: str
    repository_id: str


class Sendable(Protocol):
    """A decorated function."""

    _options: DecoratorOptions

    def __provenance_reduce__(self) -> str | tuple[object, ...]: ...

    def __provenance_belongs__(self, home: Home, /) -> None: ...


def teach_pools(kind: type[Sendable]) -> bool:
    """Teach the picklers of pools that are loaded by now; return whether there is a new one."""
    fresh = [name for name in _PICKLERS if name in sys.modules and name not in _taught]
    for name in fresh:
        module: Any = sys.modules[name]
        owner = getattr(module, _PICKLERS[name]) if _PICKLERS[name] else module
        owner.register(kind, reduce_for_pool)
        _taught.add(name)
    return bool(fresh)


def reduce_for_pool(function: Sendable) -> Reduction | str | tuple[object, ...]:
    """Return the reduction of a decorated function for a worker of this process."""
    plain, home = function.__provenance_reduce__(), _home_of(function)
    if home is None:
        return plain
    if isinstance(plain, str):
        module = cast("Any", function).__module__
        plain = restore_by_name, (module, plain)
    return restore_in_pool, (*plain, astuple(home))


def _home_of(function: Sendable) -> Home | None:
    """Return where the results of a function belong; None if this program has not chosen a repository yet."""
    environment = environments.chosen()
    if environment is None or environment.read_only:
        return None
    if environments.is_in_doubt():
        # Pools pickle in threads of their own, which do not see the context of the caller.
        log.warning("%r goes to a pool, which does not see `using_repo`: %s", function, _ADVICE)
    try:
        repo = environment.repository(function._options.repo)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # it is of this package
        return Home(_family(), os.getpid(), _starter(), repo.name, repo.repository_id)
    except ProvenanceError as error:
        log.debug("a function is sent without its repository: %s", describe_error(error))
        return None


def _starter() -> int:
    """Return the process that has started this one."""
    process: Any = import_module("multiprocessing.process")
    parent = process.parent_process()
    return os.getppid() if parent is None else parent.pid


def _family() -> str:
    """Return what the processes that `multiprocessing` and loky have started share with this one, hashed."""
    process: Any = import_module("multiprocessing.process")
    return hash_value(bytes(process.current_process().authkey))


@exported
def restore_by_name(module: str, path: str) -> object:
    """Return what *path* refers to in *module*, which is imported if need be."""
    import_module(module)
    return named(module, path)


@exported
def restore_in_pool(
    make: Callable[..., object], args: tuple[object, ...], facts: tuple[Any, ...]
) -> Sendable:
    """Unpickle a decorated function in a worker; what pools send names this function."""
    function, home = cast("Sendable", make(*args)), Home(*facts)
    # What a worker sends back is at home in this process anyway.
    is_sent_here = os.getpid() not in (home.process, home.starter)
    if is_sent_here and home.family == _family():
        function.__provenance_belongs__(home)
    return function


def refuse_elsewhere(call: Call, home: Home) -> None:
    """Raise an error if *call* would store its result in another repository than that of the sender.

    Code that chooses a repository in the worker is not in question.

    Raises:
        EngineError: as above.
    """
    if call.read_only or environments.is_overlaid():
        return
    repo: Repository = call.repo
    if repo.repository_id != home.repository_id:
        problem = (
            f"process {os.getpid()} would store results of {call.spec.wrapped.label} in {repo.records_at}, "
            f"where process {home.process} with its repository {home.repository!r} does not find them"
        )
        raise EngineError(problem, _ADVICE)
