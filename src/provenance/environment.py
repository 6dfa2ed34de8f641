"""The environment of decorated functions: one immutable value, replaced as a whole.

`load_config` and the setters replace the environment of the process. `using_repo` overlays it in
the current context only, and does not affect other threads and tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.errors import ConfigError
from provenance.model.records import Artifact
from provenance.model.references import is_proxy
from provenance.receipts.policy import OnCodeChange, Shadow
from provenance.repository.handles import RecoveringOrigin, Repository
from provenance.results.handles import artifact_of, as_result, id_or_prefix_of
from provenance.results.kinds import DEFAULT_OPTIONS, STYLES, ResultOptions, ResultStyle
from provenance.results.origin import set_origin_resolver
from provenance.singleflight.leases import DEFAULT_SINGLE_FLIGHT, SingleFlight
from provenance.util.context import setting
from provenance.util.formatting import safe_repr
from provenance.util.locks import ForkSafeLock
from provenance.util.naming import exported
from provenance.util.validation import require_bool

if TYPE_CHECKING:
    from provenance.effect import ThreadRunner
    from provenance.ports.machine import Clock

RepositoryOrName: TypeAlias = "Repository | str"
Opener: TypeAlias = Callable[[], Repository]


@exported
@frozen
class Environment:
    """Repositories, which are opened on first use, and settings of calls.

    Attributes:
        openers: functions that open the repositories, by name.
        default: the default repository.
        clock: clock for timestamps and durations.
        beside: answers effects of coroutines in threads.
        config: the configuration that it was made from.
        written: that configuration as it was written, with secrets as `${NAME}`, and its folder.
        source: where the configuration was found, for people.
        locate: returns where the records and values of a configured repository are.
        heirs: called when this becomes the environment of the process, to pass it to child
            processes.
        use_cache: look results up before computing.
        read_only: store nothing.
        check_mutations: compare the values of proxies with their recorded hashes.
        results: how calls hand over results and arguments.
        on_code_change: what a hit does if the code behind it has changed.
        shadow: which hits are computed again beside the call; None if none are.
        record_sources: record the source of the code behind results.
        single_flight: how calls share work; None if they do not.

    Example:
        >>> import provenance as p
        >>> environment = p.from_config({"artifact_repos": {"local": {"type": "memory"}}})
        >>> environment.repository("local")
        Repository(name='local')
    """

    openers: Mapping[str, Opener] = field(repr=False)
    default: RepositoryOrName | None
    clock: Clock = field(repr=False)
    run_in_thread: ThreadRunner = field(repr=False)
    config: object = field(default=None, repr=False)
    written: tuple[Mapping[str, object], Path] | None = field(default=None, repr=False)
    source: str = field(default="", repr=False)
    locate: Callable[[str], tuple[str, str]] | None = field(default=None, repr=False)
    export_to_children: Callable[[Environment], None] | None = field(default=None, repr=False)
    use_cache: bool = True
    read_only: bool = False
    check_mutations: bool = False
    results: ResultOptions = DEFAULT_OPTIONS
    on_code_change: OnCodeChange = "warn"
    shadow: Shadow | None = None
    record_sources: bool = True
    single_flight: SingleFlight | None = DEFAULT_SINGLE_FLIGHT

    def repository(self, wanted: RepositoryOrName | None = None) -> Repository:
        """Return the repository that is *wanted*: that of a name, or the default one.

        Args:
            wanted: The name of a repository; None means the default one, and a repository is returned as it is.

        Raises:
            ConfigError: if the name is unknown, or no default is set.
            StoreUnavailableError: if the repository cannot be opened.
        """
        chosen = self.default if wanted is None else wanted
        if isinstance(chosen, Repository):
            return chosen
        opener = self.openers.get(chosen) if isinstance(chosen, str) else None
        if opener is not None:
            return opener()
        problem = f"unknown repository {chosen!r}"
        if chosen is None:
            problem = "no default repository is set"
        names = ", ".join(sorted(self.openers))
        if not names:
            example = "artifact_repos: {local: {type: sqlite, db: records.db}}"
            advice = f"none is configured; configure one, such as {example}, or pass one"
            raise ConfigError("artifact_repos", problem, advice)
        path = "default_repo" if chosen is None else "artifact_repos"
        raise ConfigError(path, problem, f"expected one of: {names}")

    def results_with(self, chosen: Mapping[str, object]) -> ResultOptions:
        """Return how results are handed over by a function that has *chosen* some of the options."""
        return evolve(self.results, **cast("dict[str, Any]", chosen)) if chosen else self.results


_guard: Final = ForkSafeLock()
_environment: Environment | None = None
_context_environment: ContextVar[Environment | None] = ContextVar(
    "provenance_environment", default=None
)


class _Overlay:
    """The default repository of a block; the environment that it makes is kept from one call to the next."""

    __slots__ = ("_made", "repo")

    def __init__(self, repo: RepositoryOrName) -> None:
        self.repo = repo
        self._made: tuple[Environment, Environment] | None = None

    def over(self, base: Environment) -> Environment:
        made = self._made
        if made is None or made[0] is not base:
            made = self._made = base, evolve(base, default=self.repo)
        return made[1]


_overlay: ContextVar[_Overlay | None] = ContextVar("provenance_repository", default=None)
_result_style: ContextVar[ResultStyle | None] = ContextVar("provenance_results", default=None)
_blocks: list[object] = []
"""A token for each block of `using_environment` and `using_repo` that any thread is in now."""
_default_factory: list[Callable[[], Environment]] = []


def set_default_factory(make: Callable[[], Environment]) -> None:
    """Set the function that makes an environment if none was installed."""
    _default_factory[:] = [make]


def current() -> Environment:
    """Return the environment of the current context."""
    environment = _context_environment.get() or _environment or _make_default()
    overlay, style = _overlay.get(), _result_style.get()
    if style is not None:
        environment = evolve(environment, results=evolve(environment.results, results=style))
    return environment if overlay is None else overlay.over(environment)


def chosen() -> Environment | None:
    """Return the environment of the current context; None if nobody has chosen or used one."""
    return current() if _environment is not None or is_overlaid() else None


def is_overlaid() -> bool:
    """Tell whether this thread or task uses another environment or repository than its process."""
    return _overlay.get() is not None or _context_environment.get() is not None


def is_in_doubt() -> bool:
    """Tell whether other threads or tasks use another repository, on whose behalf this thread may work."""
    return bool(_blocks) and not is_overlaid()


def _make_default() -> Environment:
    with _guard.lock:
        return _environment or install(_default_factory[0]())


def install(environment: Environment) -> Environment:
    """Make *environment* that of the process and of the processes it starts, and return it."""
    global _environment  # noqa: PLW0603 - one value, replaced as a whole
    with _guard.lock:
        _environment = environment
        if environment.export_to_children is not None:
            environment.export_to_children(environment)
    return environment


@contextmanager
def replacing_environment(environment: Environment) -> Generator[Environment]:
    """Make *environment* that of the process in this block, even inside a `using_repo`."""
    global _environment  # noqa: PLW0603 - one value, replaced as a whole
    given, overlay = _context_environment.set(None), _overlay.set(None)
    with _guard.lock:
        before, _environment = _environment, environment
    try:
        yield environment
    finally:
        with _guard.lock:
            _environment = before
        _overlay.reset(overlay)
        _context_environment.reset(given)


@contextmanager
def using_environment(environment: Environment) -> Generator[Environment]:
    """Make *environment* the current one within this block, for this thread or task alone.

    Setters (`set_use_cache` …) still change the environment of the process, and so have no effect
    in the block.
    """
    given, overlay = _context_environment.set(environment), _overlay.set(None)
    _blocks.append(given)
    try:
        yield environment
    finally:
        _blocks.remove(given)
        _overlay.reset(overlay)
        _context_environment.reset(given)


@contextmanager
def using_repo(repo: RepositoryOrName) -> Generator[Repository]:
    """Make *repo* the default repository within this block, for this thread or task alone.

    Args:
        repo: A repository, or the name of one in the configuration.

    Returns:
        A context manager, which gives the repository.

    Raises:
        ConfigError: if the name is unknown.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.using_repo(p.MemoryRepo("scratch")) as repo:
        ...     _ = squares(3)
        ...     [artifact.fn_name for artifact in repo]
        ['squares']
    """
    chosen = current().repository(repo)
    token = _overlay.set(_Overlay(chosen))
    _blocks.append(token)
    try:
        yield chosen
    finally:
        _blocks.remove(token)
        _overlay.reset(token)


@contextmanager
def using_results(style: ResultStyle) -> Generator[None]:
    """Return results as proxies or as plain values within this block, for this thread or task alone.

    Args:
        style: `"proxies"` or `"values"`.

    Raises:
        ConfigError: for any other *style*.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def origin() -> slice:
        ...     return slice(0, 1)
        >>> with p.using_results("values"):
        ...     type(origin())
        <class 'slice'>
    """
    if style not in STYLES["results"]:
        problem = f"must be 'proxies' or 'values', got {safe_repr(style)}"
        raise ConfigError("using_results", problem, "pass one of them")
    with setting(_result_style, style):
        yield


def get_default_repo() -> Repository:
    """Return the repository that decorated functions use by default.

    Raises:
        ConfigError: if the configuration names no default.

    Example:
        >>> import provenance as p
        >>> p.get_default_repo()
        Repository(name='memory')
    """
    return current().repository()


def repository_of(artifact: Artifact[object]) -> Repository:
    """Return the repository that an artifact came from, else the default one."""
    origin = (
        artifact.origin.repo if isinstance(artifact.origin, RecoveringOrigin) else artifact.origin
    )
    return origin if isinstance(origin, Repository) else get_default_repo()


def artifact_for(wanted: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """Return the artifact that is given as such, as a result or by its id or prefix; no value is read for this.

    Only an id is looked up in *repo*, by default the current one: artifacts and results know where they are. A result that is a
    text which could be an id counts as that id, as functions may return ids.

    Raises:
        TypeError: if *wanted* is anything else.
        ArtifactNotFoundError, AmbiguousIdError: if an id does not name one artifact.
    """
    wanted = as_result(wanted)
    id_ = id_or_prefix_of(wanted)
    if is_proxy(wanted):
        if id_ == cast("Any", wanted).__provenance_reference__().id:
            return artifact_of(wanted)
    elif isinstance(wanted, Artifact):
        return cast("Artifact[object]", wanted)
    return current().repository(repo).get_by_id(id_)


def get_repo_by_name(name: str) -> Repository:
    """Return the configured repository of this name.

    Args:
        name: Name of the repository in the configuration.

    Raises:
        ConfigError: if the name is unknown.

    Example:
        >>> import provenance as p
        >>> _ = p.load_config({"artifact_repos": {"local": {"type": "memory"}}})
        >>> p.get_repo_by_name("local")
        Repository(name='local')
    """
    return current().repository(name)


def set_default_repo(repo: RepositoryOrName) -> None:
    """Make *repo* the default of the process.

    Args:
        repo: A repository, or the name of one in the configuration.

    Raises:
        ConfigError: if the name is unknown.

    Example:
        >>> import provenance as p
        >>> p.set_default_repo(p.SqliteRepo("local", db="records.db"))
    """
    current().repository(repo)
    _change(lambda environment: evolve(environment, default=repo))


def get_use_cache() -> bool:
    """Tell whether decorated functions look results up before computing.

    Returns:
        The setting of this thread or task.

    Example:
        >>> import provenance as p
        >>> p.get_use_cache()
        True
    """
    return current().use_cache


def set_use_cache(setting: bool) -> None:
    """Set whether decorated functions look results up before computing.

    Their own `use_cache` overrides it.

    Args:
        setting: The new setting.

    Raises:
        ConfigError: if *setting* is not a bool.

    Example:
        >>> import provenance as p
        >>> p.set_use_cache(True)
        >>> p.get_use_cache()
        True
    """
    chosen = require_bool(setting, "set_use_cache")
    _change(lambda environment: evolve(environment, use_cache=chosen))


def get_read_only() -> bool:
    """Tell whether decorated functions store nothing.

    Returns:
        The setting of this thread or task.

    Example:
        >>> import provenance as p
        >>> p.get_read_only()
        False
    """
    return current().read_only


def set_read_only(setting: bool) -> None:
    """Set whether decorated functions store nothing; their own `read_only` overrides it.

    Args:
        setting: The new setting.

    Raises:
        ConfigError: if *setting* is not a bool.

    Example:
        >>> import provenance as p
        >>> p.set_read_only(True)
        >>> p.get_read_only()
        True
    """
    chosen = require_bool(setting, "set_read_only")
    _change(lambda environment: evolve(environment, read_only=chosen))


def get_check_mutations() -> bool:
    """Tell whether decorated functions check proxies for mutations of their values.

    Returns:
        The setting of this thread or task.

    Example:
        >>> import provenance as p
        >>> p.get_check_mutations()
        False
    """
    return current().check_mutations


def set_check_mutations(setting: bool) -> None:
    """Set whether decorated functions check proxies for mutations of their values.

    Args:
        setting: The new setting.

    Raises:
        ConfigError: if *setting* is not a bool.

    Example:
        >>> import provenance as p
        >>> p.set_check_mutations(True)
        >>> p.get_check_mutations()
        True
    """
    chosen = require_bool(setting, "set_check_mutations")
    _change(lambda environment: evolve(environment, check_mutations=chosen))


def _change(change: Callable[[Environment], Environment]) -> None:
    with _guard.lock:
        install(change(_environment or _make_default()))


set_origin_resolver(get_default_repo)
