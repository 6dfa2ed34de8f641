"""References to artifacts: what is known of one without a look-up, and how proxies are recognized."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, TypeVar, cast

from attrs import frozen

from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import ArtifactRecord

T = TypeVar("T")

MARK: Final = "__provenance_sighting__"
SCALARS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types of immutable values that hold no others."""


@frozen
class ArtifactRef:
    """What a pickled proxy knows of its artifact: enough to be hashed and passed on without a look-up."""

    id: ArtifactId
    value_id: ValueId
    value_type: str
    interface: tuple[str, ...]


Known: TypeAlias = "ArtifactRecord | ArtifactRef"
UNREAD: Final = object()
"""In place of a value that is still in the store."""


def is_proxy(value: object) -> bool:
    """Tell whether *value* stands for an artifact's value.

    >>> is_proxy(7)
    False
    """
    return hasattr(type(value), MARK)


def unwrap(value: T) -> T:
    """Return the bare value behind a proxy (read from the store if need be); anything else as it is.

    >>> unwrap(7)
    7
    """
    return cast("T", cast("Any", value).__wrapped__) if is_proxy(value) else value


@frozen
class InputRef:
    """An artifact was met among the inputs while they were hashed: the value it was recorded with, and has now."""

    artifact_id: ArtifactId
    recorded: ValueId
    current: ValueId


def in_ignored_input(value: object) -> Iterator[object]:
    """Sightings in an input that is not hashed: in itself and, if it is a builtin container, in its members."""
    sight: Callable[[object], object] | None = getattr(type(value), "__provenance_sighting__", None)
    if sight is not None:
        yield sight(value)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in cast("Iterable[object]", value):
            yield from in_ignored_input(member)
    elif isinstance(value, dict):
        yield from in_ignored_input(list(cast("dict[object, object]", value).values()))


def refs_of(seen: Iterable[object]) -> Iterator[InputRef]:
    """Return the sightings among what was noted, each once."""
    return (each for each in dict.fromkeys(seen) if isinstance(each, InputRef))


def represented_artifact(value: object) -> InputRef | None:
    """Return the artifact that *value* stands for; None for an ordinary value."""
    sight: Callable[[object], InputRef | None] | None = getattr(
        type(value), "__provenance_sighting__", None
    )
    return None if sight is None else sight(value)
