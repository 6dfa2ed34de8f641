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

from provenance import session as _session
from provenance.archives import ArchivedFile, ArchivedFolder
from provenance.codecs import register_serializer
from provenance.decorating import Decorator, provenance
from provenance.decorator import Cached
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
from provenance.events import CodeChanged, Event, Healed, Hit, Miss, Recomputed, Stats, Waited, Why
from provenance.hashing import hash_value as hash  # noqa: A004 - `provenance.hash` is its public name
from provenance.hashing import register_hasher
from provenance.journal import Subscription, reset_stats, stats, subscribe
from provenance.lineage import Lineage
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
from provenance.sets import ArtifactSet
from provenance.tracing import dependencies, lineage, progeny

if _typing.TYPE_CHECKING:
    from provenance import vis as vis
    from provenance.arguments import ArgumentDecorator, ensure_proxies, merge_defaults
    from provenance.collecting import (
        capture_set,
        create_set,
        label_set,
        load_set_by_id,
        load_set_by_labels,
        load_set_by_name,
        provenance_set,
    )
    from provenance.config import (
        ChainedRepo,
        ChainedStore,
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
    from provenance.elsewhere import (
        AzureStore,
        FsspecStore,
        GSStore,
        PostgresRepo,
        S3Store,
        SFTPStore,
    )
    from provenance.evicting import evict
    from provenance.explanation import Change, Difference, HashTree, explain_hash, hash_differences
    from provenance.files import archive_file
    from provenance.findings import (
        BlobDamaged,
        BlobMissing,
        BlobUnreadable,
        Collected,
        Evicted,
        Garbage,
        LetGo,
        MemberMissing,
        Reason,
        RecordDamaged,
        RunMissing,
        SourceMissing,
        StoreDamaged,
        Verified,
    )
    from provenance.lazy import LazyDict, lazy_dict, lazy_proxy_dict
    from provenance.loading import load_artifact, load_proxy
    from provenance.promotion import promote
    from provenance.searching import Found, search, who_made
    from provenance.settings import Config
    from provenance.store import Store
    from provenance.sweeping import collect_garbage
    from provenance.verifying import verify

__all__ = [
    "AmbiguousIdError",
    "ArchivedFile",
    "ArchivedFolder",
    "ArgumentDecorator",
    "Artifact",
    "ArtifactNotFoundError",
    "ArtifactSet",
    "AzureStore",
    "Blob",
    "BlobDamaged",
    "BlobMissing",
    "BlobNotFoundError",
    "BlobUnreadable",
    "Cached",
    "CallPlan",
    "ChainedRepo",
    "ChainedStore",
    "Change",
    "CodeChanged",
    "Collected",
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
    "Evicted",
    "Found",
    "FsspecStore",
    "GSStore",
    "Garbage",
    "HashTree",
    "Healed",
    "Hit",
    "ImpureFunctionError",
    "Inputs",
    "KeyExistsError",
    "LazyDict",
    "LetGo",
    "Lineage",
    "MemberMissing",
    "MemberNotFoundError",
    "MemoryRepo",
    "MemoryStore",
    "Miss",
    "MissingLibraryError",
    "MutatedArtifactValueError",
    "PostgresRepo",
    "ProvenanceError",
    "ProxyExpectedError",
    "Reason",
    "Recomputed",
    "RecordDamaged",
    "Repository",
    "Run",
    "RunMissing",
    "RunNotFoundError",
    "S3Store",
    "SFTPStore",
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
    "Verified",
    "Waited",
    "Why",
    "archive_file",
    "artifact_of",
    "capture_set",
    "collect_garbage",
    "create_set",
    "current_config",
    "dependencies",
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
    "progeny",
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
    "verify",
    "who_made",
]

_LATER: _typing.Final = {
    "arguments": "ArgumentDecorator ensure_proxies merge_defaults",
    "collecting": "capture_set create_set label_set load_set_by_id load_set_by_labels "
    "load_set_by_name provenance_set",
    "config": "ChainedRepo ChainedStore DiskStore MemoryRepo MemoryStore SqliteRepo "
    "current_config from_config load_config load_yaml_config set_run_info_fn",
    "elsewhere": "AzureStore FsspecStore GSStore PostgresRepo S3Store SFTPStore",
    "evicting": "evict",
    "explanation": "Change Difference HashTree explain_hash hash_differences",
    "files": "archive_file",
    "findings": "BlobDamaged BlobMissing BlobUnreadable Collected Evicted Garbage LetGo "
    "MemberMissing Reason RecordDamaged "
    "RunMissing SourceMissing StoreDamaged Verified",
    "lazy": "LazyDict lazy_dict lazy_proxy_dict",
    "loading": "load_artifact load_proxy",
    "promotion": "promote",
    "searching": "Found search who_made",
    "settings": "Config",
    "store": "Store",
    "sweeping": "collect_garbage",
    "verifying": "verify",
}
"""Names by module that are imported on first use, to keep `import provenance` fast.

`lineage` is not among them, as importing the module of this name would replace the function.
"""
_PICKLED: _typing.Final = {
    "archiving": "Archiving",
    "composites": "Composite restore_composite",
    "decorator": "restore_function",
    "identity": "Identity InputHashes",
    "keepers": "Original",
    "lazy": "restore_lazy_dict",
    "proxy": "restore_artifact restore_proxy restore_value",
    "recipe": "CallOptions Coding",
    "records": "ArtifactRecord",
    "sending": "restore_main_function",
    "sharing": "SingleFlight",
    "summary": "Summary",
}
"""What pickles name but users do not, by module: loaded when a pickle is read."""
_HOMES: _typing.Final = {name: module for module, names in _LATER.items() for name in names.split()}
_PICKLED_HOMES: _typing.Final = {
    name: module for module, names in _PICKLED.items() for name in names.split()
}

if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a name of `_LATER`, or one of its modules, on first use."""
        if name == "vis" or name in _LATER:
            return _import_module(f"provenance.{name}")
        if name in _PICKLED_HOMES:
            return getattr(_import_module(f"provenance.{_PICKLED_HOMES[name]}"), name)
        if name not in _HOMES:
            raise AttributeError(f"module 'provenance' has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(f"provenance.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return [*{*globals(), *__all__}]


_session.fall_back_on(lambda: _import_module("provenance.config").default_environment())
