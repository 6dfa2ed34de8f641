"""What may be done with a store or repository, as every entry of a configuration may say."""

from __future__ import annotations

from typing import TypedDict

from attrs import frozen


@frozen(kw_only=True)
class Permitted:
    """What may be done with a store or repository; not *trusted* is one that others may have written to."""

    read: bool = True
    write: bool = True
    delete: bool = False
    read_through_write: bool = True
    trusted: bool = True


class PermittedOptions(TypedDict, total=False):
    """`Permitted` as keywords."""

    read: bool
    write: bool
    delete: bool
    read_through_write: bool
    trusted: bool
