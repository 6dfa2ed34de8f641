"""The library inside another program: environments are passed, failures are values, nothing is global.

    python examples/functional_pipeline.py

Two tenants of a service have a repository each. The same pipeline runs for both; what goes wrong on the way comes out at
its end, and what was computed before that is kept. Lookup, computation and recording are then done one by one.
"""

from returns.io import IOResult, IOSuccess
from returns.maybe import Maybe
from returns.pipeline import flow
from returns.pointfree import bind
from returns.unsafe import unsafe_perform_io

import provenance as p
from provenance import functional


@p.provenance()
def parsed(text: str) -> list[float]:
    """The numbers in a text."""
    return [float(word) for word in text.split()]


@p.provenance()
def mean(numbers: list[float]) -> float:
    """Their mean."""
    return sum(numbers) / len(numbers)


@p.provenance()
def report(value: float, digits: int = 2) -> str:
    """A line for people."""
    return f"the mean is {value:.{digits}f}"


def tenant(name: str) -> p.Environment:
    """An environment with one empty repository."""
    config = {"artifact_repos": {name: {"type": "memory", "delete": True}}}
    return unsafe_perform_io(functional.environment(config).unwrap())


def described(environment: p.Environment, text: str) -> IOResult[str, Exception]:
    """The report of a text, or the first failure on the way to it."""
    return flow(
        text,
        functional.within(environment, parsed),
        bind(functional.within(environment, mean)),
        bind(functional.within(environment, report)),
    )


def explained(error: Exception) -> IOResult[str, Exception]:
    """A failure in words."""
    return IOSuccess(f"failed with {type(error).__name__}: {error}")


def shown(outcome: IOResult[str, Exception]) -> str:
    """What the edge of the program says of an outcome: only here it is opened."""
    return f"{unsafe_perform_io(outcome.lash(explained).unwrap())}"


def is_stored(environment: p.Environment, text: str) -> bool:
    """Whether the numbers of a text are in the environment's repository; nothing is computed for this."""
    repo = environment.repository()
    plan = functional.plan(parsed, text).unwrap()
    found: Maybe[p.Artifact[list[float]]] = unsafe_perform_io(
        functional.lookup(repo, plan).unwrap()
    )
    return bool(found.map(lambda _: True).value_or(False))


def step_by_step(environment: p.Environment, text: str) -> IOResult[str, Exception]:
    """Compute first, look at the result, and record it only if it is worth it."""
    repo = environment.repository()

    def recorded(computed: functional.ComputedCall[list[float]]) -> IOResult[str, Exception]:
        if not computed.value:
            return IOSuccess("nothing to record")
        return functional.commit(repo, computed).map(
            lambda artifact: f"recorded as {artifact.fn_name}"
        )

    plan = functional.plan(parsed, text).unwrap()
    return functional.compute(environment, plan).bind(recorded)


north, south = tenant("north"), tenant("south")

print(
    "1. A pipeline for one tenant, and whether its first step is stored there and with the other one:"
)
print(f"   {shown(described(north, '1 2 6'))}")
print(f"   north: {is_stored(north, '1 2 6')}, south: {is_stored(south, '1 2 6')}")

print("\n2. The first failure is the outcome, be it of the function or of the library:")
print(f"   {shown(described(north, 'one two'))}")
print(f"   {shown(described(north, ''))}")
print(f"   {shown(functional.call(north, report, (each for each in 'ab')))}")  # type: ignore[call-overload]  # on purpose

print("\n3. What was computed before the failure is kept:")
print(f"   north: {is_stored(north, '')}")

print("\n4. Compute, then decide whether to record:")
for words in ("3 4", " "):
    print(f"   {words!r}: {shown(step_by_step(south, words))}")
print(f"   south: {is_stored(south, '3 4')}, {is_stored(south, ' ')}")
