"""Version 2: the artifacts inside an artifact's value."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Add the column; which artifacts earlier values contain is not known."""
    op.add_column(
        "artifacts", sa.Column("value_artifact_ids", _JSON, nullable=False, server_default="[]")
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("""UPDATE artifacts SET exact = left(exact, -1) || ',"[]"]'"""))


def downgrade() -> None:
    """Drop the column."""
    if op.get_bind().dialect.name == "postgresql":
        # Remove the last text of the array.
        shortened = r"""regexp_replace(exact, ',"([^"\\]|\\.)*"\]$', ']')"""
        op.execute(sa.text(f"UPDATE artifacts SET exact = {shortened}"))  # noqa: S608 - a constant
    op.drop_column("artifacts", "value_artifact_ids")
