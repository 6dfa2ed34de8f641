"""Version 1: all tables."""

# SQL is put together from constants here.
# ruff: noqa: S608

from __future__ import annotations

import secrets
from datetime import UTC, datetime
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
_TIME = sa.DateTime(timezone=True)
_BESIDE = (
    *("repository", "shadows", "deletions", "evictions", "leases"),
    *("quarantined_blobs", "equivalences", "sources", "receipts", "derivations"),
)

_TERMS = (
    *("terms", "term_names", "term_times", "terms_filled", "terms_outdated"),
    *("totals", "totals_filled"),
)


def upgrade() -> None:
    """Create the tables, and the id of the repository."""
    _create_artifacts()
    _create_edges()
    _create_runs_and_sets()
    _create_history()
    _create_others()
    if _is_postgresql():
        _create_postgresql_indexes()
    else:
        _create_terms()
        _create_triggers()


def downgrade() -> None:
    """Delete the tables with all their rows."""
    sets = ("artifact_set_members", "artifact_sets")
    terms = () if _is_postgresql() else _TERMS
    for table in (*_BESIDE, *sets, "runs", "artifact_inputs", "artifacts", *terms):
        op.drop_table(table)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _only_postgresql(
    *parts: sa.schema.SchemaItem, of_sqlite: tuple[sa.schema.SchemaItem, ...] = ()
) -> list[Any]:
    """Return *parts* for PostgreSQL, *of_sqlite* for SQLite."""
    return list(parts if _is_postgresql() else of_sqlite)


