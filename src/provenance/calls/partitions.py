"""Functions that are computed for each member of a collection, and lazy tables over what they return.

The result for a member is an artifact of its own. Other libraries read the Parquet files of tables as they lie.
"""

from __future__ import annotations

import functools
from asyncio import gather
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from inspect import BoundArguments, signature
from itertools import count
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    overload,
)

from attrs import asdict, evolve

from provenance import environment, errors
from provenance.calls import execute
from provenance.calls.composite import from_reference, part_cache_key, reference_to, result_of
from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.options import GivenOptions
from provenance.calls.signature import WrappedFunction, inspect_function
from provenance.calls.spec import NO_PARTS, FunctionSpec, PartSerialization
from provenance.codecs.table_parts import PANDAS_FRAMES, PARQUET_PARTS, POLARS_FRAMES, part_id
from provenance.model.records import Artifact
from provenance.model.references import is_proxy, unwrap
from provenance.results.handles import make_proxy
from provenance.streams.stream import LOST, StoredItems, Stream
from provenance.util.formatting import SHORT, safe_repr, with_article
from provenance.util.naming import exported
from provenance.util.optional import require_library

if TYPE_CHECKING:
    from polars import LazyFrame

P = ParamSpec("P")
C_co = TypeVar("C_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)

Engine: TypeAlias = Literal["polars", "arrow", "duckdb", "dask"]
LazyTable: TypeAlias = object
"""What the engine has for a table that is not read yet; a variable of its own type says which it is."""
_PARQUET: Final = frozenset({"pd_df_parquet", "pl_df_parquet", PANDAS_FRAMES, POLARS_FRAMES})
"""Serializers of tables whose blobs are plain Parquet files."""


@exported
class Parts(Mapping[object, R_co], Generic[R_co]):
    """The results for the members of a collection, in its order; each is read when it is used.

    Example:
        >>> import provenance as p
        >>> @p.provenance(over="day")
        ... def sold(day: int) -> int:
        ...     return 10 * day
        >>> {day: int(number) for day, number in sold([1, 2]).items()}
        {1: 10, 2: 20}
    """

    __slots__ = ("__weakref__", "_parts")

    def __init__(self, parts: Mapping[object, object]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, member: object) -> R_co:
        return cast("R_co", result_of(self._parts[member]))

    def proxy(self, member: object) -> R_co:
        """Return the lazy proxy of the result for *member*."""
        return cast("R_co", self._parts[member])

    def proxies(self) -> tuple[object, ...]:
        """Return the lazy proxies of all results; none is read."""
        return tuple(self._parts.values())

    @overload
    def scan(self, engine: Literal["polars"] = "polars") -> LazyFrame: ...
    @overload
    def scan(self, engine: Engine) -> LazyTable: ...
    def scan(self, engine: Engine = "polars") -> LazyTable:
        """Return a lazy table of *engine* over the stored tables of all members; see `provenance.scan`."""
        return scan(self, engine=engine)

    def __iter__(self) -> Iterator[object]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, member: object) -> bool:
        return member in self._parts

    def __repr__(self) -> str:
        shown = ", ".join(map(safe_repr, list(self._parts)[:_MOST_SHOWN]))
        more = ", …" if len(self) > _MOST_SHOWN else ""
        return f"<provenance.Parts of {len(self):,} members: {shown}{more}>"

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        rows = [(member, reference_to(part)) for member, part in self._parts.items()]
        return restore_parts, (rows,)

    def __copy__(self) -> Parts[R_co]:
        return self

    def value_repr(self) -> object:
        """Return the mapping that represents it in hashes."""
        return self._parts


_MOST_SHOWN = SHORT // 2


@exported
def restore_parts(rows: list[tuple[object, tuple[Any, ...]]]) -> Parts[Any]:
    """Unpickle parts; none of them is read. Pickles name this function."""
    return Parts({member: from_reference(known) for member, known in rows})


