"""Libraries that a serializer needs and that not everybody has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from provenance.errors import MissingLibraryError


def needed(module: str, for_what: str, extra: str) -> Any:  # noqa: ANN401 - a library's types are its own
    """The module of this name.

    Raises:
        MissingLibraryError: if it cannot be imported; it names the *extra* of ours that brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingLibraryError(for_what, module, extra) from error