def _columns(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _place() -> sa.Column[int]:
    return sa.Column("place", sa.BigInteger(), sa.Identity(), nullable=False, unique=True)


def _create_artifacts() -> None:
    op.create_table(
        "artifacts",
        *_columns(sa.Text(), "id", "value_id", "run_id", "name", "fn_module", "fn_name"),
        *_columns(sa.Text(), "fn_qualname", "serializer"),
        *_columns(sa.Text(), "content_digest", "value_type", "interface", "code", "signature"),
        *_columns(sa.Float(), "value_id_duration", "compute_duration", "hash_duration"),
        *_columns(_TIME, "computed_at", "added_at"),
        *_columns(sa.BigInteger(), "version", "size_bytes"),
        *_columns(sa.Boolean(), "composite"),
        *_columns(_IDS, "input_artifact_ids"),
        *_columns(_JSON, "load_kwargs", "dump_kwargs", "custom_fields", "tags"),
        *_columns(_JSON, "value_artifact_ids", "input_hashes", "input_derivations"),
        sa.Column("inputs_digest", sa.Text()),
        sa.Column("inputs_size", sa.BigInteger()),
        *_columns(_JSON, "inputs_json"),
        sa.Column("value_data", sa.LargeBinary()),
        sa.Column("inputs_data", sa.LargeBinary()),
        *_only_postgresql(
            _place(),
            *_columns(sa.Text(), "exact", "inputs_text"),
            sa.PrimaryKeyConstraint("id"),
            of_sqlite=(
                sa.Column("place", sa.Integer(), primary_key=True),
                sa.UniqueConstraint("id"),
            ),
        ),
    )


def _create_terms() -> None:
    for table, *key in (("terms", "term", "place"), ("term_names", "name", "version")):
        kinds = [sa.Text() if name == "name" else sa.BigInteger() for name in key]
        columns = [
            sa.Column(name, kind, primary_key=True) for name, kind in zip(key, kinds, strict=True)
        ]
        op.create_table(table, *columns, sqlite_with_rowid=False)
    op.create_table(
        "term_times",
        sa.Column("block", sa.Integer(), primary_key=True),
        *_columns(sa.Text(), "oldest", "newest"),
    )
    filled = op.create_table("terms_filled", *_columns(sa.BigInteger(), "place"))
    op.bulk_insert(filled, [{"place": 0}])
    op.create_table("terms_outdated", sa.Column("place", sa.Integer(), primary_key=True))
    op.create_table(
        "totals",
        sa.Column("grouping", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        *_columns(sa.BigInteger(), "artifacts", "bytes"),
        *_columns(sa.Float(), "seconds"),
        *_columns(sa.Text(), "oldest", "newest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "totals_filled",
        sa.Column("grouping", sa.Text(), primary_key=True),
        *_columns(sa.BigInteger(), "place"),
        sqlite_with_rowid=False,
    )


def _create_triggers() -> None:
    facts = (
        *("name", "version", "run_id", "code", "value_id", "value_type", "serializer"),
        *("content_digest", "size_bytes", "inputs_digest", "tags", "custom_fields", "inputs_json"),
        *("computed_at", "compute_duration"),
    )
    for trigger, event, row in (
        ("artifact_replaced", f"UPDATE OF {', '.join(facts)}", "new"),
        ("artifact_deleted", "DELETE", "old"),
    ):
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {event} ON artifacts "
            f"WHEN NOT EXISTS (SELECT 1 FROM terms_outdated WHERE place = {row}.place) BEGIN "
            f"INSERT INTO terms_outdated (place) VALUES ({row}.place); DELETE FROM totals_filled; END"
        )
    for trigger, event in (("value_evicted", "INSERT"), ("value_restored", "DELETE")):
        op.execute(
            f"CREATE TRIGGER {trigger} AFTER {event} ON evictions "
            "BEGIN DELETE FROM totals_filled; END"
        )


def _create_edges() -> None:
    for table, key, other in (
        ("artifact_inputs", "artifact_id", "input_id"),
        ("artifact_set_members", "set_id", "artifact_id"),
    ):
        columns = _columns(sa.Text(), key, other)
        primary_key = sa.PrimaryKeyConstraint(key, other)
        op.create_table(table, *columns, primary_key, sqlite_with_rowid=False)
    op.create_index("ix_artifact_inputs_input_id", "artifact_inputs", ["input_id", "artifact_id"])
    op.create_index("ix_artifact_set_members_artifact_id", "artifact_set_members", ["artifact_id"])


def _create_runs_and_sets() -> None:
    op.create_table(
        "runs",
        *_columns(sa.Text(), "id"),
        *_columns(_TIME, "created_at"),
        sa.Column("parent_id", sa.Text()),
        *_columns(_JSON, "info"),
        *_only_postgresql(*_columns(sa.Text(), "exact")),
        sa.PrimaryKeyConstraint("id"),
    )
    exact = _columns(sa.Text(), "exact", "labels_digest")
    op.create_table(
        "artifact_sets",
        *_columns(sa.Text(), "id"),
        *_columns(_JSON, "labels"),
        *_columns(_TIME, "created_at"),
        sa.Column("name", sa.Text()),
        *_only_postgresql(
            *(_place(), *exact, sa.PrimaryKeyConstraint("id", "labels_digest")),
            of_sqlite=(sa.PrimaryKeyConstraint("id", "labels"),),
        ),
    )
    op.create_index("ix_artifact_sets_name", "artifact_sets", ["name"], postgresql_using="hash")


def _create_history() -> None:
    op.create_table(
        "derivations",
        *_columns(sa.Text(), "artifact_id", "derivation_id", "run_id", "signature"),
        *_columns(_JSON, "input_artifact_ids", "input_derivations"),
        *_columns(_TIME, "derived_at"),
        sa.PrimaryKeyConstraint("artifact_id", "derivation_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipts",
        *_columns(sa.Text(), "digest", "receipt"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "sources", *_columns(sa.Text(), "digest", "text"), sa.PrimaryKeyConstraint("digest")
    )
    op.create_table(
        "equivalences",
        *_columns(sa.Text(), "name", "from_code", "to_code", "accepted_by", "note"),
        *_columns(sa.BigInteger(), "version"),
        *_columns(_TIME, "accepted_at"),
        sa.PrimaryKeyConstraint("name", "version", "from_code", "to_code"),
    )
    repository = op.create_table(
        "repository",
        *_columns(sa.Text(), "id"),
        *_columns(_TIME, "created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    row = {"id": secrets.token_hex(20), "created_at": datetime.now(UTC)}
    op.bulk_insert(repository, [row])


def _create_others() -> None:
    op.create_table(
        "quarantined_blobs",
        *_columns(sa.Text(), "id"),
        *_columns(sa.LargeBinary(), "data"),
        *_columns(_TIME, "set_aside_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "leases",
        *_columns(sa.Text(), "artifact_id", "owner"),
        *_columns(sa.BigInteger(), "fence"),
        *_columns(sa.Float(), "expires_at"),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.create_table(
        "evictions",
        *_columns(sa.Text(), "artifact_id"),
        *_columns(_TIME, "evicted_at"),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.create_table(
        "deletions",
        *_columns(sa.Text(), "artifact_id", "name", "reason"),
        *_columns(sa.BigInteger(), "version"),
        *_columns(_TIME, "deleted_at"),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.create_table(
        "shadows",
        *_columns(sa.Text(), "artifact_id", "code"),
        *_columns(_TIME, "checked_at"),
        *_columns(sa.Boolean(), "agreed"),
        sa.PrimaryKeyConstraint("artifact_id", "checked_at"),
    )


def _create_postgresql_indexes() -> None:
    for column in ("value_id", "content_digest", "inputs_digest"):
        op.create_index(f"ix_artifacts_{column}", "artifacts", [column])
    op.create_index("ix_artifacts_name", "artifacts", ["name"], postgresql_using="hash")
    op.create_index("ix_artifacts_run_id", "artifacts", ["run_id"])
    op.create_index("ix_artifacts_computed_at", "artifacts", ["computed_at"])
    for side, text in (("name_begin", "name"), ("name_end", "reverse(name)")):
        begin = sa.text(f"left({text}, 200) text_pattern_ops")
        op.create_index(f"ix_artifacts_{side}", "artifacts", [begin])
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
