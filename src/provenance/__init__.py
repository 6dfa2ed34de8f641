"""Caching of the results of pure functions, with a record of how each was computed.

import provenance as p

@p.provenance()
def expensive_add(a: int, b: int) -> int:
    return a + b

total = expensive_add(4, 3)  # computed only once for this store
p.artifact_of(total)         # by which function, from which inputs, when and where
"""

import os as _os
import typing as _typing
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from provenance import environment as _session
from provenance.archives import ArchivedFile as ArchivedFile, ArchivedFolder as ArchivedFolder
from provenance.calls.decorators import Decorator as Decorator
from provenance.calls.decorators import provenance as provenance
from provenance.calls.function import CachedFunction as CachedFunction
from provenance.calls.many import set_engines as _set_engines
from provenance.calls.plan import CallPlan as CallPlan, PlannedCall as PlannedCall
from provenance.calls.hits import set_shadow_check as _set_shadow_check
from provenance.codecs import register_serializer as register_serializer
from provenance.environment import (
    Environment as Environment,
    get_check_mutations as get_check_mutations,
    get_default_repo as get_default_repo,
    get_read_only as get_read_only,
    get_repo_by_name as get_repo_by_name,
    get_use_cache as get_use_cache,
    set_check_mutations as set_check_mutations,
    set_default_repo as set_default_repo,
    set_read_only as set_read_only,
    set_use_cache as set_use_cache,
    using_repo as using_repo,
    using_results as using_results,
)
from provenance.errors import (
    AmbiguousIdError as AmbiguousIdError,
    ArtifactNotFoundError as ArtifactNotFoundError,
    BlobNotFoundError as BlobNotFoundError,
    BundleError as BundleError,
    CodeChangedError as CodeChangedError,
    ConfigError as ConfigError,
    CorruptBlobError as CorruptBlobError,
    CorruptRecordError as CorruptRecordError,
    DuplicateNameError as DuplicateNameError,
    EngineError as EngineError,
    ImpureFunctionError as ImpureFunctionError,
    KeyExistsError as KeyExistsError,
    MemberNotFoundError as MemberNotFoundError,
    MissingFileError as MissingFileError,
    MissingLibraryError as MissingLibraryError,
    MutatedArtifactValueError as MutatedArtifactValueError,
    NotReproducibleError as NotReproducibleError,
    ProvenanceError as ProvenanceError,
    ProxyExpectedError as ProxyExpectedError,
    RunNotFoundError as RunNotFoundError,
    SetNotFoundError as SetNotFoundError,
    StorePermissionError as StorePermissionError,
    StoreUnavailableError as StoreUnavailableError,
    UnarchivableFileError as UnarchivableFileError,
    UnhashableValueError as UnhashableValueError,
    UnreadableFileError as UnreadableFileError,
    UnrepeatableStreamError as UnrepeatableStreamError,
    UnserializableValueError as UnserializableValueError,
    UntrustedStoreError as UntrustedStoreError,
)
from provenance.events import (
    CodeChange as CodeChange,
    CodeChanged as CodeChanged,
    Event as Event,
    Hit as Hit,
    Miss as Miss,
    MissReason as MissReason,
    Recomputed as Recomputed,
    Recovered as Recovered,
    ShadowAgreed as ShadowAgreed,
    ShadowDiffered as ShadowDiffered,
    Raised as Raised,
    Resumed as Resumed,
    Stats as Stats,
    Waited as Waited,
)
from provenance.hashing import hash_value as _hash_value, register_hasher as register_hasher
from provenance.hashing.files import (
    InputFile as InputFile,
    file as file,
    set_content_reader as _set_content_reader,
)
from provenance.model.queries import Usage as Usage
from provenance.model.records import (
    Artifact as Artifact,
    Blob as Blob,
    Inputs as Inputs,
    Run as Run,
)
from provenance.model.references import is_proxy as is_proxy, unwrap as unwrap
from provenance.receipts.policy import Shadow as Shadow
from provenance.repository.handles import Repository as Repository, set_reopener as _set_reopener
from provenance.repository.stores import Store as Store
from provenance.repository.sets import ArtifactSet as ArtifactSet
from provenance.results.handles import artifact_of as artifact_of
from provenance.streams.stream import Resumable as Resumable, Streaming as Streaming
from provenance.streams.stream import Stream as Stream
from provenance.telemetry import (
    Subscription as Subscription,
    reset_stats as reset_stats,
    stats as stats,
    subscribe as subscribe,
)

__version__ = "1.0.0.dev0"
"""The version of the distribution, which pyproject.toml takes from here."""

hash = _hash_value  # noqa: A001 - its public name

