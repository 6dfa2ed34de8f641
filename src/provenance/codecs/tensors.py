"""Serializer of torch modules and tensors by `torch.save`.

A module is its state and a reference to its class.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from provenance.codecs.libraries import imported, needed

_NAME = "pytorch_model"


def is_torch(value: object) -> bool:
    """Tell whether *value* is a module or a tensor."""
    torch = imported("torch")
    return torch is not None and isinstance(value, torch.nn.Module | torch.Tensor)


def dump_torch(value: object, sink: BinaryIO) -> None:
    """Write a module or a tensor; raise TypeError for anything else.

    Of a tensor that is a view, only the viewed part is written.
    """
    torch = needed("torch", f"serializer {_NAME!r}", "torch")
    if not isinstance(value, torch.nn.Module | torch.Tensor):
        raise TypeError(
            f"serializer {_NAME!r} writes modules and tensors, not {type(value).__qualname__}"
        )
    torch.save(_compact(value, torch), sink)


def load_torch(source: BinaryIO, *, map_location: str | None = None) -> object:
    """Read what `dump_torch` wrote, onto *map_location* or the device that it was on."""
    torch = needed("torch", f"serializer {_NAME!r}", "torch")
    loaded: object = torch.load(source, map_location=map_location, weights_only=False)
    return loaded


def load_weights(source: BinaryIO, *, map_location: str | None = None) -> object:
    """Read a tensor as `load_torch` does, but refuse modules, which could execute code."""
    torch = needed("torch", f"serializer {_NAME!r}", "torch")
    loaded: object = torch.load(source, map_location=map_location, weights_only=True)
    return loaded


def _compact(value: Any, torch: Any) -> Any:  # noqa: ANN401 - torch's types are Any
    """Return *value*, copied if it is a plain tensor that views a part of its storage."""
    if type(value) is not torch.Tensor or value.layout is not torch.strided:
        return value
    if value.untyped_storage().nbytes() == value.numel() * value.element_size():
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)
