"""sympy: what is deduced about a symbol or a function while it is used is a cache."""

from __future__ import annotations

from typing import Any

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited
from provenance.hashing.walk import Walk

_FACTS = prefix("sympy facts")


@inherited("sympy.core.assumptions:StdFactKB")
def _facts(value: Any, walk: Walk) -> Item:
    # By what was stated, from which all other facts follow.
    return node(_FACTS, (walk.item(dict(value.generator)),))
