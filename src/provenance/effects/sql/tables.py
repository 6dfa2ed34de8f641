"""The tables, which users may query."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

BESIDES: Final = ("inputs_json", "value_data", "inputs_data")
"""The last columns of `artifacts`: the inputs of a record, and the bytes of small blobs."""
VERSION: Final = 1
"""The version of the tables; Alembic records it, and SQLite also has it as `user_version`."""
STAMP: Final = "provenance_schema"
"""The table of Alembic's version; the usual name is left to the user's own migrations."""

tables: Final = sa.MetaData()

ONLY_SQLITE: Final = {"only": "sqlite"}
"""The note at tables that PostgreSQL, which has other indexes, does without."""
_TIME: Final = sa.DateTime(timezone=True)


def _table(
    name: str, *parts: sa.schema.SchemaItem, only_sqlite: bool = False, with_rowid: bool = True
) -> sa.Table:
    info = ONLY_SQLITE if only_sqlite else {}
    return sa.Table(name, tables, *parts, sqlite_with_rowid=with_rowid, info=info)


def _columns(
    kind: sa.types.TypeEngine[Any], *names: str, primary_key: bool = False
) -> list[sa.Column[Any]]:
    """Return columns of one type that are never NULL."""
    return [sa.Column(name, kind, nullable=False, primary_key=primary_key) for name in names]


artifacts: Final = _table(
    "artifacts",
    # Counts the rows in the order in which they came. A column, because `VACUUM` changes other rowids.
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    *_columns(sa.Text(), "value_id", "run_id", "name"),
    *_columns(sa.BigInteger(), "version"),
    *_columns(sa.Text(), "fn_module", "fn_name", "fn_qualname"),
    *_columns(sa.Boolean(), "composite"),
    *_columns(sa.Float(), "value_id_duration", "compute_duration", "hash_duration"),
    *_columns(_TIME, "computed_at", "added_at"),
    *_columns(sa.JSON(), "input_artifact_ids"),
    *_columns(sa.Text(), "serializer"),
    *_columns(sa.JSON(), "load_kwargs", "dump_kwargs", "custom_fields", "tags"),
    *_columns(sa.Text(), "content_digest"),
    *_columns(sa.BigInteger(), "size_bytes"),
    sa.Column("inputs_digest", sa.Text),
    sa.Column("inputs_size", sa.BigInteger),
    *_columns(sa.Text(), "value_type", "interface", "code"),
    *_columns(sa.JSON(), "value_artifact_ids", "input_hashes", "input_derivations"),
    *_columns(sa.Text(), "signature"),
    *_columns(sa.JSON(), "inputs_json"),
    # Last, because SQLite reads a row from its beginning.
    sa.Column("value_data", sa.LargeBinary),
    sa.Column("inputs_data", sa.LargeBinary),
)
# The places of artifacts by a hash of what is searched for, filled by `provenance.effects.sql.terms`.
terms: Final = _table(
    "terms",
    *_columns(sa.BigInteger(), "term", "place", primary_key=True),
    with_rowid=False,
    only_sqlite=True,
)
term_names: Final = _table(
    "term_names",
    *_columns(sa.Text(), "name", primary_key=True),
    *_columns(sa.BigInteger(), "version", primary_key=True),
    with_rowid=False,
    only_sqlite=True,
)
# The times of computation between which each block of places lies.
term_times: Final = _table(
    "term_times",
    *_columns(sa.Integer(), "block", primary_key=True),
    *_columns(sa.Text(), "oldest", "newest"),
    only_sqlite=True,
)
# One row: the last place whose terms are in the table.
terms_filled: Final = _table("terms_filled", *_columns(sa.BigInteger(), "place"), only_sqlite=True)
# Places up to there whose artifact was replaced or deleted since.
terms_outdated: Final = _table(
    "terms_outdated", *_columns(sa.Integer(), "place", primary_key=True), only_sqlite=True
)
# What the artifacts up to a place amount to, by `provenance.effects.sql.totals`.
totals: Final = _table(
    "totals",
    *_columns(sa.Text(), "grouping", "key", primary_key=True),
    *_columns(sa.BigInteger(), "artifacts", "bytes"),
    *_columns(sa.Float(), "seconds"),
    *_columns(sa.Text(), "oldest", "newest"),
    with_rowid=False,
    only_sqlite=True,
)
# The last place that is counted in the totals of a grouping; no row if they no longer hold.
totals_filled: Final = _table(
    "totals_filled",
    *_columns(sa.Text(), "grouping", primary_key=True),
    *_columns(sa.BigInteger(), "place"),
    with_rowid=False,
    only_sqlite=True,
)
# Without OR IGNORE, which the statement that fires a trigger overrules.
TRIGGERS: Final = (
    """\
CREATE TRIGGER IF NOT EXISTS artifact_replaced AFTER UPDATE OF
name, version, run_id, code, value_id, value_type, serializer, content_digest, size_bytes, inputs_digest, tags,
custom_fields, inputs_json, computed_at, compute_duration
ON artifacts
BEGIN INSERT INTO terms_outdated (place) SELECT new.place
WHERE NOT EXISTS (SELECT 1 FROM terms_outdated WHERE place = new.place);
DELETE FROM totals_filled; END""",
    # The next artifact gets the place after the last one that is there, and needs terms.
    """\
