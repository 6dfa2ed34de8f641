"""Hashing by value: equal values have equal digests, in any process and on any machine.

`docs/hashing.md` describes the format.
"""

from provenance.hashing.digest import EncodedList, combine, digest, encode_members, hash_value
from provenance.hashing.encoding import Item
from provenance.hashing.encoding import child_item as Child  # noqa: N812 - a constructor
from provenance.hashing.registry import register_hasher, register_item
from provenance.hashing.walk import Walk

__all__ = [
    "Child",
    "EncodedList",
    "Item",
    "Walk",
    "combine",
    "digest",
    "encode_members",
    "hash_value",
    "register_hasher",
    "register_item",
]
