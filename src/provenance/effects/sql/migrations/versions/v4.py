"""Version 4: evictions, and the times of quarantines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None

_UNKNOWN = "1970-01-01 00:00:00.000000+00:00"


def upgrade() -> None:
    """Add the table, empty, and the column; the times of earlier quarantines are not known."""
    op.create_table(
        "evictions",
        sa.Column("artifact_id", sa.Text(), nullable=False),
        sa.Column("evicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.add_column(
        "quarantined_blobs",
        sa.Column(
            "set_aside_at", sa.DateTime(timezone=True), nullable=False, server_default=_UNKNOWN
        ),
    )


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_column("quarantined_blobs", "set_aside_at")
    op.drop_table("evictions")
