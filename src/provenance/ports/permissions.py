"""What a store permits, and the effects that need a permission."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar, cast

from attrs import frozen

from provenance.effect import Effect
from provenance.util.context import setting

A = TypeVar("A")

Permission: TypeAlias = Literal["read", "write", "delete"]


class StoreEffect(Effect[A]):
    """An effect of a store."""

    __slots__ = ()

    needs: ClassVar[Permission]
    """The permission that it needs."""
    action: ClassVar[str]
    """What it does, as messages name it."""


_reads_through: Final[ContextVar[bool]] = ContextVar("provenance_reads_through", default=False)


def reading_through() -> AbstractContextManager[None]:
    """Let what is written in this block count as a copy of what was read from a later tier."""
    return setting(_reads_through, True)


@frozen
class Permissions:
    """Permitted operations of a store.

    `read_through_write` permits copies of what is read from a later tier, whether or not other
    writes are permitted.
    """

    read: bool = True
    write: bool = True
    delete: bool = True
    read_through_write: bool = True

    def permit(self, effect: StoreEffect[Any] | type[StoreEffect[Any]]) -> bool:
        """Return whether they include the permission that *effect* needs."""
        if effect.needs == "write" and _reads_through.get():
            return self.read_through_write
        return cast("bool", getattr(self, effect.needs))
