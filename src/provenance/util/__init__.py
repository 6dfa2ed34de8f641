"""`util` knows nothing of artifacts: small tools that any module may use."""
