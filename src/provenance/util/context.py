"""Context variables that have a value within a block."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def setting(variable: ContextVar[T], value: T) -> Generator[None]:
    """Give *variable* this *value* within the block."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
