"""Caching of the results of pure functions, with a record of how each was computed.

import provenance as p

@p.provenance()
def expensive_add(a: int, b: int) -> int:
    return a + b

total = expensive_add(4, 3)  # computed only once for this store
p.artifact_of(total)         # by which function, from which inputs, when and where
"""

import typing as _typing
from importlib import import_module as _import_module

from provenance import environment as _session
from provenance.archives import ArchivedFile, ArchivedFolder
from provenance.calls.function import CachedFunction, Decorator, provenance
from provenance.calls.plan import CallPlan
from provenance.catalog.graph import Lineage
from provenance.catalog.trace import dependencies, descendants, lineage
from provenance.codecs import register_serializer
from provenance.environment import (
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
    using_results,
)
from provenance.errors import (
    AmbiguousIdError,
    ArtifactNotFoundError,
    BlobNotFoundError,
    ConfigError,
    CorruptBlobError,
    CorruptRecordError,
    DuplicateNameError,
    ImpureFunctionError,
    KeyExistsError,
    MemberNotFoundError,
    MissingLibraryError,
    MutatedArtifactValueError,
    ProvenanceError,
    ProxyExpectedError,
    RunNotFoundError,
    SetNotFoundError,
    StorePermissionError,
    StoreUnavailableError,
    UnarchivableFileError,
    UnhashableValueError,
    UnserializableValueError,
    UntrustedStoreError,
)
from provenance.events import (
    CodeChanged,
    Event,
    Hit,
    Miss,
    MissReason,
    Recomputed,
    Recovered,
    Stats,
    Waited,
)
from provenance.hashing import hash_value as hash  # noqa: A004 - `provenance.hash` is its public name
from provenance.hashing import register_hasher
from provenance.model.records import Artifact, Blob, Inputs, Run
from provenance.model.references import is_proxy, unwrap
from provenance.repository.handles import Repository, Store
from provenance.repository.sets import ArtifactSet
from provenance.results.handles import artifact_of
from provenance.telemetry import Subscription, reset_stats, stats, subscribe

if _typing.TYPE_CHECKING:
    from provenance import vis as vis
    from provenance.calls.archive_file import archive_file
    from provenance.calls.arguments import ArgumentDecorator, ensure_proxies, merge_defaults
    from provenance.catalog.capture import (
        capture_set,
        create_set,
        label_set,
        load_set_by_id,
        load_set_by_labels,
        load_set_by_name,
        provenance_set,
    )
    from provenance.catalog.find import SearchResult, load_artifact, load_proxy, search, who_made
    from provenance.catalog.lazy import LazyDict, lazy_dict, lazy_proxy_dict
    from provenance.catalog.promotion import promote
    from provenance.config.api import (
        AzureStore,
        ChainedRepo,
        ChainedStore,
        DiskStore,
        FsspecStore,
        GSStore,
        MemoryRepo,
        MemoryStore,
        PostgresRepo,
        S3Store,
        SFTPStore,
        SqliteRepo,
        current_config,
        from_config,
        load_config,
        load_yaml_config,
        set_run_info_fn,
    )
    from provenance.config.schema import Config
    from provenance.hashing.explain import (
        Change,
        Difference,
        HashTree,
        explain_hash,
        hash_differences,
    )
    from provenance.maintenance.eviction import evict
    from provenance.maintenance.garbage import collect_garbage
    from provenance.maintenance.reports import (
        BlobDamaged,
        BlobMissing,
        BlobUnreadable,
        EvictedValue,
        EvictionReport,
        Garbage,
        GarbageReason,
        GarbageReport,
        MemberMissing,
        RecordDamaged,
        RunMissing,
        SourceMissing,
        StoreDamaged,
        VerificationReport,
    )
    from provenance.maintenance.verification import verify
    from provenance.results.transparent import ArtifactProxy

