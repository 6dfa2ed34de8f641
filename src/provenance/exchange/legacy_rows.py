"""What a row of the reference library stands for: the function that made an artifact, the plan of its call, and its value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import Any, BinaryIO, Final, Self, cast

from attrs import evolve, field, frozen

from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.plan import CallPlan, hash_inputs
from provenance.calls.signature import inspect_function
from provenance.calls.spec import (
    Archiving,
    CacheKey,
    DecoratorOptions,
    FunctionSpec,
    call_id,
    default_cache_key,
)
from provenance.codecs import get_serializer
from provenance.model.records import Inputs, Json, freeze_options
from provenance.model.references import in_ignored_input, refs_of, replace_members
from provenance.ports.legacy import LegacyArtifact
from provenance.receipts.receipt import NO_RECEIPT
from provenance.util.context import setting
from provenance.util.formatting import describe_error
from provenance.util.locks import ForkSafeLock
from provenance.util.optional import require_library

ARCHIVE: Final = ("provenance.core", "_archive_file")
"""Module and name of the reference's function that archives files."""
FILE: Final = "file"
"""The serializer of archived files."""


@frozen
class LegacyFunctions:
    """The decorated functions that rows name, looked up in the modules of this process.

    A row does not tell which parameters its function ignores, nor what it captured; the function as it is now does.
    """

    renamed: Mapping[str, str]
    imports: bool = True
    missing: dict[str, str] = field(factory=dict)
    """Why a function was not found, by its name."""
    _found: dict[tuple[str, str], FunctionSpec | None] = field(factory=dict)

    def spec_for(self, row: LegacyArtifact) -> FunctionSpec:
        """Return what identifies the call of *row*, with the row's name, version, fields and tags."""
        module = self.renamed.get(row.fn_module, row.fn_module)
        place = module, row.fn_name
        if place not in self._found:
            self._found[place] = self._look_up(*place)
        known = self._found[place] or _stand_in(*place)
        tags = row.custom_fields.get("tags")
        archive = (
            Archiving(preserve_extension="." in row.value_id) if row.serializer == FILE else None
        )
        options = evolve(
            known.options,
            version=row.version,
            repo=None,
            custom_fields=freeze_options(row.custom_fields),
            tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
            returns_composite=row.composite,
            archive=archive,
        )
        key = _cache_key(row, module, known)
        # What the code is now says nothing of what it was.
        return evolve(known, options=options, cache_key=key, receipt=NO_RECEIPT)

    def _look_up(self, module: str, name: str) -> FunctionSpec | None:
        label = f"{module}.{name}"
        if not self.imports or module.partition(".")[0] in ("", "__main__", "provenance"):
            self.missing[label] = "its module is not imported"
            return None
        try:
            return spec_of(_find(import_module(module), name))
        except Exception as error:  # noqa: BLE001 - modules of users may raise anything
            self.missing[label] = describe_error(error)
            return None


def _find(module: object, name: str) -> CachedFunction[..., object]:
    """Return the decorated function of this *name* in a module, or in one of its classes; raises LookupError."""
    places = [module, *(value for value in vars(module).values() if isinstance(value, type))]
    found: list[CachedFunction[..., object]] = []
    for place in places:
        value = vars(place).get(name)
        inner = getattr(value, "__func__", value)
        if isinstance(inner, CachedFunction):
            found.append(cast("CachedFunction[..., object]", inner))
    if len(found) != 1:
        raise LookupError(f"{len(found)} decorated functions have the name {name!r}")
    return found[0]


def _stand_in(module: str, name: str) -> FunctionSpec:
    """Return what is known of a function that is not there."""
    wrapped = evolve(inspect_function(_no_function), module=module, source=module, qualname=name)
    key = default_cache_key(module, module, name, 0)
    return FunctionSpec(wrapped, DecoratorOptions(), key, {}, {})


def _no_function(**_: object) -> None:
    """Stand for a function that is not there."""


def _cache_key(row: LegacyArtifact, module: str, known: FunctionSpec) -> CacheKey:
    """Return the identity of the row's function: a name that was chosen stands for itself."""
    if row.name == known.cache_key.name:
        return evolve(known.cache_key, version=row.version)
    if row.name == f"{row.fn_module}.{row.fn_name}":
        wrapped = known.wrapped
        return default_cache_key(module, wrapped.source or module, wrapped.qualname, row.version)
    return CacheKey(row.name, row.version, None)


