"""The name of the package for what pickles, records and hashes name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T", bound="type | Callable[..., Any]")


def exported(defined: T) -> T:
    """Make *defined* say that it is of the package, so that moving it changes no pickle, record or hash.

    A decorator, and the outermost one: attrs compiles methods in the namespace of the module that a class names.
    """
    defined.__module__ = "provenance"
    return defined
