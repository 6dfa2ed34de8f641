"""Version 3: signatures of records, and leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty, and the table."""
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


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_table("leases")
    if op.get_bind().dialect.name == "postgresql":
        # Remove the last text of the array.
        shortened = r"""regexp_replace(exact, ',"([^"\\]|\\.)*"\]$', ']')"""
        op.execute(sa.text(f"UPDATE artifacts SET exact = {shortened}"))  # noqa: S608 - a constant
    op.drop_column("artifacts", "signature")
