"""Laws of purity and of lazy hits: what a call may change, what is read, and who sees whose changes."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

import provenance as p
from provenance.effects.layers import Counter, counted
from provenance.ports.blobs import ReadBlob
from provenance.testing import in_memory
from strategies import mutables, nested


def changed_within(value, chance):
    """Change one list, dictionary, set or array somewhere in *value*, in place."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    deeper = [each for each in inner if isinstance(each, list | dict | set)]
    if deeper and chance.random() < 0.5:
        changed_within(chance.choice(deeper), chance)
    elif isinstance(value, list):
        value.append("changed")
    elif isinstance(value, dict):
        value["changed"] = "changed"
    else:
        value.add("changed")


@given(st.lists(mutables, min_size=1, max_size=3), st.randoms(use_true_random=False), st.data())
def test_changing_any_argument_at_any_depth_is_refused(values, chance, data):
    """The error names the argument that was changed, nothing is recorded, and the next call computes again."""
    values = copy.deepcopy(values)  # each of its own
    which = data.draw(st.integers(0, len(values) - 1))
    style = data.draw(st.sampled_from(["keyword", "varargs", "default", "proxy", "unread"]))
    with in_memory() as repo:
        passed = [_passed(value, style) for value in values]
        function, call, name = _impure(style, passed, which, chance)
        artifact_id = _id_of(function, call)
        with pytest.raises(p.ImpureFunctionError) as raised:
            call(function)
        assert (name,) == raised.value.arguments
        assert name in str(raised.value)
        assert artifact_id not in repo


def _passed(value, style):
    """*value* as it is passed: itself, or as the proxy of a fresh or of a stored result."""
    if style not in ("proxy", "unread"):
        return value
    source = p.provenance(name="source")(copy.deepcopy)
    first = source(value)
    return source(value) if style == "unread" else first


def _impure(style, values, which, chance):
    """A function that changes one of its arguments, a call of it, and that argument's name."""
    if style == "varargs":

        @p.provenance(name="impure")
        def spread(*args):
            changed_within(args[which], chance)

        return spread, lambda function: function(*values), f"varargs[{which}]"
    if style == "default":

        @p.provenance(name="impure")
        def settled(a=values[which]):
            changed_within(a, chance)

        return settled, lambda function: function(), "a"

    @p.provenance(name="impure")
    def named(**kwargs):
        changed_within(kwargs[f"x{which}"], chance)

    return (
        named,
        lambda function: function(**{f"x{i}": value for i, value in enumerate(values)}),
        f"x{which}",
    )


def _id_of(function, call):
    return call(function.artifact_id)


@given(st.lists(nested, max_size=3), st.dictionaries(st.sampled_from("xyz"), nested, max_size=2))
def test_a_function_that_changes_nothing_is_recorded(args, kwargs):
    """Whatever the arguments, reading them is no change: the result is in the store, under the id of the plan."""

    @p.provenance(name="pure")
    def pure(*args, **kwargs):
        return repr(copy.deepcopy((args, kwargs)))

    with in_memory() as repo:
        artifact_id = pure.artifact_id(*args, **kwargs)
        first = pure(*args, **kwargs)
        assert artifact_id == p.artifact_of(first).id
        assert artifact_id in repo
        assert pure.is_cached(*args, **kwargs)
        assert p.unwrap(first) == pure(*args, **kwargs)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (np.zeros(3), lambda array: array.__setitem__(0, 1)),
        (np.zeros((2, 2)), lambda array: array.sort() or array.resize((4, 1), refcheck=False)),
        (pd.DataFrame({"a": [1, 2]}), lambda frame: frame.__setitem__("b", 0)),
        (pd.DataFrame({"a": [1, 2]}), lambda frame: setattr(frame, "columns", ["b"])),
        (pd.Series([1.0]), lambda series: series.__setitem__(0, 2.0)),
        (bytearray(b"ab"), lambda data: data.append(1)),
        ({"nested": [np.zeros(2)]}, lambda value: value["nested"][0].fill(9)),
        ((1, [2]), lambda value: value[1].append(3)),
    ],
)
def test_changing_an_array_or_table_is_refused(value, change):
    """In-place changes of arrays, frames and series count as changes, inside structures too."""
    with in_memory() as repo:

        @p.provenance(name="impure")
        def impure(value):
            change(value)

        artifact_id = impure.artifact_id(value)
        with pytest.raises(p.ImpureFunctionError, match=r"\(value\)"):
            impure(value)
        assert artifact_id not in repo


