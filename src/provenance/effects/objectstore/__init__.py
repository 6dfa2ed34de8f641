"""`effects.objectstore` keeps blobs in remote stores, which it reaches through fsspec."""
