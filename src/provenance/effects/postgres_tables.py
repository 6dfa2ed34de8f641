"""The tables in PostgreSQL, with its types and indexes, and exact copies of what it would change.

TEXT and JSONB refuse NUL and lone surrogates, and JSONB changes the order of keys, the notation of
numbers and the sign of zero. The columns of `tables` are therefore an approximation for queries;
the library reads the exact text from the columns `exact` and `inputs_text`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from provenance.effects import tables as common
from provenance.effects.sinks import digest
from provenance.wire import COLUMNS, json_text

Value: TypeAlias = "str | int | float | bytes | list[str] | None"
Row: TypeAlias = Mapping[str, "str | int | float | bytes | None"]

_WITH_EXACT: Final = ("artifacts", "artifact_sets", "runs")
_WITH_PLACE: Final = ("artifacts", "artifact_sets")


def _make_tables() -> sa.MetaData:
    """Return the tables; the column `place` is what rowid is in SQLite."""
    metadata = sa.MetaData()
    for source in common.tables.sorted_tables:
        table = source.to_metadata(metadata)
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type = JSONB()
        if table.name in _WITH_PLACE:
            table.append_column(
                sa.Column("place", sa.BigInteger, sa.Identity(), nullable=False, unique=True)
            )
        if table.name in _WITH_EXACT:
            table.append_column(sa.Column("exact", sa.Text, nullable=False))
    _extend_artifacts(metadata.tables["artifacts"])
    _extend_sets(metadata.tables["artifact_sets"])
    return metadata


def _extend_artifacts(table: sa.Table) -> None:
    columns = table.c
    columns.input_artifact_ids.type = ARRAY(sa.Text)
    table.append_column(sa.Column("inputs_text", sa.Text, nullable=False))
    # A hash index takes names of any length, a B-tree does not.
    sa.Index("ix_artifacts_name", columns.name, postgresql_using="hash")
    sa.Index("ix_artifacts_run_id", columns.run_id)
    sa.Index("ix_artifacts_input_artifact_ids", columns.input_artifact_ids, postgresql_using="gin")
    for name in ("inputs_json", "custom_fields", "tags"):
        _index_paths(columns[name])


def _extend_sets(table: sa.Table) -> None:
    """Make the text of labels unique, because JSONB finds some labels equal that differ."""
    table.c.id.primary_key = table.c.labels.primary_key = False
    table.append_column(sa.Column("labels_digest", sa.Text, nullable=False))
    key = sa.PrimaryKeyConstraint("id", "labels_digest", name="artifact_sets_pkey")
    table.append_constraint(key)
    _index_paths(table.c.labels)
    (by_name,) = (index for index in table.indexes if index.name == "ix_artifact_sets_name")
    by_name.kwargs["postgresql_using"] = "hash"


def _index_paths(column: sa.Column[object]) -> None:
    """Index the entries of a JSON column."""
    name = f"ix_{column.table.name}_{column.name}"
    sa.Index(name, column, postgresql_using="gin", postgresql_ops={column.name: "jsonb_path_ops"})


tables: Final = _make_tables()
EXTRAS: Final[Mapping[str, Mapping[str, Callable[[Row], str]]]] = {
    "artifacts": {
        "exact": lambda row: json_text([row[name] for name in COLUMNS]),
        "inputs_text": lambda row: cast("str", row["inputs_json"]),
    },
    "artifact_sets": {
        "exact": lambda row: cast("str", row["labels"]),
        "labels_digest": lambda row: digest(cast("str", row["labels"]).encode()),
    },
    "runs": {"exact": lambda row: cast("str", row["info"])},
}
"""By table: the columns written in addition to those of `tables`, and how to make each."""
EXACT: Final = {
    "artifacts.inputs_json": "inputs_text",
    "artifact_sets.labels": "exact",
    "runs.info": "exact",
}
"""By column: the exact one that is read instead."""

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def shown(kind: object, value: str | float | bytes | None) -> Value:
    r"""Return *value* as a column of this type can store it, for queries.

    >>> shown(sa.Text(), "a\0b"), shown(ARRAY(sa.Text), '["x"]'), shown(JSONB(), '{"a":"\\u0000"}')
    ('a�b', ['x'], '{"a": "�"}')
    """
    if isinstance(kind, sa.Boolean):
        return bool(value)
    if not isinstance(value, str):
        return value
    if isinstance(kind, ARRAY):
        return cast("list[str]", json.loads(value))
    if not isinstance(kind, JSONB):
        return _UNSTORABLE.sub("�", value)
    if value.startswith(("{", "[")) and "\\u" not in value and "\0" not in value:
        return value
    try:
        return json.dumps(_storable(json.loads(value)), ensure_ascii=False)
    except ValueError:
        # Not JSON; the exact text is stored, too.
        return json.dumps(_UNSTORABLE.sub("�", value))


def _storable(value: object) -> object:
    """Return a JSON value whose texts PostgreSQL can store."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("�", value)
    if isinstance(value, list):
        return [_storable(member) for member in cast("list[object]", value)]
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {_UNSTORABLE.sub("�", name): _storable(entry) for name, entry in entries.items()}
    return value
