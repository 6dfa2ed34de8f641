"""Functions that return several artifacts at once."""

import asyncio
import copy
import pickle
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.effects.layers import Counter, counted
from provenance.errors import UnserializableValueError
from provenance.ports.blobs import DeleteBlob
from provenance.telemetry import last_outcomes
from provenance.testing import in_memory, memory_environment
from strategies import nested

LARGE = 5_000
COUNT = []


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@p.provenance()
def source(n):
    """Something to begin with."""
    return [n] * 3


@p.provenance(returns_composite=True)
def split(data, at=1):
    """Two parts of the data."""
    COUNT.append(at)
    return {"left": list(data[:at]), "right": list(data[at:]), "table": np.arange(LARGE)}


@p.provenance()
def length(part):
    """How long a part is."""
    return len(part)


class Unwritable:
    """It has a value to compare by, but no serializer can write it."""

    def value_repr(self):
        """Its value."""
        return 7

    def __reduce__(self):
        """Refuse to be written."""
        raise TypeError("not this one")


def nothing_at_all():
    """An empty mapping."""
    return {}


@pytest.fixture(autouse=True)
def no_calls():
    """No call was counted yet."""
    COUNT.clear()


def ids_in(composite):
    """The ids of the parts by key."""
    return {key: p.artifact_of(part).id for key, part in composite.items()}


def test_each_value_is_an_artifact(repo):
    """The parts are named after the function and their keys, and know the same inputs and run."""
    data = source(1)
    parts = split(data)
    assert isinstance(parts, Mapping)
    assert {"left": [1], "right": [1, 1]} == {key: parts[key] for key in ("left", "right")}
    whole, left = p.artifact_of(parts), p.artifact_of(parts["left"])
    assert (True, False) == (whole.composite, left.composite)
    assert f"{whole.name}_left" == left.name
    assert whole.input_artifact_ids == left.input_artifact_ids == {p.artifact_of(data).id}
    assert [1, 1, 1] == left.inputs["kargs"]["data"]
    assert whole.run_id == left.run_id
    assert frozenset(ids_in(parts).values()) == whole.value_artifact_ids
    assert left == p.load_artifact(left.id)
    assert [1] == left.value


def test_a_hit_is_the_same(repo, request):
    """A second call is a hit, with the same parts."""
    first = split([1, 2, 3])
    again = split([1, 2, 3], at=1)
    assert ids_in(first) == ids_in(again)
    assert p.artifact_of(first) == p.artifact_of(again)
    assert list(first) == list(again)
    assert [1] == COUNT
    assert p.hash(first) == p.hash(again) == p.artifact_of(again).value_id
    assert isinstance(p.unwrap(again), Mapping)


def test_parts_are_read_one_by_one(repo):
    """A hit reads the references, and then only the part that is used."""
    split([1, 2, 3])
    counter = Counter()
    from attrs import evolve

    with p.using_repo(evolve(repo, interpreter=counted(repo.interpreter, counter))):
        hit = split([1, 2, 3])
        assert ["left", "right", "table"] == list(hit)
        assert "artifact" in repr(p.unwrap(hit))
        before = counter.bytes_read
        assert 3 == len(hit)
        assert [1] == hit["left"]
        assert before < counter.bytes_read < before + 8 * LARGE


def test_lineage_leads_through_the_part(repo):
    """What was made from a part has the part as its source, and that has the sources of the call."""
    data = source(1)
    parts = split(data)
    result = length(parts["right"])
    expected = [p.artifact_of(each).id for each in (data, parts["right"], result)]
    assert expected == [each.id for each in p.dependencies(result)]
    assert {*expected[:1], *ids_in(parts).values(), p.artifact_of(parts).id} == {
        each.id for each in p.dependencies(parts)
    }


