"""These tests run where the validator is installed (`make test-crates`): the lock of the project does not have it."""

from importlib.util import find_spec

LIBRARIES = ("rocrate", "rocrate_validator", "requests_cache")

collect_ignore_glob = [] if all(map(find_spec, LIBRARIES)) else ["[!_c]*.py"]
