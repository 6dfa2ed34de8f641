"""The library without a current environment, with failures as values.

    from provenance import functional

Functions that use a store return an `IOResult`, pure functions a `Result`, and what may be absent
is a `Maybe` inside. Stores fail with a `ProvenanceError`. Functions that run a user's code fail
with any `Exception`. The environment or repository is the first argument, for `functools.partial`.
"""

from provenance.functional.calling import call, commit, compute, perform, within
from provenance.functional.caring import collect_garbage, evict, verify
from provenance.functional.planning import Computed, Planned, hash_value, plan
from provenance.functional.stored import (
    artifact,
    environment,
    find,
    forget,
    lineage,
    load,
    load_inputs,
    load_value,
    lookup,
    promote,
    read,
    repository,
)

__all__ = [
    "Computed",
    "Planned",
    "artifact",
    "call",
    "collect_garbage",
    "commit",
    "compute",
    "environment",
    "evict",
    "find",
    "forget",
    "hash_value",
    "lineage",
    "load",
    "load_inputs",
    "load_value",
    "lookup",
    "perform",
    "plan",
    "promote",
    "read",
    "repository",
    "verify",
    "within",
]
