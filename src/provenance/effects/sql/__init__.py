"""`effects.sql` keeps records in a database, SQLite or PostgreSQL."""