if _typing.TYPE_CHECKING:
    from provenance import engines as engines, vis as vis
    from provenance.calls.archive_file import archive_file as archive_file
    from provenance.calls.async_streams import AsyncStream as AsyncStream
    from provenance.calls.arguments import (
        ArgumentDecorator as ArgumentDecorator,
        ensure_proxies as ensure_proxies,
        merge_defaults as merge_defaults,
    )
    from provenance.calls.partitions import PartitionedFunction as PartitionedFunction
    from provenance.calls.partitions import Parts as Parts, scan as scan
    from provenance.calls.report import Report as Report, report as report
    from provenance.catalog.capture import (
        Capture as Capture,
        capture_set as capture_set,
        create_set as create_set,
        label_set as label_set,
        load_set_by_id as load_set_by_id,
        load_set_by_labels as load_set_by_labels,
        load_set_by_name as load_set_by_name,
        provenance_set as provenance_set,
    )
    from provenance.catalog.find import (
        SearchResult as SearchResult,
        disk_usage as disk_usage,
        functions as functions,
        load_artifact as load_artifact,
        load_proxy as load_proxy,
        runs as runs,
        search as search,
        sets as sets,
        who_made as who_made,
    )
    from provenance.catalog.graph import Lineage as Lineage
    from provenance.catalog.lazy import (
        LazyDict as LazyDict,
        lazy_dict as lazy_dict,
        lazy_proxy_dict as lazy_proxy_dict,
    )
    from provenance.catalog.promotion import promote as promote
    from provenance.catalog.trace import (
        dependencies as dependencies,
        descendants as descendants,
        lineage as lineage,
    )
    from provenance.config.api import (
        Location as Location,
        current_config as current_config,
        from_config as from_config,
        load_config as load_config,
        load_yaml_config as load_yaml_config,
        location as location,
        set_run_info_fn as set_run_info_fn,
    )
    from provenance.config.schema import Config as Config
    from provenance.config.stores import (
        AzureStore as AzureStore,
        ChainedRepo as ChainedRepo,
        ChainedStore as ChainedStore,
        DiskStore as DiskStore,
        FsspecStore as FsspecStore,
        GSStore as GSStore,
        MemoryRepo as MemoryRepo,
        MemoryStore as MemoryStore,
        PostgresRepo as PostgresRepo,
        S3Store as S3Store,
        SFTPStore as SFTPStore,
        SqliteRepo as SqliteRepo,
    )
    from provenance.engines.functions import as_function as as_function, in_context as in_context
    from provenance.engines.mapping import gather as gather, using_engine as using_engine
    from provenance.engines.outcomes import Failure as Failure, Progress as Progress
    from provenance.exchange.bundles import (
        ImportReport as ImportReport,
        import_bundle as import_bundle,
        open_bundle as open_bundle,
    )
    from provenance.exchange.openlineage import emit_openlineage as emit_openlineage
    from provenance.exchange.export import export as export
    from provenance.exchange.legacy import (
        LegacyProblem as LegacyProblem,
        LegacyReport as LegacyReport,
        import_legacy as import_legacy,
    )
    from provenance.hashing.explain import (
        Change as Change,
        Difference as Difference,
        HashTree as HashTree,
        explain_hash as explain_hash,
        hash_differences as hash_differences,
    )
    from provenance.calls.why import (
        CallDiffers as CallDiffers,
        Explanation as Explanation,
        IsStored as IsStored,
        Lost as Lost,
        NeverSeen as NeverSeen,
        Outdated as Outdated,
        why as why,
    )
    from provenance.history.diff import (
        ArtifactDiff as ArtifactDiff,
        CodeDifference as CodeDifference,
        Parting as Parting,
        diff as diff,
    )
    from provenance.history.reproduce import (
        Differs as Differs,
        Failed as Failed,
        NotComparable as NotComparable,
        Reproduction as Reproduction,
        Same as Same,
        reproduce as reproduce,
    )
    from provenance.history.stale import StaleResults as StaleResults, stale as stale
    from provenance.hashing.comparison import (
        ArrayDifference as ArrayDifference,
        TableDifference as TableDifference,
    )
    from provenance.maintenance.eviction import evict as evict
    from provenance.maintenance.garbage import (
        collect_garbage as collect_garbage,
        expired_leases as expired_leases,
    )
    from provenance.maintenance.reports import (
        BlobDamaged as BlobDamaged,
        BlobMissing as BlobMissing,
        BlobUnreadable as BlobUnreadable,
        EvictedValue as EvictedValue,
        EvictionReport as EvictionReport,
        Garbage as Garbage,
        GarbageReason as GarbageReason,
        GarbageReport as GarbageReport,
        MemberMissing as MemberMissing,
        RecordDamaged as RecordDamaged,
        ResultDiffers as ResultDiffers,
        RunMissing as RunMissing,
        SetDamaged as SetDamaged,
        SourceMissing as SourceMissing,
        StoreDamaged as StoreDamaged,
        ValueDiffers as ValueDiffers,
        ValueUnreadable as ValueUnreadable,
        VerificationReport as VerificationReport,
    )
    from provenance.maintenance.verification import verify as verify
    from provenance.results.transparent import ArtifactProxy as ArtifactProxy

