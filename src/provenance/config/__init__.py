"""`config` turns a configuration into an environment; only `config.wiring` knows which interpreter answers what."""
