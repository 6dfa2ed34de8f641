"""Composite results: mappings whose values are artifacts of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from attrs import asdict, evolve

from provenance.calls.plan import CallPlan
from provenance.calls.spec import (
    NO_PARTS,
    CacheKey,
    FunctionSpec,
    PartSerialization,
    call_id,
    derivation_id,
)
from provenance.errors import UnserializableValueError
from provenance.model.records import Derivation
from provenance.model.references import ArtifactRef, represented_artifact
from provenance.results.handles import derivation_for_pickle, make_proxy, restore_proxy
from provenance.results.kinds import DEFAULT_OPTIONS, LAZY, ResultOptions
from provenance.results.origin import CurrentOrigin, resolving_origin
from provenance.util.formatting import SHORT, type_name, with_article
from provenance.util.naming import exported

SEPARATOR: Final = "_"


@exported
class Composite(Mapping[str, object]):
    """An immutable mapping of results, each read when it is used.

    Equal to any mapping of equal values.
    """

    __slots__ = ("_options", "_parts")

    def __init__(
        self, parts: Mapping[str, object], options: ResultOptions = DEFAULT_OPTIONS
    ) -> None:
        self._parts = dict(parts)
        self._options = options

    def __getitem__(self, key: str) -> object:
        return result_of(self._parts[key], self._options)

    def proxy(self, key: str) -> object:
        """Return the lazy proxy of a part."""
        return self._parts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: object) -> bool:
        return key in self._parts

    def __repr__(self) -> str:
        # Parts are not read for this.
        shown: list[str] = []
        for key, part in self._parts.items():
            ref = represented_artifact(part)
            what = "not stored" if ref is None else f"artifact {ref.artifact_id[:SHORT]}"
            shown.append(f"{key!r}: <{what}>")
        return f"Composite({{{', '.join(shown)}}})"

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return restore_composite, ({key: reference_to(part) for key, part in self._parts.items()},)

    def __provenance_derived__(self, whole: Derivation) -> Composite:
        """Return the composite as a call got it by the derivation *whole*, which is that of its parts too."""

        def derived(_: str, part: object) -> object:
            known = cast("Any", part).__provenance_reference__()
            own = derivation_id(known.id, whole.edges)
            known = evolve(known, derivation=evolve(whole, artifact_id=known.id, id=own))
            return make_proxy(known, cast("Any", part).__provenance_origin__(), options=LAZY)

        return self.mapped(derived)

    def __copy__(self) -> Composite:
        return self

    def value_repr(self) -> object:
        """Return the mapping that represents it in hashes."""
        return self._parts

    def mapped(
        self, change: Callable[[str, object], object], options: ResultOptions | None = None
    ) -> Composite:
        """Return a composite of the results of *change* for each key and part, handed over by *options* or as before."""
        parts = {key: change(key, part) for key, part in self._parts.items()}
        return Composite(parts, options or self._options)


def result_of(part: object, options: ResultOptions = DEFAULT_OPTIONS) -> object:
    """Return a part in the form that its record notes and *options* ask for; a builtin value is read."""
    result: Callable[[object, ResultOptions], object] | None = getattr(
        type(part), "__provenance_result__", None
    )
    return part if result is None else result(part, options)


def reference_to(part: object) -> tuple[object, ...]:
    """Return what a pickle holds of a part: what `ArtifactRef` is made of, or the value of what is in no store."""
    restore, _ = cast("tuple[object, tuple[object, ...]]", part.__reduce_ex__(2))
    if restore is not restore_proxy:
        return (part,)
    known: ArtifactRef = cast("Any", part).__provenance_reference__()
    facts = known.id, known.value_id, known.value_type, known.interface
    derivation = derivation_for_pickle(known)
    return facts if derivation is None else (*facts, derivation)


@exported
def restore_composite(parts: Mapping[str, tuple[Any, ...]]) -> Composite:
    """Unpickle a composite; none of its parts is read. Pickles name this function."""
    return Composite({key: from_reference(known) for key, known in parts.items()})


def from_reference(known: tuple[Any, ...]) -> object:
    """Return the unread part of which a pickle holds what `reference_to` returned."""
    origin = resolving_origin() or CurrentOrigin()
    return make_proxy(ArtifactRef(*known), origin, options=LAZY) if known[1:] else known[0]


def parts_of(value: object, label: str) -> Mapping[str, object]:
    """Return *value* if it is a mapping with string keys.

    Raise UnserializableValueError, which holds it, otherwise.
    """
    returned: object = value
    wrong = with_article(returned)
    if isinstance(value, Mapping):
        keys = cast("Mapping[object, object]", value)
        wrong = next((f"the key {key!r}" for key in keys if not isinstance(key, str)), "")
    if wrong:
        problem = "a function with returns_composite must return a mapping with string keys"
        advice = "return a dictionary with string keys, or decorate it without returns_composite"
        what = f"the result of {label} ({type_name(returned)})"
        raise UnserializableValueError(what, f"{problem}, got {wrong}", returned, advice)
    return cast("Mapping[str, object]", value)


def part_spec(spec: FunctionSpec, key: str) -> FunctionSpec:
    """Return the recipe of the part *key*, with its name and serializer."""
    options = evolve(spec.options, returns_composite=False, part_serialization=NO_PARTS)
    coding = spec.options.part_serialization.get(key)
    if coding is not None:
        options = evolve(options, **asdict(coding, recurse=False))
    return evolve(spec, cache_key=part_cache_key(spec.cache_key, key), options=options)


def whole_spec(spec: FunctionSpec) -> FunctionSpec:
    """Return the recipe of the composite itself, which holds references to its parts."""
    default = asdict(PartSerialization(), recurse=False)
    return evolve(spec, options=evolve(spec.options, returns_composite=True, **default))


def part_cache_key(whole: CacheKey, key: str) -> CacheKey:
    """Return the identity of a part: name `name_key`, and a scope unlike that of any function.

    >>> part_cache_key(CacheKey("__main__.f", 0, "m.f"), "model")
    CacheKey(name='__main__.f_model', version=0, scope='m.f[model]')
    >>> part_cache_key(CacheKey("chosen", 0, None), "model")
    CacheKey(name='chosen_model', version=0, scope=':chosen[model]')
    """
    scope = f"{f':{whole.name}' if whole.scope is None else whole.scope}[{key}]"
    return CacheKey(f"{whole.name}{SEPARATOR}{key}", whole.version, scope)


def part_plan(plan: CallPlan, cache_key: CacheKey) -> CallPlan:
    """Return the plan of a part of the call."""
    return evolve(plan, artifact_id=call_id(cache_key, plan.input_hashes), cache_key=cache_key)