@overload
def scan(tables: object, engine: Literal["polars"] = "polars") -> LazyFrame: ...
@overload
def scan(tables: object, engine: Engine) -> LazyTable: ...
def scan(tables: object, engine: Engine = "polars") -> object:
    """Return a lazy table over stored pandas or polars frames, which other libraries read as they lie.

    Args:
        tables: A table that a decorated function returned, the `Parts` of several, a `Stream` of
            tables, an artifact, an id, or several of these, whose rows then follow each other.
        engine: `"polars"` for a `LazyFrame`, `"arrow"` for a `pyarrow.dataset.Dataset`, `"duckdb"`
            for a relation, `"dask"` for a Dask dataframe.

    Returns:
        The lazy table, whose values are read when it is collected.

    Raises:
        ConfigError: for another engine.
        TypeError: if one of *tables* is not stored as a Parquet file, or there is none.
        MissingLibraryError: if the library of the engine is not installed.
        BlobNotFoundError, CorruptBlobError: if a table is lost, and cannot be computed again.

    Example:
        >>> import polars as pl
        >>> import provenance as p
        >>> @p.provenance()
        ... def sales(day: int) -> pl.DataFrame:
        ...     return pl.DataFrame({"day": [day], "sold": [10 * day]})
        >>> p.scan([sales(1), sales(2)]).select(pl.col("sold").sum()).collect().item()
        30
    """
    if engine not in get_args(Engine):
        known = ", ".join(map(repr, get_args(Engine)))
        problem = f"unknown engine {safe_repr(engine)}"
        raise errors.ConfigError("scan, engine", problem, f"pass one of {known}")
    paths = [path for artifact in _artifacts(tables) for path in _paths(artifact)]
    if not paths:
        raise TypeError("scan: got no table; pass at least one")
    purpose = f"engine {engine!r} of scan"
    match engine:
        case "polars":
            return cast("object", require_library("polars", purpose).scan_parquet(paths))
        case "arrow":
            return cast("object", require_library("pyarrow.dataset", purpose).dataset(paths))
        case "duckdb":
            return cast("object", require_library("duckdb", purpose).read_parquet(paths))
        case "dask":
            return cast("object", require_library("dask.dataframe", purpose).read_parquet(paths))


def _artifacts(tables: object) -> Iterator[Artifact[object]]:
    """Yield the artifacts of all tables, in order; no table is read."""
    kind: Any = tables.__class__ if is_proxy(tables) else type(tables)
    if issubclass(kind, Parts):
        for part in cast("Parts[object]", unwrap(tables)).proxies():
            yield from _artifacts(part)
    elif issubclass(kind, Stream):
        items = cast("Stream[object]", unwrap(tables)).items()
        if not isinstance(items, StoredItems):
            raise TypeError("scan: the stream was computed with read_only, and is in no store")
        for chunk in items.manifest.chunks:
            yield Artifact.of(items.origin.load_record(chunk.id), items.origin)
    elif issubclass(kind, list | tuple) and not is_proxy(tables):
        for table in cast("Iterable[object]", tables):
            yield from _artifacts(table)
    else:
        artifact = environment.artifact_for(tables)
        if artifact.value_type.rpartition(":")[2] in ("Parts", "Stream"):
            yield from _artifacts(artifact.value)
        else:
            yield artifact


def _paths(artifact: Artifact[object]) -> Iterator[str]:
    """Yield the paths of local copies of a stored table, several for a table in parts."""
    if artifact.serializer != PARQUET_PARTS:
        yield _path(artifact)
        return
    for number in count():
        wanted = part_id(artifact.id, number)
        if wanted not in artifact.value_artifact_ids:
            return
        try:
            yield _path(Artifact.of(artifact.origin.load_record(wanted), artifact.origin))
        except LOST:
            _ = artifact.value  # which computes the table again
            yield _path(Artifact.of(artifact.origin.load_record(wanted), artifact.origin))


def _path(artifact: Artifact[object]) -> str:
    """Return the path of a local copy of a stored table; one that is lost is computed again if that is possible."""
    if artifact.serializer not in _PARQUET:
        raise TypeError(
            f"scan: artifact {artifact.id} ({artifact.name!r}) is stored by the serializer {artifact.serializer!r}, not as a "
            "Parquet file; return a pandas or polars frame whose columns Parquet preserves"
        )
    repo = environment.repository_of(artifact)
    try:
        return repo.local_path(artifact.value_blob, ".parquet")
    except (errors.BlobNotFoundError, errors.CorruptBlobError):
        _ = artifact.value
        newer = repo.load_record(artifact.id)
        return repo.local_path(newer.value_blob, ".parquet")


