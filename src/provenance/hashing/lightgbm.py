"""lightgbm: a booster by its model; a copy has the same one with its parameters spelled out."""

from __future__ import annotations

from typing import Any

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited
from provenance.hashing.walk import Walk

_BOOSTER = prefix("lightgbm booster")


@inherited("lightgbm.basic:Booster")
def _booster(value: Any, _: Walk) -> Item:
    return node(_BOOSTER, (value.model_to_string(num_iteration=-1), max(value.best_iteration, 0)))
