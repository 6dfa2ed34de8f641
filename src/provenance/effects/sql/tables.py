"""The tables, which users may query."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

BESIDES: Final = ("inputs_json", "value_data", "inputs_data")
"""The last columns of `artifacts`: the inputs of a record, and the bytes of small blobs."""
VERSION: Final = 4
"""The version of the tables; Alembic records it, and SQLite also has it as `user_version`."""
STAMP: Final = "provenance_schema"
"""The table of Alembic's version; the usual name is left to the user's own migrations."""

EPOCH: Final = "1970-01-01 00:00:00.000000+00:00"
"""Stands for a time that was not recorded."""

tables: Final = sa.MetaData()

artifacts: Final = sa.Table(
    "artifacts",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("value_id", sa.Text, nullable=False, index=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("fn_module", sa.Text, nullable=False),
    sa.Column("fn_name", sa.Text, nullable=False),
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
    sa.Column("content_digest", sa.Text, nullable=False, index=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("inputs_digest", sa.Text),
    sa.Column("inputs_size", sa.BigInteger),
    sa.Column("value_type", sa.Text, nullable=False),
    sa.Column("interface", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("value_artifact_ids", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("signature", sa.Text, nullable=False, server_default=""),
    sa.Column("inputs_json", sa.JSON, nullable=False),
    # Last, because SQLite reads a row from its beginning.
    sa.Column("value_data", sa.LargeBinary),
    sa.Column("inputs_data", sa.LargeBinary),
)
sa.Index(
    "ix_artifacts_inputs_digest",
    artifacts.c.inputs_digest,
    sqlite_where=artifacts.c.inputs_digest.is_not(sa.null()),
)
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
    sa.Column("info", sa.JSON, nullable=False),
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
    sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False, server_default=EPOCH),
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
