"""The interface of an SQL database that stores records, sets, leases and small blobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from provenance.effects.sql import statements
from provenance.errors import ConfigError, StoreUnavailableError
from provenance.util.formatting import safe_repr
from provenance.util.locks import ForkBarrier

if TYPE_CHECKING:
    from sqlalchemy import Engine

R = TypeVar("R")
Values: TypeAlias = Sequence[str | int | float | bytes | None]

_PREFETCHED: Final = 1_000
"""Blobs that are kept, at most."""


class QueryResult(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """The number of rows that it changed."""
        ...

    def fetchall(self) -> Sequence[tuple[object, ...]]:
        """Return the rows that it selected."""
        ...


Execute: TypeAlias = Callable[[str, Values], QueryResult]


class Database(ForkBarrier, ABC):
    """A database that executes `provenance.effects.sql.statements` and returns rows as SQLite does.

    Statements are passed as text. A database with another dialect looks up what the text was
    compiled from. Bytes that were read with a record are kept, because they are likely to be
    requested next.
    """

    keeps_terms: bool = False
    """Whether it has the table `terms`; others have indexes of their own."""
    fetches_columns: bool = False
    """Whether it fetches a record column by column; others have all of a record in one."""
    generation: int = 0
    """A number that grows when stored records may be gone.

    The database was replaced, or a transaction was rolled back.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name: Final = name
        """The store's name, for errors."""
        self._prefetched: dict[str, bytes] = {}
        self._holders: dict[str, str] = {}

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """The database for SQLAlchemy and pandas."""

    @property
    @abstractmethod
    def cache_key(self) -> str:
        """The identity of the database, the same in every process."""

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written, as far as it is known."""
        return False

    @abstractmethod
    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """Return all rows that *statement* selects; raises `StoreUnavailableError`."""

    @abstractmethod
    def change(self, statement: str, values: Values, generation: int | None = None, /) -> int:
        """Execute *statement* as a transaction; return the number of changed rows.

        Return 0 and do nothing if *generation* is given and no longer current. Raises
        `StoreUnavailableError`.
        """

    @abstractmethod
    def transaction(self, work: Callable[[Execute], R], /) -> R:
        """Return what *work* returns; commit its statements, or roll back if it raises.

        *work* may be called again if the database aborted the transaction because of another one.
        Raises `StoreUnavailableError`.
        """

    @abstractmethod
    def migrate(self, version: int | None = None, /) -> None:
        """Migrate the tables to *version*, None for the newest; raises `StoreUnavailableError`."""

    def find_problems(self) -> tuple[str, ...]:
        """Return the problems that the database finds in its own files.

        A server checks its files itself. Raises `StoreUnavailableError`.
        """
        return ()

    def prefetch(self, values: Mapping[str, bytes]) -> None:
        """Keep the bytes of small blobs, read with their records, until they are requested."""
        if len(self._prefetched) >= _PREFETCHED:
            self._prefetched.clear()
        self._prefetched.update(values)

    def prefetched(self, blob_id: str) -> bytes | None:
        """Return the kept bytes, and forget them."""
        return self._prefetched.pop(blob_id, None)

    def note_holder(self, blob_id: str, artifact_id: str) -> None:
        """Keep in mind that this artifact names the blob, whose bytes are likely to be requested."""
        if len(self._holders) >= _PREFETCHED:
            self._holders.clear()
        self._holders[blob_id] = artifact_id

    def holder(self, blob_id: str) -> str | None:
        """Return an artifact that named the blob when it was looked up."""
        return self._holders.get(blob_id)

    def forget_prefetched(self) -> None:
        """Forget all kept bytes, because stored ones may change."""
        self._prefetched.clear()


def foreign_tables(name: str) -> StoreUnavailableError:
    """Return the error for a database with a table `artifacts` that this library did not make."""
    reason = "it holds tables of an earlier `provenance` library, or of another program"
    advice = (
        "bring them over with `provenance import --from-legacy`, and give this repository a database "
        "or a schema of its own"
    )
    return StoreUnavailableError(name, reason, advice)


def check_version(name: str, version: int | None) -> int:
    """Return *version*, by default the newest; raises `ConfigError` if it does not exist."""
    if version is not None and not 1 <= version <= statements.VERSION:
        problem = f"unknown version {safe_repr(version)} of the tables"
        raise ConfigError(f"{name}, version", problem, f"expected 1 to {statements.VERSION}")
    return version or statements.VERSION
