"""What identifies a function and the inputs of a call, from which the artifact's id is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Final, TypeAlias, cast

from attrs import Factory, evolve, field, frozen

from provenance.calls.purity import Purity
from provenance.calls.signature import WrappedFunction, closure_values, code_objects
from provenance.hashing import combine, hash_value
from provenance.hashing.encoding import node_digest, nodes, prefix
from provenance.hashing.functions import Receiver
from provenance.model.ids import ArtifactId, DerivationId, ValueId
from provenance.model.records import NO_OPTIONS, Artifact, DerivedInput, Options
from provenance.model.references import SCALARS, InputRef, in_ignored_input, refs_of
from provenance.model.tracked import any_tracked
from provenance.receipts.policy import OnCodeChange, Shadow
from provenance.receipts.receipt import NO_RECEIPT, LazyReceipt
from provenance.repository.inputs import NO_HASHES, InputHashes
from provenance.streams.stream import Streaming
from provenance.util.context import setting
from provenance.util.naming import exported


@exported
@frozen
class Archiving:
    """How to archive the file whose path a function returns."""

    delete_original: bool = False
    preserve_extension: bool = False


_CALL = prefix("call")


@exported
@frozen
class CacheKey:
    """The identity of a function: its version, and the name that the user chose or where it is defined.

    `name` is the name of its artifacts. `scope` is None if the user chose the name: functions with
    the same chosen name share artifacts. Else the identity is the scope: the full name of the
    function and of its source, which is never `__main__`.
    """

    name: str
    version: int
    scope: str | None

    identity: tuple[str | None, int, str | None] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(
            lambda self: (self.name if self.scope is None else None, self.version, self.scope),
            takes_self=True,
        ),
    )
    """What ids are derived from: the name only if it was chosen."""


def default_cache_key(module: str, source: str, qualname: str, version: int) -> CacheKey:
    """Return the identity of a function without a chosen name.

    >>> default_cache_key("__main__", "pipeline", "make.<locals>.Model.fit", 0)
    CacheKey(name='__main__.Model.fit', version=0, scope='pipeline.make.<locals>.Model.fit')
    """
    name = f"{module}.{qualname.rpartition('<locals>.')[2]}"
    return CacheKey(name, version, f"{source}.{qualname}")


def call_id(cache_key: CacheKey, hashes: InputHashes) -> ArtifactId:
    """Return the id of the artifact of a call; the order of keyword arguments does not matter."""
    captured = tuple(sorted(hashes.captured.items())) if hashes.captured else ()
    named = tuple(sorted(hashes.kargs.items()))
    return _id_of(cache_key.identity, named, hashes.varargs, captured)


_Named: TypeAlias = tuple[tuple[str, str], ...]


@lru_cache(maxsize=1_024)
def _id_of(
    identity: tuple[str | None, int, str | None],
    named: _Named,
    varargs: tuple[str, ...],
    captured: _Named,
) -> ArtifactId:
    """Return the id of a call, which programs are likely to make again."""
    items: list[str | int | None] = [*identity, len(named), *chain.from_iterable(named)]
    items += (len(varargs), *varargs, *chain.from_iterable(captured))
    # The same as `combine`, with a prefix computed in advance.
    return ArtifactId(node_digest(_CALL, items).hex())


def alias_ids(options: DecoratorOptions, hashes: InputHashes) -> Iterator[ArtifactId]:
    """Yield the ids that the call had under earlier names, as chosen names and as default ones."""
    for alias in options.aliases:
        for scope in (alias, None):
            yield call_id(CacheKey(alias, options.version, scope), hashes)


def uncached_id(call: ArtifactId, value: ValueId) -> ArtifactId:
    """Return the id of an artifact computed with the cache off, from its call and value."""
    return ArtifactId(combine("uncached", [call, value]).hex())


def derivation_id(artifact_id: ArtifactId, edges: frozenset[DerivedInput]) -> DerivationId:
    """Return the id of a derivation of the artifact."""
    parts = [part for edge in sorted(edges) for part in edge]
    return DerivationId(combine("derivation", [artifact_id, *parts]).hex())


_SHORT: Final = 64
InputFunction: TypeAlias = "Callable[[dict[str, object]], Mapping[str, object]]"
"""A function of the user, which gets and returns `{'kargs': {name: …}, 'varargs': (…)}`."""


@exported
@frozen
class PartSerialization:
    """How a part of a composite is written and read back: by the serializer of this name, or by its type if None."""

    serializer: str | None = None
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS


NO_PARTS: Final[Mapping[str, PartSerialization]] = {}


@exported
@frozen
class DecoratorOptions:
    """How a decorated function's calls are planned, looked up and recorded; None defers to the environment."""

    version: int = 0
    repo: Any = None  # a repository or its name: both are of layers above
    name: str | None = None
    aliases: tuple[str, ...] = ()
    merge_defaults: bool | tuple[str, ...] = False
    ignore: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    input_hash_fn: InputFunction | None = None
    input_process_fn: InputFunction | None = None
    custom_fields: Options = NO_OPTIONS
    tags: tuple[str, ...] = ()
    serializer: str | None = None
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS
    archive: Archiving | None = None
    use_cache: bool | None = None
    read_only: bool | None = None
    results: Options = NO_OPTIONS
    on_code_change: OnCodeChange | None = None
    sensitive_to: tuple[str, ...] = ()
    shadow: Shadow | None = None
    expires_after: timedelta | None = None
    valid_if: Callable[[Artifact[Any]], object] | None = None
    pure: Purity = "strict"
    returns_composite: bool = False
    part_serialization: Mapping[str, PartSerialization] = NO_PARTS
    streaming: Streaming | None = None


