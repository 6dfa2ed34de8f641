"""astropy: units by their names or factors, headers by their cards, without caches."""

from __future__ import annotations

from typing import Any

from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import Walk

_UNIT, _HEADER = map(prefix, ("astropy unit", "astropy header"))


@inherited("astropy.units.core:UnitBase")
def _unit(value: Any, walk: Walk) -> Item:
    # A unit that has a name may be defined by others; one that has none is a product of them.
    names = getattr(value, "_names", None)
    made_of = None if names is None else getattr(value, "_represents", None)
    parts = [names, made_of] if names is not None else [value.scale, value.bases, value.powers]
    return node(_UNIT, (name_of(value), *walk.items(parts)))


@inherited("astropy.io.fits.header:Header")
def _header(value: Any, walk: Walk) -> Item:
    return node(_HEADER, (name_of(value), walk.item([tuple(card) for card in value.cards])))
