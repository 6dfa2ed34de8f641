"""The walk over a value: what it remembers, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import UnhashableValueError
from provenance.hashing.format import NAN, SCALARS, Item, flat, rooted
from provenance.hashing.paths import Step, trace
from provenance.hashing.registry import batches, handlers

if TYPE_CHECKING:
    from types import FunctionType

INLINE: Final = frozenset({str, int, bool, type(None), bytes})
"""Types whose instances are their own items; a float is too, unless it is NaN."""


_MANY: Final = 8
"""From how many values of one type on it pays to take them together."""


class Refusal(Exception):  # noqa: N818 - never leaves the package: `root` turns it into the public error
    """A part of the value has no content that could be hashed; *instead* says what would, if nothing can be taught."""

    def __init__(self, reason: str, instead: str = "") -> None:
        super().__init__(reason)
        self.instead = instead


class Walk:
    """One walk over one value.

    `memo` keeps the items of the nodes met so far by the identity of the value, so that shared parts cost once;
    `alive` holds these values, because an identity is only good while its owner lives. `trail` collects, innermost
    first, the values that an exception passes through; it costs nothing until then. `notes`, if the caller wants them,
    collects what handlers have to say of what they met (a proxy tells which artifact it stands for). `used` says what
    stands for a function that the described one uses (see `functions`), and is None outside a function. A walk `by_ones` takes the members
    of a container one by one even if they are of one type; only such a walk has a whole trail.
    """

    __slots__ = ("alive", "by_ones", "memo", "notes", "trail", "used")

    def __init__(
        self,
        notes: list[object] | None = None,
        *,
        by_ones: bool = False,
        used: Callable[[FunctionType], Item] | None = None,
    ) -> None:
        self.notes = notes
        self.by_ones = by_ones
        self.memo: dict[int, Item] = {}
        self.alive: list[object] = []
        self.trail: list[object] = []
        self.used = used

    def item(self, value: object) -> Item:
        """Return the item that stands for *value*; `Refusal` when it has none."""
        kind = type(value)
        if kind in INLINE:
            return value  # type: ignore[return-value]  # the exact types of INLINE are items
        if kind is float:
            return value if value == value else NAN  # type: ignore[return-value]  # noqa: PLR0124 - NaN is not itself
        key = id(value)
        known = self.memo.get(key)
        if known is not None:
            return known
        try:
            made = handlers[kind](value, self)
        except BaseException:
            self.trail.append(value)
            raise
        self.memo[key] = made
        self.alive.append(value)
        return made

    def items(self, values: Sequence[Any]) -> Sequence[Item]:
        """Return the items of *values*, which is a list or tuple; *values* itself when its elements are items."""
        kinds = set(map(type, values))
        if kinds <= SCALARS:
            return flat(values, kinds)
        if len(kinds) == 1 and len(values) >= _MANY and not self.by_ones:
            together = self._together(kinds.pop(), values)
            if together is not None:
                return together
        item = self.item
        return [value if type(value) in INLINE else item(value) for value in values]

    def _together(self, kind: type, values: Sequence[object]) -> Sequence[Item] | None:
        """Return the items of *values*, all of type *kind*, if they can be had at once: none was met before."""
        if kind not in handlers:
            handlers[kind]  # what answers for the type is looked for when its first instance comes
        many = batches.get(kind)
        if many is None:
            return None
        keys = set(map(id, values))
        if len(keys) < len(values) or not keys.isdisjoint(self.memo):
            return None
        return many(values, self)

    def remember(self, values: Sequence[object], items: Sequence[Item]) -> None:
        """Keep the *items* of *values* for when these are met again."""
        self.memo.update(zip(map(id, values), items, strict=True))
        self.alive.append(values)

    def labelled(self, label: str, value: object) -> Item:
        """Return the item of *value*; should it have none, the error's path shows *label*."""
        try:
            return self.item(value)
        except BaseException:
            self.trail.append(Step(label))
            raise

    def ranked(self, values: Iterable[object]) -> list[tuple[bytes, Item]]:
        """Return digest and item of each value, in the order of *values*.

        Inside a function the numbers of others follow the order in which they are met. The order
        of a set is no property of its value, so that its members are looked at in a walk of their own.
        """
        walk = self if self.used is None else Walk(self.notes, by_ones=self.by_ones)
        try:
            items = walk.items(list(values))
        except BaseException:
            if walk is not self:
                self.trail.extend(walk.trail)
            raise
        return [(rooted(item), item) for item in items]


def root(value: object, path: str, notes: list[object] | None = None) -> Item:
    """Return the item of a whole value.

    Raises:
        UnhashableValueError: naming the path, which begins with *path*, to the part that cannot be hashed.
    """
    begun = len(notes or ())
    try:
        return Walk(notes).item(value)
    except (Refusal, RecursionError):
        del (notes or [])[begun:]
    walk = Walk(notes, by_ones=True)  # to see the way to the part that has no value
    try:
        return walk.item(value)
    except Refusal as refusal:
        where, why = path + trace(walk.trail), str(refusal)
        raise UnhashableValueError(where, why, refusal.instead) from refusal.__cause__
    except RecursionError:
        raise _endless(walk.trail, path) from None


def _endless(trail: list[object], path: str) -> UnhashableValueError:
    """Return the error for a walk that met the recursion limit: a cycle comes by the same value again."""
    inward = trail[::-1]
    seen: set[int] = set()
    for depth, value in enumerate(inward):
        if id(value) in seen and not isinstance(value, Step):
            where = path + trace(inward[depth::-1])
            return UnhashableValueError(where, "it contains itself", "something that does not contain itself")
        seen.add(id(value))
    return UnhashableValueError(path, f"it is nested too deeply (more than {len(inward)} levels)", "something flatter")
