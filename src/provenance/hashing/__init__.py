"""The identity of values: equal values have equal digests, in any process, on any machine.

`docs/hashing.md` describes the format.
"""

from provenance.hashing.canonical import combine, digest, hash_value
from provenance.hashing.format import Item
from provenance.hashing.format import child as Child  # noqa: N812 - reads as the constructor of an item
from provenance.hashing.registry import register_hasher, register_item
from provenance.hashing.walk import Walk

__all__ = ["Child", "Item", "Walk", "combine", "digest", "hash_value", "register_hasher", "register_item"]
