"""The configuration as frozen records."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Required, TypeAlias, TypedDict, TypeVar

from attrs import Attribute, field, frozen, validators

from provenance.model.records import Json
from provenance.ports.blobs import Durability, OnDuplicate, VerifyReads
from provenance.ports.permissions import Permissions
from provenance.receipts.policy import OnCodeChange, Shadow
from provenance.repository.stores import MEMORY
from provenance.results.kinds import EAGER_LIMIT, ArgumentStyle, ResultStyle, SingletonStyle
from provenance.singleflight.leases import DEFAULT_SINGLE_FLIGHT, SingleFlight
from provenance.util.naming import exported

if TYPE_CHECKING:
    from provenance.config.remote import ObjectSettings, PostgresRepoSettings


_SHORTEST_KEY: Final = 16


def locate_path(text: str, base: Path) -> Path:
    """Return a configured path; relative ones start at *base*."""
    return base / Path(text).expanduser()


def _is_long_enough(_: object, __: Attribute[str], key: str) -> None:
    if len(key) < _SHORTEST_KEY:
        raise ValueError(
            f"signing_key must have at least {_SHORTEST_KEY} characters; choose them at random"
        )


@frozen(kw_only=True)
class StoreAccess(Permissions):
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
class RecordStoreAccess(StoreAccess):
    """Settings of all repositories in a database.

    *signing_key* is the secret that signs records.
    """

    delete: bool = True
    signing_key: str | None = field(
        default=None, repr=False, validator=validators.optional(_is_long_enough)
    )


@frozen(kw_only=True)
class BlobStoreAccess(StoreAccess):
    """Settings of all blob stores.

    *on_duplicate_key* is the policy for blobs that exist already.
    """

    on_duplicate_key: OnDuplicate = OnDuplicate.SKIP


class StoreAccessArguments(TypedDict, total=False):
    """`StoreAccess` as keywords."""

    read: bool
    write: bool
    delete: bool
    read_through_write: bool
    trusted: bool


class RecordStoreArguments(StoreAccessArguments, total=False):
    """`RecordStoreAccess` as keywords."""

    signing_key: str | None


class BlobStoreArguments(StoreAccessArguments, total=False):
    """`BlobStoreAccess` as keywords."""

    on_duplicate_key: Literal["skip", "overwrite", "check_collision", "raise"]


T = TypeVar("T")
RunInfoHook: TypeAlias = Callable[[dict[str, Json]], "Mapping[str, Json] | None"]


@frozen(kw_only=True)
class MemoryStoreSettings(BlobStoreAccess):
    """`type: memory`: blobs in the memory of this process."""

    def locate(self, _: Path, /) -> str:
        """Return where it is, as text for people."""
        return MEMORY


def check_path(_: object, __: object, value: str) -> None:
    """Raise ValueError for a path that no file can have (validator)."""
    try:
        encoded = os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"must be a path, got {value!r}, which the system cannot encode") from None
    if b"\0" in encoded:
        raise ValueError(f"must be a path, got {value!r}; remove the NUL")
    # A configuration's `${NAME}` is filled in by now; those of stores made in a program never are.
    if variable := re.match(r"\$\{?(\w+)", value):
        advice = f"write ${{{variable[1]}}} in a configuration, os.path.expandvars in a program"
        raise ValueError(f"must be a path, got {value!r}; {advice}")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"no home folder is known for {value!r}; write the path out") from None


@frozen(kw_only=True)
class DiskStoreSettings(BlobStoreAccess):
    """`type: disk`: blobs as files under *cachedir*.

    *compare* says when bytes that are read are compared with their digest.
    """

    cachedir: str = field(validator=check_path)
    durability: Durability = Durability.PROCESS
    compare: VerifyReads = VerifyReads.CHANGED

    def locate(self, base: Path, /) -> str:
        """Return where it is, as text for people; a relative path starts at *base*."""
        return str(locate_path(self.cachedir, base))


@frozen(kw_only=True)
class MemoryRepoSettings(StoreAccess):
    """`type: memory`: records in the memory of this process.

    Values go to *store*, by default memory too.
    """

    delete: bool = True

    store: str | None = None

    def locate(self, _: Path, /) -> str:
        """Return where it is, as text for people."""
        return MEMORY


def _is_file(_: object, __: object, value: str) -> None:
    path = value.removeprefix("sqlite:///")
    if path == ":memory:" or value in ("sqlite://", "sqlite:///"):
        raise ValueError(f"db must be a file, got {value!r}; use a memory repository instead")
    if not path:
        raise ValueError("db must name a file")
    check_path(_, __, path)


@frozen(kw_only=True)
class SqliteRepoSettings(RecordStoreAccess):
    """`type: sqlite`: records in the file *db*, which *create_db* creates if it is missing.

    Values go to *store*, but those of up to *inline_limit* bytes into the file.
    """

    db: str = field(validator=_is_file)
    store: str | None = None
    inline_limit: int = field(default=65_536, validator=validators.ge(0))
    create_db: bool = True
    durability: Durability = Durability.PROCESS

    def locate(self, base: Path, /) -> str:
        """Return where it is, as text for people; a relative path starts at *base*."""
        return str(locate_path(self.db.removeprefix("sqlite:///"), base))


def _are_tiers(_: object, __: Attribute[tuple[str, ...]], names: tuple[str, ...]) -> None:
    if not names:
        raise ValueError("stores is empty; name at least one, the nearest first")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"duplicate store {name!r} in stores; give each store its own name")


@frozen(kw_only=True)
class ChainedSettings(StoreAccess):
    """`type: chained`: *stores* (names of blob stores or repositories) as one, nearest first.

    The permissions of each store apply to it; these apply to the chain as a whole.
    """

    stores: tuple[str, ...] = field(validator=_are_tiers)
    delete: bool = True


class DiskStoreOptions(BlobStoreArguments, total=False):
    """`DiskStoreSettings` as keywords."""

    cachedir: Required[str | os.PathLike[str]]
    durability: Literal["process", "power"]
    compare: Literal["changed", "always", "size"]


class SqliteRepoOptions(RecordStoreArguments, total=False):
    """`SqliteRepoSettings` as keywords."""

    db: Required[str | os.PathLike[str]]
    inline_limit: int
    create_db: bool
    durability: Literal["process", "power"]


StoreSettings: TypeAlias = "MemoryStoreSettings | DiskStoreSettings | ObjectSettings"
RepoSettings: TypeAlias = "MemoryRepoSettings | SqliteRepoSettings | PostgresRepoSettings"
AnyStore: TypeAlias = "StoreSettings | ChainedSettings"
AnyRepo: TypeAlias = "RepoSettings | ChainedSettings"


@exported
@frozen(kw_only=True)
class Config:
    """A whole configuration; its attributes are the keys in the reference of stores.

    Example:
        >>> import provenance as p
        >>> p.current_config().results
        'proxies'
    """

    blobstores: Mapping[str, AnyStore]
    artifact_repos: Mapping[str, AnyRepo]
    default_repo: str | None = None
    use_cache: bool = True
    read_only: bool = False
    check_mutations: bool = False
    results: ResultStyle = "proxies"
    arguments: ArgumentStyle = "values"
    singletons: SingletonStyle = "values"
    eager_limit: int = field(default=EAGER_LIMIT, validator=validators.ge(0))
    on_code_change: OnCodeChange = "warn"
    shadow: Shadow | None = None
    record_sources: bool = True
    single_flight: SingleFlight | None = DEFAULT_SINGLE_FLIGHT
    run_info_fn: RunInfoHook | None = field(default=None, repr=False)
