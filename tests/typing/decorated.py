"""What the type checkers know of decorated functions; the errors that are meant carry their code."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, assert_type

import provenance as p
from provenance import Artifact, CachedFunction

T = TypeVar("T")


@p.provenance
def bare(a: int) -> int:
    return a


@p.provenance()
def called(a: int, b: str = "", *, c: float = 0.0) -> list[int]:
    return [a]


@p.provenance(version=1, ignore=["b"], tags=["x"], custom_fields={"a": 1})
def configured(a: int, b: str = "") -> dict[str, int]:
    return {b: a}


# A call gives the function's own type, with or without parentheses.
assert_type(bare(1), int)
assert_type(bare(1) + 3, int)
assert_type(called(1, "x", c=1.0), list[int])
assert_type(called(1)[0], int)
assert_type(configured(1), dict[str, int])

# Arguments are checked as the function's own.
bare("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
bare()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # one is missing
bare(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # one too many
called(1, c="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a float is wanted
called(1, d=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # there is no d
configured(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
bare(1).upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # it is an int

# What looks ahead takes the same arguments.
assert_type(bare.artifact(1), Artifact[int])
assert_type(bare.artifact(1).value, int)
assert_type(bare.artifact(1).proxy(), int)
assert_type(called.artifact(1, c=2.0), Artifact[list[int]])
assert_type(bare.is_cached(1), bool)
assert_type(bare.forget(1), bool)
assert_type(bare.recompute(1), int)
assert_type(bare.plan(1), p.CallPlan)
bare.artifact("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
bare.is_cached()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # one is missing
bare.plan(a="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted

# Results lead to their artifacts.
assert_type(p.artifact_of(bare(1)), Artifact[int])
assert_type(p.artifact_of(called(1)), Artifact[list[int]])
assert_type(p.unwrap(called(1)), list[int])
assert_type(p.is_proxy(bare(1)), bool)

# Results flow into further functions.
assert_type(bare(bare(1)), int)
bare(called(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted

# The decorated function is of a type that can be named.
one: CachedFunction[[int], int] = bare.with_options(version=2)
other: CachedFunction[[str], int] = bare  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # it takes an int

# Options are checked.
p.provenance(version="1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # a number is wanted
p.provenance(versoin=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # there is no such option


@p.provenance
async def later(a: int) -> str:
    return str(a)


@p.provenance(version=2)
async def configured_later(a: int) -> str:
    return str(a)


async def awaiting() -> None:
    assert_type(await later(1), str)
    assert_type(await configured_later(1), str)
    assert_type(await later.artifact(1), Artifact[str])
    assert_type(await later.recompute(1), str)
    assert_type(p.artifact_of(await later(1)), Artifact[str])
    assert_type(later.is_cached(1), bool)
    assert_type(await asyncio.gather(later(1), later(2)), tuple[str, str])
    await later("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted


named: CachedFunction[[int], Coroutine[Any, Any, str]] = later


class Model:
    rate: float = 1.0

    @p.provenance
    def fit(self, x: int) -> float:
        return self.rate * x

    @p.provenance(version=1)
    async def fit_later(self, x: int) -> float:
        return self.rate * x

    @staticmethod
    @p.provenance
    def free(x: int) -> float:
        return x

    @classmethod
    @p.provenance()
    def load(cls, n: int) -> "Model":
        return cls()

    @property
    def plain(self) -> float:
        return self.fit(1)


assert_type(Model().fit(1), float)
assert_type(Model().fit.artifact(1), Artifact[float])
assert_type(Model().fit.is_cached(1), bool)
assert_type(Model.fit(Model(), 1), float)
assert_type(Model.free(1), float)
assert_type(Model.load(1), Model)
assert_type(Model().load(1), Model)
assert_type(Model.load.artifact(1), Artifact[Model])
Model.load("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
Model().fit("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
Model().fit(Model(), 1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]  # it is bound already


async def awaiting_methods() -> None:
    assert_type(await Model().fit_later(1), float)
    assert_type(await Model().fit_later.artifact(1), Artifact[float])


@p.provenance
def first(values: list[T]) -> T:
    return values[0]


# A generic function stays generic.
assert_type(first([1, 2]), int)
assert_type(first(["a"]), str)
assert_type(first.artifact([1]), Artifact[int])

# The function itself, and its name.
assert_type(bare.__wrapped__(1), int)
assert_type(first.__name__, str)
assert_type(Model().fit.__wrapped__(Model(), 1), float)

# Below `@staticmethod` an instance has the same function; of one argument only, mypy takes it for a method.
Model().free(1)  # type: ignore[call-arg]

# Inputs are a mapping whose values have types.
assert_type(bare.artifact(1).inputs["kargs"]["a"], object)
assert_type(bare.artifact(1).inputs["varargs"], tuple[object, ...])

# Repositories answer typed records.
assert_type(p.get_default_repo(), p.Repository)
assert_type(p.load_artifact("abcdef"), Artifact[object])
assert_type(p.artifact_of(bare(1)).inputs, p.Inputs)
assert_type(p.artifact_of(bare(1)).run_info, p.Run)
assert_type(p.stats(), p.Stats)


def takes_coroutine(_: Coroutine[Any, Any, str]) -> None: ...


takes_coroutine(later(1))


# Where a file is archived the result is that, whatever path the function declares.
@p.provenance(archive_file=True, preserve_file_ext=True)
def rendered(a: int) -> str:
    return str(a)


@p.provenance(archive_file=True)
async def rendered_later(a: int) -> str:
    return str(a)


@p.provenance(archive_file=False, version=1)
def not_rendered(a: int) -> str:
    return str(a)


assert_type(rendered(1), p.ArchivedFile)
assert_type(rendered(1).read_bytes(), bytes)
assert_type(asyncio.run(rendered_later(1)), p.ArchivedFile)
assert_type(not_rendered(1), str)
assert_type(p.archive_file("x"), p.ArchivedFile)
rendered("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
p.provenance(archive_file="x")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # a bool is wanted
