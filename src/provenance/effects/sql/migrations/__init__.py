"""The Alembic script that migrates the tables: one revision for each version."""