def _takes_all(spec: FunctionSpec) -> bool:
    options, wrapped = spec.options, spec.wrapped
    changing = options.remove, options.ignore, options.files, options.merge_defaults
    hooks = options.input_process_fn, options.input_hash_fn, options.streaming
    is_bound = wrapped.args or wrapped.keywords
    return not (any(changing) or is_bound) and all(hook is None for hook in hooks)


@frozen
class FunctionSpec:
    """Everything about a decorated function that its calls have in common."""

    wrapped: WrappedFunction
    options: DecoratorOptions
    cache_key: CacheKey
    captured: Mapping[str, object] = NO_OPTIONS
    captured_hashes: Mapping[str, str] = NO_HASHES
    captured_refs: tuple[InputRef, ...] = ()
    receipt: LazyReceipt = field(default=NO_RECEIPT, eq=False, repr=False)
    takes_all: bool = field(
        init=False, eq=False, repr=False, default=Factory(_takes_all, takes_self=True)
    )
    """Whether each argument is recorded and hashed as it is passed, as no option says otherwise."""


def cache_key_of(wrapped: WrappedFunction, options: DecoratorOptions) -> CacheKey:
    """Return the function's identity: by the name that was chosen for it, else by where it is defined.

    Its code counts too where only that tells functions apart: all lambdas of a place have one name,
    and nothing names consoles, nor notebooks whose front ends do not set their paths.
    """
    if options.name is not None:
        return CacheKey(options.name, options.version, None)
    cache_key = default_cache_key(wrapped.module, wrapped.source, wrapped.qualname, options.version)
    if wrapped.source and not wrapped.qualname.endswith("<lambda>"):
        return cache_key
    return evolve(cache_key, scope=f"{cache_key.scope}:{hash_value(code_objects(wrapped))}")


def make_spec(
    wrapped: WrappedFunction,
    options: DecoratorOptions,
    itself: object,
    receipt: LazyReceipt | None = None,
) -> FunctionSpec:
    """Return all that the calls of a function have in common, with its *receipt* if it has one already.

    What it captured is hashed, unless it is ignored or the function *itself* (a recursive function).
    Raises `UnhashableValueError` for a captured value without content.
    """
    values = {
        name: value
        for name, value in closure_values(wrapped).items()
        if value is not itself and name not in options.remove
    }
    seen: list[object] = []
    hashes = {
        name: hash_input(value, "captured", name, seen)
        for name, value in values.items()
        if name not in options.ignore
    }
    return FunctionSpec(
        wrapped,
        options,
        cache_key_of(wrapped, options),
        values,
        hashes,
        tuple(refs_of(seen)),
        receipt or LazyReceipt(wrapped.function, options.sensitive_to),
    )


