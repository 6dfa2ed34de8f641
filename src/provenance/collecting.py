"""Making, finding and capturing sets of artifacts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final, ParamSpec

from attrs import define, field

from provenance import session
from provenance.errors import ConfigError
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Waited
from provenance.ids import ArtifactId
from provenance.journal import listening
from provenance.session import RepositoryOrName
from provenance.sets import ArtifactSet, Labels, id_of, labels_of
from provenance.showing import shown

P = ParamSpec("P")


_RUN_LATER: Final = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


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
def capture_set(labels: Labels = None, initial_set: ArtifactSet | None = None) -> Generator[Capture]:
    """Collect the artifacts of all decorated calls in this block, hits too, and store them as a set when it ends.

    *initial_set* is where to begin. Only this thread and task, and tasks that it starts, are captured; an inner block captures
    for itself and for the outer one. Nothing is stored if the block raises.

    Raises:
        ConfigError: for labels that have no JSON form, or without a default repository, before anything is run.
    """
    wanted, repo = labels_of(labels), session.get_default_repo()
    capture = Capture(frozenset() if initial_set is None else initial_set.artifact_ids)
    with listening(capture.receive):
        yield capture
    capture.set = ArtifactSet.of(capture.artifact_ids, wanted).put(repo)


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
        ConfigError: if both *set_labels* and *set_labels_fn* are given, or the function is asynchronous or a generator.
    """
    if set_labels is not None and set_labels_fn is not None:
        raise ConfigError("provenance_set", "both set_labels and set_labels_fn are given", "give one of them")

    def decorate(function: Callable[P, object]) -> Callable[P, ArtifactSet]:
        if any(runs_later(function) for runs_later in _RUN_LATER):
            problem = f"a call of {shown(function)} does not run it yet"
            raise ConfigError("provenance_set", problem, "use `with capture_set(...)` inside the function")

        @functools.wraps(function)
        def collected(*args: P.args, **kwargs: P.kwargs) -> ArtifactSet:
            labels = set_labels if set_labels_fn is None else set_labels_fn(*args, **kwargs)
            with capture_set(labels, initial_set) as capture:
                function(*args, **kwargs)
            assert capture.set is not None, "the block has ended well"  # noqa: S101 - for the type checkers
            return capture.set

        return collected

    return decorate


def create_set(
    artifact_ids: Iterable[object], labels: Labels = None, repo: RepositoryOrName | None = None
) -> ArtifactSet:
    """Store the set of these artifacts, given as ids (or unambiguous first digits), artifacts or proxies.

    Raises:
        ArtifactNotFoundError, AmbiguousIdError: for an id that is not in the repository.
        TypeError: for what is no artifact.
        ConfigError: for labels that have no JSON form.
    """
    place = session.current().repository(repo)
    ids = [place.get_by_id(each).id if type(each) is str else id_of(each) for each in artifact_ids]
    return ArtifactSet.of(ids, labels).put(place)


def label_set(artifact_set: ArtifactSet | str, labels: Labels, repo: RepositoryOrName | None = None) -> ArtifactSet:
    """Store a set, or the one of this id, under *labels* too; raises as `load_set_by_id` and `create_set` do."""
    place = session.current().repository(repo)
    known = place.get_set_by_id(artifact_set) if isinstance(artifact_set, str) else artifact_set
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
