"""Calls of the reference library as calls of this one: the function that made an artifact, and the plan of its call."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

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
from provenance.model.records import Inputs, freeze_options
from provenance.model.references import in_ignored_input, refs_of
from provenance.ports.legacy import LegacyArtifact
from provenance.receipts.receipt import NO_RECEIPT
from provenance.util.formatting import describe_error

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
        options = evolve(
            known.options,
            version=row.version,
            repo=None,
            custom_fields=freeze_options(row.custom_fields),
            tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
            returns_composite=row.composite,
            archive=Archiving(preserve_extension="." in row.value_id)
            if row.serializer == FILE
            else None,
        )
        # What the code is now says nothing of what it was.
        return evolve(
            known, options=options, cache_key=_cache_key(row, module, known), receipt=NO_RECEIPT
        )

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