@lru_cache(maxsize=4_096, typed=True)
def _hash_again(value: object) -> str:
    """Return the hash of a value that calls are likely to get again. No floats: to the cache, 0.0 and -0.0 are one."""
    return hash_value(value)


def hash_input(value: object, section: str, key: str | int, seen: list[object] | None) -> str:
    """Hash an input; an artifact's value that was not read is not read for this, its hash is on record."""
    kind = type(value)
    if kind is int or (kind is str and len(cast("str", value)) <= _SHORT):
        return _hash_again(value)
    if kind in SCALARS:
        return hash_value(value)
    known: Callable[[object], ValueId | None] | None = getattr(
        type(value), "__provenance_known__", None
    )
    if known is not None and (recorded := known(value)) is not None:
        if seen is not None:
            seen += in_ignored_input(value)
        return recorded
    return hash_value(value, f"{section}[{key!r}]", seen)


class ScalarIds:
    """Derives ids of calls whose arguments are builtin scalars, as a plan would, but nothing else.

    Of a function without options for its inputs only: `of` returns None for others. Long texts are
    to be planned, as their results keep them.
    """

    def __init__(self, spec: FunctionSpec) -> None:
        wrapped = spec.wrapped
        self._start: list[str | int | None] = [*spec.cache_key.identity, len(wrapped.names)]
        places = {name: i for i, name in enumerate(wrapped.names[: wrapped.positional])}
        self._slots = [(name, places.get(name, _NOWHERE)) for name in sorted(wrapped.names)]
        self._defaults = wrapped.defaults
        self._most = wrapped.positional
        captured = sorted(spec.captured_hashes.items())
        self._end: list[str | int | None] = [0, *chain.from_iterable(captured)]

    @classmethod
    def of(cls, spec: FunctionSpec) -> ScalarIds | None:
        """Return what derives ids of calls of *spec*'s function; None if its calls are to be planned."""
        is_plain = spec.wrapped.simple and spec.takes_all and not spec.captured_refs
        return cls(spec) if is_plain else None

    def find(self, calls: Sequence[tuple[object, ...]]) -> list[ArtifactId | None]:
        """Return the ids of calls with these arguments; None for those of which only a plan can tell."""
        if any_tracked():
            return [None] * len(calls)
        rows = [self._items(args) for args in calls]
        made = iter(nodes(_CALL, [row for row in rows if row is not None]))
        return [None if row is None else ArtifactId(bytes(next(made).data).hex()) for row in rows]

    def _items(self, args: tuple[object, ...]) -> list[str | int | None] | None:
        """Return what the id of the call is the digest of."""
        count = len(args)
        if count > self._most:
            return None
        items = self._start.copy()
        for name, place in self._slots:
            value = args[place] if place < count else self._defaults.get(name, self)
            kind = type(value)
            if kind is int or (kind is str and len(cast("str", value)) <= _SHORT):
                items += (name, _hash_again(value))
            elif kind in _FIXED:
                items += (name, hash_value(value))
            else:
                return None
        items += self._end
        return items


_NOWHERE: Final = 1 << 30
_FIXED: Final = SCALARS - {int, str, bytes}
_representing: ContextVar[tuple[object, ...]] = ContextVar("provenance_representing", default=())
"""Decorated functions whose captured values are being hashed, the outermost first."""


def represent_function(
    wrapped: WrappedFunction, options: DecoratorOptions, itself: object
) -> object:
    """Return what represents a decorated function in hashes; see `CachedFunction.value_repr`."""
    outer = _representing.get()
    if itself in outer:
        return outer[::-1].index(itself)
    with setting(_representing, (*outer, itself)):
        spec = make_spec(wrapped, options, itself)
    # The object of a method may hold this function.
    first = [Receiver(argument) for argument in wrapped.args[:1]]
    bound = (*first, *wrapped.args[1:]), dict(wrapped.keywords)
    return *spec.cache_key.identity, dict(spec.captured_hashes), bound
