"""What a call is, before anything is done: its inputs bound, hashed by value, its artifact id derived.

Planning is pure: it looks nothing up, runs nothing and stores nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias, cast

from attrs import evolve, field, frozen

from provenance.binding import Bound, Subject, bind, captured_by, codes_of
from provenance.errors import ConfigError, MutatedArtifactValueError, UnhashableValueError
from provenance.hashing import hash_value
from provenance.identity import Identity, InputHashes, call_id, default_identity
from provenance.ids import ArtifactId, ValueId
from provenance.records import NO_OPTIONS, Inputs, Options

_IMMUTABLE: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
NamedInputs: TypeAlias = "dict[str, object]"
"""`{'kargs': {name: …}, 'varargs': (…)}`, as the user's input functions get and return it."""
InputFunction: TypeAlias = "Callable[[NamedInputs], Mapping[str, object]]"


@frozen
class CallOptions:
    """How a decorated function's calls are planned, looked up and recorded; None defers to the environment."""

    version: int = 0
    repo: object = None
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
    use_cache: bool | None = None
    read_only: bool | None = None


@frozen
class Sighting:
    """An artifact was met among the inputs while they were hashed: the value it was recorded with, and has now."""

    artifact_id: ArtifactId
    recorded: ValueId
    current: ValueId


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


@frozen
class CallPlan:
    """A planned call: which artifact it makes, and from what.

    `inputs` is what will be recorded, `input_hashes` what the id was derived from, `sightings` the artifacts that were
    met on the way. Two plans are equal when they make the same artifact.
    """

    artifact_id: ArtifactId
    identity: Identity = field(eq=False)
    inputs: Inputs = field(eq=False)
    input_hashes: InputHashes = field(eq=False)
    sightings: tuple[Sighting, ...] = field(eq=False, default=())

    @property
    def input_artifact_ids(self) -> frozenset[ArtifactId]:
        """Artifacts among the inputs, at any depth."""
        return frozenset(each.artifact_id for each in self.sightings)


@frozen
class Captures:
    """What a function captured, by name, and the hashes of all that is not ignored."""

    values: Mapping[str, object]
    hashes: Mapping[str, str]
    sightings: tuple[Sighting, ...] = ()


def captures_of(subject: Subject, options: CallOptions, itself: object) -> Captures:
    """Hash what the function captured; its own name among that (a recursive function) is no input.

    Raises `UnhashableValueError` for a captured value without content.
    """
    values = {
        name: value
        for name, value in captured_by(subject).items()
        if value is not itself and name not in options.remove
    }
    seen: list[object] = []
    hashes = {
        name: _hash_input(value, "captured", name, seen) for name, value in values.items() if name not in options.ignore
    }
    return Captures(values, hashes, tuple(_sightings(seen)))


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


def recipe_of(subject: Subject, options: CallOptions, captures: Captures) -> Recipe:
    """All that the calls of a function have in common."""
    return Recipe(
        subject,
        options,
        identity_of(subject, options),
        captures.values,
        captures.hashes,
        captures.sightings,
        code_of(subject),
    )


def code_of(subject: Subject) -> str:
    """Digest of the function's code and of the globals it uses, after the Python version that compiled it.

    It is no part of any id: it only tells whether the code behind a hit is the code that would run now. Empty where
    the code uses something that has no value to compare.
    """
    try:
        return f"{sys.version_info.major}.{sys.version_info.minor}:{hash_value(subject.function)}"
    except UnhashableValueError:
        return ""


def plan_call(recipe: Recipe, args: tuple[object, ...], kwargs: Mapping[str, object]) -> CallPlan:
    """Plan the call of *recipe*'s function with these arguments.

    Raises TypeError for arguments that do not fit its signature and `UnhashableValueError` for one without content.
    """
    inputs = recorded_inputs(recipe, bind_call(recipe, args, kwargs))
    seen: list[object] = []
    hashes = hash_inputs(recipe, inputs, seen)
    if recipe.options.ignore:
        seen += [each for name in recipe.options.ignore for each in _in_ignored(inputs.kargs.get(name))]
    sightings = tuple(_sightings(seen)) if seen else ()
    return CallPlan(
        call_id(recipe.identity, hashes), recipe.identity, inputs, hashes, sightings + recipe.captured_sightings
    )


