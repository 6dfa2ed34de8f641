"""torch: tensors by type, shape and elements on any device, modules by their state."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from provenance.hashing.attributes import attributes_beside, instance_dict
from provenance.hashing.containers import with_attributes
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.objects import plain_attributes
from provenance.hashing.registry import exact, inherited, name_of
from provenance.hashing.walk import UnhashablePart, Walk

# The type hints of torch are incomplete.
torch: Any = import_module("torch")

_TENSOR, _SPARSE, _MODULE, _NAMED = (
    prefix(f"torch {kind}") for kind in ("tensor", "sparse tensor", "module", "named")
)
_GENERATOR, _NESTED = map(prefix, ("torch generator", "torch nested tensor"))


@inherited(torch.Tensor)
def _tensor(value: Any, walk: Walk) -> Item:
    # Device and strides do not count; `requires_grad`, the gradient and attributes do.
    # Attributes of nested tensors are their own: where each part begins, and caches.
    own: Mapping[str, object] = {} if value.is_nested else instance_dict(value)
    beside = {**own, **attributes_beside(value)}
    return with_attributes(_content(value, walk), beside, walk)


def _content(value: Any, walk: Walk) -> Item:
    if value.is_meta:
        raise UnhashablePart("a meta tensor has no elements")
    if value.is_quantized:
        raise UnhashablePart("a quantized tensor cannot be hashed; call dequantize() first")
    plain = value.detach()
    if value.is_nested:
        facts = (name_of(value), str(value.dtype), str(value.layout), value.requires_grad)
        return node(_NESTED, (*facts, *walk.items(list(plain.unbind()))))
    head = (name_of(value), str(value.dtype), value.requires_grad, *value.shape)
    if plain.layout is torch.strided:
        return node(_TENSOR, (*head, _elements(plain)))
    whole = plain.to_sparse_coo().coalesce()
    return node(
        _SPARSE, (*head, str(plain.layout), _elements(whole.indices()), _elements(whole.values()))
    )


def _elements(value: Any) -> Item:
    """Return the item of the elements in C order; contiguous tensors on the CPU are not copied."""
    flat = value.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    return Buffer(memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else b"").item()


@inherited(torch.nn.Module)
def _module(value: Any, walk: Walk) -> Item:
    state = plain_attributes(value)
    # Recurrent layers leave out weak references.
    return node(_MODULE, (name_of(value), walk.item(_state(value) if state is None else state)))


def _state(value: Any) -> Any:
    found: Any = value.__getstate__()
    # A dictionary of its own type counts as one.
    return {**found} if isinstance(cast("object", found), dict) else found


@exact(torch.dtype, torch.layout, torch.memory_format, torch.device)
def _dtype_name(value: Any, _: Walk) -> Item:
    return node(_NAMED, (name_of(value), str(value)))


@exact(torch.Generator)
def _generator(value: Any, walk: Walk) -> Item:
    return node(_GENERATOR, (str(value.device), walk.item(value.get_state())))
