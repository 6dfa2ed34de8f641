"""The tables, which users may query."""

from __future__ import annotations

from typing import Final

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

artifacts: Final = sa.Table(
    "artifacts",
    tables,
    # Counts the rows in the order in which they came. A column, because `VACUUM` changes other rowids.
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("value_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("fn_module", sa.Text, nullable=False),
    sa.Column("fn_name", sa.Text, nullable=False),
    sa.Column("fn_qualname", sa.Text, nullable=False),
    sa.Column("composite", sa.Boolean, nullable=False),
    sa.Column("value_id_duration", sa.Float, nullable=False),
    sa.Column("compute_duration", sa.Float, nullable=False),
    sa.Column("hash_duration", sa.Float, nullable=False),
    sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("input_artifact_ids", sa.JSON, nullable=False),
    sa.Column("serializer", sa.Text, nullable=False),
    sa.Column("load_kwargs", sa.JSON, nullable=False),
    sa.Column("dump_kwargs", sa.JSON, nullable=False),
    sa.Column("custom_fields", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("content_digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("inputs_digest", sa.Text),
    sa.Column("inputs_size", sa.BigInteger),
    sa.Column("value_type", sa.Text, nullable=False),
    sa.Column("interface", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("value_artifact_ids", sa.JSON, nullable=False),
    sa.Column("input_hashes", sa.JSON, nullable=False),
    sa.Column("input_derivations", sa.JSON, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("inputs_json", sa.JSON, nullable=False),
    # Last, because SQLite reads a row from its beginning.
    sa.Column("value_data", sa.LargeBinary),
    sa.Column("inputs_data", sa.LargeBinary),
)
# The places of artifacts by a hash of what is searched for, filled by `provenance.effects.sql.terms`.
terms: Final = sa.Table(
    "terms",
    tables,
    sa.Column("term", sa.BigInteger, primary_key=True),
    sa.Column("place", sa.BigInteger, primary_key=True),
    sqlite_with_rowid=False,
    info=ONLY_SQLITE,
)
term_names: Final = sa.Table(
    "term_names",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sqlite_with_rowid=False,
    info=ONLY_SQLITE,
)
# The times of computation between which each block of places lies.
term_times: Final = sa.Table(
    "term_times",
    tables,
    sa.Column("block", sa.Integer, primary_key=True),
    sa.Column("oldest", sa.Text, nullable=False),
    sa.Column("newest", sa.Text, nullable=False),
    info=ONLY_SQLITE,
)
# One row: the last place whose terms are in the table.
terms_filled: Final = sa.Table(
    "terms_filled",
    tables,
    sa.Column("place", sa.BigInteger, nullable=False),
    info=ONLY_SQLITE,
)
# Places up to there whose artifact was replaced or deleted since.
terms_outdated: Final = sa.Table(
    "terms_outdated",
    tables,
    sa.Column("place", sa.Integer, primary_key=True),
    info=ONLY_SQLITE,
)
# What the artifacts up to a place amount to, by `provenance.effects.sql.totals`.
totals: Final = sa.Table(
    "totals",
    tables,
    sa.Column("grouping", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("artifacts", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("oldest", sa.Text, nullable=False),
    sa.Column("newest", sa.Text, nullable=False),
    sqlite_with_rowid=False,
    info=ONLY_SQLITE,
)
# The last place that is counted in the totals of a grouping; no row if they no longer hold.
totals_filled: Final = sa.Table(
    "totals_filled",
    tables,
    sa.Column("grouping", sa.Text, primary_key=True),
    sa.Column("place", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
    info=ONLY_SQLITE,
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
artifact_inputs: Final = sa.Table(
    "artifact_inputs",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("input_id", sa.Text, primary_key=True),
    sa.Index("ix_artifact_inputs_input_id", "input_id", "artifact_id"),
    sqlite_with_rowid=False,
)
runs: Final = sa.Table(
    "runs",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("parent_id", sa.Text),
    sa.Column("info", sa.JSON, nullable=False),
)
# Other artifacts, with values equal to those of the recorded inputs, that calls used.
derivations: Final = sa.Table(
    "derivations",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("derivation_id", sa.Text, primary_key=True),
    sa.Column("input_artifact_ids", sa.JSON, nullable=False),
    sa.Column("input_derivations", sa.JSON, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("derived_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
receipts: Final = sa.Table(
    "receipts",
    tables,
    sa.Column("digest", sa.Text, primary_key=True),
    # Not JSON: it must keep its digest.
    sa.Column("receipt", sa.Text, nullable=False),
)
sources: Final = sa.Table(
    "sources",
    tables,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
# Changes of code that make no difference to stored results.
equivalences: Final = sa.Table(
    "equivalences",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("from_code", sa.Text, primary_key=True),
    sa.Column("to_code", sa.Text, primary_key=True),
    sa.Column("accepted_by", sa.Text, nullable=False),
    sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
# One set of members may be stored several times, with different labels.
artifact_sets: Final = sa.Table(
    "artifact_sets",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("labels", sa.JSON, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("name", sa.Text, index=True),
)
artifact_set_members: Final = sa.Table(
    "artifact_set_members",
    tables,
    sa.Column("set_id", sa.Text, primary_key=True),
    sa.Column("artifact_id", sa.Text, primary_key=True, index=True),
    sqlite_with_rowid=False,
)
quarantined_blobs: Final = sa.Table(
    "quarantined_blobs",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
)
# The processes that compute an artifact, so that others wait for it.
leases: Final = sa.Table(
    "leases",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    # Grows with each owner, so that an earlier owner is recognized.
    sa.Column("fence", sa.BigInteger, nullable=False),
    # In seconds since the epoch.
    sa.Column("expires_at", sa.Float, nullable=False),
)
evictions: Final = sa.Table(
    "evictions",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("evicted_at", sa.DateTime(timezone=True), nullable=False),
)
deletions: Final = sa.Table(
    "deletions",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
# Hits that were computed again and compared.
shadows: Final = sa.Table(
    "shadows",
    tables,
    sa.Column("artifact_id", sa.Text, primary_key=True),
    sa.Column("checked_at", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("agreed", sa.Boolean, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
)
# One row, made with the tables.
repository: Final = sa.Table(
    "repository",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
