"""The revisions; each says what its version changed, in words that later versions leave as they are."""
