"""The statements that search artifacts, compiled as those of `queries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from provenance.effects.sql.compiler import RowPosition, compile_statement, paged, text_param
from provenance.effects.sql.tables import (
    artifact_inputs,
    artifacts,
    terms,
    terms_filled,
    terms_outdated,
)
from provenance.model.rows import COLUMNS

RECORD: Final[Sequence[sa.Column[object]]] = tuple(artifacts.c[name] for name in COLUMNS)
_ONE: Final = sa.literal_column("1", sa.Integer)
_PLACE: Final = RowPosition("artifacts")


def _compared(name: str, column: sa.ColumnElement[Any], operator: str) -> sa.ColumnElement[bool]:
    """Return the condition that *column* compares with the parameter."""
    return sa.type_coerce(column, sa.Text).op(operator, is_comparison=True)(text_param(name))


def has_all(
    name: str, column: sa.ColumnElement[Any], *, by_key: bool = True, plain_only: bool = True
) -> sa.ColumnElement[bool]:
    """Return the condition that the JSON of *column* has all entries of the parameter.

    A damaged column meets it, so that its row is read and reported, and does not break the search.

    Args:
        name: the parameter, JSON text.
        column: the column, JSON.
        by_key: compare keys, too; False for arrays.
        plain_only: skip what JSON can write in several ways: nested values, and keys with special
            characters.
    """
    wanted = sa.func.json_each(text_param(name)).table_valued(
        "key", "value", "type", name=f"wanted_{name}"
    )
    is_json = sa.func.json_valid(column) == _ONE
    sound = sa.case((is_json, column))
    stored = sa.func.json_each(sound).table_valued("key", "value", "type", name=f"stored_{name}")
    is_stored = sa.exists().where(
        stored.c.type == wanted.c.type, stored.c.value.is_(wanted.c.value)
    )
    if by_key:
        is_stored = is_stored.where(stored.c.key == wanted.c.key)
    missing = sa.select(_ONE).select_from(wanted)
    if plain_only:
        special = sa.literal_column("'*[^A-Za-z0-9_]*'", sa.Text)
        nested = [sa.literal_column(kind, sa.Text) for kind in ("'object'", "'array'")]
        missing = missing.where(
            ~wanted.c.key.op("GLOB", is_comparison=True)(special), ~wanted.c.type.in_(nested)
        )
    return sa.or_(~is_json, ~sa.exists(missing.where(~is_stored)))


_users: Final = sa.select(artifact_inputs.c.artifact_id).where(
    artifact_inputs.c.input_id == text_param("user")
)
_FILTERS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "name": _compared("name", artifacts.c.name, "GLOB"),
    "version": _compared("version", artifacts.c.version, "="),
    "run_id": _compared("run_id", artifacts.c.run_id, "="),
    "code": _compared("code", artifacts.c.code, "="),
    "since": _compared("since", artifacts.c.computed_at, ">="),
    "until": _compared("until", artifacts.c.computed_at, "<"),
    "user": artifacts.c.id.in_(_users),
    "tags": has_all("tags", artifacts.c.tags, by_key=False, plain_only=False),
    "fields": has_all("fields", artifacts.c.custom_fields),
    "inputs": has_all("inputs", artifacts.c.inputs_json),
}
# Each parameter is first compared with NULL.
_FILTER_NAMES: Final = tuple(name for name in _FILTERS for _ in range(2))
_matching: Final = (
    sa.select(_PLACE.label("place"), *RECORD, artifacts.c.inputs_json)
    .where(
        *(
            sa.or_(text_param(name).is_(sa.null()), condition)
            for name, condition in _FILTERS.items()
        )
    )
    .order_by(_PLACE.desc())
)
_low, _after = (sa.bindparam(name, type_=sa.BigInteger) for name in ("low", "after"))
SEARCH_RECORDS: Final = compile_statement(
    # First, and without a choice, so that it seeks.
    paged(_matching.where(_low < _PLACE, _after > _PLACE)),
    *(*_FILTER_NAMES, "low", "after", "limit", "offset"),
)
SEARCH_PLACES: Final = compile_statement(
    _matching.where(
        artifacts.c.place.in_(
            sa.select(sa.func.json_each(text_param("places")).table_valued("value"))
        )
    ),
    *(*_FILTER_NAMES, "places"),
)


def _indexed(term: sa.ColumnElement[int], *outer: sa.FromClause) -> sa.CompoundSelect[Any]:
    """Return the query of the places that a term has, and of those whose terms are not known.

    So the answer is complete, however far the table is filled.
    """
    unknown = artifacts.alias("unknown")
    filled = sa.select(terms_filled.c.place).scalar_subquery()
    return sa.union_all(
        sa.select(terms.c.place).where(terms.c.term == term).correlate(*outer),
        # A sum, so that SQLite begins with these few places, and not with all artifacts.
        sa.select((terms_outdated.c.place + sa.literal_column("0", sa.Integer)).label("place")),
        sa.select(unknown.c.place).where(unknown.c.place > filled),
    )


_TERM: Final = sa.bindparam("term", type_=sa.BigInteger)


def among(term: sa.ColumnElement[int] = _TERM, *outer: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that an artifact may have the term, by default that in the parameter; else one of *outer* has it."""
    return artifacts.c.place.in_(_indexed(term, *outer))


def candidates() -> sa.FromClause:
    """Return the artifacts that may have the term in the parameter, some of them twice."""
    found = _indexed(_TERM).subquery("found_term")
    return found.join(artifacts, artifacts.c.place == found.c.place)
