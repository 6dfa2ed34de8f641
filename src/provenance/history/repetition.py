"""A recorded call that is made once more, with the recorded inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from inspect import Parameter
from typing import Any, Final

from attrs import evolve

from provenance import environment
from provenance.calls import execute
from provenance.calls.draft import Call
from provenance.calls.spec import FunctionSpec
from provenance.events import MissReason
from provenance.model.records import Artifact, Inputs
from provenance.repository.inputs import InputHashes, Summary
from provenance.results.handles import artifact_of

_VARIADIC: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def unrepeatable(spec: FunctionSpec, inputs: Inputs) -> str | None:
    """Return why the recorded inputs cannot be passed to the function; None if they can."""
    for name, value in (*inputs.kargs.items(), *enumerate(inputs.varargs)):
        if isinstance(value, Summary):
            return f"of argument {name!r} only type and hash are recorded"
    if spec.options.input_process_fn is not None:
        return "its input_process_fn has edited what is recorded"
    for name, parameter in spec.wrapped.signature.parameters.items():
        is_required = parameter.default is Parameter.empty and parameter.kind not in _VARIADIC
        if is_required and name not in inputs.kargs:
            return f"argument {name!r} is not recorded"
    return None


def prepare(spec: FunctionSpec, inputs: Inputs) -> Call:
    """Return the call with the recorded inputs, in the current environment."""
    scratch, archive = environment.current(), spec.options.archive
    options = evolve(
        spec.options,
        shadow=None,
        repo=scratch.default,
        use_cache=None,
        read_only=False,
        archive=None if archive is None else evolve(archive, delete_original=False),
    )
    # Recorded inputs have what partials and methods bind as well.
    free = evolve(spec, options=options, wrapped=evolve(spec.wrapped, args=(), keywords={}))
    call = execute.prepare(scratch, free, *_arguments(spec, inputs))
    return evolve(call, reason=MissReason.REQUESTED, as_proxy=True)


def _arguments(
    spec: FunctionSpec, inputs: Inputs
) -> tuple[tuple[object, ...], Mapping[str, object]]:
    """Return the recorded inputs as the arguments of a call."""
    args: list[object] = []
    kwargs = dict(inputs.kargs)
    for name, parameter in spec.wrapped.signature.parameters.items():
        by_position = parameter.kind is Parameter.POSITIONAL_ONLY or (
            inputs.varargs and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
        )
        if by_position and name in kwargs:
            args.append(kwargs.pop(name))
    return (*args, *inputs.varargs), kwargs


def changed_argument(hashes: InputHashes, artifact: Artifact[object]) -> str | None:
    """Return which argument has another hash than was recorded, as one does whose file was edited; None if none has."""
    recorded = InputHashes.parse(artifact.input_hashes)
    before, after = (
        dict[str | int, str]((*one.kargs.items(), *enumerate(one.varargs)))
        for one in (recorded, hashes)
    )
    for name, digest in before.items():
        if after.get(name, digest) != digest:
            return f"argument {name!r} is not what it was; was a file edited to which it leads?"
    return None


def compute(call: Call) -> Artifact[object]:
    """Run the function, and return what it made in the current environment."""
    if not call.spec.wrapped.is_async:
        return artifact_of(execute.execute(call))
    return artifact_of(_wait_for(execute.execute_async(call)))


def _wait_for(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine to its end, also where an event loop runs, as in a notebook."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, coroutine).result()
