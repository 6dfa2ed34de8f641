"""Results of pure functions, computed once, stored and traced to their sources.

import provenance as p

@p.provenance()
def expensive_add(a: int, b: int) -> int:
    return a + b

total = expensive_add(4, 3)  # computed once, ever, for this store
p.artifact_of(total)         # who made it, from what, when and where
"""

from provenance.codecs import register_serializer
from provenance.config import (
    DiskStore,
    MemoryRepo,
    MemoryStore,
    SqliteRepo,
    current_config,
    from_config,
    load_config,
    load_yaml_config,
    set_run_info_fn,
)
from provenance.decorator import Cached, Decorator, provenance
from provenance.errors import (
    AmbiguousIdError,
    ArtifactNotFoundError,
    BlobNotFoundError,
    ConfigError,
    CorruptBlobError,
    ImpureFunctionError,
    KeyExistsError,
    MissingLibraryError,
    MutatedArtifactValueError,
    ProvenanceError,
    RunNotFoundError,
    SetNotFoundError,
    StorePermissionError,
    StoreUnavailableError,
    UnhashableValueError,
    UnserializableValueError,
)
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Stats, Why
from provenance.explanation import Change, Difference, HashTree, explain_hash, hash_differences
from provenance.hashing import hash_value as hash  # noqa: A004 - `provenance.hash` is its public name
from provenance.hashing import register_hasher
from provenance.journal import Subscription, reset_stats, stats, subscribe
from provenance.lineage import Lineage
from provenance.loading import load_artifact, load_proxy
from provenance.plan import CallPlan
from provenance.proxy import artifact_of, is_proxy, unwrap
from provenance.records import Artifact, Blob, Inputs, Run
from provenance.repository import Repository
from provenance.session import (
    Environment,
    get_check_mutations,
    get_default_repo,
    get_read_only,
    get_repo_by_name,
    get_use_cache,
    set_check_mutations,
    set_default_repo,
    set_read_only,
    set_use_cache,
    using_repo,
)
from provenance.settings import Config
from provenance.store import Store
from provenance.tracing import dependencies, lineage

__all__ = [
    "AmbiguousIdError",
    "Artifact",
    "ArtifactNotFoundError",
    "Blob",
    "BlobNotFoundError",
    "Cached",
    "CallPlan",
    "Change",
    "CodeChanged",
    "Config",
    "ConfigError",
    "CorruptBlobError",
    "Decorator",
    "Difference",
    "DiskStore",
    "Environment",
    "Event",
    "HashTree",
    "Healed",
    "Hit",
    "ImpureFunctionError",
    "Inputs",
    "KeyExistsError",
    "Lineage",
    "MemoryRepo",
    "MemoryStore",
    "Miss",
    "MissingLibraryError",
    "MutatedArtifactValueError",
    "ProvenanceError",
    "Recomputed",
    "Repository",
    "Run",
    "RunNotFoundError",
    "SetNotFoundError",
    "SqliteRepo",
    "Stats",
    "Store",
    "StorePermissionError",
    "StoreUnavailableError",
    "Subscription",
    "UnhashableValueError",
    "UnserializableValueError",
    "Why",
    "artifact_of",
    "current_config",
    "dependencies",
    "explain_hash",
    "from_config",
    "get_check_mutations",
    "get_default_repo",
    "get_read_only",
    "get_repo_by_name",
    "get_use_cache",
    "hash",
    "hash_differences",
    "is_proxy",
    "lineage",
    "load_artifact",
    "load_config",
    "load_proxy",
    "load_yaml_config",
    "provenance",
    "register_hasher",
    "register_serializer",
    "reset_stats",
    "set_check_mutations",
    "set_default_repo",
    "set_read_only",
    "set_run_info_fn",
    "set_use_cache",
    "stats",
    "subscribe",
    "unwrap",
    "using_repo",
]
