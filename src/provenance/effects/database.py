"""What records, sets and small blobs want of an SQL database, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from provenance.effects.statements import VERSION
from provenance.errors import ConfigError
from provenance.showing import shown

if TYPE_CHECKING:
    from sqlalchemy import Engine

R = TypeVar("R")
Values: TypeAlias = Sequence[str | int | float | bytes | None]

_PREFETCHED: Final = 1_000


class Answer(Protocol):
    """What a statement did."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchall(self) -> Sequence[tuple[object, ...]]:
        """The rows that it answers."""
        ...


Execute: TypeAlias = Callable[[str, Values], Answer]


class Database(Protocol):
    """A database that takes the statements of `provenance.effects.statements`, and answers rows as SQLite does.

    A statement goes by its text. A database that speaks another SQL looks up what the text was compiled from.
    """

    @property
    def name(self) -> str:
        """The store's name, for errors."""
        ...

    @property
    def engine(self) -> Engine:
        """The database as SQLAlchemy and pandas take it."""
        ...

    def query(self, statement: str, /, *values: str | float | None) -> list[tuple[object, ...]]:
        """All rows that *statement* answers; raises `StoreUnavailableError`."""
        ...

    @property
    def generation(self) -> int:
        """How often the database was found to be another one than before."""
        ...

    def change(self, statement: str, values: Values, generation: int | None = None, /) -> int:
        """How many rows *statement*, a transaction by itself, has changed; raises `StoreUnavailableError`.

        It is not done, and the answer is 0, if the database turns out to be no longer the one of this *generation*.
        """
        ...

    def transaction(self, work: Callable[[Execute], R], /) -> R:
        """What *work* returns, all of whose statements take effect, or none when it raises.

        It may be called again where the database gave it up for another's sake. Raises `StoreUnavailableError`.
        """
        ...

    @property
    def home(self) -> str:
        """What tells the database from others, wherever it is opened."""
        ...

    def complaints(self) -> tuple[str, ...]:
        """What the database finds wrong with its own files; raises `StoreUnavailableError`."""
        ...

    def migrate(self, version: int | None = None, /) -> None:
        """Bring the tables to *version*, by default the newest; raises `StoreUnavailableError`."""
        ...

    def prefetch(self, blob_id: str, data: bytes, /) -> None:
        """Keep the bytes of a small blob that came along with another answer, until they are asked for."""
        ...

    def prefetched(self, blob_id: str, /) -> bytes | None:
        """Bytes that were kept, which are then no longer."""
        ...


class Prefetching:
    """Keeps bytes that came along, for who is likely to ask for them next."""

    def __init__(self) -> None:
        super().__init__()
        self._prefetched: dict[str, bytes] = {}

    def prefetch(self, blob_id: str, data: bytes) -> None:
        """Keep the bytes of a small blob that came along with another answer, until they are asked for."""
        if len(self._prefetched) >= _PREFETCHED:
            self._prefetched.clear()
        self._prefetched[blob_id] = data

    def prefetched(self, blob_id: str) -> bytes | None:
        """Bytes that were kept, which are then no longer."""
        return self._prefetched.pop(blob_id, None)

    def forget_prefetched(self) -> None:
        """Keep nothing: what is about to change may be among it."""
        self._prefetched.clear()


def checked_version(name: str, version: int | None) -> int:
    """The version of the tables that is wanted, by default the newest; ConfigError if there is none such."""
    if version is not None and not 1 <= version <= VERSION:
        raise ConfigError(f"{name}, version", f"there is no version {shown(version)}", f"there are 1 to {VERSION}")
    return version or VERSION
