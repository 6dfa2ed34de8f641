"""What may be done with a store or repository, as every entry of a configuration may say."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, TypedDict

from attrs import Attribute, field, frozen, validators

DUPLICATES: Final = ("skip", "overwrite", "check_collision", "raise")
_SHORTEST_KEY: Final = 16
OnDuplicateKey: TypeAlias = Literal["skip", "overwrite", "check_collision", "raise"]


def _is_long_enough(_: object, __: Attribute[str], key: str) -> None:
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"a signing key has at least {_SHORTEST_KEY} characters, chosen at random")


@frozen(kw_only=True)
class Permitted:
    """What may be done with a store or repository; not *trusted* is one that others may have written to."""

    read: bool = True
    write: bool = True
    delete: bool = False
    read_through_write: bool = True
    trusted: bool = True


@frozen(kw_only=True)
class RecordsPermitted(Permitted):
    """The same of a repository in a database, and the secret that its records are signed with, if they are."""

    signing_key: str | None = field(default=None, repr=False, validator=validators.optional(_is_long_enough))


@frozen(kw_only=True)
class BlobsPermitted(Permitted):
    """The same of a blob store, and what becomes of bytes that it is given and has already."""

    on_duplicate_key: str = field(default="skip", validator=validators.in_(DUPLICATES))


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

    on_duplicate_key: OnDuplicateKey
