"""The revisions; each is complete in itself, so that later versions do not change it."""
