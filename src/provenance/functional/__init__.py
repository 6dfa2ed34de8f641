"""The library without a current environment: functions of what they are given, whose failures are values.

    from provenance import functional

What touches a store answers an `IOResult`, what is pure a `Result`, and what may be absent is a `Maybe` inside.
Stores fail with a `ProvenanceError`. Functions that run a user's code fail with any `Exception`: that code's own, or one
of the library. The environment or repository comes first, so that `functools.partial` fixes it.
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
