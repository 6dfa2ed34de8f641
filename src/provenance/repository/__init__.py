"""`repository` says in programs how artifacts are found, read, copied and deleted; it performs nothing itself."""
