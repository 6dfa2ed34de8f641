"""What a configuration says of databases on a server."""

from __future__ import annotations

import re
from typing import Final, Literal, Required

from attrs import Attribute, field, frozen, validators

from provenance.permissions import RecordsOptions, RecordsPermitted

_NAME_BYTES: Final = 63
"""Of a name in PostgreSQL, which cuts longer ones short without a word."""
_SECRET: Final = re.compile(r"(?<=://).*(?=@)|(?<=password=)[^&]*", re.IGNORECASE)


def without_secrets(url: str) -> str:
    """*url* as it may be shown.

    >>> without_secrets("postgresql://me:pw@host/db?sslpassword=pw&x=1")
    'postgresql://***@host/db?sslpassword=***&x=1'
    """
    return _SECRET.sub("***", url)


def _shown(url: str) -> str:
    return repr(without_secrets(url))


def _is_url(_: object, __: Attribute[str], value: str) -> None:
    if not re.match(r"(postgresql(\+psycopg)?|postgres)://[^/]*/[^/?]", value):
        raise ValueError("it is no address of a PostgreSQL database: postgresql://user:password@host:port/database")


def _is_schema(_: object, __: Attribute[str | None], value: str | None) -> None:
    if value is not None and not (0 < len(value.encode(errors="replace")) <= _NAME_BYTES and "\0" not in value):
        raise ValueError(f"{value!r} is no name of a schema: 1 to {_NAME_BYTES} bytes, none of them NUL")


@frozen(kw_only=True)
class PostgresRepoSettings(RecordsPermitted):
    """`type: postgres`: records in the database *db*; values into *store*, those up to *inline_limit* bytes into the rows.

    *create_db* and *create_schema* make what is not there; without *schema* the server says which one it is.
    *persistent_connections* are kept for the next use. *migrate* is `automatic` or `command`. Timeouts are in seconds.
    """

    db: str = field(validator=_is_url, repr=_shown)
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
