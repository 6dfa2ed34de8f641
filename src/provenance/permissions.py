"""What may be done with a store or repository, as every entry of a configuration may say."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, TypedDict

from attrs import field, frozen, validators

DUPLICATES: Final = ("skip", "overwrite", "check_collision", "raise")
OnDuplicateKey: TypeAlias = Literal["skip", "overwrite", "check_collision", "raise"]


@frozen(kw_only=True)
class Permitted:
    """What may be done with a store or repository; not *trusted* is one that others may have written to."""

    read: bool = True
    write: bool = True
    delete: bool = False
    read_through_write: bool = True
    trusted: bool = True


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


class BlobsOptions(PermittedOptions, total=False):
    """`BlobsPermitted` as keywords."""

    on_duplicate_key: OnDuplicateKey
