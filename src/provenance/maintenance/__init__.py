"""`maintenance` deletes; nothing else does, but for the explicit `Repository.forget`."""
