"""Results in parts: a mapping each of whose values is an artifact of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from attrs import evolve

from provenance.checks import a
from provenance.errors import UnserializableValueError
from provenance.identity import Identity, call_id
from provenance.plan import CallPlan
from provenance.recipe import NO_PARTS, Recipe
from provenance.records import NO_OPTIONS
from provenance.shorthand import SHORT, sighted
from provenance.summary import type_name

SEPARATOR: Final = "_"


class Composite(Mapping[str, object]):
    """A mapping that cannot be changed, whose values are proxies of artifacts: each is read when it is used.

    It is equal to any mapping of equal values.
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, object]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, key: str) -> object:
        return self._parts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: object) -> bool:
        return key in self._parts

    def __repr__(self) -> str:
        parts = ", ".join(f"{key!r}: {_shown(part)}" for key, part in self._parts.items())
        return f"Composite({{{parts}}})"

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return restore_composite, (self._parts,)

    def __copy__(self) -> Composite:
        return self

    def value_repr(self) -> object:
        """The mapping by which it is hashed."""
        return self._parts

    def mapped(self, change: Callable[[str, object], object]) -> Composite:
        """The composite of what *change* makes of each key and part."""
        return Composite({key: change(key, part) for key, part in self._parts.items()})


def _shown(part: object) -> str:
    """A part, without reading it."""
    sighting = sighted(part)
    return "<not stored>" if sighting is None else f"<artifact {sighting.artifact_id[:SHORT]}>"


def restore_composite(parts: Mapping[str, object]) -> Composite:
    """Unpickle a composite. Pickles name this function."""
    return Composite(parts)


def parts_in(value: object, label: str) -> Mapping[str, object]:
    """The parts of what a function returned; UnserializableValueError, which holds it, unless it is a mapping of strings."""
    returned: object = value
    wrong = _no_part_of(returned)
    if wrong is None:
        return cast("Mapping[str, object]", value)
    reason = f"with returns_composite a function returns a mapping whose keys are strings, and {wrong} is none"
    advice = "return a dictionary whose keys are strings, or decorate it without returns_composite"
    raise UnserializableValueError(f"the result of {label} ({type_name(returned)})", reason, returned, advice)


def _no_part_of(value: object) -> str | None:
    """What is wrong with *value* as a mapping of strings, if anything is."""
    if not isinstance(value, Mapping):
        return a(value)
    odd = [key for key in cast("Mapping[object, object]", value) if not isinstance(key, str)]
    return f"the key {odd[0]!r}" if odd else None


def part_recipe(recipe: Recipe, key: str) -> Recipe:
    """How the part *key* is named, and with which serializer it is written."""
    options = recipe.options
    coding = options.part_coding.get(key)
    if coding is not None:
        options = evolve(
            options, serializer=coding.serializer, load_kwargs=coding.load_kwargs, dump_kwargs=coding.dump_kwargs
        )
    options = evolve(options, returns_composite=False, part_coding=NO_PARTS)
    return evolve(recipe, identity=part_identity(recipe.identity, key), options=options)


def whole_recipe(recipe: Recipe) -> Recipe:
    """How the composite itself is written: as references to its parts, so that the serializer of these is not its own."""
    options = evolve(recipe.options, serializer=None, load_kwargs=NO_OPTIONS, dump_kwargs=NO_OPTIONS)
    return evolve(recipe, options=options)


def part_identity(whole: Identity, key: str) -> Identity:
    """The identity of a part: its name is `name_key`; its scope tells it from functions of that name.

    >>> part_identity(Identity("m.f", 0, "m:f"), "model")
    Identity(name='m.f_model', version=0, scope='m:f[model]')
    >>> part_identity(Identity("chosen", 0, None), "model")
    Identity(name='chosen_model', version=0, scope='chosen[model]')
    """
    scope = f"{whole.name if whole.scope is None else whole.scope}[{key}]"
    return Identity(f"{whole.name}{SEPARATOR}{key}", whole.version, scope)


def part_plan(plan: CallPlan, identity: Identity) -> CallPlan:
    """The plan of a call, as that of one of its parts."""
    return evolve(plan, artifact_id=call_id(identity, plan.input_hashes), identity=identity)