__all__ = [
    "AmbiguousIdError",
    "ArchivedFile",
    "ArchivedFolder",
    "ArgumentDecorator",
    "Artifact",
    "ArtifactNotFoundError",
    "ArtifactProxy",
    "ArtifactSet",
    "AzureStore",
    "Blob",
    "BlobDamaged",
    "BlobMissing",
    "BlobNotFoundError",
    "BlobUnreadable",
    "CachedFunction",
    "CallPlan",
    "ChainedRepo",
    "ChainedStore",
    "Change",
    "CodeChanged",
    "Config",
    "ConfigError",
    "CorruptBlobError",
    "CorruptRecordError",
    "Decorator",
    "Difference",
    "DiskStore",
    "DuplicateNameError",
    "Environment",
    "Event",
    "EvictedValue",
    "EvictionReport",
    "FsspecStore",
    "GSStore",
    "Garbage",
    "GarbageReason",
    "GarbageReport",
    "HashTree",
    "Hit",
    "ImpureFunctionError",
    "Inputs",
    "KeyExistsError",
    "LazyDict",
    "Lineage",
    "MemberMissing",
    "MemberNotFoundError",
    "MemoryRepo",
    "MemoryStore",
    "Miss",
    "MissReason",
    "MissingLibraryError",
    "MutatedArtifactValueError",
    "PostgresRepo",
    "ProvenanceError",
    "ProxyExpectedError",
    "Recomputed",
    "RecordDamaged",
    "Recovered",
    "Repository",
    "Run",
    "RunMissing",
    "RunNotFoundError",
    "S3Store",
    "SFTPStore",
    "SearchResult",
    "SetNotFoundError",
    "SourceMissing",
    "SqliteRepo",
    "Stats",
    "Store",
    "StoreDamaged",
    "StorePermissionError",
    "StoreUnavailableError",
    "Subscription",
    "UnarchivableFileError",
    "UnhashableValueError",
    "UnserializableValueError",
    "UntrustedStoreError",
    "VerificationReport",
    "Waited",
    "archive_file",
    "artifact_of",
    "capture_set",
    "collect_garbage",
    "create_set",
    "current_config",
    "dependencies",
    "descendants",
    "ensure_proxies",
    "evict",
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
    "label_set",
    "lazy_dict",
    "lazy_proxy_dict",
    "lineage",
    "load_artifact",
    "load_config",
    "load_proxy",
    "load_set_by_id",
    "load_set_by_labels",
    "load_set_by_name",
    "load_yaml_config",
    "merge_defaults",
    "promote",
    "provenance",
    "provenance_set",
    "register_hasher",
    "register_serializer",
    "reset_stats",
    "search",
    "set_check_mutations",
    "set_default_repo",
    "set_read_only",
    "set_run_info_fn",
    "set_use_cache",
    "stats",
    "subscribe",
    "unwrap",
    "using_repo",
    "using_results",
    "verify",
    "who_made",
]

_LATER: _typing.Final = {
    "calls.archive_file": "archive_file",
    "calls.arguments": "ArgumentDecorator ensure_proxies merge_defaults",
    "catalog.capture": "capture_set create_set label_set load_set_by_id load_set_by_labels load_set_by_name provenance_set",
    "catalog.find": "SearchResult load_artifact load_proxy search who_made",
    "catalog.lazy": "LazyDict lazy_dict lazy_proxy_dict",
    "catalog.promotion": "promote",
    "config.api": "AzureStore ChainedRepo ChainedStore DiskStore FsspecStore GSStore MemoryRepo MemoryStore PostgresRepo S3Store SFTPStore SqliteRepo current_config from_config load_config load_yaml_config set_run_info_fn",
    "config.schema": "Config",
    "hashing.explain": "Change Difference HashTree explain_hash hash_differences",
    "maintenance.eviction": "evict",
    "maintenance.garbage": "collect_garbage",
    "maintenance.reports": "BlobDamaged BlobMissing BlobUnreadable GarbageReport EvictionReport Garbage EvictedValue MemberMissing GarbageReason RecordDamaged RunMissing SourceMissing StoreDamaged VerificationReport",
    "maintenance.verification": "verify",
    "results.transparent": "ArtifactProxy",
}
"""Names by module that are imported on first use, to keep `import provenance` fast.

`lineage` is not among them, as importing the module of this name would replace the function.
"""
_PICKLED: _typing.Final = {
    "calls.composite": "Composite restore_composite",
    "calls.function": "restore_function",
    "calls.main_functions": "restore_main_function",
    "calls.spec": "Archiving CacheKey DecoratorOptions PartSerialization",
    "catalog.lazy": "restore_lazy_dict",
    "archives": "LocalSource",
    "model.records": "ArtifactRecord",
    "repository.inputs": "InputHashes Summary",
    "results.carriers": "restore_scalar",
    "results.handles": "restore_artifact restore_proxy restore_value",
    "singleflight.leases": "SingleFlight",
}
"""What pickles name but users do not, by module: loaded when a pickle is read."""
_HOMES: _typing.Final = {name: module for module, names in _LATER.items() for name in names.split()}
_PICKLED_HOMES: _typing.Final = {
    name: module for module, names in _PICKLED.items() for name in names.split()
}

if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a name of `_LATER`, or one of its modules, on first use."""
        if name == "vis":
            return _import_module(f"provenance.{name}")
        if name in _PICKLED_HOMES:
            return getattr(_import_module(f"provenance.{_PICKLED_HOMES[name]}"), name)
        if name not in _HOMES:
            raise AttributeError(f"module 'provenance' has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(f"provenance.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return [*{*globals(), *__all__}]


_session.set_default_factory(lambda: _import_module("provenance.config.api").default_environment())
