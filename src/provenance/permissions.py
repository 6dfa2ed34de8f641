"""Permissions and policies that every entry of a configuration may set."""

from __future__ import annotations

from typing import Final, Literal, TypedDict

from attrs import Attribute, field, frozen, validators

from provenance.effects.duplicates import OnDuplicate
from provenance.records import Permissions

_SHORTEST_KEY: Final = 16


def _is_long_enough(_: object, __: Attribute[str], key: str) -> None:
    if len(key) < _SHORTEST_KEY:
        raise ValueError(
            f"signing_key must have at least {_SHORTEST_KEY} characters; choose them at random"
        )


@frozen(kw_only=True)
class Permitted(Permissions):
    """Permissions of a store or repository.

    Others may have written to one that is not *trusted*.
    """

    delete: bool = False
    trusted: bool = True

    @property
    def permissions(self) -> Permissions:
        """The permissions alone."""
        return Permissions(self.read, self.write, self.delete, self.read_through_write)


@frozen(kw_only=True)
class RecordsPermitted(Permitted):
    """Settings of all repositories in a database.

    *signing_key* is the secret that signs records.
    """

    signing_key: str | None = field(
        default=None, repr=False, validator=validators.optional(_is_long_enough)
    )


@frozen(kw_only=True)
class BlobsPermitted(Permitted):
    """Settings of all blob stores.

    *on_duplicate_key* is the policy for blobs that exist already.
    """

    on_duplicate_key: OnDuplicate = OnDuplicate.SKIP


class PermittedOptions(TypedDict, total=False):
    """`Permitted` as keywords."""

    read: bool
    write: bool
    delete: bool
    read_through_write: bool
    trusted: bool


class RecordsOptions(PermittedOptions, total=False):
    """`RecordsPermitted` as keywords."""

    signing_key: str | None


class BlobsOptions(PermittedOptions, total=False):
    """`BlobsPermitted` as keywords."""

    on_duplicate_key: Literal["skip", "overwrite", "check_collision", "raise"]
