"""Version 1: artifacts, their edges, runs, sets, and quarantined blobs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_IDS = sa.JSON().with_variant(ARRAY(sa.Text()), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _create_artifacts()
    _create_edges()
    _create_others()
    if op.get_bind().dialect.name == "postgresql":
        _create_postgresql_indexes()


def downgrade() -> None:
    """Delete the tables with all their rows."""
    sets = ("artifact_set_members", "artifact_sets")
    for table in ("quarantined_blobs", *sets, "runs", "artifact_inputs", "artifacts"):
        op.drop_table(table)


def _only_postgresql(
    *parts: sa.schema.SchemaItem, of_sqlite: sa.Constraint | None = None
) -> list[Any]:
    """Return *parts* for PostgreSQL, *of_sqlite* for SQLite."""
    if op.get_bind().dialect.name == "postgresql":
        return list(parts)
    return [] if of_sqlite is None else [of_sqlite]


def _place() -> sa.Column[int]:
    return sa.Column("place", sa.BigInteger(), sa.Identity(), nullable=False, unique=True)


def _exact(name: str = "exact") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _create_artifacts() -> None:
    texts = (
        "id",
        "value_id",
        "run_id",
        "name",
        "fn_module",
        "fn_name",
        "serializer",
        "content_digest",
        "value_type",
    )
    numbers = ("value_id_duration", "compute_duration", "hash_duration")
    op.create_table(
        "artifacts",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*texts, "interface", "code")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in numbers),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("computed_at", "added_at")
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("version", "size_bytes")),
        sa.Column("composite", sa.Boolean(), nullable=False),
        sa.Column("input_artifact_ids", _IDS, nullable=False),
        *(
            sa.Column(name, _JSON, nullable=False)
            for name in ("load_kwargs", "dump_kwargs", "custom_fields", "tags")
        ),
        sa.Column("inputs_digest", sa.Text()),
        sa.Column("inputs_size", sa.BigInteger()),
        sa.Column("inputs_json", _JSON, nullable=False),
        sa.Column("value_data", sa.LargeBinary()),
        sa.Column("inputs_data", sa.LargeBinary()),
        *_only_postgresql(_place(), _exact(), _exact("inputs_text")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_artifacts_value_id", "artifacts", ["value_id"])
    op.create_index("ix_artifacts_content_digest", "artifacts", ["content_digest"])
    there = sa.text("inputs_digest IS NOT NULL")
    op.create_index(
        "ix_artifacts_inputs_digest", "artifacts", ["inputs_digest"], sqlite_where=there
    )


def _create_edges() -> None:
    for table, key, other in (
        ("artifact_inputs", "artifact_id", "input_id"),
        ("artifact_set_members", "set_id", "artifact_id"),
    ):
        op.create_table(
            table,
            sa.Column(key, sa.Text(), nullable=False),
            sa.Column(other, sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint(key, other),
            sqlite_with_rowid=False,
        )
    op.create_index("ix_artifact_inputs_input_id", "artifact_inputs", ["input_id", "artifact_id"])
    op.create_index("ix_artifact_set_members_artifact_id", "artifact_set_members", ["artifact_id"])


def _create_others() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("info", _JSON, nullable=False),
        *_only_postgresql(_exact()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "artifact_sets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text()),
        *_only_postgresql(
            *(
                _place(),
                _exact(),
                _exact("labels_digest"),
                sa.PrimaryKeyConstraint("id", "labels_digest"),
            ),
            of_sqlite=sa.PrimaryKeyConstraint("id", "labels"),
        ),
    )
    op.create_index("ix_artifact_sets_name", "artifact_sets", ["name"], postgresql_using="hash")
    op.create_table(
        "quarantined_blobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_postgresql_indexes() -> None:
    op.create_index("ix_artifacts_name", "artifacts", ["name"], postgresql_using="hash")
    op.create_index("ix_artifacts_run_id", "artifacts", ["run_id"])
    op.create_index(
        "ix_artifacts_input_artifact_ids",
        "artifacts",
        ["input_artifact_ids"],
        postgresql_using="gin",
    )
    for table, column in (
        *(("artifacts", name) for name in ("inputs_json", "custom_fields", "tags")),
        ("artifact_sets", "labels"),
    ):
        paths = {column: "jsonb_path_ops"}
        op.create_index(
            f"ix_{table}_{column}", table, [column], postgresql_using="gin", postgresql_ops=paths
        )
