"""The environment of Alembic: migrate in the transaction of the connection that is passed in."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from alembic import context

from provenance.effects.sql.tables import STAMP

context.configure(
    connection=cast("sa.Connection", context.config.attributes["connection"]), version_table=STAMP
)
with context.begin_transaction():
    context.run_migrations()