def test_changing_self_is_refused():
    """A method that changes its object is impure, and the error names `self`."""

    class Model:
        def __init__(self):
            self.weights = [1]

        @p.provenance()
        def fit(self, x):
            self.weights.append(x)

    with in_memory(), pytest.raises(p.ImpureFunctionError, match=r"\(self\)"):
        Model().fit(2)


@given(mutables, st.randoms(use_true_random=False))
def test_changing_a_result_changes_no_other(value, chance):
    """Who changes what a call returned changes neither the store nor what any other call returned or returns."""
    with in_memory() as repo:

        @p.provenance(name="make")
        def make():
            return copy.deepcopy(value)

        results = [
            make(),
            make(),
            make(),
            p.artifact_of(make()).proxy(),
            p.artifact_of(make()).value,
        ]
        for each in results:
            changed_within(each, chance)
        artifact = p.artifact_of(make())
        untouched = [make(), artifact.value, repo[artifact.id].proxy(), repo.get_value(artifact.id)]
        assert [p.hash(value)] * 4 == [p.hash(each) for each in untouched]
        assert [artifact.value_id] * 4 == [p.hash(each) for each in untouched]


@given(mutables, st.randoms(use_true_random=False))
def test_changing_an_argument_later_changes_no_result(value, chance):
    """A result that contains the caller's own object is stored as it was when it was computed."""
    with in_memory():

        @p.provenance(name="wrap")
        def wrap(value):
            return {"given": value}

        mine, twin = value, copy.deepcopy(value)
        wrap(mine)
        changed_within(mine, chance)
        assume(p.hash(mine) != p.hash(twin))
        assert p.hash({"given": twin}) == p.hash(wrap(twin))


def counting(repo):
    """The repository, and a counter of what it is asked."""
    counter = Counter()
    return evolve(repo, interpreter=counted(repo.interpreter, counter)), counter


@given(st.lists(nested, min_size=1, max_size=4), st.integers(1, 5))
def test_a_pipeline_of_hits_reads_nothing(values, stages):
    """All stages hit: no lazy value is read until one is looked at, and then only that one."""

    @p.provenance(name="start", lazy=True)
    def start(values):
        return [*values, "start"]

    @p.provenance(name="stage", lazy=True)
    def stage(i, before, more=()):
        return {"i": i, "before": p.unwrap(before), "more": len(more)}

    def pipeline():
        result = start(values)
        for i in range(stages):
            result = stage(i, result, more=[result, {"again": result}])
        return result

    with in_memory() as repo:
        expected = p.hash(pipeline())
        watched, counter = counting(repo)
        with p.using_repo(watched):
            result = pipeline()
            p.artifact_of(result)
            pickle.dumps(result)
            assert 0 == counter.asked.get(ReadBlob, 0)
            assert stages - 1 == result["i"]
            assert 1 == counter.asked[ReadBlob]
            assert expected == p.hash(result)
            assert 1 == counter.asked[ReadBlob]


def test_a_small_result_that_is_passed_on_is_not_read():
    """A number that an earlier call returned is not read to be hashed."""

    @p.provenance(name="one")
    def one():
        return 1

    @p.provenance(name="take")
    def take(value):
        return value

    with in_memory() as repo:
        take(one())
        watched, counter = counting(repo)
        with p.using_repo(watched):
            take(one())
            assert 0 == counter.asked.get(ReadBlob, 0)


def test_mutations_of_results_are_found_when_they_are_checked():
    """`check_mutations` refuses a result that was changed before it was passed on, and names argument and artifact."""

    @p.provenance(name="make")
    def make():
        return [1]

    @p.provenance(name="take")
    def take(value, other=0):
        return len(value)

    with in_memory():
        for result in (make(), make()):
            result.append(2)
            assert 2 == take(result)  # it is another value, then
            p.set_check_mutations(True)
            for argument in (result, [result], {"a": (result,)}):
                with pytest.raises(p.MutatedArtifactValueError, match=r"take \(value\)") as raised:
                    take(argument)
                assert p.artifact_of(result).id == raised.value.artifact_id
            p.set_check_mutations(False)
        p.set_check_mutations(True)
        assert 1 == take(make())