@exported
class PartitionedFunction(Generic[P, R_co, C_co]):
    """A decorated function that is called with a collection, and runs once for each new member of it.

    `each` is the decorated function of one member: partitions that it computed are hits here, and the other way round.

    Example:
        >>> import provenance as p
        >>> @p.provenance(over="day")
        ... def sold(day: int) -> int:
        ...     return 10 * day
        >>> sum(sold([1, 2]).values()), sold.missing([1, 2, 3])
        (30, (3,))
        >>> sold.each.is_cached(1)
        True
    """

    __name__: str
    __qualname__: str

    def __init__(self, each: CachedFunction[P, R_co], over: str) -> None:
        functools.update_wrapper(cast("Callable[..., object]", self), each, updated=())
        self.each = each
        self._over = over

    def __call__(self, /, *args: object, **kwargs: object) -> C_co:
        """Return the `Parts`: the result for each member of the collection, computing those that are not stored.

        Raises:
            TypeError: if the arguments do not fit the signature, or the parameter got no collection of hashable members.
        """
        members, bound = self._split(args, kwargs)
        results = [self.each.__call__(*call.args, **call.kwargs) for call in bound]
        spec = spec_of(self.each)
        if spec.wrapped.is_async:
            return cast("C_co", _collect_async(spec, members, cast("list[Any]", results)))
        return cast("C_co", collect(spec, Parts(dict(zip(members, results, strict=True)))))

    def missing(self, /, *args: object, **kwargs: object) -> tuple[object, ...]:
        """Return the members of the collection that a call with *args* and *kwargs* would compute."""
        members, bound = self._split(args, kwargs)
        return tuple(
            member
            for member, call in zip(members, bound, strict=True)
            if not self.each.is_cached(*call.args, **call.kwargs)
        )

    def with_options(self, **choices: Any) -> Self:  # noqa: ANN401 - those of `provenance`
        """Return the same function decorated with the options *choices*; options not passed have their defaults."""
        return type(self)(self.each.with_options(**choices), self._over)

    def __get__(self, instance: object, owner: type[object] | None = None, /) -> Self:
        bound = self.each.__get__(cast("Any", instance), cast("Any", owner))
        return self if bound is self.each else type(self)(cast("Any", bound), self._over)

    def _split(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[list[object], list[BoundArguments]]:
        """Return the members, each once, and the arguments of the call for each."""
        bound = signature(self.each).bind(*args, **kwargs)
        bound.apply_defaults()
        given: object = bound.arguments[self._over]
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise TypeError(
                f"{self!r} is called with a collection for {self._over!r}, got {with_article(given)}; "
                "pass a list, or call .each(…) for one member"
            )
        members = list(dict.fromkeys(cast("Iterable[object]", given)))
        calls: list[BoundArguments] = []
        for member in members:
            one = bound.signature.bind(*bound.args, **bound.kwargs)
            one.arguments[self._over] = member
            calls.append(one)
        return members, calls

    def __repr__(self) -> str:
        return f"{self.each!r} over {self._over!r}"


async def _collect_async(
    each: FunctionSpec, members: list[object], results: list[Coroutine[Any, Any, object]]
) -> object:
    done = await gather(*results)
    parts: Parts[object] = Parts(dict(zip(members, done, strict=True)))
    return await environment.current().run_in_thread(partial(collect, each), cast("Any", parts))


def collect(each: FunctionSpec, parts: Parts[Any]) -> object:
    """Store *parts* as the artifact that stands for all members; returns its result."""
    # What concerns parameters of the function, or a result of its own, does not concern the mapping.
    options = evolve(
        each.options,
        use_cache=True,
        aliases=(),
        merge_defaults=False,
        ignore=frozenset(),
        remove=frozenset(),
        input_hash_fn=None,
        input_process_fn=None,
        archive=None,
        returns_composite=False,
        part_serialization=NO_PARTS,
        **asdict(PartSerialization(), recurse=False),
    )
    module, source, qualname = each.wrapped.module, each.wrapped.source, each.wrapped.qualname
    function = inspect_function(_as_it_is)
    wrapped = evolve(function, module=module, source=source, qualname=qualname)
    spec = FunctionSpec(wrapped, options, part_cache_key(each.cache_key, "parts"))
    call = execute.prepare(environment.current(), spec, (parts,), {})
    result = cast("Any", execute.execute(evolve(call, as_proxy=True)))
    if call.read_only:
        return cast("object", result)
    # The results at hand can be computed again if they are lost; those of a stored manifest cannot.
    known, origin = result.__provenance_reference__(), result.__provenance_origin__()
    return make_proxy(known, origin, parts, options=call.results)


def _as_it_is(parts: object) -> object:
    return parts


def partition(
    function: CachedFunction[..., Any], wrapped: WrappedFunction, over: object
) -> PartitionedFunction[..., Any, Any]:
    """Return *function* as one that is called with a collection for its parameter *over*.

    Raises:
        ConfigError: if it has no such parameter, or yields.
    """
    given = GivenOptions(wrapped, {"over": over})
    names = [name for name in wrapped.names if name not in (wrapped.rest, wrapped.extra)]
    if not isinstance(over, str) or over not in names:
        advice = f"its parameters are {', '.join(wrapped.names)}"
        raise given.wrong("over", "the name of a parameter", advice)
    if wrapped.yields:
        raise given.refuse("over", "cannot be combined with stream", "leave one of them out")
    return PartitionedFunction(function, over)
