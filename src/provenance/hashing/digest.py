"""Digests of values, with a fast path for scalars and for flat lists and tuples of scalars."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.hashing.containers import LIST, TUPLE
from provenance.hashing.encoding import (
    DIGEST_SIZE,
    NAN,
    SCALARS,
    Item,
    encode_items,
    node_digest,
    node_hasher,
    prefix,
    root_digest,
    scalar_digest,
    scalar_items,
)
from provenance.hashing.walk import root_item, root_items
from provenance.model.ids import ValueId


def digest(value: object, path: str = "value", notes: list[object] | None = None) -> bytes:
    """Return the 20-byte digest of *value*, equal for equal values in any process.

    What handlers report while walking over it (see `Walk.notes`) is appended to *notes*.

    >>> digest([1, 2]).hex() == digest([1, 2]).hex() != digest((1, 2)).hex()
    True

    Raises:
        UnhashableValueError: if a part of *value* cannot be hashed; names its path, which starts
            with *path*.
    """
    kind = type(value)
    if kind in SCALARS:
        scalar: Item = value  # type: ignore[assignment]  # an item by its exact type
        return scalar_digest(scalar if scalar == scalar else NAN)  # noqa: PLR0124 - NaN
    if kind is tuple or kind is list:
        members: Sequence[Item] = value  # type: ignore[assignment]  # an exact list or tuple
        kinds = set(map(type, members))
        if kinds <= SCALARS:
            return node_digest(LIST if kind is list else TUPLE, scalar_items(members, kinds))
    return root_digest(root_item(value, path, notes))


def hash_value(value: object, path: str = "value", notes: list[object] | None = None) -> ValueId:
    """Return the digest of *value* as 40 lowercase hexadecimal digits; *notes* as for `digest`.

    Args:
        value: The value.
        path: Name of the value in the paths of errors.
        notes: A list, to which what is remarkable about the value is added.

    Raises:
        UnhashableValueError: if a part of *value* cannot be hashed; names its path, which starts
            with *path*.

    Example:
        >>> hash_value({"a": 1, "b": 2}) == hash_value({"b": 2, "a": 1})
        True
    """
    return ValueId(digest(value, path, notes).hex())


def encode_members(
    values: Sequence[object], path: str = "value", notes: list[object] | None = None
) -> bytes:
    """Return what the *values* add to the encoding of a list; from such pieces `EncodedList` makes its hash.

    Raises:
        UnhashableValueError: as `digest`.
    """
    return encode_items(root_items(values, path, notes))


class EncodedList:
    """The hash of a list of *count* members, from what `encode_members` returned for its parts in order.

    >>> parts = EncodedList(3)
    >>> parts.add(encode_members([1, "a"]))
    >>> parts.add(encode_members([2.5]))
    >>> parts.value_id() == hash_value([1, "a", 2.5])
    True
    """

    def __init__(self, count: int) -> None:
        self._hasher = node_hasher(LIST, count)

    def add(self, encoded: bytes) -> None:
        """Append the members of the next part."""
        self._hasher.update(encoded)

    def value_id(self) -> ValueId:
        """Return what `hash_value` returns for the whole list."""
        return ValueId(self._hasher.digest(DIGEST_SIZE).hex())


def combine(tag: str, items: Sequence[Item]) -> bytes:
    """Return the digest of a node built by hand; an item is a scalar or the `Child` of a digest.

    >>> combine("list", [1, 2]) == digest([1, 2])
    True

    Raises:
        ValueError: if *tag* has a line break.
    """
    scalars = [item if item == item else NAN for item in items]  # noqa: PLR0124 - NaN
    return node_digest(prefix(tag), scalars)
