"""Inside a decorated function, arguments are values, and the library still knows whose."""

import asyncio
import json
import threading
from collections import namedtuple
from dataclasses import dataclass

import attrs
import numpy as np
import pytest

import provenance as p
from provenance.model.tracked import any_tracked

Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - as users write them


@dataclass
class Box:
    """A value that holds another one."""

    content: object


@p.provenance()
def ones(n):
    """An array, which stays a lazy proxy."""
    return np.ones(n)


@p.provenance()
def words(n=2):
    """A list, which carries its artifact."""
    return ["a", "b"][:n]


@p.provenance()
def total(array):
    """A number."""
    return float(array.sum())


def lineage_of(result):
    """The ids of the artifacts that a result was made from."""
    return p.artifact_of(result).input_artifact_ids


def test_the_body_receives_values(repo):
    """Alone and inside containers and named tuples; builtins carry their artifact and look plain."""
    seen = []

    @p.provenance(ignore=["seen"])
    def look(array, text, nested, seen):
        seen += [array, text, nested]
        return 1

    a, w = ones(3), words()
    made = look(a, w, [a, {"k": (a, w)}, Pair(a, 1), {w[0]}], seen)
    array, text, (first, inner, pair, _) = seen
    assert type(array) is np.ndarray
    assert array is first is inner["k"][0] is pair.left
    assert type(pair) is Pair
    assert (repr(["a", "b"]), p.artifact_of(w)) == (repr(text), text.artifact)
    assert {a.artifact.id, w.artifact.id} == lineage_of(made)
    assert not any_tracked()


def test_an_argument_answers_for_its_artifact_while_the_body_runs(repo):
    """In the body, in threads that it starts, and in functions that it calls; not afterwards."""
    seen = []

    @p.provenance(ignore=["seen"])
    def look(array, seen):
        seen.append(p.artifact_of(array).id)
        thread = threading.Thread(target=lambda: seen.append(p.artifact_of(array).id))
        thread.start()
        thread.join()
        seen.append(array)
        return 1

    a = ones(3)
    look(a, seen)
    assert [a.artifact.id] * 2 == seen[:2]
    with pytest.raises(TypeError, match="plain ndarray"):
        p.artifact_of(seen[2])


def test_what_a_body_passes_on_keeps_its_lineage(repo):
    """Alone, in containers, in objects, and nine at once."""
    made = []

    @p.provenance()
    def hold(value):
        return 1

    @p.provenance(ignore=["made"])
    def outer(array, many, made):
        made += [hold(array), hold([array]), hold({"a": (array,)}), hold(Box(array)), hold(many)]
        return 1

    a, many = ones(3), [ones(n) for n in range(1, 10)]
    outer(a, many, made)
    for result in made[:4]:
        assert {a.artifact.id} == lineage_of(result)
    assert {each.artifact.id for each in many} == lineage_of(made[4])
    recorded = p.artifact_of(made[1]).inputs["kargs"]["value"]
    assert a.artifact == p.artifact_of(recorded[0])


def test_what_a_body_returns_keeps_its_lineage(repo):
    """Alone or inside other values; what containers hold is stored by reference."""

    @p.provenance(name="same")
    def same(value):
        return value

    @p.provenance(name="wrapped")
    def wrapped(value, kind):
        return {"list": [value], "box": Box(value), "tuple": (1, value)}[kind]

    a = ones(1_000)
    assert {a.artifact.id} == same(a).artifact.value_artifact_ids
    for kind in ("list", "box", "tuple"):
        for _ in range(2):
            result = wrapped(a, kind)
            assert {a.artifact.id} == result.artifact.value_artifact_ids
    assert a.artifact == p.artifact_of(wrapped(a, "list")[0])
    assert wrapped(a, "list").artifact.size_bytes < 1_000


def test_asynchronous_bodies_receive_values(repo):
    """And know them across awaits."""

    @p.provenance()
    async def look(array):
        await asyncio.sleep(0)
        return [type(array).__name__, p.artifact_of(array).id]

    a = ones(2)
    assert ["ndarray", a.artifact.id] == asyncio.run(look(a))
    assert not any_tracked()


@pytest.mark.parametrize("change", ["array", "inner", "copied"])
def test_a_body_that_changes_what_it_received_is_impure(repo, change):
    """Also where it received a copy of a container."""

    @p.provenance()
    def impure(array, many):
        if change == "array":
            array[0] = 7
        elif change == "inner":
            many[0][0] = 7
        else:
            many.append(1)
        return 1

    with pytest.raises(p.ImpureFunctionError):
        impure(ones(2), [ones(3), words()])
    assert not any_tracked()


def test_a_body_that_fails_leaves_nothing_known(repo):
    """Whatever it raises."""

    @p.provenance()
    def fail(array):
        raise KeyError(str(array.sum()))

    for _ in range(2):
        with pytest.raises(KeyError):
            fail(ones(2))
    assert not any_tracked()


def test_arguments_are_passed_on_unread_where_that_is_chosen(repo):
    """For functions that only hand them on; the identity of the call is the same."""

    def look(array):
        return [p.is_proxy(array)]

    values = p.provenance(name="look")(look)
    proxies = p.provenance(name="look", arguments="proxies")(look)
    a = ones(2)
    assert values.artifact_id(a) == proxies.artifact_id(a)
    assert ([False], [True]) == (values(a), proxies.recompute(a))
    with pytest.raises(p.ConfigError, match=r"arguments.*must be 'values' or 'proxies'"):
        p.provenance(arguments="both")(look)


