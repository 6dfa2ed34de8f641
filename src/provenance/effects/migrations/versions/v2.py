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
    """Add the column; earlier values held none that is known of."""
    op.add_column("artifacts", sa.Column("value_artifact_ids", _JSON, nullable=False, server_default="[]"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("""UPDATE artifacts SET exact = left(exact, -1) || ',"[]"]'"""))


def downgrade() -> None:
    """Forget them."""
    if op.get_bind().dialect.name == "postgresql":  # the last text of the array is taken off
        op.execute(sa.text(r"""UPDATE artifacts SET exact = regexp_replace(exact, ',"([^"\\]|\\.)*"\]$', ']')"""))
    op.drop_column("artifacts", "value_artifact_ids")