def test_parts_have_their_keys_in_the_lineage(repo):
    """The lineage of the whole names each part by its key, and tells of each whether it was a hit."""
    parts = split([1, 2, 3])
    graph = p.lineage(parts)
    assert ids_in(parts) == {place[2:-2]: each for place, each in graph.uses(graph.root)}
    assert {"computed"} == {each.value for each in last_outcomes(graph.artifacts).values()}
    assert 4 == len(last_outcomes(graph.artifacts))
    repo.delete(ids_in(parts)["left"])
    assert 2 == sum(place.startswith("[") for place, _ in p.lineage(parts).uses(graph.root))


def test_a_lost_part_is_computed_again(repo):
    """A part whose value or record is gone is computed anew with the whole, when it is used."""
    ids = ids_in(split([1, 2, 3]))
    for lose in ("record", "value"):
        if lose == "record":
            repo.delete(ids["table"])
        else:
            repo.interpreter(DeleteBlob(repo.get_by_id(ids["table"]).value_blob))
        hit = split([1, 2, 3])
        COUNT.clear()
        assert np.array_equal(np.arange(LARGE), hit["table"])
        assert [1] == COUNT
        assert [1] == hit["left"]
        assert np.array_equal(np.arange(LARGE), repo.get_value(ids["table"]))
        assert [1] == COUNT


def test_all_or_nothing(repo):
    """A part that nothing can hash, or write, stores none of them, and the error holds all that was computed."""

    @p.provenance(returns_composite=True)
    def impossible():
        return {"good": [1], "bad": COUNT[-1]}

    for bad in ((each for each in [1]), Unwritable()):
        COUNT.append(bad)
        with pytest.raises(UnserializableValueError) as caught:
            impossible()
        assert [1] == caught.value.value["good"]
        assert bad is p.unwrap(caught.value.value["bad"])
    assert [] == [each for each in p.search() if "impossible" in each.name]


@pytest.mark.parametrize("result", [[1], 1, {1: 2}, None])
def test_what_is_no_mapping_of_names_is_refused(repo, result):
    """The error holds what was computed."""
    function = p.provenance(returns_composite=True, name="odd")(lambda: result)
    with pytest.raises(
        UnserializableValueError, match="must return a mapping with string keys"
    ) as caught:
        function()
    assert result == caught.value.value


@pytest.mark.parametrize(
    ("problem", "result"),
    [
        (
            r"got a list; return a dictionary .*string keys, or decorate it without returns_composite$",
            [1],
        ),
        (
            r"got the key 1; return a dictionary .*string keys, or decorate it without",
            {"a": 2, 1: 2},
        ),
    ],
)
def test_what_is_no_composite_is_described(repo, problem, result):
    """The error says what it is instead; no serializer would help."""
    with pytest.raises(UnserializableValueError, match=problem) as caught:
        p.provenance(returns_composite=True, name="odd")(lambda: result)()
    assert "serializer" not in str(caught.value)


def test_a_part_without_a_value_is_named(repo):
    """The error says which part it is."""
    function = p.provenance(returns_composite=True, name="odd")(
        lambda: {"a": 1, "b": (each for each in "ab")}
    )
    with pytest.raises(
        UnserializableValueError, match=r"the part 'b' of the result of .*; return a list"
    ):
        function()


def test_empty_and_nested(repo):
    """A mapping without parts is one; a part may be any value, another mapping or an artifact too."""
    nothing = p.provenance(returns_composite=True, name="nothing")(nothing_at_all)
    assert {} == nothing() == nothing()
    inner = source(2)
    outer = p.provenance(returns_composite=True, name="outer")(
        lambda x: {"again": x, "deep": {"x": [x]}}
    )
    for _ in range(2):
        made = outer(inner)
        assert ([2, 2, 2], {"x": [[2, 2, 2]]}) == (made["again"], made["deep"])
        assert {p.artifact_of(inner).id} == p.artifact_of(made["deep"]).value_artifact_ids
        assert p.artifact_of(inner) == p.artifact_of(p.unwrap(made["deep"])["x"][0])


