"""Walking through a value while it is hashed, and the path to a part, for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from provenance.errors import UnhashableValueError
from provenance.hashing.attributes import attributes, slots
from provenance.hashing.encoding import NAN, SCALARS, Item, root_digest, scalar_items
from provenance.hashing.registry import batches, handlers
from provenance.model.ids import ValueId
from provenance.model.references import InputRef, represented_artifact
from provenance.model.tracked import any_tracked, proxy_of_tracked, tracks_any
from provenance.util.formatting import safe_repr

if TYPE_CHECKING:
    from types import FunctionType


_LONGEST = 60
_MAPPINGS: tuple[type, ...] = (Mapping,)
_COLLECTIONS: tuple[type, ...] = (Sequence, AbstractSet)


class Step(str):
    """A part of a path among the values of a trail."""

    __slots__ = ()


def path_text(trail: Sequence[object]) -> str:
    """Return the path from the last value of *trail* to the first, in the syntax of Python.

    >>> inner = [1, 2]
    >>> path_text([inner, {"rows": inner}])
    "['rows']"
    """
    return "".join(_step(outer, inner) for outer, inner in pairwise(reversed(trail)))


def _step(outer: Any, inner: object) -> str:
    if isinstance(inner, Step):
        return str(inner)
    if isinstance(outer, Step):
        return ""
    # By the real type: a proxy would load its value to answer `isinstance`.
    if issubclass(type(outer), _MAPPINGS):
        return _mapping_step(outer, inner)
    if issubclass(type(outer), _COLLECTIONS):
        for index, value in enumerate(outer):
            if value is inner:
                return f"[{index}]" if isinstance(outer, Sequence) else f".member({_short(inner)})"
    for name, content in attributes(outer, slots(type(cast("object", outer)))).items():
        if content is inner:
            return f".{name}"
    return ""


def _mapping_step(outer: Mapping[Any, Any], inner: object) -> str:
    for key, value in outer.items():
        if value is inner:
            return f"[{_short(key)}]"
        if key is inner:
            return f".key({_short(key)})"
    return ""


def _short(value: object) -> str:
    text = safe_repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


INLINE: Final = frozenset({str, int, bool, type(None), bytes})
"""Types whose instances are their own items; so are floats other than NaN."""

_MANY: Final = 4
"""Number of values from which hashing those of each type together pays off."""
_DEEPEST: Final = 20
"""Number of levels below which values are hashed one by one, so that a cycle is found soon."""


class UnhashablePart(Exception):  # noqa: N818 - `root_item` converts it
    """A part of the value cannot be hashed; *instead* names what the user can pass instead."""

    def __init__(self, reason: str, instead: str = "") -> None:
        super().__init__(reason)
        self.instead = instead


class Walk:
    """One walk over one value.

    Attributes:
        memo: Items by the identity of the value, so that shared parts are hashed once.
        alive: The values of `memo`, because an identity is valid only while its owner lives.
        trail: The values that an exception passed through, innermost first.
        notes: Reports of handlers, if the caller wants them; a proxy reports its artifact.
        used: Returns the item of a function that the current function uses (see `functions`); None
            outside functions.
        by_ones: Whether to hash all members of containers one by one; only then is the trail complete.
        level: How many batches are inside each other.
    """

    __slots__ = ("alive", "by_ones", "level", "memo", "notes", "trail", "used")

    def __init__(
        self,
        notes: list[object] | None = None,
        *,
        by_ones: bool = False,
        used: Callable[[FunctionType], Item] | None = None,
        trail: list[object] | None = None,
    ) -> None:
        self.notes = notes
        self.by_ones = by_ones
        self.level = 0
        self.memo: dict[int, Item] = {}
        self.alive: list[object] = []
        self.trail: list[object] = [] if trail is None else trail
        self.used = used

    def without_notes(self) -> Walk:
        """Return a walk over the inside of a value, which notes nothing."""
        return Walk(by_ones=self.by_ones, used=self.used, trail=self.trail)

    def item(self, value: object) -> Item:
        """Return the item of *value*.

        Raises:
            Refusal: if *value* or a part of it cannot be hashed.
        """
        kind = type(value)
        if kind in INLINE:
            return value  # type: ignore[return-value]  # an item by its exact type
        if kind is float:
            is_nan = value != value  # noqa: PLR0124
            return NAN if is_nan else value  # type: ignore[return-value]  # a float
        key = id(value)
        known = self.memo.get(key)
        if known is not None:
            return known
        # The artifact that this object is known to be the value of.
        is_known = self.notes is not None and any_tracked()
        ref = represented_artifact(proxy_of_tracked(value)) if is_known else None
        try:
            made = handlers[kind](value, self if ref is None else self.without_notes())
        except BaseException:
            self.trail.append(value)
            raise
        if ref is not None and self.notes is not None:
            current = ValueId(root_digest(made).hex())
            self.notes.append(InputRef(ref.artifact_id, ref.recorded, current, ref.derivation_id))
        self.memo[key] = made
        self.alive.append(value)
        return made

    def items(self, values: Sequence[Any]) -> Sequence[Item]:
        """Return the items of *values*, a list or tuple; *values* itself if all are items."""
        kinds = set(map(type, values))
        if kinds <= SCALARS:
            return scalar_items(values, kinds)
        if len(values) < _MANY or self.by_ones or self.level > _DEEPEST:
            item_of = self.item
            return [value if type(value) in INLINE else item_of(value) for value in values]
        if len(kinds) == 1:
            return self._alike(kinds.pop(), values)
        places: dict[type, list[int]] = {kind: [] for kind in kinds - INLINE}
        for place, kind in enumerate(map(type, values)):
            if kind in places:
                places[kind].append(place)
        made = list(values)
        for kind, found in places.items():
            items = self._alike(kind, [values[place] for place in found])
            for place, item in zip(found, items, strict=True):
                made[place] = item
        return made

    def _alike(self, kind: type, values: Sequence[Any]) -> Sequence[Item]:
        """Return the items of *values*, all of type *kind*; each object is hashed once."""
        if kind is float:
            return scalar_items(values, {float})
        # Resolving a type also registers its batch handler.
        if kind not in handlers:
            handlers[kind]
        many = batches.get(kind)
        if len(values) == 1:
            return [self.item(values[0])]
        keys = list(map(id, values))
        if many is None or (self.notes is not None and tracks_any(keys)):
            return list(map(self.item, values))
        unmet = dict(zip(keys, values, strict=True))
        if len(unmet) < len(keys) or not self.memo.keys().isdisjoint(keys):
            unmet = {key: value for key, value in unmet.items() if key not in self.memo}
            if unmet:
                self.remember(distinct := list(unmet.values()), self._alike(kind, distinct))
            return [self.memo[key] for key in keys]
        self.level += 1
        made = many(values, self)
        self.level -= 1
        return list(map(self.item, values)) if made is None else made

    def remember(self, values: Sequence[object], items: Sequence[Item]) -> None:
        """Remember the *items* of *values*."""
        self.memo.update(zip(map(id, values), items, strict=True))
        self.alive.append(values)

    def labeled(self, label: str, value: object) -> Item:
        """Return the item of *value*; an error shows *label* in its path."""
        try:
            return self.item(value)
        except BaseException:
            self.trail.append(Step(label))
            raise

    def unordered_items(self, values: Iterable[object]) -> Sequence[Item]:
        """Return the items of *values*, whose order does not count, in the order of *values*."""
        # Inside a function, others are numbered in the order in which they are met. The order of
        # a set must not count, so its members get a walk of their own.
        apart = self.used is not None
        walk = Walk(self.notes, by_ones=self.by_ones, trail=self.trail) if apart else self
        return walk.items(list(values))


def root_item(value: object, path: str, notes: list[object] | None = None) -> Item:
    """Return the item of a whole value.

    Raises:
        UnhashableValueError: if a part cannot be hashed; names its path, which starts with *path*.
    """
    begin = len(notes or ())
    try:
        return Walk(notes).item(value)
    except (UnhashablePart, RecursionError):
        del (notes or [])[begin:]
    # Walk again, one by one, for the path to the part that cannot be hashed.
    walk = Walk(notes, by_ones=True)
    try:
        return walk.item(value)
    except UnhashablePart as refusal:
        where, why = path + path_text(walk.trail), str(refusal)
        raise UnhashableValueError(where, why, refusal.instead) from refusal.__cause__
    except RecursionError:
        raise _recursion_error(walk.trail, path) from None


def root_items(
    values: Sequence[object], path: str, notes: list[object] | None = None
) -> Sequence[Item]:
    """Return the items of the members of a list or tuple; raises as `root_item` does for the whole."""
    begin = len(notes or ())
    try:
        return Walk(notes).items(values)
    except (UnhashablePart, RecursionError):
        del (notes or [])[begin:]
        root_item(values, path)  # which finds the path to the part that cannot be hashed
        raise


def _recursion_error(trail: list[object], path: str) -> UnhashableValueError:
    """Return the error for a cycle, which meets the same value again, or for too deep nesting."""
    inward = trail[::-1]
    seen: set[int] = set()
    for depth, value in enumerate(inward):
        if id(value) in seen and not isinstance(value, Step):
            where = path + path_text(inward[depth::-1])
            return UnhashableValueError(
                where, "it contains itself", "something that does not contain itself"
            )
        seen.add(id(value))
    reason = f"it is nested too deeply (more than {len(inward)} levels)"
    return UnhashableValueError(path, reason, "something flatter")
