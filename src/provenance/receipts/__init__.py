"""Code receipts: what a function's result may depend on, each with a digest, so that a hit can say what changed."""
