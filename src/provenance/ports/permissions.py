"""What a store permits, and the effects that need a permission."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, cast

from attrs import frozen

from provenance.effect import Effect

A = TypeVar("A")

Permission: TypeAlias = Literal["read", "write", "delete"]


class StoreEffect(Effect[A]):
    """An effect of a store."""

    __slots__ = ()

    needs: ClassVar[Permission]
    """The permission that it needs."""
    action: ClassVar[str]
    """What it does, as messages name it."""


@frozen
class Permissions:
    """Permitted operations of a store.

    `read_through_write` permits copies of what is read from a later tier.
    """

    read: bool = True
    write: bool = True
    delete: bool = True
    read_through_write: bool = True

    def permit(self, effect: StoreEffect[Any] | type[StoreEffect[Any]]) -> bool:
        """Return whether they include the permission that *effect* needs."""
        return cast("bool", getattr(self, effect.needs))
