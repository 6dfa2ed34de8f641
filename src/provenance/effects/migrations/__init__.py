"""How the tables of one version become those of another: a script of Alembic's, with a revision a version."""
