"""Serializer of torch modules and tensors by `torch.save`.

A module is its state and a reference to its class.
"""

from __future__ import annotations

import pickle
import re
from types import SimpleNamespace
from typing import Any, BinaryIO

from provenance.codecs.devices import tolerate_missing_devices
from provenance.codecs.pickling import reduce_with_attributes
from provenance.hashing.attributes import attributes_beside
from provenance.util.optional import imported_module, require_library

_NAME = "pytorch_model"
_DEVICE = re.compile(r"[a-z][a-z0-9_]*(:[0-9]{1,4})?")
"""What names a device: its type and perhaps its number."""


def is_torch(value: object) -> bool:
    """Tell whether *value* is a module or a tensor."""
    torch = imported_module("torch")
    return torch is not None and isinstance(value, torch.nn.Module | torch.Tensor)


def dump_torch(value: object, sink: BinaryIO) -> None:
    """Write a module or a tensor; raise TypeError for anything else.

    Of a tensor that is a view, only the viewed part is written.
    """
    torch = require_library("torch", f"serializer {_NAME!r}")
    if not isinstance(value, torch.nn.Module | torch.Tensor):
        raise TypeError(
            f"serializer {_NAME!r} writes modules and tensors, not {type(value).__qualname__}"
        )
    # torch leaves out gradients.
    pickler = SimpleNamespace(__name__="provenance", Pickler=_AttributePickler)
    torch.save(_compact(value, torch), sink, pickle_module=pickler)


class _AttributePickler(pickle.Pickler):
    def reducer_override(self, obj: object) -> Any:  # noqa: ANN401 - the signature of pickle
        return reduce_with_attributes(obj)


def load_torch(source: BinaryIO, *, map_location: str | None = None) -> object:
    """Read what `dump_torch` wrote, onto the device *map_location* (`"cpu"`), or onto the one that it was on.

    Where that is missing, it is read onto the CPU, with a line in the log.
    """
    return _load(source, map_location, weights_only=False)


def load_weights(source: BinaryIO, *, map_location: str | None = None) -> object:
    """Read a tensor as `load_torch` does, but nothing that would execute code, and so no module."""
    return _load(source, map_location, weights_only=True)


def _load(source: BinaryIO, device: object, *, weights_only: bool) -> object:
    # Records may say anything.
    if device is not None and not (isinstance(device, str) and _DEVICE.fullmatch(device)):
        raise ValueError(
            f'`map_location` must name a device such as "cpu" or "cuda:0", got {device!r}'
        )
    torch = require_library("torch", f"serializer {_NAME!r}")
    tolerate_missing_devices()
    loaded: object = torch.load(source, map_location=device, weights_only=weights_only)
    return loaded


def _compact(value: Any, torch: Any) -> Any:  # noqa: ANN401 - torch's types are its own
    """Return *value*, copied if it is a plain tensor that shows only a part of what it is stored in."""
    if type(value) is not torch.Tensor or value.layout is not torch.strided:
        return value
    if attributes_beside(value) or vars(value):
        return value
    if value.untyped_storage().nbytes() == value.numel() * value.element_size():
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)
