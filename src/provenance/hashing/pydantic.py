"""pydantic: models by their fields, without what cached properties computed."""

from __future__ import annotations

from typing import Any, cast

from provenance.hashing.attributes import cached_names, instance_dict
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.registry import inherited, name_of
from provenance.hashing.walk import Walk

_MODEL = prefix("pydantic model")


@inherited("pydantic.main:BaseModel")
def _model(value: Any, walk: Walk) -> Item:
    cached = cached_names(type(cast("object", value)))
    fields = {
        name: attribute for name, attribute in instance_dict(value).items() if name not in cached
    }
    names = ("__pydantic_extra__", "__pydantic_private__", "__pydantic_fields_set__")
    # A model that validation has not finished lacks some of them.
    rest = [getattr(value, name, None) for name in names]
    return node(_MODEL, (name_of(value), *walk.items([fields, *rest])))
