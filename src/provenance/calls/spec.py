"""What identifies a function and the inputs of a call, from which the artifact's id is derived."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.calls.signature import Subject, captured_by, codes_of
from provenance.hashing import combine, hash_value
from provenance.hashing.encoding import prefix, seal
from provenance.model.ids import ArtifactId, ValueId
from provenance.model.records import NO_OPTIONS, Options
from provenance.model.references import Sighting, in_ignored, sightings_of
from provenance.repository.inputs import InputHashes


@frozen
class Archiving:
    """How to archive the file whose path a function returns."""

    __module__ = "provenance"

    delete_original: bool = False
    preserve_extension: bool = False


_CALL = prefix("call")


@frozen
class Identity:
    """The identity of a function: the name of its artifacts, its version, and where it is defined.

    `scope` is the full qualified name if `name` is the default one, so that nested functions of the
    same name differ. It is None if the user chose the name: functions with the same chosen name
    share artifacts.
    """

    __module__ = "provenance"

    name: str
    version: int
    scope: str | None


def default_identity(module: str, qualname: str, version: int) -> Identity:
    """Return the identity of a function without a chosen name.

    >>> default_identity("pipeline", "make.<locals>.Model.fit", 0).name
    'pipeline.Model.fit'
    """
    return Identity(
        f"{module}.{qualname.rpartition('<locals>.')[2]}", version, f"{module}:{qualname}"
    )


def call_id(identity: Identity, hashes: InputHashes) -> ArtifactId:
    """Return the id of the artifact of a call; the order of keyword arguments does not matter."""
    items: list[str | int | None] = [
        identity.name,
        identity.version,
        identity.scope,
        len(hashes.kargs),
    ]
    for name in sorted(hashes.kargs):
        items += (name, hashes.kargs[name])
    items.append(len(hashes.varargs))
    items += hashes.varargs
    for name in sorted(hashes.captured):
        items += (name, hashes.captured[name])
    # The same as `combine`, with a prefix computed in advance.
    return ArtifactId(seal(_CALL, items).hex())


def uncached_id(call: ArtifactId, value: ValueId) -> ArtifactId:
    """Return the id of an artifact computed with the cache off, from its call and value."""
    return ArtifactId(combine("uncached", [call, value]).hex())


_SHORT: Final = 64
IMMUTABLE: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
NamedInputs: TypeAlias = "dict[str, object]"
"""`{'kargs': {name: …}, 'varargs': (…)}`, as the user's input functions get and return it."""
InputFunction: TypeAlias = "Callable[[NamedInputs], Mapping[str, object]]"


@frozen
class Coding:
    """How a part of a composite is written and read back: by the serializer of this name, or by its type if None."""

    __module__ = "provenance"

    serializer: str | None = None
    load_kwargs: Options = NO_OPTIONS
    dump_kwargs: Options = NO_OPTIONS


NO_PARTS: Final[Mapping[str, Coding]] = {}


@frozen
class CallOptions:
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
    returns_composite: bool = False
    part_coding: Mapping[str, Coding] = NO_PARTS


@frozen
class Recipe:
    """Everything about a decorated function that its calls have in common."""

    subject: Subject
    options: CallOptions
    identity: Identity
    captured: Mapping[str, object]
    captured_hashes: Mapping[str, str]
    captured_sightings: tuple[Sighting, ...] = ()
    code: str = ""
    itself: object = field(default=None, eq=False, repr=False)


@frozen
class Captures:
    """What a function captured, by name, and the hashes of all that is not ignored."""

    values: Mapping[str, object]
    hashes: Mapping[str, str]
    sightings: tuple[Sighting, ...] = ()


def captures_of(subject: Subject, options: CallOptions, itself: object) -> Captures:
    """Hash what the function captured, apart from itself (a recursive function).

    Raises `UnhashableValueError` for a captured value without content.
    """
    values = {
        name: value
        for name, value in captured_by(subject).items()
        if value is not itself and name not in options.remove
    }
    seen: list[object] = []
    hashes = {
        name: hash_input(value, "captured", name, seen)
        for name, value in values.items()
        if name not in options.ignore
    }
    return Captures(values, hashes, tuple(sightings_of(seen)))


def identity_of(subject: Subject, options: CallOptions) -> Identity:
    """The function's identity: by the name that was chosen for it, else by where it is defined.

    All lambdas of a place have one name, so that only their code tells them apart.
    """
    if options.name is not None:
        return Identity(options.name, options.version, None)
    identity = default_identity(subject.module, subject.qualname, options.version)
    if not subject.qualname.endswith("<lambda>"):
        return identity
    return evolve(identity, scope=f"{identity.scope}:{hash_value(codes_of(subject))}")


def recipe_of(subject: Subject, options: CallOptions, captures: Captures, itself: object) -> Recipe:
    """All that the calls of a function have in common."""
    return Recipe(
        subject,
        options,
        identity_of(subject, options),
        captures.values,
        captures.hashes,
        captures.sightings,
        code_of(subject),
        itself,
    )


def code_of(subject: Subject) -> str:
    """Digest of the function's code and of the globals it uses, after the Python version that compiled it.

    No id depends on it. It tells whether the code behind a hit is the code that would run now, including the decorated
    functions that it calls. Empty where the code uses something that cannot be hashed.
    """
    token = comparing_code.set(True)
    try:
        return f"{sys.version_info.major}.{sys.version_info.minor}:{hash_value(subject.function)}"
    except Exception:  # noqa: BLE001 - whatever a global's own methods raise, the call does not depend on it
        return ""
    finally:
        comparing_code.reset(token)


comparing_code: Final[ContextVar[bool]] = ContextVar("provenance_comparing_code", default=False)
"""True while hashing a function's *code*, which follows decorated functions into their bodies."""


@lru_cache(maxsize=4_096, typed=True)
def _hash_again(value: object) -> str:
    """The hash of a value that calls are likely to get again. No floats: to the cache, 0.0 and -0.0 are one."""
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
            seen += in_ignored(value)
        return recorded
    return hash_value(value, f"{section}[{key!r}]", seen)