def test_serializers_by_part(repo):
    """Each part may have a serializer and keyword arguments of its own; the others go by their type."""
    function = p.provenance(
        name="coded",
        returns_composite=True,
        serializer={"model": "cloudpickle", "data": "joblib"},
        dump_kwargs={"data": {"compress": 3}},
    )(lambda: {"model": {"a": 1}, "data": [0] * 1000, "rest": np.arange(3)})
    for _ in range(2):
        made = function()
        by_key = {key: p.artifact_of(part) for key, part in made.items()}
        assert ["cloudpickle", "joblib", "numpy"] == [
            by_key[key].serializer for key in ("model", "data", "rest")
        ]
        assert {"compress": 3} == dict(by_key["data"].dump_kwargs)
        assert [0] * 1000 == made["data"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"returns_composite": "yes"}, "must be a bool or None"),
        ({"serializer": {"a": "joblib"}}, "returns_composite"),
        ({"returns_composite": True, "serializer": {"a": "joblip"}}, "did you mean 'joblib'"),
        (
            {"returns_composite": True, "serializer": {"a": "pickle"}, "dump_kwargs": {"b": {}}},
            "for part 'b'",
        ),
        (
            {
                "returns_composite": True,
                "serializer": {"a": "pickle"},
                "dump_kwargs": {"a": {"x": 1}},
            },
            "refuses",
        ),
        (
            {"returns_composite": True, "serializer": {"a": "pickle"}, "dump_kwargs": 7},
            "must be a mapping",
        ),
    ],
)
def test_bad_options_are_refused_where_they_are_given(options, match):
    """Before anything is called."""
    with pytest.raises(p.ConfigError, match=match):
        p.provenance(**options)(nothing_at_all)


def test_it_cannot_be_changed(repo):
    """A composite is read-only, and what is changed in a part changes neither the store nor what others get."""
    parts = split([1, 2, 3])
    with pytest.raises(TypeError):
        parts["left"] = 1
    parts["left"].append(9)
    assert [1] == split([1, 2, 3])["left"]


def test_it_travels(repo):
    """Composites and their parts are copied and pickled as proxies are: by reference."""
    parts = split([1, 2, 3])
    for other in (pickle.loads(pickle.dumps(parts)), copy.copy(parts), copy.deepcopy(parts)):
        assert p.artifact_of(parts) == p.artifact_of(other)
        assert ids_in(parts) == ids_in(other)
        assert [1] == other["left"]
    bare = pickle.loads(pickle.dumps(p.unwrap(parts)))
    assert ids_in(parts) == ids_in(bare)


def test_reading_only(repo):
    """A read-only result has parts that are in no store, and that are recorded as plain values."""
    parts = split.with_options(returns_composite=True, read_only=True)([1, 2, 3])
    assert [1] == parts["left"]
    assert frozenset() == p.artifact_of(length(parts["left"])).input_artifact_ids
    assert not split.with_options(returns_composite=True).is_cached([1, 2, 3])


def test_without_the_cache(repo):
    """Each result stands beside the others, with parts of its own."""
    values = iter([1, 2, 1])
    function = p.provenance(
        returns_composite=True, use_cache=False, name="fresh", ignore=["values"]
    )(lambda: {"x": next(values), "y": 0})
    first, second, third = function(), function(), function()
    assert [1, 2, 1] == [each["x"] for each in (first, second, third)]
    assert ids_in(first) == ids_in(third)
    assert ids_in(first)["x"] != ids_in(second)["x"]


def test_asynchronous_functions(repo):
    """They may return composites too; a hit makes sure that all parts are there."""

    @p.provenance(returns_composite=True)
    async def parts(n):
        COUNT.append(n)
        return {"n": [n], "m": [n + 1]}

    first = asyncio.run(parts(1))
    assert ([1], [2]) == (first["n"], first["m"])
    assert ids_in(first) == ids_in(asyncio.run(parts(1)))
    repo.delete(ids_in(first)["m"])
    assert [2] == asyncio.run(parts(1))["m"]
    assert [1, 1] == COUNT