def plan_recorded(spec: FunctionSpec, stored: object) -> CallPlan:
    """Return the plan of a call whose inputs are *stored*: the mapping of the reference library.

    Raises:
        TypeError, KeyError: if they are something else.
        UnhashableValueError: if one of them has no content to hash.
    """
    if not isinstance(stored, Mapping):
        raise TypeError(f"the stored inputs are {type(stored).__name__}, not a dictionary")
    parts = cast("Mapping[str, object]", stored)
    kargs = cast("Mapping[str, object]", parts["kargs"])
    inputs = Inputs(dict(kargs), tuple(cast("tuple[object, ...]", parts["varargs"])), spec.captured)
    seen: list[object] = []
    hashes = hash_inputs(spec, inputs, seen)
    ignored = [value for name, value in inputs.kargs.items() if name not in hashes.kargs]
    seen += in_ignored_input([*ignored, *(() if hashes.varargs else inputs.varargs)])
    refs = (*refs_of(seen), *spec.captured_refs)
    return CallPlan(call_id(spec.cache_key, hashes), spec.cache_key, inputs, hashes, refs)


# ---------------------------------------------------------------- values

Resolve = Callable[[str], object]
"""Returns what stands for the artifact of this id of the reference library."""

_resolving: ContextVar[Resolve] = ContextVar("provenance_legacy_resolving")
_guard: Final = ForkSafeLock()


def decode(serializer: str, load_kwargs: Mapping[str, Json], source: BinaryIO) -> object:
    """Return the value that the reference library wrote with *serializer*.

    Raises:
        Exception: whatever the value's own library raises if it cannot be read.
    """
    options = cast("dict[str, Any]", dict(load_kwargs))
    match serializer:
        case "joblib" | "cloudpickle":
            return without_files(import_module(serializer).load(source, **options))
        case "pd_df_parquet" | "pd_series_parquet":
            table = require_library("pandas", "a table").read_parquet(source, **options)
            return table if serializer == "pd_df_parquet" else table.iloc[:, 0]
        case "pytorch_model":
            torch = require_library("torch", "a model")
            return torch.load(source, **{"weights_only": False, **options})
        case _:
            # Of the user's own, registered under the same name.
            return get_serializer(serializer).load(source, **options)


class LegacyFile:
    """What stands for an archived file while a pickle is read: its state holds the key of its blob."""

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Return one for any arguments."""
        made = super().__new__(cls)
        made.__dict__["parts"] = (*args, *kwargs.values())
        return made

    def __setstate__(self, state: object) -> None:
        """Keep the state, whatever its form."""
        self.__dict__["parts"] = (*self.__dict__["parts"], state)

    def resolved(self) -> object:
        """Return what stands for the file in the repository that is imported to."""
        return _resolving.get()(next(_texts(self.__dict__["parts"])))

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Raise TypeError: it must not be stored."""
        raise TypeError(
            "an archived file is inside an object other than a dictionary, list or tuple"
        )


def _texts(value: object) -> Iterator[str]:
    """Yield the strings in *value*, those with an extension of a file or the form of a digest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        named = cast("Mapping[object, object]", value)
        first = [named[key] for key in ("blob_id", "id") if key in named]
        for member in (*first, *named.values()):
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in cast("list[object]", value):
            yield from _texts(member)


def without_files(value: object) -> object:
    """Return *value* with what stands for archived files in plain containers replaced by the files."""
    if isinstance(value, LegacyFile):
        return value.resolved()
    return replace_members(value, without_files)


@contextmanager
def standing_in() -> Generator[None]:
    """Let pickles find the modules of the reference library that they name, while the block runs."""
    repos, core = ModuleType("provenance.repos"), ModuleType("provenance.core")
    vars(repos).update(load_proxy=_reference, load_artifact=_reference)
    vars(core).update(ArchivedFile=LegacyFile)
    made = {"provenance.repos": repos, "provenance.core": core}
    with _guard.lock:
        sys.modules.update(made)
    try:
        yield
    finally:
        with _guard.lock:
            for name, module in made.items():
                if sys.modules.get(name) is module:
                    del sys.modules[name]


def resolving(resolve: Resolve) -> AbstractContextManager[None]:
    """Resolve references with *resolve* while the block runs."""
    return setting(_resolving, resolve)


def _reference(artifact_id: str) -> object:
    return _resolving.get()(artifact_id)
