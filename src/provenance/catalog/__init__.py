"""`catalog` finds and relates artifacts that are stored; it computes and deletes nothing."""
