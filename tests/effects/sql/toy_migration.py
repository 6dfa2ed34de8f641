"""A second version of the tables, so that migrations are tested before there is a real one."""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from provenance.effects.sql import migrate, postgres_dialect, statements, tables

OLD, NEW = 1, 2
_REVISION = '''"""Version 2: moons."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("runs", sa.Column("moon", sa.Text(), nullable=False, server_default="full"))
    op.create_table(
        "moons", sa.Column("id", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("id")
    )
    op.create_table(
        "tides", sa.Column("id", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("id")
    )


def downgrade():
    op.drop_table("tides")
    op.drop_table("moons")
    op.drop_column("runs", "moon")
'''


@contextmanager
def second_version(folder: Path):
    """Make the library one whose tables have a version 2; yield the tables for SQLite and PostgreSQL.

    New SQLite files are still made of version 1, and are migrated when they are opened again.
    """
    scripts = folder / "scripts"
    shutil.copytree(migrate._SCRIPTS, scripts, dirs_exist_ok=True)
    (scripts / "versions" / "v2.py").write_text(_REVISION)
    wanted = []
    for current in (tables.tables, postgres_dialect.tables):
        metadata = sa.MetaData()
        for table in current.sorted_tables:
            table.to_metadata(metadata)
        moon = sa.Column("moon", sa.Text(), nullable=False, server_default="full")
        metadata.tables["runs"].append_column(moon)
        for name in ("moons", "tides"):
            sa.Table(name, metadata, sa.Column("id", sa.Text(), primary_key=True))
        wanted.append(metadata)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "_SCRIPTS", scripts)
        patch.setattr(statements, "VERSION", NEW)
        yield tuple(wanted)


def make_old(path: Path) -> None:
    """Make a SQLite file with the tables of version 1."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements.CREATE:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {OLD}")
