"""The environment that decorated functions run in: one immutable value, replaced as a whole.

`load_config` and the setters replace the environment of the process; `using_repo` overlays it in the current context
only, so that threads and tasks beside it do not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.checks import flag
from provenance.errors import ConfigError
from provenance.guards import Guard
from provenance.proxy import artifact_of, id_or_prefix, is_proxy, resolve_ambient_with
from provenance.records import Artifact
from provenance.repository import Recovering, Repository
from provenance.sharing import SHARED, SingleFlight

if TYPE_CHECKING:
    from provenance.effect import Beside
    from provenance.ports import Clock

RepositoryOrName: TypeAlias = "Repository | str"
Opener: TypeAlias = Callable[[], Repository]


@frozen
class Environment:
    """Which repositories there are (each is opened on first use), which one is the default, and how calls behave.

    `beside` answers in threads what coroutines ask. `heirs`, if it is there, tells processes that this one starts of the environment, once it is that of the process.
    Without `single_flight` calls do not look whether somebody else computes the same.
    """

    openers: Mapping[str, Opener] = field(repr=False)
    default: RepositoryOrName | None
    clock: Clock = field(repr=False)
    beside: Beside = field(repr=False)
    config: object = field(default=None, repr=False)
    heirs: Callable[[Environment], None] | None = field(default=None, repr=False)
    use_cache: bool = True
    read_only: bool = False
    check_mutations: bool = False
    single_flight: SingleFlight | None = SHARED

    def repository(self, wanted: RepositoryOrName | None = None) -> Repository:
        """The repository of this name (the default one if None); a repository answers itself.

        Raises:
            ConfigError: if the configuration has none of this name, or no default.
            StoreUnavailableError: if it cannot be opened.
        """
        chosen = self.default if wanted is None else wanted
        if isinstance(chosen, Repository):
            return chosen
        try:
            opener = None if chosen is None else self.openers.get(chosen)
        except TypeError:  # a list, say, cannot be looked up
            opener = None
        if opener is None:
            raise _no_repository(chosen, sorted(self.openers))
        return opener()


def _no_repository(wanted: object, known: list[str]) -> ConfigError:
    """The error that there is no such repository among the *known* ones, or no default."""
    wish = "there is no default repository" if wanted is None else f"there is no repository {wanted!r}"
    if not known:
        example = "configure one, as artifact_repos: {local: {type: sqlite, db: records.db}}, or pass one"
        return ConfigError("artifact_repos", f"{wish}; configured: none", example)
    names = ", ".join(known)
    if wanted is None:
        return ConfigError("default_repo", wish, f"name one of those that are configured: {names}")
    return ConfigError("artifact_repos", wish, f"configured: {names}")


_guard: Final = Guard()
_installed: Environment | None = None
_given: ContextVar[Environment | None] = ContextVar("provenance_environment", default=None)
_overlay: ContextVar[RepositoryOrName | None] = ContextVar("provenance_repository", default=None)
_fallback: list[Callable[[], Environment]] = []


def fall_back_on(make: Callable[[], Environment]) -> None:
    """Say how an environment is made where none was installed; the composition root does."""
    _fallback[:] = [make]


def current() -> Environment:
    """The environment of the current context."""
    environment = _given.get() or _installed or _first()
    overlay = _overlay.get()
    return environment if overlay is None else evolve(environment, default=overlay)


def _first() -> Environment:
    with _guard.lock:
        return _installed or install(_fallback[0]())


def install(environment: Environment) -> Environment:
    """Make *environment* that of the process, of which its children are told, and return it."""
    global _installed  # noqa: PLW0603 - one value, replaced as a whole
    with _guard.lock:
        _installed = environment
        if environment.heirs is not None:
            environment.heirs(environment)
    return environment


def uninstall() -> None:
    """Forget the environment of the process: the next call makes one anew, from what is then configured."""
    global _installed  # noqa: PLW0603 - one value, replaced as a whole
    with _guard.lock:
        _installed = None


@contextmanager
def substituting(environment: Environment) -> Generator[Environment]:
    """Make *environment* that of the process within this block, whatever `using_repo` is around it.

    Afterwards what was before is back, even if that was nothing.
    """
    global _installed  # noqa: PLW0603 - one value, replaced as a whole
    given, overlay = _given.set(None), _overlay.set(None)
    with _guard.lock:
        before, _installed = _installed, environment
    try:
        yield environment
    finally:
        with _guard.lock:
            _installed = before
        _overlay.reset(overlay)
        _given.reset(given)


@contextmanager
def using_environment(environment: Environment) -> Generator[Environment]:
    """Make *environment* the current one within this block, for this thread or task alone.

    Setters (`set_use_cache` …) go on to change the environment of the process, and so change nothing in the block.
    """
    given, overlay = _given.set(environment), _overlay.set(None)
    try:
        yield environment
    finally:
        _overlay.reset(overlay)
        _given.reset(given)


@contextmanager
def using_repo(repo: RepositoryOrName) -> Generator[Repository]:
    """Make *repo* the default repository within this block, for this thread or task alone.

    Raises:
        ConfigError: if there is no repository of this name.
    """
    chosen = current().repository(repo)
    token = _overlay.set(chosen)
    try:
        yield chosen
    finally:
        _overlay.reset(token)


def get_default_repo() -> Repository:
    """The repository that decorated functions use, unless they name one."""
    return current().repository()


def repository_of(artifact: Artifact[object]) -> Repository:
    """The repository that an artifact came from, else the default one."""
    origin = artifact.origin.repo if isinstance(artifact.origin, Recovering) else artifact.origin
    return origin if isinstance(origin, Repository) else get_default_repo()


def artifact_for(wanted: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """Return the artifact that is given as such, as a result or by its id or prefix; no value is read for this.

    Only an id is looked up in *repo*, by default the current one: artifacts and results know where they are. A result that is a
    text which could be an id counts as that id, as functions may return ids.

    Raises:
        TypeError: if *wanted* is none of these.
        ArtifactNotFoundError, AmbiguousIdError: if an id does not name one artifact.
    """
    id_ = id_or_prefix(wanted)
    if is_proxy(wanted):
        if id_ == cast("Any", wanted).__provenance_reference__().id:
            return artifact_of(wanted)
    elif isinstance(wanted, Artifact):
        return cast("Artifact[object]", wanted)
    return current().repository(repo).get_by_id(id_)


def get_repo_by_name(name: str) -> Repository:
    """The configured repository of this name; ConfigError if there is none."""
    return current().repository(name)


def set_default_repo(repo: RepositoryOrName) -> None:
    """Make *repo* the default of the process; ConfigError if there is no repository of this name."""
    current().repository(repo)
    _change(lambda environment: evolve(environment, default=repo))


def get_use_cache() -> bool:
    """Whether decorated functions look results up before they compute."""
    return current().use_cache


def set_use_cache(setting: bool) -> None:
    """Say whether decorated functions look results up before they compute; their own `use_cache` goes first.

    Raises ConfigError for what is no bool.
    """
    chosen = flag(setting, "set_use_cache")
    _change(lambda environment: evolve(environment, use_cache=chosen))


def get_read_only() -> bool:
    """Whether decorated functions store nothing."""
    return current().read_only


def set_read_only(setting: bool) -> None:
    """Say whether decorated functions store nothing; their own `read_only` goes first.

    Raises ConfigError for what is no bool.
    """
    chosen = flag(setting, "set_read_only")
    _change(lambda environment: evolve(environment, read_only=chosen))


def get_check_mutations() -> bool:
    """Whether each proxy that is passed to a decorated function is checked against its recorded value."""
    return current().check_mutations


def set_check_mutations(setting: bool) -> None:
    """Say whether each proxy that is passed to a decorated function is checked against its recorded value.

    Raises ConfigError for what is no bool.
    """
    chosen = flag(setting, "set_check_mutations")
    _change(lambda environment: evolve(environment, check_mutations=chosen))


def _change(change: Callable[[Environment], Environment]) -> None:
    with _guard.lock:
        install(change(_installed or _first()))


resolve_ambient_with(get_default_repo)