def test_ensure_proxies_accepts_what_is_known(repo):
    """Above the decorator and below it, in nested calls too."""

    @p.provenance()
    @p.ensure_proxies
    def below(array, text):
        return above([array], text)

    @p.ensure_proxies
    @p.provenance()
    def above(arrays, text):
        return json.dumps(text)

    assert '["a", "b"]' == below(ones(2), words())
    with pytest.raises(p.ProxyExpectedError):
        below(np.ones(3), words())


def test_results_as_values(repo):
    """Plain at the top level too; lineage goes on as long as they live."""
    with p.using_results("values"):
        for _ in range(2):
            array = ones(4)
            assert type(array) is np.ndarray
            assert ones.artifact_id(4) == p.artifact_of(array).id
            assert {ones.artifact_id(4)} == lineage_of(total(array))
        assert p.is_proxy(words())
        assert ones.artifact_id(4) == p.lineage(array).root
        assert {ones.artifact_id(4)} == set(p.create_set([array]).artifact_ids)
        assert ones.artifact_id(4) == p.lazy_proxy_dict({"a": array})["a"].artifact.id
        assert ones.artifact_id(4) == p.promote(array, p.MemoryRepo()).id
        assert not p.evict(max_bytes=0, keep=array, dry_run=True).values
        del array
    assert not any_tracked()
    assert type(ones.with_options(results="values")(4)) is np.ndarray
    with pytest.raises(p.ConfigError, match="using_results"), p.using_results("both"):
        pass


def test_results_among_many_values_are_inputs(repo):
    """Results that stand among many values, at several depths and more than once, are all found."""

    @p.provenance(results="values")
    def box(n):
        return Box(n)

    @p.provenance()
    def count(boxes, rows):
        return len(boxes) + len(rows)

    boxes = [box(n) for n in range(6)]
    rows = [{"box": one, "n": 1} for one in [*boxes[:3], boxes[0]]]
    counted = count([*boxes[2:], Box(99)], [*rows, *({"box": n, "n": 1} for n in range(10))])
    assert {p.artifact_of(one).id for one in boxes} == lineage_of(counted)
    plain = [Box(n) for n in range(6)]
    same = [{"box": one, "n": 1} for one in [*plain[:3], plain[0]]]
    again = count([*plain[2:], Box(99)], [*same, *({"box": n, "n": 1} for n in range(10))])
    assert p.artifact_of(counted).id == p.artifact_of(again).id


def test_configured_handing_over(tmp_path):
    """The configuration chooses for all functions, a decorator for its own."""
    config = {
        "artifact_repos": {"local": {"type": "memory"}},
        "singletons": "proxy",
        "results": "values",
        "eager_limit": 10,
    }
    environment = p.from_config(config)
    assert ("proxy", "values", "values", 10) == (
        environment.results.singletons,
        environment.results.results,
        environment.results.arguments,
        environment.results.eager_limit,
    )
    with pytest.raises(p.ConfigError, match="singletons"):
        p.from_config({**config, "singletons": "both"})


@attrs.frozen
class Fitted:
    """A value that holds another one, and cannot be changed."""

    weights: object
    name: str = "fitted"


@pytest.mark.parametrize("make", [Box, Fitted])
def test_what_an_object_holds_is_stored_by_reference(repo, make):
    """A data class that a body returns or passes on refers to the artifact; hashes are those of the values."""

    @p.provenance(name="size")
    def size(held, attribute):
        return getattr(held, attribute).size

    @p.provenance(name="held")
    def held(array):
        fitted = make(array)
        assert 10_000 == size(fitted, "content" if make is Box else "weights")
        assert getattr(fitted, "content" if make is Box else "weights") is array
        return fitted

    a = ones(10_000)
    for result in (held(a), held(a)):
        assert make is type(p.unwrap(result))
        assert p.hash(make(np.ones(10_000))) == p.hash(result)
        assert p.artifact_of(result).size_bytes < 2_000
        assert {p.artifact_of(a).id} <= lineage_of(result)
        inner = p.unwrap(result, deep=True)
        assert np.ndarray is type(inner.content if make is Box else inner.weights)
    inner = size.artifact(make(a), "content" if make is Box else "weights")
    assert {p.artifact_of(a).id} == inner.input_artifact_ids
    recorded = inner.inputs["kargs"]["held"]
    assert p.is_proxy(recorded.content if make is Box else recorded.weights)


def test_unwrap_goes_as_deep_as_is_asked(repo):
    """Results inside containers, named tuples and objects are values; what holds none stays the same object."""
    a, w = ones(3), words()
    nested = [a, {"k": (w, {w[0]})}, Pair(a, 1), Box([a]), Fitted(a)]
    bare = p.unwrap(nested, deep=True)
    first, entries, pair, box, fitted = bare
    assert {np.ndarray} == {type(x) for x in (first, pair.left, box.content[0], fitted.weights)}
    assert [list, str] == [type(x) for x in (entries["k"][0], entries["k"][0][0])]
    assert (Pair, Box, Fitted) == (type(pair), type(box), type(fitted))
    assert p.is_proxy(nested[0])
    assert p.is_proxy(nested[3].content[0])
    plain = [1, {"k": Box(2)}]
    assert p.unwrap(plain, deep=True) is plain
    circle = [a]
    circle.append(circle)
    assert np.ndarray is type(p.unwrap(circle, deep=True)[0])