CREATE TRIGGER IF NOT EXISTS artifact_deleted AFTER DELETE ON artifacts
BEGIN INSERT INTO terms_outdated (place) SELECT old.place
WHERE NOT EXISTS (SELECT 1 FROM terms_outdated WHERE place = old.place);
UPDATE terms_filled SET place = min(place, coalesce((SELECT max(place) FROM artifacts), 0));
DELETE FROM totals_filled; END""",
    """\
CREATE TRIGGER IF NOT EXISTS value_evicted AFTER INSERT
ON evictions BEGIN DELETE FROM totals_filled; END""",
    """\
CREATE TRIGGER IF NOT EXISTS value_restored AFTER DELETE
ON evictions BEGIN DELETE FROM totals_filled; END""",
)
"""What SQLite does when an artifact changes, also by a statement of a user."""
artifact_inputs: Final = _table(
    "artifact_inputs",
    *_columns(sa.Text(), "artifact_id", "input_id", primary_key=True),
    sa.Index("ix_artifact_inputs_input_id", "input_id", "artifact_id"),
    with_rowid=False,
)
runs: Final = _table(
    "runs",
    *_columns(sa.Text(), "id", primary_key=True),
    *_columns(_TIME, "created_at"),
    sa.Column("parent_id", sa.Text),
    *_columns(sa.JSON(), "info"),
)
# Other artifacts, with values equal to those of the recorded inputs, that calls used.
derivations: Final = _table(
    "derivations",
    *_columns(sa.Text(), "artifact_id", "derivation_id", primary_key=True),
    *_columns(sa.JSON(), "input_artifact_ids", "input_derivations"),
    *_columns(sa.Text(), "run_id"),
    *_columns(_TIME, "derived_at"),
    *_columns(sa.Text(), "signature"),
    with_rowid=False,
)
receipts: Final = _table(
    "receipts",
    *_columns(sa.Text(), "digest", primary_key=True),
    # Not JSON: it must keep its digest.
    *_columns(sa.Text(), "receipt"),
)
sources: Final = _table(
    "sources", *_columns(sa.Text(), "digest", primary_key=True), *_columns(sa.Text(), "text")
)
# Changes of code that make no difference to stored results.
equivalences: Final = _table(
    "equivalences",
    *_columns(sa.Text(), "name", primary_key=True),
    *_columns(sa.BigInteger(), "version", primary_key=True),
    *_columns(sa.Text(), "from_code", "to_code", primary_key=True),
    *_columns(sa.Text(), "accepted_by"),
    *_columns(_TIME, "accepted_at"),
    *_columns(sa.Text(), "note"),
)
# One set of members may be stored several times, with different labels.
artifact_sets: Final = _table(
    "artifact_sets",
    *_columns(sa.Text(), "id", primary_key=True),
    *_columns(sa.JSON(), "labels", primary_key=True),
    *_columns(_TIME, "created_at"),
    sa.Column("name", sa.Text),
    # Takes names of any length; in PostgreSQL a B-tree does not.
    sa.Index("ix_artifact_sets_name", "name", postgresql_using="hash"),
)
artifact_set_members: Final = _table(
    "artifact_set_members",
    *_columns(sa.Text(), "set_id", primary_key=True),
    sa.Column("artifact_id", sa.Text, primary_key=True, index=True),
    with_rowid=False,
)
quarantined_blobs: Final = _table(
    "quarantined_blobs",
    *_columns(sa.Text(), "id", primary_key=True),
    *_columns(sa.LargeBinary(), "data"),
    *_columns(_TIME, "set_aside_at"),
)
# The processes that compute an artifact, so that others wait for it.
leases: Final = _table(
    "leases",
    *_columns(sa.Text(), "artifact_id", primary_key=True),
    *_columns(sa.Text(), "owner"),
    # Grows with each owner, so that an earlier owner is recognized.
    *_columns(sa.BigInteger(), "fence"),
    # In seconds since the epoch.
    *_columns(sa.Float(), "expires_at"),
)
evictions: Final = _table(
    "evictions",
    *_columns(sa.Text(), "artifact_id", primary_key=True),
    *_columns(_TIME, "evicted_at"),
)
deletions: Final = _table(
    "deletions",
    *_columns(sa.Text(), "artifact_id", primary_key=True),
    *_columns(sa.Text(), "name"),
    *_columns(sa.BigInteger(), "version"),
    *_columns(_TIME, "deleted_at"),
    *_columns(sa.Text(), "reason"),
)
# Hits that were computed again and compared.
shadows: Final = _table(
    "shadows",
    *_columns(sa.Text(), "artifact_id", primary_key=True),
    *_columns(_TIME, "checked_at", primary_key=True),
    *_columns(sa.Boolean(), "agreed"),
    *_columns(sa.Text(), "code"),
)
# One row, made with the tables.
repository: Final = _table(
    "repository", *_columns(sa.Text(), "id", primary_key=True), *_columns(_TIME, "created_at")
)
