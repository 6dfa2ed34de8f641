"""Creating, loading and capturing sets of artifacts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, ParamSpec, cast

from attrs import define

from provenance import environment
from provenance.environment import RepositoryOrName
from provenance.errors import ConfigError
from provenance.events import Event, Hit, Miss, Recomputed, Recovered
from provenance.model.ids import ArtifactId
from provenance.repository.sets import ArtifactSet, Labels, id_of, labels_of
from provenance.telemetry import listening
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported
from provenance.util.validation import check_function, require_iterable

P = ParamSpec("P")

_RUN_LATER: Final = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


@exported
@define
class Capture:
    """What `capture_set` gives its block.

    Attributes:
        artifact_ids: ids of the artifacts captured so far, with the members of the initial set.
        set: the stored set, None until the block has ended.

    Example:
        >>> import provenance as p
        >>> def count(capture: p.Capture) -> int:
        ...     return len(capture.artifact_ids)
        >>> with p.capture_set({"name": "trial"}) as capture:
        ...     _ = p.provenance(name="twice")(lambda x: 2 * x)(1)
        ...     print(count(capture), capture.set)
        1 None
        >>> capture.set.name
        'trial'
    """

    artifact_ids: frozenset[ArtifactId] = frozenset()
    set: ArtifactSet | None = None


def _stored_ids(event: Event) -> Iterable[ArtifactId]:
    """Return the ids of the artifacts of *event* if their results are stored."""
    match event:
        case Hit():
            is_stored = True
        case Miss() | Recomputed():
            is_stored = event.stored
        case Recovered():
            # Otherwise the hit that it takes back was captured, where it happened.
            is_stored = event.replaced_hit is None
        case _:
            return ()
    return (event.artifact_id, *event.parts) if is_stored else ()


@contextmanager
def capture_set(
    labels: Labels = None, initial_set: ArtifactSet | Iterable[object] | None = None
) -> Generator[Capture]:
    """Capture the artifacts of all decorated calls in this block, and store them as a set.

    Hits are captured, too, but only those of this thread or task and of tasks that it starts. An
    inner block captures for itself and for the outer one. Nothing is stored if the block raises.

    Args:
        labels: The labels of the set.
        initial_set: The set to start with, or artifacts, results or whole ids.

    Returns:
        A context manager, which gives a `Capture`; after its block, the attribute `set` of that is the stored set.

    Raises:
        ConfigError: for labels without a JSON form, or without a default repository, before
            anything is run.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> with p.capture_set({"name": "trial"}) as capture:
        ...     _ = squares(2), squares(3)
        >>> len(capture.set.artifact_ids)
        2
    """
    wanted, repo = labels_of(labels), environment.get_default_repo()
    capture = Capture(_initial_ids(initial_set, "capture_set, initial_set"))
    guard = Lock()

    def receive(event: Event) -> None:
        # Threads that an executor runs in the same context capture at the same time.
        with guard:
            capture.artifact_ids |= {*_stored_ids(event)}

    with listening(receive):
        yield capture
    capture.set = ArtifactSet.of(capture.artifact_ids, wanted).put(repo)


def _initial_ids(given: object, path: str) -> frozenset[ArtifactId]:
    if given is None:
        return frozenset()
    if isinstance(given, ArtifactSet):
        return given.artifact_ids
    try:
        return ArtifactSet.of(cast("Iterable[object]", given)).artifact_ids
    except TypeError:
        problem = f"expected an ArtifactSet or its members, got {safe_repr(given)}"
        advice = "pass a set, or a list of artifacts, results or whole ids"
        raise ConfigError(path, problem, advice) from None


def provenance_set(
    set_labels: Labels = None,
    initial_set: ArtifactSet | Iterable[object] | None = None,
    set_labels_fn: Callable[..., Labels] | None = None,
) -> Callable[[Callable[P, object]], Callable[P, ArtifactSet]]:
    """Decorate a function to return the stored set of the artifacts of all its decorated calls.

    Args:
        set_labels: The labels of the set.
        initial_set: The set to start with, or artifacts, results or whole ids.
        set_labels_fn: Returns the labels of a call, instead of *set_labels*. It gets the call's
            parameters by name, defaults included: all of them if it has `**kwargs`, else those that
            it names.

    Returns:
        The decorator.

    Raises:
        ConfigError: if both *set_labels* and *set_labels_fn* are given, an argument has the wrong
            type, or the function is not callable, asynchronous or a generator.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> @p.provenance_set("trial")
        ... def pipeline() -> None:
        ...     squares(2)
        ...     squares(3)
        >>> len(pipeline().artifact_ids)
        2
    """
    if set_labels is not None and set_labels_fn is not None:
        problem = "both set_labels and set_labels_fn are given"
        raise ConfigError("provenance_set", problem, "pass one of them")
    _check_choices(set_labels, set_labels_fn)
    members = _initial_ids(initial_set, "provenance_set, initial_set")

    def decorate(function: Callable[P, object]) -> Callable[P, ArtifactSet]:
        if isinstance(function, classmethod | staticmethod):
            method = cast("Any", function)
            return cast("Callable[P, ArtifactSet]", type(method)(decorate(method.__func__)))
        check_function(function, "provenance_set", "decorate a function")
        if _runs_later(function):
            problem = f"calling {safe_repr(function)} does not run it yet"
            advice = "use `with capture_set(...)` inside the function"
            raise ConfigError("provenance_set", problem, advice)

        label = None if set_labels_fn is None else _labels_by_name(function, set_labels_fn)

        @functools.wraps(function)
        def collected(*args: P.args, **kwargs: P.kwargs) -> ArtifactSet:
            labels = set_labels if label is None else label(*args, **kwargs)
            with capture_set(labels, members) as capture:
                function(*args, **kwargs)
            return cast("ArtifactSet", capture.set)

        return collected

    return decorate


def _labels_by_name(
    function: Callable[..., object], labels_fn: Callable[..., Labels]
) -> Callable[..., Labels]:
    """Return *labels_fn* as a function of the arguments of *function*."""
    signature = inspect.signature(function)
    wanted = inspect.signature(labels_fn).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in wanted.values())
    rest = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)

    def label(*args: object, **kwargs: object) -> Labels:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
        named |= named.pop(rest, {}) if rest is not None else {}
        given = {name: value for name, value in named.items() if takes_all or name in wanted}
        return labels_fn(**given)

    return label


def _runs_later(function: Callable[..., object]) -> bool:
    """Return whether a call returns something that must be awaited or iterated."""
    # An object may have an `async def __call__`.
    call = cast("object", getattr(type(function), "__call__", None))  # noqa: B004 - not called
    # Before Python 3.12, asyncio marks objects that act as coroutine functions like this.
    is_marked = hasattr(function, "_is_coroutine")
    return is_marked or any(test(part) for test in _RUN_LATER for part in (function, call))


def _check_choices(labels: Labels, labels_fn: object) -> None:
    """Refuse invalid arguments, and a decorator without parentheses: its labels are a function."""
    given: object = labels
    if callable(given) or isinstance(given, classmethod | staticmethod):
        problem = f"labels must be a mapping or a string, got {given!r}"
        raise ConfigError("provenance_set", problem, "decorate with @provenance_set()")
    labels_of(labels)
    if labels_fn is not None:
        advice = "pass a function from the parameters, by name, to the labels"
        check_function(labels_fn, "provenance_set, set_labels_fn", advice)


def create_set(
    artifact_ids: Iterable[object], labels: Labels = None, repo: RepositoryOrName | None = None
) -> ArtifactSet:
    """Store the set of these artifacts, given as ids, unique first digits, artifacts or proxies.

    Args:
        artifact_ids: The members: ids, unique first digits, artifacts or proxies.
        labels: A mapping, or a string, which is the label `name`.
        repo: The repository, by default the default one.

    Returns:
        The stored set.

    Raises:
        ArtifactNotFoundError, AmbiguousIdError: for an id that is not in the repository.
        TypeError: for anything else, or for one id or artifact instead of a collection.
        ConfigError: for labels without a JSON form.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> p.create_set([squares(2), squares(3)], "best").labels
        {'name': 'best'}
    """
    place = environment.current().repository(repo)
    members = require_iterable(artifact_ids, "create_set")
    ids = [place.get_by_id(one).id if type(one) is str else id_of(one) for one in members]
    return ArtifactSet.of(ids, labels).put(place)


def label_set(
    artifact_set: ArtifactSet | str, labels: Labels, repo: RepositoryOrName | None = None
) -> ArtifactSet:
    """Store a set, or the set with this id, under *labels* too.

    Raises as `load_set_by_id` and `create_set` do, and ConfigError for anything but a set or id.

    Args:
        artifact_set: A set, or the id of one.
        labels: A mapping, or a string, which is the label `name`.
        repo: The repository, by default the default one.

    Returns:
        The set with its new labels.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> trial = p.create_set([squares(2)], "trial")
        >>> p.label_set(trial, {"name": "production", "build": 7}).labels
        {'build': 7, 'name': 'production'}
    """
    place = environment.current().repository(repo)
    known = place.get_set_by_id(artifact_set) if isinstance(artifact_set, str) else artifact_set
    if not isinstance(cast("object", known), ArtifactSet):
        problem = f"expected an ArtifactSet, got {known!r}"
        raise ConfigError("label_set", problem, "pass one, for example from `load_set_by_name`")
    return known.relabel(labels).put(place)


def load_set_by_id(set_id: ArtifactSet | str, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """Return the set with an id, or with its first digits, and the labels it was given last.

    Args:
        set_id: The id or its first digits, or a set.
        repo: The repository, by default the default one.

    Raises:
        SetNotFoundError: if no set has this id.
        AmbiguousIdError: if the digits fit several ids; lists them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> trial = p.create_set([squares(2)], "trial")
        >>> p.load_set_by_id(trial.id).labels
        {'name': 'trial'}
    """
    return environment.current().repository(repo).get_set_by_id(set_id)


def load_set_by_name(set_name: str, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """Return the newest set of this name.

    Args:
        set_name: The label `name`.
        repo: The repository, by default the default one.

    Raises:
        SetNotFoundError: if none has it.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = p.create_set([squares(2)], "trial")
        >>> len(p.load_set_by_name("trial").artifact_ids)
        1
    """
    return load_set_by_labels({"name": set_name}, repo)


def load_set_by_labels(labels: Labels, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """Return the newest set with all of these labels.

    Args:
        labels: The labels that it must have; it may have more.
        repo: The repository, by default the default one.

    Raises:
        SetNotFoundError: if none has them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = p.create_set([squares(2)], {"name": "trial", "build": 7})
        >>> p.load_set_by_labels({"build": 7}).labels["name"]
        'trial'
    """
    return environment.current().repository(repo).get_set_by_labels(labels)
