"""What identifies a function and the inputs of a call, from which the artifact's id is derived."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.calls.signature import WrappedFunction, closure_values, code_objects
from provenance.hashing import combine, hash_value
from provenance.hashing.encoding import node_digest, prefix
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import NO_OPTIONS, Options
from provenance.model.references import InputRef, in_ignored_input, refs_of
from provenance.repository.inputs import InputHashes


@frozen
class Archiving:
    """How to archive the file whose path a function returns."""

    __module__ = "provenance"

    delete_original: bool = False
    preserve_extension: bool = False


_CALL = prefix("call")


@frozen
class CacheKey:
    """The identity of a function: the name of its artifacts, its version, and where it is defined.

    `scope` is the full qualified name if `name` is the default one, so that nested functions of the
    same name differ. It is None if the user chose the name: functions with the same chosen name
    share artifacts.
    """

    __module__ = "provenance"

    name: str
    version: int
    scope: str | None


def default_cache_key(module: str, qualname: str, version: int) -> CacheKey:
    """Return the identity of a function without a chosen name.

    >>> default_cache_key("pipeline", "make.<locals>.Model.fit", 0).name
    'pipeline.Model.fit'
    """
    return CacheKey(
        f"{module}.{qualname.rpartition('<locals>.')[2]}", version, f"{module}:{qualname}"
    )


def call_id(cache_key: CacheKey, hashes: InputHashes) -> ArtifactId:
    """Return the id of the artifact of a call; the order of keyword arguments does not matter."""
    items: list[str | int | None] = [
        cache_key.name,
        cache_key.version,
        cache_key.scope,
        len(hashes.kargs),
    ]
    for name in sorted(hashes.kargs):
        items += (name, hashes.kargs[name])
    items.append(len(hashes.varargs))
    items += hashes.varargs
    for name in sorted(hashes.captured):
        items += (name, hashes.captured[name])
    # The same as `combine`, with a prefix computed in advance.
    return ArtifactId(node_digest(_CALL, items).hex())


def uncached_id(call: ArtifactId, value: ValueId) -> ArtifactId:
    """Return the id of an artifact computed with the cache off, from its call and value."""
    return ArtifactId(combine("uncached", [call, value]).hex())


_SHORT: Final = 64
IMMUTABLE: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
NamedInputs: TypeAlias = "dict[str, object]"
"""`{'kargs': {name: …}, 'varargs': (…)}`, as the user's input functions get and return it."""
InputFunction: TypeAlias = "Callable[[NamedInputs], Mapping[str, object]]"


@frozen
class PartSerialization:
    """How a part of a composite is written and read back: by the serializer of this name, or by its type if None."""

    __module__ = "provenance"

    serializer: str | None = None
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS


NO_PARTS: Final[Mapping[str, PartSerialization]] = {}


@frozen
class DecoratorOptions:
    """How a decorated function's calls are planned, looked up and recorded; None defers to the environment."""

    __module__ = "provenance"

    version: int = 0
    repo: Any = None  # a repository or its name: both are of layers above
    name: str | None = None
    merge_defaults: bool | tuple[str, ...] = False
    ignore: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
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
    returns_composite: bool = False
    part_serialization: Mapping[str, PartSerialization] = NO_PARTS


@frozen
class FunctionSpec:
    """Everything about a decorated function that its calls have in common."""

    wrapped: WrappedFunction
    options: DecoratorOptions
    cache_key: CacheKey
    captured: Mapping[str, object]
    captured_hashes: Mapping[str, str]
    captured_refs: tuple[InputRef, ...] = ()
    code: str = ""
    itself: object = field(default=None, eq=False, repr=False)


@frozen
class Captures:
    """What a function captured, by name, and the hashes of all that is not ignored."""

    values: Mapping[str, object]
    hashes: Mapping[str, str]
    input_refs: tuple[InputRef, ...] = ()


def find_captures(wrapped: WrappedFunction, options: DecoratorOptions, itself: object) -> Captures:
    """Hash what the function captured, apart from itself (a recursive function).

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
    return Captures(values, hashes, tuple(refs_of(seen)))


def cache_key_of(wrapped: WrappedFunction, options: DecoratorOptions) -> CacheKey:
    """Return the function's identity: by the name that was chosen for it, else by where it is defined.

    All lambdas of a place have one name, so that only their code tells them apart.
    """
    if options.name is not None:
        return CacheKey(options.name, options.version, None)
    cache_key = default_cache_key(wrapped.module, wrapped.qualname, options.version)
    if not wrapped.qualname.endswith("<lambda>"):
        return cache_key
    return evolve(cache_key, scope=f"{cache_key.scope}:{hash_value(code_objects(wrapped))}")


def make_spec(
    wrapped: WrappedFunction, options: DecoratorOptions, captures: Captures, itself: object
) -> FunctionSpec:
    """Return all that the calls of a function have in common."""
    return FunctionSpec(
        wrapped,
        options,
        cache_key_of(wrapped, options),
        captures.values,
        captures.hashes,
        captures.input_refs,
        code_of(wrapped),
        itself,
    )


def code_of(wrapped: WrappedFunction) -> str:
    """Digest of the function's code and of the globals it uses, after the Python version that compiled it.

    No id depends on it. It tells whether the code behind a hit is the code that would run now, including the decorated
    functions that it calls. Empty where the code uses something that cannot be hashed.
    """
    token = comparing_code.set(True)
    try:
        return f"{sys.version_info.major}.{sys.version_info.minor}:{hash_value(wrapped.function)}"
    except Exception:  # noqa: BLE001 - whatever a global's own methods raise, the call does not depend on it
        return ""
    finally:
        comparing_code.reset(token)


comparing_code: Final[ContextVar[bool]] = ContextVar("provenance_comparing_code", default=False)
"""True while hashing a function's *code*, which follows decorated functions into their bodies."""


@lru_cache(maxsize=4_096, typed=True)
def _hash_again(value: object) -> str:
    """Return the hash of a value that calls are likely to get again. No floats: to the cache, 0.0 and -0.0 are one."""
    return hash_value(value)


def hash_input(value: object, section: str, key: str | int, seen: list[object] | None) -> str:
    """Hash an input; an artifact's value that was not read is not read for this, its hash is on record."""
    kind = type(value)
    if kind is int or (kind is str and len(cast("str", value)) <= _SHORT):
        return _hash_again(value)
    if kind in IMMUTABLE:
        return hash_value(value)
    known: Callable[[object], ValueId | None] | None = getattr(
        type(value), "__provenance_known__", None
    )
    if known is not None and (recorded := known(value)) is not None:
        if seen is not None:
            seen += in_ignored_input(value)
        return recorded
    return hash_value(value, f"{section}[{key!r}]", seen)
