"""What the type checkers know of the decorators for arguments and of lazy dictionaries; errors that are meant carry their code."""

from collections.abc import Mapping
from typing import assert_type

import provenance as p
from provenance import LazyDict


@p.ensure_proxies
def bare(a: int, *, b: str = "") -> list[int]:
    return [a]


@p.ensure_proxies("a")
def named(a: int, *, b: str = "") -> list[int]:
    return [a]


@p.merge_defaults
def merged(a: int, settings: Mapping[str, int] = {"x": 1}) -> int:
    return a


@p.merge_defaults("settings")
@p.ensure_proxies()
@p.provenance()
async def later(a: int, settings: Mapping[str, int] = {"x": 1}) -> int:
    return a


@p.provenance()
@p.ensure_proxies("a")
def below(a: int) -> int:
    return a


class Model:
    @p.ensure_proxies("x")
    def fit(self, x: int) -> float:
        return x

    @p.merge_defaults
    @p.provenance()
    def fit_recorded(self, x: int) -> float:
        return x

    @classmethod
    @p.ensure_proxies
    def named(cls, x: int) -> float:
        return x


# Parameters and results are the function's own.
assert_type(bare(1, b="x"), list[int])
assert_type(named(1), list[int])
assert_type(merged(1, {"y": 2}), int)
assert_type(below(1), int)
assert_type(below.artifact(1), p.Artifact[int])
assert_type(Model().fit(1), float)
assert_type(Model().fit_recorded(1), float)
assert_type(Model.named(1), float)
bare("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
named(1, c=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # there is no c
merged(1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a mapping is wanted
Model().fit("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted
p.ensure_proxies(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # names are strings
p.merge_defaults(["settings"])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # names are strings


async def awaiting() -> None:
    assert_type(await later(1, {"y": 2}), int)
    await later("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an int is wanted


def number() -> int:
    return 1


# Lazy dictionaries know their values, and cannot be changed.
lazy = p.lazy_dict({"a": number})
assert_type(lazy, LazyDict[str, int])
assert_type(lazy["a"], int)
assert_type(lazy.get("a"), int | None)
lazy["a"] = 2  # type: ignore[index]  # pyright: ignore[reportIndexIssue]  # it is read-only
lazy[1]  # type: ignore[index]  # pyright: ignore[reportArgumentType]  # its keys are strings
p.lazy_dict({"a": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # thunks are wanted
assert_type(p.lazy_proxy_dict(["abcdef"]), LazyDict[str, object])
assert_type(p.lazy_proxy_dict(["abcdef"], True), LazyDict[str, list[object]])
assert_type(p.lazy_proxy_dict([bare(1)], group_artifacts_of_same_name=True)["a"], list[object])
