"""pydantic: models by their fields, without what cached properties computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from provenance.hashing.attributes import cached_names, instance_dict
from provenance.hashing.containers import record_items
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import batches, inherited, is_nameless, name_of
from provenance.hashing.walk import Walk

_MODEL = prefix("pydantic model")
_BESIDE: Final = ("__pydantic_extra__", "__pydantic_private__", "__pydantic_fields_set__")


@inherited("pydantic.main:BaseModel")
def _model(value: Any, walk: Walk) -> Item:
    type_ = type(cast("object", value))
    # Here, and not where it is registered: now this handler is known to be the one of the class.
    if not is_nameless(type_):
        batches[type_] = _models
    return node(_MODEL, (name_of(value), *walk.items(_parts(value))))


def _models(values: Sequence[Any], walk: Walk) -> Sequence[Item]:
    columns = [list(column) for column in zip(*map(_parts, values), strict=True)]
    return record_items(_MODEL, (name_of(values[0]),), values, columns, walk)


def _parts(value: Any) -> tuple[object, ...]:
    """Return the fields of a model, and what it has beside them."""
    fields, cached = instance_dict(value), cached_names(type(cast("object", value)))
    if not cached.isdisjoint(fields):
        fields = {name: content for name, content in fields.items() if name not in cached}
    # A model that validation has not finished lacks some of the others.
    return (fields, *(getattr(value, name, None) for name in _BESIDE))
