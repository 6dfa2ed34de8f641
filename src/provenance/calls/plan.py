"""What a call is, before anything is done: its inputs bound, hashed by value, its artifact id derived.

Planning is pure: it looks nothing up, runs nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, Final, Generic, TypeVar, cast

from attrs import field, frozen

from provenance.archives import ArchivedFile
from provenance.calls.signature import Bound, bind, merge_dictionaries
from provenance.calls.spec import CacheKey, FunctionSpec, InputFunction, call_id, hash_input
from provenance.errors import ConfigError, MutatedArtifactValueError, UnserializableValueError
from provenance.escaping import escape_invisible, html_facts
from provenance.hashing import hash_value
from provenance.hashing.files import InputFile
from provenance.model.ids import NO_IDS, ArtifactId
from provenance.model.records import NO_EDGES, DerivedInput, Inputs
from provenance.model.references import (
    SCALARS,
    InputRef,
    in_ignored_input,
    is_proxy,
    refs_of,
    unwrap,
)
from provenance.repository.inputs import InputHashes
from provenance.util.formatting import safe_repr, truncate
from provenance.util.naming import exported

T_co = TypeVar("T_co", covariant=True)

_PATHS: Final = frozenset({"str", "bytes", "PosixPath", "WindowsPath"})
"""Types of results that are paths."""


@exported
@frozen(repr=False)
class CallPlan:
    """A planned call: which artifact it makes, and from what.

    `inputs` is what will be recorded, `input_hashes` what the id was derived from, `sightings` the artifacts that were
    met on the way. Two plans are equal when they make the same artifact.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> plan = squares.plan(3)
        >>> plan.artifact_id == squares.artifact_id(3)
        True
    """

    artifact_id: ArtifactId
    cache_key: CacheKey = field(eq=False)
    inputs: Inputs = field(eq=False)
    input_hashes: InputHashes = field(eq=False)
    input_refs: tuple[InputRef, ...] = field(eq=False, default=())

    @property
    def input_artifact_ids(self) -> frozenset[ArtifactId]:
        """Artifacts among the inputs, at any depth."""
        refs = self.input_refs
        return frozenset([ref.artifact_id for ref in refs]) if refs else NO_IDS

    @property
    def edges(self) -> frozenset[DerivedInput]:
        """The same artifacts, with the derivations by which they were used."""
        return frozenset([(ref.artifact_id, ref.derivation_id) for ref in self.input_refs])

    @property
    def input_derivations(self) -> frozenset[DerivedInput]:
        """The artifacts that were used by other derivations than the recorded ones."""
        derived = {ref.artifact_id for ref in self.input_refs if ref.derivation_id}
        if not derived:
            return NO_EDGES
        return frozenset([edge for edge in self.edges if edge[0] in derived])

    def __repr__(self) -> str:
        named = [f"{name}={truncate(value)}" for name, value in self.inputs.kargs.items()]
        arguments = ", ".join([*map(truncate, self.inputs.varargs), *named])
        key = self.cache_key
        call = escape_invisible(f"{key.name}({arguments}), version {key.version}")
        return f"<provenance.CallPlan({self.artifact_id}) {call}>"

    def _repr_html_(self) -> str:
        """Return the call and its arguments as a table for a notebook."""
        varargs = [(f"*{i}", truncate(value)) for i, value in enumerate(self.inputs.varargs)]
        named = [(name, truncate(value)) for name, value in self.inputs.kargs.items()]
        key = self.cache_key
        title = f"{key.name}, version {key.version}: {self.artifact_id}"
        return html_facts(title, [*varargs, *named])


@exported
@frozen
class PlannedCall(Generic[T_co]):
    """A planned call of *function*, which returns a `T_co`; equal ones compute the same artifact.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> call = squares.later(3)
        >>> sum(p.gather([call])[0])
        5
    """

    plan: CallPlan
    spec: FunctionSpec = field(eq=False, repr=False)
    args: tuple[object, ...] = field(eq=False, repr=False)
    kwargs: Mapping[str, object] = field(eq=False, repr=False)
    function: object = field(eq=False, repr=False)

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of the artifact that the call computes."""
        return self.plan.artifact_id


