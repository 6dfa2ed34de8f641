"""Settings of repositories in a database server."""

from __future__ import annotations

import re
from typing import Final, Literal, Required

from attrs import Attribute, field, frozen, validators

from provenance.permissions import RecordsOptions, RecordsPermitted

# PostgreSQL silently truncates longer names.
_NAME_BYTES: Final = 63
_SECRET: Final = re.compile(r"(?<=://).*(?=@)|(?<=password=)[^&]*", re.IGNORECASE)


def without_secrets(url: str) -> str:
    """Return *url* with its credentials masked.

    >>> without_secrets("postgresql://me:pw@host/db?sslpassword=pw&x=1")
    'postgresql://***@host/db?sslpassword=***&x=1'
    """
    return _SECRET.sub("***", url)


def _is_url(_: object, __: Attribute[str], value: str) -> None:
    if not re.match(r"(postgresql(\+psycopg)?|postgres)://[^/]*/[^/?]", value):
        expected = "postgresql://user:password@host:port/database"
        raise ValueError(f"invalid PostgreSQL URL; expected {expected}")


def _is_schema(_: object, __: Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if "\0" in value or not 0 < len(value.encode(errors="replace")) <= _NAME_BYTES:
        raise ValueError(
            f"schema must be a name of 1 to {_NAME_BYTES} bytes without NUL, got {value!r}"
        )


@frozen(kw_only=True)
class PostgresRepoSettings(RecordsPermitted):
    """`type: postgres`: records in the database *db*.

    Attributes:
        db: URL of the database.
        store: blob store for values, but for those of up to *inline_limit* bytes.
        inline_limit: bytes up to which values are stored in the records' rows.
        create_db: create the database if it is missing.
        schema: schema of the tables, by default the server's choice.
        create_schema: create the schema if it is missing.
        persistent_connections: keep connections open for the next use.
        migrate: `automatic`, or `command` to migrate only when `Repository.migrate` is called.
        connect_timeout: seconds.
        statement_timeout: seconds.
    """

    db: str = field(validator=_is_url, repr=lambda url: repr(without_secrets(url)))
    store: str | None = None
    inline_limit: int = field(default=8_192, validator=validators.ge(0))
    create_db: bool = False
    schema: str | None = field(default=None, validator=_is_schema)
    create_schema: bool = False
    persistent_connections: bool = True
    migrate: str = field(default="automatic", validator=validators.in_(("automatic", "command")))
    connect_timeout: float = field(default=10.0, validator=validators.gt(0))
    statement_timeout: float = field(default=60.0, validator=validators.gt(0))


class PostgresRepoOptions(RecordsOptions, total=False):
    """`PostgresRepoSettings` as keywords."""

    db: Required[str]
    inline_limit: int
    create_db: bool
    schema: str | None
    create_schema: bool
    persistent_connections: bool
    migrate: Literal["automatic", "command"]
    connect_timeout: float
    statement_timeout: float
