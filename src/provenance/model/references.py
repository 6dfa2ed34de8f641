"""References to artifacts: what is known of one without a look-up, and how proxies are recognized."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias, TypeVar, cast

from attrs import field, frozen

from provenance.model.ids import ArtifactId, DerivationId, ValueId
from provenance.model.records import RECORDED, ArtifactRecord, Derivation

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
    derivation: Derivation | None = field(default=None, eq=False, repr=False)

    @property
    def derivation_id(self) -> DerivationId:
        """Id of the derivation by which a call got the artifact; empty if it is the recorded one."""
        return RECORDED if self.derivation is None else self.derivation.id


Known: TypeAlias = "ArtifactRecord | ArtifactRef"
CONTAINERS: Final = frozenset({tuple, list, dict, set, frozenset})
Change: TypeAlias = "Callable[[Any], Any]"
UNREAD: Final = object()
"""In place of a value that is still in the store."""


def is_proxy(value: object) -> bool:
    """Tell whether *value* stands for an artifact's value.

    Args:
        value: Anything.

    Returns:
        True for what decorated functions return, but for singletons such as None.

    Example:
        >>> is_proxy(7)
        False
    """
    return hasattr(type(value), MARK)


def unwrap(value: T, deep: bool = False) -> T:
    """Return the bare value behind a proxy (read from the store if need be); anything else as it is.

    With *deep*, results inside it are replaced by their values as well: in builtin containers, named tuples, and the
    fields of data classes and attrs instances, of which copies are made.

    Args:
        value: Anything.
        deep: Replace results inside *value* as well.

    Raises:
        BlobNotFoundError, CorruptBlobError: if the value is lost, and cannot be computed again.

    Example:
        >>> unwrap(7)
        7
    """
    if deep:
        return cast("T", replace_all(value, unwrap, inside_objects=True))
    return cast("T", cast("Any", value).__wrapped__) if is_proxy(value) else value


def replace_all(value: Any, change: Change, *, inside_objects: bool = False) -> Any:
    """Return *value* with each part changed, at any depth; what *change* returns is looked into unless it is a result."""
    met: set[int] = set()

    def changed(part: Any) -> Any:
        if type(part) in SCALARS or id(part) in met:
            return part
        met.add(id(part))
        new = change(part)
        if not is_proxy(new):
            new = replace_members(new, changed, inside_objects=inside_objects)
        met.discard(id(part))
        return new

    try:
        return changed(value)
    except RecursionError:  # hashing refuses what is nested so deeply, and says so
        return value


def replace_members(value: Any, change: Change, *, inside_objects: bool = False) -> Any:
    """Return *value*, a builtin container or named tuple with its members changed; itself if nothing changes.

    With *inside_objects* the fields of data classes and attrs instances are changed too, in a copy.
    """
    kind = cast("type[object]", type(value))
    if kind is dict:
        entries = cast("dict[object, object]", value)
        pairs = [(change(key), change(member)) for key, member in entries.items()]
        same = all(
            key is before and member is entries[before]
            for (key, member), before in zip(pairs, entries, strict=True)
        )
        return value if same else dict(pairs)
    is_named = (
        issubclass(kind, tuple)
        and hasattr(cast("type[object]", kind), "_fields")
        and not is_proxy(value)
    )
    if kind not in CONTAINERS and not is_named:
        return _replace_fields(value, change) if inside_objects and not is_proxy(value) else value
    if set(map(type, value)) <= SCALARS:
        return value
    members = [change(member) for member in value]
    if all(new is old for new, old in zip(members, value, strict=True)):
        return value
    make: Any = kind
    return make._make(members) if is_named else make(members)


def _replace_fields(value: Any, change: Change) -> Any:
    kind = cast("Any", type(value))
    names = getattr(kind, "__dataclass_fields__", None) or [
        field.name for field in getattr(kind, "__attrs_attrs__", ())
    ]
    before = {name: getattr(value, name) for name in names if hasattr(value, name)}
    after = {name: change(part) for name, part in before.items()}
    replaced = {name: part for name, part in after.items() if part is not before[name]}
    if not replaced:
        return value
    made = copy.copy(value)
    for name, part in replaced.items():
        object.__setattr__(made, name, part)
    return made


@frozen
class InputRef:
    """An artifact was met among the inputs while they were hashed: the value it was recorded with, and has now."""

    artifact_id: ArtifactId
    recorded: ValueId
    current: ValueId
    derivation_id: DerivationId = RECORDED


def in_ignored_input(value: object) -> Iterator[object]:
    """Sightings in an input that is not hashed: in itself and, if it is a builtin container, in its members."""
    if is_proxy(value):
        yield represented_artifact(value)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in cast("Iterable[object]", value):
            yield from in_ignored_input(member)
    elif isinstance(value, dict):
        yield from in_ignored_input(list(cast("dict[object, object]", value).values()))


def refs_of(seen: Iterable[object]) -> Iterator[InputRef]:
    """Return the sightings among what was noted, each once."""
    return (ref for ref in dict.fromkeys(seen) if isinstance(ref, InputRef))


def represented_artifact(value: object) -> InputRef | None:
    """Return the artifact that *value* stands for; None for an ordinary value."""
    sight: Callable[[object], InputRef | None] | None = getattr(type(value), MARK, None)
    return None if sight is None else sight(value)
