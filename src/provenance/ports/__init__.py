"""`ports` says what may be asked of a store and of the machine; it performs nothing."""
