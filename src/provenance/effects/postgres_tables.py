"""The tables as PostgreSQL has them: those of `tables`, with its own types and indexes, and what it would lose in columns of text.

JSONB and TEXT cannot hold everything: NUL and lone surrogates are refused, and JSONB forgets the order of keys, the way
numbers are written and the sign of zero. The columns of `tables` are therefore for queries, and shown as near as may be; the library
reads what is written beside them in `exact` (and `inputs_text`).
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


def _made() -> sa.MetaData:
    """The tables; what SQLite calls rowid is `place` here, in the order in which rows came."""
    made = sa.MetaData()
    for table in (each.to_metadata(made) for each in common.tables.sorted_tables):
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type = JSONB()
        if table.name in _WITH_PLACE:
            table.append_column(sa.Column("place", sa.BigInteger, sa.Identity(), nullable=False, unique=True))
        if table.name in _WITH_EXACT:
            table.append_column(sa.Column("exact", sa.Text, nullable=False))
    _extend_artifacts(made.tables["artifacts"])
    _extend_sets(made.tables["artifact_sets"])
    return made


def _extend_artifacts(table: sa.Table) -> None:
    columns = table.c
    columns.input_artifact_ids.type = ARRAY(sa.Text)
    table.append_column(sa.Column("inputs_text", sa.Text, nullable=False))
    sa.Index("ix_artifacts_name", columns.name, postgresql_using="hash")  # of any length, which a tree is not
    sa.Index("ix_artifacts_run_id", columns.run_id)
    sa.Index("ix_artifacts_input_artifact_ids", columns.input_artifact_ids, postgresql_using="gin")
    for name in ("inputs_json", "custom_fields", "tags"):
        _index_paths(columns[name])


def _extend_sets(table: sa.Table) -> None:
    """Labels that JSONB takes for equal are not: what is unique is their text."""
    table.c.id.primary_key = table.c.labels.primary_key = False
    table.append_column(sa.Column("labels_digest", sa.Text, nullable=False))
    table.append_constraint(sa.PrimaryKeyConstraint("id", "labels_digest", name="artifact_sets_pkey"))
    _index_paths(table.c.labels)
    (by_name,) = (each for each in table.indexes if each.name == "ix_artifact_sets_name")
    by_name.kwargs["postgresql_using"] = "hash"


def _index_paths(column: sa.Column[object]) -> None:
    """Let what JSON holds be found by an index."""
    name = f"ix_{column.table.name}_{column.name}"
    sa.Index(name, column, postgresql_using="gin", postgresql_ops={column.name: "jsonb_path_ops"})


tables: Final = _made()
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
"""By table: the columns that are written beside those of `tables`, and how."""
EXACT: Final = {"artifacts.inputs_json": "inputs_text", "artifact_sets.labels": "exact", "runs.info": "exact"}
"""By column: the one that is read in its place."""

_LOST: Final = re.compile("[\0\ud800-\udfff]")


def shown(kind: object, value: str | float | bytes | None) -> Value:
    r"""*value* as a column of this type can show it.

    >>> shown(sa.Text(), "a\0b"), shown(ARRAY(sa.Text), '["x"]'), shown(JSONB(), '{"a":"\\u0000"}')
    ('a�b', ['x'], '{"a": "�"}')
    """
    if isinstance(kind, sa.Boolean):
        return bool(value)
    if not isinstance(value, str):
        return value
    if isinstance(kind, JSONB):
        return _json_shown(value)
    return cast("list[str]", json.loads(value)) if isinstance(kind, ARRAY) else _LOST.sub("�", value)


def _json_shown(text: str) -> str:
    """JSON text as JSONB takes it."""
    if "\\u" in text or "\0" in text or not text.startswith(("{", "[")):
        try:
            return json.dumps(_without_losses(json.loads(text)), ensure_ascii=False)
        except ValueError:  # it is no JSON: whoever put it will get it back all the same
            return json.dumps(_LOST.sub("�", text))
    return text


def _without_losses(value: object) -> object:
    if isinstance(value, str):
        return _LOST.sub("�", value)
    if isinstance(value, list):
        return [_without_losses(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {_LOST.sub("�", name): _without_losses(each) for name, each in entries.items()}
    return value
