"""Tensors of a device that this process does not have: they are read onto the CPU."""

from __future__ import annotations

import logging
from typing import Any, Final

from provenance.results.origin import resolving_origin
from provenance.util.optional import imported_module

_log: Final = logging.getLogger("provenance")
_FIRST: Final = 1
"""A priority before those of torch's own devices, which begin at 10."""
_prepared: Final[list[object]] = []
_missed: Final[set[str]] = set()


def tolerate_missing_devices() -> None:
    """Let torch, if it is imported, read stored tensors of devices that are missing here.

    Only what is read from a repository is concerned, and not what users load with torch themselves.
    """
    torch = imported_module("torch")
    if torch is None or torch in _prepared:
        return
    _prepared[:] = [torch]

    def no_tag(_: object) -> None:
        return None

    def restore(storage: object, location: str) -> object | None:
        if resolving_origin() is None or _is_there(torch, location):
            return None
        if location not in _missed:
            _missed.add(location)
            _log.warning(
                "a stored tensor of device %s is read onto the CPU: there is none", location
            )
        return storage

    torch.serialization.register_package(_FIRST, no_tag, restore)


def _is_there(torch: Any, location: str) -> bool:  # noqa: ANN401 - torch's types are its own
    """Tell whether the device of a tag such as `cuda:1` exists, as far as that is known."""
    kind, _, number = location.partition(":")
    device: Any = getattr(torch.backends if kind == "mps" else torch, kind, None)
    is_available = getattr(device, "is_available", None)
    if is_available is None or kind == "cpu":
        return True
    count = getattr(device, "device_count", None)
    return is_available() and (not number.isdecimal() or count is None or int(number) < count())