def bind_call(recipe: Recipe, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Bound:
    """Bind a call's arguments after those of the partial or method that was decorated; merge default dictionaries."""
    subject = recipe.subject
    if subject.args or subject.keywords:
        args, kwargs = (*subject.args, *args), {**subject.keywords, **kwargs}
    bound = bind(subject, args, kwargs)
    return merged_defaults(recipe, bound) if recipe.options.merge_defaults else bound


def merged_defaults(recipe: Recipe, bound: Bound) -> Bound:
    """Complete each dictionary argument with the entries of the parameter's default dictionary that it lacks."""
    chosen, defaults = recipe.options.merge_defaults, recipe.subject.defaults
    merged = dict(bound.kargs)
    for name, value in bound.kargs.items():
        default = defaults.get(name) if chosen is True or (chosen and name in chosen) else None
        if isinstance(default, dict) and isinstance(value, Mapping):
            merged[name] = {**default, **value}
    return Bound(merged, bound.varargs)


def recorded_inputs(recipe: Recipe, bound: Bound) -> Inputs:
    """The inputs as they will be recorded: without removed ones, after the user's `input_process_fn`."""
    options = recipe.options
    kargs: Mapping[str, object] = bound.kargs
    if options.remove:
        kargs = {name: value for name, value in kargs.items() if name not in options.remove}
    if options.input_process_fn is None:
        return Inputs(kargs, bound.varargs, recipe.captured)
    shaped = _shaped(options.input_process_fn, "input_process_fn", dict(kargs), bound.varargs)
    return Inputs(*shaped, recipe.captured)


def _hash_input(value: object, section: str, key: str | int, seen: list[object] | None) -> str:
    """Hash an input; an artifact's value that was not read is not read for this, its hash is on record."""
    if type(value) in _IMMUTABLE:
        return hash_value(value)
    known: Callable[[object], ValueId | None] | None = getattr(type(value), "__provenance_known__", None)
    if known is not None and (recorded := known(value)) is not None:
        if seen is not None:
            seen += _in_ignored(value)
        return recorded
    return hash_value(value, f"{section}[{key!r}]", seen)


def hash_inputs(recipe: Recipe, inputs: Inputs, seen: list[object] | None = None) -> InputHashes:
    """Hash each input but the ignored ones; what they hold of artifacts is noted in *seen*."""
    ignore = recipe.options.ignore
    kargs: dict[str, str] = {
        name: _hash_input(value, "arguments", name, seen) for name, value in inputs.kargs.items() if name not in ignore
    }
    varargs: tuple[str, ...] = tuple([_hash_input(value, "varargs", i, seen) for i, value in enumerate(inputs.varargs)])
    if recipe.options.input_hash_fn is not None:
        named, rest = _shaped(recipe.options.input_hash_fn, "input_hash_fn", dict(kargs), varargs)
        kargs, varargs = {name: str(each) for name, each in named.items()}, tuple(map(str, rest))
    return InputHashes(kargs, varargs, recipe.captured_hashes)


def _shaped(
    function: InputFunction, option: str, kargs: dict[str, object] | dict[str, str], varargs: tuple[object, ...]
) -> tuple[Mapping[str, object], tuple[object, ...]]:
    """Call the user's *function* and check that it kept the shape of what it was given."""
    answer = cast("object", function({"kargs": kargs, "varargs": varargs}))
    given: Mapping[str, object] = cast("Mapping[str, object]", answer) if isinstance(answer, Mapping) else {}
    named, rest = given.get("kargs"), given.get("varargs", ())
    if not isinstance(named, Mapping) or not isinstance(rest, Iterable):
        raise ConfigError(option, f"returned {answer!r}", "return {'kargs': {name: …}, 'varargs': (…)}")
    return cast("Mapping[str, object]", named), tuple(cast("Iterable[object]", rest))


def _in_ignored(value: object) -> Iterator[object]:
    """Sightings in an input that is not hashed: in itself and, if it is a builtin container, in its members."""
    sight: Callable[[object], object] | None = getattr(type(value), "__provenance_sighting__", None)
    if sight is not None:
        yield sight(value)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in cast("Iterable[object]", value):
            yield from _in_ignored(member)
    elif isinstance(value, dict):
        yield from _in_ignored(list(cast("dict[object, object]", value).values()))


def _sightings(seen: Iterable[object]) -> Iterator[Sighting]:
    return (each for each in dict.fromkeys(seen) if isinstance(each, Sighting))


def may_change(recipe: Recipe, plan: CallPlan) -> bool:
    """Whether the function could change its inputs: not when all of them are builtin scalars."""
    if recipe.options.input_process_fn is not None:
        return True
    kinds = {*map(type, plan.inputs.kargs.values()), *map(type, plan.inputs.varargs)}
    return not kinds <= _IMMUTABLE


def hashes_now(recipe: Recipe, plan: CallPlan, args: tuple[object, ...], kwargs: Mapping[str, object]) -> InputHashes:
    """The hashes of a planned call's inputs as they are now; what the user's `input_process_fn` made is made anew."""
    if recipe.options.input_process_fn is None:
        return hash_inputs(recipe, plan.inputs)
    return hash_inputs(recipe, recorded_inputs(recipe, bind_call(recipe, args, kwargs)))


def changed_inputs(before: InputHashes, after: InputHashes) -> tuple[str, ...]:
    """Names of the inputs whose hashes differ: what an impure function has changed."""
    names = [name for name, each in before.kargs.items() if after.kargs.get(name) != each]
    pairs = enumerate(zip(before.varargs, after.varargs, strict=False))
    return (*names, *[f"varargs[{i}]" for i, (one, other) in pairs if one != other])


def refuse_mutated(plan: CallPlan) -> None:
    """Raise `MutatedArtifactValueError` if an artifact among the inputs no longer has the value it was recorded with."""
    for each in plan.sightings:
        if each.current != each.recorded:
            holders = _holders(plan, each) or ("captured",)
            raise MutatedArtifactValueError(each.artifact_id, plan.identity.name, holders)


def _holders(plan: CallPlan, sighting: Sighting) -> tuple[str, ...]:
    """Names of the arguments in which *sighting* was made: those whose hash notes it again."""
    held: list[str] = []
    for name, value in plan.inputs.kargs.items():
        seen: list[object] = []
        if name in plan.input_hashes.kargs:
            hash_value(value, name, seen)
        if sighting in seen:
            held.append(name)
    return tuple(held)