def test_parts_are_captured(repo):
    """A captured composite brings its parts into the set."""
    with p.capture_set() as capture:
        parts = split([1, 2, 3])
    assert {p.artifact_of(parts).id, *ids_in(parts).values()} == capture.set.artifact_ids


def test_recomputing_replaces_all_parts(repo):
    """`recompute` stores the whole and its parts anew."""
    values = iter([1, 2])
    function = p.provenance(returns_composite=True, name="again", ignore=["values"])(
        lambda: {"x": [next(values)]}
    )
    assert ([1], [2]) == (function()["x"], function.recompute()["x"])
    assert [2] == function()["x"]


@given(st.dictionaries(st.text(max_size=4), nested, max_size=4))
def test_a_composite_is_its_mapping(given_parts):
    """Whatever it holds, it equals what the function returned, fresh and read back."""
    with in_memory():
        function = p.provenance(returns_composite=True, name="any")(lambda: given_parts)
        for made in (function(), function()):
            assert p.hash(dict(given_parts)) == p.hash(
                {key: p.unwrap(each) for key, each in made.items()}
            )
            assert list(given_parts) == list(made)


def test_what_only_hands_a_composite_on_holds_values_too(repo):
    """A composite that is in no store, or in another one, is kept by its values, and a hit reads those."""
    keep = p.provenance(name="keep")(lambda parts: parts)
    with p.using_repo(memory_environment().repository()):
        elsewhere = split([1, 2, 3])
    for parts in (split.with_options(returns_composite=True, read_only=True)([1, 2, 3]), elsewhere):
        for _ in range(2):
            made = keep(parts)
            assert ([1], [2, 3]) == (made["left"], made["right"])
        keep.forget(parts)


@pytest.mark.parametrize("lost", ["value", "record"])
def test_a_lost_part_takes_no_other_part_with_it(repo, lost):
    """If a lost part cannot be computed anew, the others are there still, and so is the whole."""
    broken = []
    function = p.provenance(returns_composite=True, name="frail", ignore=["broken"])(
        lambda: {"x": [1], "y": [1 / (not broken)]}
    )
    part = p.artifact_of(function()["x"])
    repo.interpreter(DeleteBlob(part.value_blob)) if lost == "value" else repo.delete(part.id)
    broken.append(1)
    for _ in range(2):
        hit = function()
        with pytest.raises(ZeroDivisionError):
            len(hit["x"])
        assert [1.0] == hit["y"]


def test_what_has_no_such_part_any_more_is_told(repo):
    """A lost part that the function, changed since, does not return is as lost as it was, and the error says which."""
    keys = ["x"]
    function = p.provenance(returns_composite=True, name="renamed", ignore=["keys"])(
        lambda: {keys[0]: [1]}
    )
    part = p.artifact_of(function()["x"]).id
    repo.delete(part)
    keys[0] = "z"
    hit = function()
    with pytest.raises(p.ArtifactNotFoundError, match=part):
        len(hit["x"])


def test_lost_parts_are_computed_anew_together(repo):
    """One computation brings back all lost parts, also where nothing may be stored, and it takes back one hit."""
    parts = split([1, 2, 3])
    for each in parts.values():
        repo.interpreter(DeleteBlob(p.artifact_of(each).value_blob))
    p.set_read_only(True)
    p.reset_stats()
    COUNT.clear()
    hit = split([1, 2, 3])
    assert ([1], [2, 3]) == (hit["left"], hit["right"])
    assert [1] == COUNT
    assert (0, 1) == (p.stats().hits, p.stats().recovered)


def test_parts_that_are_in_no_store_tell_where_they_came_from(repo):
    """A part of a read-only result has an artifact, as the result itself has."""
    parts = split.with_options(returns_composite=True, read_only=True)([1, 2, 3])
    left = p.artifact_of(parts["left"])
    assert (f"{p.artifact_of(parts).name}_left", [1]) == (left.name, left.value)
    assert [1, 2, 3] == left.inputs["kargs"]["data"]
    assert [left.id] == list(p.lineage(parts["left"]).order)


