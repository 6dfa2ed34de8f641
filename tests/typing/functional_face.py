"""What the type checkers know of `provenance.functional`; the errors that are meant carry their code."""

from typing import assert_type

from returns.future import FutureResult
from returns.io import IOResult
from returns.maybe import Maybe
from returns.pipeline import flow
from returns.pointfree import bind
from returns.result import Result

import provenance as p
from provenance import functional
from provenance.functional import ComputedCall, PlannedCall
from provenance.model.ids import ArtifactId, ValueId
from provenance.testing import memory_environment


@p.provenance()
def length(text: str) -> int:
    return len(text)


@p.provenance()
def text_of(number: int, *, sign: bool = False) -> str:
    return f"{number:+}" if sign else str(number)


@p.provenance()
async def length_later(text: str) -> int:
    return len(text)


env = memory_environment()
repo = env.repository()
plan = functional.plan(length, "a").unwrap()
later = functional.plan(length_later, "a")

assert_type(functional.hash_value(1), Result[ValueId, p.UnhashableValueError])
assert_type(functional.environment({}), IOResult[p.Environment, p.ConfigError])
assert_type(functional.repository(env), IOResult[p.Repository, p.ProvenanceError])

# Calls and plans have the function's own types, arguments and results.
assert_type(functional.plan(length, "a"), Result[PlannedCall[int], Exception])
assert_type(functional.call(env, length, text="a"), IOResult[int, Exception])
assert_type(functional.call(env, text_of, 1, sign=True), IOResult[str, Exception])
assert_type(functional.call(env, length_later, "a"), FutureResult[int, Exception])
functional.plan(length, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a str is wanted
functional.call(env, length, 1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # a str is wanted
functional.call(length, "a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # where?
functional.call(env, len, "a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # it is not decorated

# Steps keep the type of the result.
assert_type(functional.perform(env, plan), IOResult[int, Exception])
assert_type(functional.compute(env, plan), IOResult[ComputedCall[int], Exception])
assert_type(functional.lookup(repo, plan), IOResult[Maybe[p.Artifact[int]], p.ProvenanceError])
assert_type(functional.perform(env, later.unwrap()), FutureResult[int, Exception])
assert_type(functional.compute(env, later.unwrap()), FutureResult[ComputedCall[int], Exception])
assert_type(
    functional.lookup(repo, later.unwrap()), IOResult[Maybe[p.Artifact[int]], p.ProvenanceError]
)


def steps(computed: ComputedCall[int], artifact: p.Artifact[int], artifact_id: ArtifactId) -> None:
    assert_type(functional.commit(repo, computed), IOResult[p.Artifact[int], p.ProvenanceError])
    assert_type(functional.load_value(repo, artifact), IOResult[int, p.ProvenanceError])
    assert_type(
        functional.artifact(repo, length("a")), IOResult[Maybe[p.Artifact[int]], p.ProvenanceError]
    )
    assert_type(
        functional.find(repo, artifact_id), IOResult[Maybe[p.Artifact[object]], p.ProvenanceError]
    )
    assert_type(functional.load(repo, artifact_id), IOResult[p.Artifact[object], p.ProvenanceError])
    assert_type(functional.load_inputs(repo, artifact), IOResult[p.Inputs, p.ProvenanceError])
    assert_type(functional.lineage(repo, artifact), IOResult[p.Lineage, p.ProvenanceError])
    assert_type(functional.forget(repo, artifact_id), IOResult[bool, p.ProvenanceError])
    assert_type(functional.verify(repo), IOResult[p.VerificationReport, p.ProvenanceError])
    assert_type(functional.collect_garbage(env, repo), IOResult[p.GarbageReport, p.ProvenanceError])
    assert_type(
        functional.evict(env, repo, max_bytes=0, dry_run=False), IOResult[p.EvictionReport, p.ProvenanceError]
    )
    assert_type(functional.read(length("a")), IOResult[int, Exception])
    functional.forget(repo, "ab")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # whole ids only
    functional.commit(repo, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # what was computed is wanted
    functional.load(env, "ab")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a repository is wanted


# They compose. A function that goes on from any exception says so, even if it has fewer of its own.
assert_type(functional.within(env, text_of)(1, sign=True), IOResult[str, Exception])
assert_type(functional.within(env, length_later)("a"), FutureResult[int, Exception])
functional.within(env, length)(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a str is wanted


def committed(computed: ComputedCall[int]) -> IOResult[p.Artifact[int], Exception]:
    return functional.commit(repo, computed)


def stored_value(artifact: p.Artifact[int]) -> IOResult[int, Exception]:
    return functional.load_value(repo, artifact)


described = flow("a", functional.within(env, length), bind(functional.within(env, text_of)))  # pyright: ignore[reportUnknownVariableType]  # only mypy has a plugin for flow
assert_type(described, IOResult[str, Exception])  # pyright: ignore[reportAssertTypeFailure]  # only mypy has a plugin for flow
assert_type(functional.call(env, length, "a").bind(functional.within(env, text_of)), IOResult[str, Exception])  # pyright: ignore[reportUnknownMemberType]  # of returns
assert_type(functional.compute(env, plan).bind(committed).bind(stored_value), IOResult[int, Exception])  # pyright: ignore[reportUnknownMemberType]  # of returns
functional.call(env, text_of, 1).bind(functional.within(env, text_of))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportUnknownMemberType]  # it takes an int
