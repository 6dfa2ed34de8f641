"""Version 3: signatures of records, leases on artifacts that are being computed, and values that were let go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from provenance.effects.tables import EPOCH

revision = "3"
down_revision = "2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty, and the tables."""
    op.add_column("artifacts", sa.Column("signature", sa.Text(), nullable=False, server_default=""))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("""UPDATE artifacts SET exact = left(exact, -1) || ',""]'"""))
    op.create_table(
        "leases",
        sa.Column("artifact_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.create_table(
        "evictions",
        sa.Column("artifact_id", sa.Text(), nullable=False),
        sa.Column("evicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("artifact_id"),
    )
    op.add_column(
        "quarantined_blobs",
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False, server_default=EPOCH),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_column("quarantined_blobs", "set_aside_at")
    op.drop_table("evictions")
    op.drop_table("leases")
    if op.get_bind().dialect.name == "postgresql":  # the last text of the array is taken off
        op.execute(sa.text(r"""UPDATE artifacts SET exact = regexp_replace(exact, ',"([^"\\]|\\.)*"\]$', ']')"""))
    op.drop_column("artifacts", "signature")