def test_its_parts_are_all_that_it_refers_to(repo):
    """What a part holds is no part: hits tell of the same parts as misses, and only these have to be there."""
    inner = source(2)
    outer = p.provenance(returns_composite=True, name="outer")(
        lambda x: {"again": x, "deep": {"x": [x]}}
    )
    captured = []
    for _ in range(2):
        with p.capture_set() as capture:
            made = outer(inner)
        captured.append(capture.artifact_ids)
    assert [{p.artifact_of(made).id, *ids_in(made).values()}] * 2 == captured
    repo.delete(p.artifact_of(inner).id)
    assert outer.is_cached([2, 2, 2])


def test_a_part_that_was_deleted_is_stored_again_without_the_cache(repo):
    """Computing the same anew leaves the whole as it is, and brings back what it lacks."""
    function = split.with_options(returns_composite=True, use_cache=False)
    ids = ids_in(function([1, 2, 3]))
    repo.delete(ids["table"])
    assert ids == ids_in(function([1, 2, 3]))
    assert np.array_equal(np.arange(LARGE), repo.get_value(ids["table"]))


def test_a_serializer_for_no_part_is_told(repo, caplog):
    """The results are stored all the same: they may have taken hours."""
    function = p.provenance(
        name="told", returns_composite=True, serializer={"a": "pickle", "gone": "pickle"}
    )
    assert [1] == function(lambda: {"a": [1]})()["a"]
    assert ["'gone'" in each.message for each in caplog.records if each.levelname == "WARNING"] == [
        True
    ]


def test_parts_meet_no_function_of_their_name(repo):
    """A function that was given the name that a part has does not share its artifacts."""
    named = p.provenance(name="f_a_b")(lambda x: [3, x])
    first = p.provenance(name="f", returns_composite=True)(lambda x: {"a_b": [1, x]})
    second = p.provenance(name="f_a", returns_composite=True)(lambda x: {"b": [2, x]})
    for _ in range(2):
        assert ([3, 0], [1, 0], [2, 0]) == (named(0), first(0)["a_b"], second(0)["b"])


def test_forgetting_takes_the_parts_along(repo):
    """`forget` leaves nothing of the call; deleting the whole by its id leaves the parts."""
    parts = split([1, 2, 3])
    assert split.forget([1, 2, 3])
    assert [] == list(p.search())
    assert not split.forget([1, 2, 3])
    parts = split([1, 2, 3])
    repo.delete(p.artifact_of(parts).id)
    assert set(ids_in(parts).values()) == {each.id for each in p.search()}


def test_options_of_results_reach_the_parts(repo):
    """`lazy`, `singletons` and `results` hold for each part, of a miss and of a hit."""

    def parts():
        return {"count": 7, "nothing": None, "array": np.ones(3)}

    make = p.provenance(name="parts", returns_composite=True)(parts)
    for options, kinds in (
        ({}, (int, type(None), p.ArtifactProxy)),
        ({"lazy": True}, (p.ArtifactProxy, p.ArtifactProxy, p.ArtifactProxy)),
        ({"singletons": "proxy"}, (int, p.ArtifactProxy, p.ArtifactProxy)),
        ({"results": "values"}, (int, type(None), np.ndarray)),
    ):
        chosen = make.with_options(name="parts", returns_composite=True, **options)
        chosen.forget()
        for found in (chosen(), chosen()):
            shown = [found["count"], found["nothing"], found["array"]]
            assert [True] * 3 == [isinstance(x, kind) for x, kind in zip(shown, kinds, strict=True)]
            bare = [type(x) in (type(None), np.ndarray) for x in shown]
            assert bare == [kind in (type(None), np.ndarray) for kind in kinds]
            assert p.artifact_of(found["array"]).name == "parts_array"