_LATER: _typing.Final = {
    "calls.archive_file": "archive_file",
    "calls.async_streams": "AsyncStream",
    "calls.report": "Report report",
    "calls.arguments": "ArgumentDecorator ensure_proxies merge_defaults",
    "calls.partitions": "PartitionedFunction Parts scan",
    "catalog.capture": "Capture capture_set create_set label_set load_set_by_id load_set_by_labels load_set_by_name provenance_set",
    "catalog.find": "SearchResult disk_usage functions load_artifact load_proxy runs search sets who_made",
    "catalog.graph": "Lineage",
    "catalog.lazy": "LazyDict lazy_dict lazy_proxy_dict",
    "catalog.promotion": "promote",
    "catalog.trace": "dependencies descendants lineage",
    "config.api": "Location current_config from_config load_config load_yaml_config location set_run_info_fn",
    "config.stores": "AzureStore ChainedRepo ChainedStore DiskStore FsspecStore GSStore MemoryRepo MemoryStore PostgresRepo S3Store SFTPStore SqliteRepo",
    "config.schema": "Config",
    "engines.functions": "as_function in_context",
    "engines.mapping": "gather using_engine",
    "engines.outcomes": "Failure Progress",
    "exchange.bundles": "ImportReport import_bundle open_bundle",
    "exchange.openlineage": "emit_openlineage",
    "exchange.export": "export",
    "exchange.legacy": "LegacyProblem LegacyReport import_legacy",
    "hashing.explain": "Change Difference HashTree explain_hash hash_differences",
    "calls.why": "CallDiffers Explanation IsStored Lost NeverSeen Outdated why",
    "history.diff": "ArtifactDiff CodeDifference Parting diff",
    "history.stale": "StaleResults stale",
    "history.reproduce": "Differs Failed NotComparable Reproduction Same reproduce",
    "hashing.comparison": "ArrayDifference TableDifference",
    "maintenance.eviction": "evict",
    "maintenance.garbage": "collect_garbage expired_leases",
    "maintenance.reports": "BlobDamaged BlobMissing BlobUnreadable GarbageReport EvictionReport Garbage EvictedValue MemberMissing GarbageReason RecordDamaged ResultDiffers RunMissing SetDamaged SourceMissing StoreDamaged ValueDiffers ValueUnreadable VerificationReport",
    "maintenance.verification": "verify",
    "results.transparent": "ArtifactProxy",
}
"""Names by module that are imported on first use, to keep `import provenance` fast."""
_PICKLED: _typing.Final = {
    "calls.composite": "Composite restore_composite",
    "calls.function": "restore_function",
    "calls.partitions": "restore_parts",
    "hashing.registry": "restore_named",
    "calls.pickling": "restore_by_name restore_in_pool restore_main_function",
    "calls.spec": "Archiving CacheKey DecoratorOptions PartSerialization",
    "catalog.lazy": "restore_lazy_dict",
    "archives": "LocalSource",
    "model.records": "ArtifactRecord Derivation FrozenDict",
    "repository.inputs": "InputHashes Summary",
    "codecs.pickling": "restore_attributes restore_code",
    "config.stores": "restore_repository",
    "engines.functions": "restore_in_environment",
    "engines.shipping": "restore_carried",
    "results.carriers": "restore_scalar",
    "results.handles": "restore_artifact restore_proxy restore_value",
    "results.kinds": "ResultOptions",
    "singleflight.leases": "SingleFlight",
    "streams.stream": "restore_items restore_stream",
}
"""What pickles name but users do not, by module: loaded when a pickle is read."""
_PARTS: _typing.Final = ("engines", "vis")
"""Packages that users reach as attributes of this one."""
_HOMES: _typing.Final = {name: module for module, names in _LATER.items() for name in names.split()}
_PICKLED_HOMES: _typing.Final = {
    name: module for module, names in _PICKLED.items() for name in names.split()
}

if not _typing.TYPE_CHECKING:
    __all__ = [
        name
        for name, value in sorted({**globals(), **_HOMES}.items())
        if not (name.startswith("_") or isinstance(value, _ModuleType))
    ]

    def __getattr__(name: str) -> object:
        """Import a name of `_LATER`, or one of its modules, on first use."""
        if name in _PARTS:
            return _import_module(f"provenance.{name}")
        if name in _PICKLED_HOMES:
            return getattr(_import_module(f"provenance.{_PICKLED_HOMES[name]}"), name)
        if name not in _HOMES:
            raise AttributeError(f"module 'provenance' has no attribute {name!r}")
        value = globals()[name] = getattr(_import_module(f"provenance.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        """List what users may rely on; Python binds every package that was imported."""
        modules = {"effect", "extending", "functional", "testing"} & globals().keys()
        return [*__all__, *_PARTS, *modules, *(name for name in globals() if name[:2] == "__")]


_set_engines(lambda: _import_module("provenance.engines.mapping"))
_session.set_default_factory(lambda: _import_module("provenance.config.api").default_environment())
_set_reopener(lambda: _import_module("provenance.config.stores").restore_repository)
_set_content_reader(
    lambda path: _import_module("provenance.config.wiring").file_digests().content(path)
)
_set_shadow_check(
    lambda call, record: _import_module("provenance.history.reproduce").check_hit(call, record)
)
if _os.environ.get("PROVENANCE_REPORT", "0") not in {"", "0"}:
    _import_module("provenance.calls.report").report_process(
        live=_os.environ["PROVENANCE_REPORT"] == "live"
    )
