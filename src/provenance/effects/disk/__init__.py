"""`effects.disk` keeps blobs as files in a folder."""