def plan_call(
    spec: FunctionSpec, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> CallPlan:
    """Plan the call of *spec*'s function with these arguments.

    Raises TypeError for arguments that do not fit its signature and `UnhashableValueError` for one without content.
    """
    seen: list[object] = []
    if spec.takes_all:
        inputs = Inputs(*bind(spec.wrapped, args, kwargs), spec.captured)
        hashes = _hash_each(spec, inputs.kargs, inputs.varargs, seen)
    else:
        inputs = recorded_inputs(spec, bind_call(spec, args, kwargs, seen))
        hashes = hash_inputs(spec, inputs, seen)
    if spec.options.ignore:
        ignored = [value for name, value in inputs.kargs.items() if name not in hashes.kargs]
        rest = inputs.varargs if spec.wrapped.rest in spec.options.ignore else ()
        seen += in_ignored_input([*ignored, *rest])
    refs = (*refs_of(seen), *spec.captured_refs) if seen else spec.captured_refs
    return CallPlan(call_id(spec.cache_key, hashes), spec.cache_key, inputs, hashes, refs)


def bind_call(
    spec: FunctionSpec,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
    seen: list[object] | None = None,
) -> Bound:
    """Bind a call's arguments after those of the partial or method that was decorated; merge default dictionaries.

    Artifacts that are merged, of which plain dictionaries are left, are noted in *seen*.
    """
    wrapped = spec.wrapped
    if wrapped.args or wrapped.keywords:
        args, kwargs = (*wrapped.args, *args), {**wrapped.keywords, **kwargs}
    bound = bind(wrapped, args, kwargs)
    chosen = spec.options.merge_defaults
    if not chosen:
        return bound
    merged = merge_dictionaries(chosen, wrapped.defaults, bound[0])
    if seen is not None:
        completing = [
            (value, wrapped.defaults[name])
            for name, value in bound[0].items()
            if merged[name] is not value
        ]
        seen += in_ignored_input(completing)
    return merged, bound[1]


def recorded_inputs(spec: FunctionSpec, bound: Bound) -> Inputs:
    """Return the inputs as they will be recorded: without removed ones, after the user's `input_process_fn`."""
    options = spec.options
    kargs: Mapping[str, object]
    kargs, varargs = bound
    if options.streaming is not None:
        kargs = _without_resumption(spec, kargs, options.streaming.resume)
    if options.remove:
        covers = spec.wrapped.covers
        kargs = {name: value for name, value in kargs.items() if not covers(options.remove, name)}
        varargs = () if spec.wrapped.rest in options.remove else varargs
    if options.input_process_fn is None:
        return Inputs(kargs, varargs, spec.captured)
    shaped = _call_hook(options.input_process_fn, "input_process_fn", dict(kargs), varargs)
    return Inputs(*shaped, spec.captured)


def _without_resumption(
    spec: FunctionSpec, kargs: Mapping[str, object], resume: str
) -> Mapping[str, object]:
    """Leave out the parameter with which a stream is resumed, unless the caller passed it."""
    default = spec.wrapped.defaults.get(resume, kargs)
    if kargs.get(resume, kargs) is not default or default is kargs:
        return kargs
    return {name: value for name, value in kargs.items() if name != resume}


def hash_inputs(
    spec: FunctionSpec, inputs: Inputs, seen: list[object] | None = None
) -> InputHashes:
    """Hash each input but the ignored ones; what they hold of artifacts is noted in *seen*."""
    named, rest, ignore = inputs.kargs, inputs.varargs, spec.options.ignore
    if ignore:
        named = {
            name: value for name, value in named.items() if not spec.wrapped.covers(ignore, name)
        }
        rest = () if spec.wrapped.rest in ignore else rest
    if spec.options.files:
        named, rest = _with_contents(spec, named, rest, seen)
    hashes = _hash_each(spec, named, rest, seen)
    hook = spec.options.input_hash_fn
    if hook is None:
        return hashes
    by_name, others = _call_hook(hook, "input_hash_fn", dict(hashes.kargs), hashes.varargs)
    kargs = {name: _require_hash(value) for name, value in by_name.items()}
    return InputHashes(kargs, tuple(map(_require_hash, others)), spec.captured_hashes)


def _hash_each(
    spec: FunctionSpec,
    named: Mapping[str, object],
    rest: tuple[object, ...],
    seen: list[object] | None,
) -> InputHashes:
    kargs = {name: hash_input(value, "arguments", name, seen) for name, value in named.items()}
    varargs: tuple[str, ...] = ()
    if rest:
        varargs = tuple([hash_input(value, "varargs", i, seen) for i, value in enumerate(rest)])
    return InputHashes(kargs, varargs, spec.captured_hashes)


def _with_contents(
    spec: FunctionSpec,
    named: Mapping[str, object],
    rest: tuple[object, ...],
    seen: list[object] | None,
) -> tuple[Mapping[str, object], tuple[object, ...]]:
    """Return the inputs, those whose files count as the contents of these."""
    chosen, covers = spec.options.files, spec.wrapped.covers
    contents = {
        name: content_input(value, seen) if covers(chosen, name) else value
        for name, value in named.items()
    }
    if spec.wrapped.rest in chosen:
        rest = tuple(content_input(value, seen) for value in rest)
    return contents, rest


def content_input(value: object, seen: list[object] | None) -> object:
    """Return an argument with the contents of files in place of their paths, also inside containers.

    A path that is a result stays an input artifact, noted in *seen*. An archived file counts by its
    content anyway. Anything else is returned as it is.
    """
    if is_proxy(value):
        kind = cast("Any", value).__provenance_reference__().value_type
        if kind.rpartition(":")[2] not in _PATHS:
            return value
        if seen is not None:
            seen += in_ignored_input(value)
        value = unwrap(value)
    if isinstance(value, ArchivedFile | InputFile):
        return value
    if isinstance(value, str | bytes | PathLike):
        return InputFile(cast("str", value))
    kind = type(value)
    if kind in (list, tuple):
        members = [content_input(member, seen) for member in cast("list[object]", value)]
        return members if kind is list else tuple(members)
    if kind is dict:
        items = cast("dict[object, object]", value).items()
        return {key: content_input(member, seen) for key, member in items}
    return value


def refuse_files(what: str, value: object, seen: list[object]) -> None:
    """Refuse a result that holds the path of a file: what is in it later is not what it is now."""
    for part in seen:
        if isinstance(part, InputFile):
            reason = f"it holds the path {part.path!r}, whose content is not stored"
            advice = "return what is in the file, or decorate the function with archive_file=True"
            raise UnserializableValueError(what, reason, value, advice)


def _require_hash(answer: object) -> str:
    """Return what a user's `input_hash_fn` gave for an input: a hash as it is, anything else by its value."""
    return answer if isinstance(answer, str) else hash_value(answer)


def _call_hook(
    function: InputFunction,
    option: str,
    kargs: dict[str, object] | dict[str, str],
    varargs: tuple[object, ...],
) -> tuple[Mapping[str, object], tuple[object, ...]]:
    """Call the user's *function* and check that it kept the shape of what it was given."""
    answer = cast("object", function({"kargs": kargs, "varargs": varargs}))
    returned = answer  # what is checked below loses its type
    given: Mapping[str, object] = {}
    if isinstance(answer, Mapping):
        given = cast("Mapping[str, object]", answer)
    named, rest = given.get("kargs"), given.get("varargs", ())
    if not isinstance(named, Mapping) or not isinstance(rest, Iterable):
        advice = "return {'kargs': {name: …}, 'varargs': (…)}"
        raise ConfigError(option, f"returned {safe_repr(returned)}", advice)
    return cast("Mapping[str, object]", named), tuple(cast("Iterable[object]", rest))


def may_change(spec: FunctionSpec, plan: CallPlan) -> bool:
    """Return whether the function could change its inputs: not when all of them are builtin scalars."""
    if spec.options.input_process_fn is not None or spec.options.files:
        return True
    kinds = {*map(type, plan.inputs.kargs.values()), *map(type, plan.inputs.varargs)}
    return not kinds <= SCALARS


def hashes_now(
    spec: FunctionSpec, plan: CallPlan, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> InputHashes:
    """Return the hashes of a planned call's inputs as they are now; `input_process_fn` is called again."""
    if spec.options.input_process_fn is None:
        return hash_inputs(spec, plan.inputs)
    return hash_inputs(spec, recorded_inputs(spec, bind_call(spec, args, kwargs)))


def changed_inputs(before: InputHashes, after: InputHashes) -> tuple[str, ...]:
    """Return names of the inputs whose hashes differ: what an impure function has changed."""
    names = [name for name, digest in before.kargs.items() if after.kargs.get(name) != digest]
    pairs = enumerate(zip(before.varargs, after.varargs, strict=False))
    return (*names, *[f"varargs[{i}]" for i, (one, other) in pairs if one != other])


def refuse_mutated(plan: CallPlan) -> None:
    """Raise `MutatedArtifactValueError` if an artifact among the inputs no longer has the value it was recorded with."""
    for ref in plan.input_refs:
        if ref.current != ref.recorded:
            holders = _holders(plan, ref) or ("captured",)
            raise MutatedArtifactValueError(ref.artifact_id, plan.cache_key.name, holders)


def _holders(plan: CallPlan, ref: InputRef) -> tuple[str, ...]:
    """Return names of the arguments in which *ref* was made: those whose hash notes it again."""
    named = {
        name: value for name, value in plan.inputs.kargs.items() if name in plan.input_hashes.kargs
    }
    placed = {f"varargs[{i}]": value for i, value in enumerate(plan.inputs.varargs)}
    return tuple(name for name, value in {**named, **placed}.items() if ref in _refs_in(value))


def _refs_in(value: object) -> list[object]:
    seen: list[object] = []
    hash_value(value, notes=seen)
    return seen
