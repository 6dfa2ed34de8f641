"""Imports of optional libraries."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from provenance.errors import MissingLibraryError


def imported_module(module: str) -> Any:  # noqa: ANN401 - a library's types are its own
    """Return the module if this process has imported it, else None: then no value is of its types.

    A module that another thread is still importing lacks its types, and counts as not imported.
    """
    found = sys.modules.get(module)
    return None if getattr(getattr(found, "__spec__", None), "_initializing", False) else found


def require_library(module: str, for_what: str) -> Any:  # noqa: ANN401 - a library's types are its own
    """Import and return a module.

    Raises:
        MissingLibraryError: if it cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingLibraryError(for_what, module.partition(".")[0]) from error
