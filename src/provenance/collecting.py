"""Making, finding and capturing sets of artifacts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, cast

from attrs import define, field

from provenance import session
from provenance.checks import check_function, several
from provenance.errors import ConfigError
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Waited
from provenance.ids import ArtifactId
from provenance.journal import listening
from provenance.session import RepositoryOrName
from provenance.sets import ArtifactSet, Labels, id_of, labels_of
from provenance.showing import shown

P = ParamSpec("P")


_RUN_LATER: Final = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


@define
class Capture:
    """What a `capture_set` block has captured so far; `set` is the stored set, once the block has ended well."""

    artifact_ids: frozenset[ArtifactId] = frozenset()
    set: ArtifactSet | None = field(default=None)

    def receive(self, event: Event) -> None:
        """Take in what *event* tells of."""
        if not isinstance(event, CodeChanged | Waited) and _is_of_a_stored_result(event):
            self.artifact_ids |= {event.artifact_id, *event.parts}


def _is_of_a_stored_result(event: Hit | Miss | Recomputed | Healed) -> bool:
    if isinstance(event, Healed):
        return event.takes_back is None  # else the hit was captured, where it was
    return isinstance(event, Hit) or event.stored


@contextmanager
def capture_set(
    labels: Labels = None, initial_set: ArtifactSet | None = None
) -> Generator[Capture]:
    """Collect the artifacts of all decorated calls in this block, hits too, and store them as a set when it ends.

    *initial_set* is where to begin. Only this thread and task, and tasks that it starts, are captured; an inner block captures
    for itself and for the outer one. Nothing is stored if the block raises.

    Raises:
        ConfigError: for labels that have no JSON form, or without a default repository, before anything is run.
    """
    wanted, repo = labels_of(labels), session.get_default_repo()
    if initial_set is not None:
        _check_set(initial_set, "capture_set, initial_set")
    capture = Capture(frozenset() if initial_set is None else initial_set.artifact_ids)
    with listening(capture.receive):
        yield capture
    capture.set = ArtifactSet.of(capture.artifact_ids, wanted).put(repo)


def _check_set(given: object, path: str) -> None:
    if not isinstance(given, ArtifactSet):
        raise ConfigError(
            path, f"{given!r} is no ArtifactSet", "give one, as `load_set_by_name` answers it"
        )


def provenance_set(
    set_labels: Labels = None,
    initial_set: ArtifactSet | None = None,
    set_labels_fn: Callable[..., Labels] | None = None,
) -> Callable[[Callable[P, object]], Callable[P, ArtifactSet]]:
    """Decorate a function so that it returns the stored set of the artifacts of all decorated calls that it makes.

    Args:
        set_labels: The labels of the set.
        initial_set: Where to begin.
        set_labels_fn: Instead of *set_labels*: from the arguments of the call to the labels.

    Raises:
        ConfigError: if both *set_labels* and *set_labels_fn* are given, one of them, or *initial_set*, is not what it should be,
            the function cannot be called, or is asynchronous or a generator.
    """
    if set_labels is not None and set_labels_fn is not None:
        raise ConfigError(
            "provenance_set", "both set_labels and set_labels_fn are given", "give one of them"
        )
    _check_choices(set_labels, initial_set, set_labels_fn)

    def decorate(function: Callable[P, object]) -> Callable[P, ArtifactSet]:
        if isinstance(function, classmethod | staticmethod):
            return cast("Callable[P, ArtifactSet]", _around(decorate, cast("object", function)))
        check_function(function, "provenance_set", "decorate a function")
        if _runs_later(function):
            problem = f"a call of {shown(function)} does not run it yet"
            raise ConfigError(
                "provenance_set", problem, "use `with capture_set(...)` inside the function"
            )

        @functools.wraps(function)
        def collected(*args: P.args, **kwargs: P.kwargs) -> ArtifactSet:
            labels = set_labels if set_labels_fn is None else set_labels_fn(*args, **kwargs)
            with capture_set(labels, initial_set) as capture:
                function(*args, **kwargs)
            assert capture.set is not None, "the block has ended well"  # noqa: S101 - for the type checkers
            return capture.set

        return collected

    return decorate


def _runs_later(function: Callable[..., object]) -> bool:
    """Whether a call gives back something that has still to be awaited or iterated."""
    call = cast("object", getattr(type(function), "__call__", None))  # noqa: B004 - of an object, it may be an `async def`
    marked = hasattr(
        function, "_is_coroutine"
    )  # so asyncio knows objects that are as good as one, before Python 3.12
    return marked or any(runs_later(each) for runs_later in _RUN_LATER for each in (function, call))


def _check_choices(labels: Labels, initial_set: object, labels_fn: object) -> None:
    """Refuse what cannot work, and the decorator without its parentheses: it would take the function for the labels."""
    given: object = labels
    if callable(given) or isinstance(given, classmethod | staticmethod):
        raise ConfigError(
            "provenance_set",
            f"{given!r} was given as its labels",
            "decorate with @provenance_set()",
        )
    labels_of(labels)
    if initial_set is not None:
        _check_set(initial_set, "provenance_set, initial_set")
    if labels_fn is not None:
        check_function(
            labels_fn,
            "provenance_set, set_labels_fn",
            "give a function from the arguments to the labels",
        )


def _around(decorate: Callable[..., object], method: object) -> object:
    """*method*, a `classmethod` or `staticmethod`, with its function decorated."""
    kind = cast("Callable[[object], object]", type(method))
    return kind(decorate(cast("Any", method).__func__))


def create_set(
    artifact_ids: Iterable[object], labels: Labels = None, repo: RepositoryOrName | None = None
) -> ArtifactSet:
    """Store the set of these artifacts, given as ids (or unambiguous first digits), artifacts or proxies.

    Raises:
        ArtifactNotFoundError, AmbiguousIdError: for an id that is not in the repository.
        TypeError: for what is no artifact, or one id or artifact instead of a list.
        ConfigError: for labels that have no JSON form.
    """
    place = session.current().repository(repo)
    members = several(artifact_ids, "create_set")
    ids = [place.get_by_id(each).id if type(each) is str else id_of(each) for each in members]
    return ArtifactSet.of(ids, labels).put(place)


def label_set(
    artifact_set: ArtifactSet | str, labels: Labels, repo: RepositoryOrName | None = None
) -> ArtifactSet:
    """Store a set, or the one of this id, under *labels* too.

    Raises as `load_set_by_id` and `create_set` do; ConfigError also for what is neither a set nor an id.
    """
    place = session.current().repository(repo)
    known = place.get_set_by_id(artifact_set) if isinstance(artifact_set, str) else artifact_set
    _check_set(known, "label_set")
    return known.relabel(labels).put(place)


def load_set_by_id(set_id: ArtifactSet | str, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """The set of an id, or of its first digits, with the labels that it was given last.

    Raises:
        SetNotFoundError: if there is none.
        AmbiguousIdError: if the digits fit several; it lists them.
    """
    return session.current().repository(repo).get_set_by_id(set_id)


def load_set_by_name(set_name: str, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """The newest set of this name; SetNotFoundError if there is none."""
    return load_set_by_labels({"name": set_name}, repo)


def load_set_by_labels(labels: Labels, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """The newest set that carries all of these labels, and perhaps others; SetNotFoundError if there is none."""
    return session.current().repository(repo).get_set_by_labels(labels)
