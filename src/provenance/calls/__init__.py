"""`calls` is the only package that calls the user's function."""
