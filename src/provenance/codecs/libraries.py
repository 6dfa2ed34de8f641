"""Libraries that a serializer needs, or whose values it knows, and that not everybody has."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from provenance.errors import MissingLibraryError


def imported(module: str) -> Any:  # noqa: ANN401 - a library's types are its own
    """The module of this name if this process has imported it, else None: then no value is of its types.

    While another thread imports it, it is there already and lacks its types: that counts as None, too.
    """
    found = sys.modules.get(module)
    return None if getattr(getattr(found, "__spec__", None), "_initializing", False) else found


def needed(module: str, for_what: str, extra: str) -> Any:  # noqa: ANN401 - a library's types are its own
    """The module of this name.

    Raises:
        MissingLibraryError: if it cannot be imported; it names the *extra* of ours that brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingLibraryError(for_what, module, extra) from error
