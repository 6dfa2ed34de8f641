"""Plain calls: the ids of plans, and the results, events and recovery of calls one by one."""

import functools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.calls.function import spec_of
from provenance.calls.plain import PlainCalls
from provenance.calls.spec import ScalarIds
from provenance.effect import with_layer
from provenance.environment import current
from provenance.ports.blobs import DeleteBlob
from provenance.ports.records import FindMany
from provenance.testing import in_folder, in_memory

_SIZES = {}
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)


@p.provenance()
def one(first):
    """Return its argument."""
    return first


@p.provenance(name="chosen", version=3)
def several(zeta, alpha=0.0, *, middle=None, omega="last"):
    """Return its first argument."""
    return zeta


def abs_of(number, other):
    """Return a number without its sign."""
    return abs(number)


def _closure():
    inner = 5

    @p.provenance()
    def enclosed(number, other=2):
        return number + inner

    return enclosed


enclosed = _closure()


@given(st.lists(_SCALARS, max_size=3), st.sampled_from([one, several, enclosed]))
def test_ids_are_those_of_plans(args, function):
    """Where an id is found without a plan, it is that of the plan; else the plan may fail, too."""
    found = ScalarIds.of(spec_of(function)).find([tuple(args)])[0]
    if found is not None:
        assert found == function.artifact_id(*args)
    elif not any(isinstance(each, str) and len(each) > 64 for each in args):
        with pytest.raises(TypeError):
            function.artifact_id(*args)


@pytest.mark.parametrize(
    "options",
    [
        {"ignore": ("number",)},
        {"remove": ("number",)},
        {"files": ("number",)},
        {"input_hash_fn": lambda hashes: hashes},
        {"input_process_fn": lambda inputs: inputs},
        {"merge_defaults": ("number",)},
    ],
)
def test_options_for_inputs_need_a_plan(options):
    """What an option makes of the inputs is not guessed."""

    def function(number=_SIZES):
        return 1

    assert ScalarIds.of(spec_of(p.provenance(**options)(function))) is None


def test_bound_arguments_need_a_plan():
    """Arguments of partials and methods count."""
    assert ScalarIds.of(spec_of(p.provenance()(functools.partial(abs_of, 1)))) is None


@pytest.mark.parametrize("make", [lambda: [1], lambda: one(7), lambda: "x" * 65])
def test_other_arguments_need_a_plan(make):
    """Containers, results, long texts and other types are planned."""
    with in_memory():
        assert ScalarIds.of(spec_of(one)).find([(make(),)]) == [None]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"use_cache": False}, {}),
        ({"expires_after": timedelta(1)}, {}),
        ({"valid_if": lambda _: True}, {}),
        ({"shadow": 0.5}, {}),
    ],
)
def test_calls_that_ask_more_are_planned(options, settings):
    """A stored result of these functions is a hit only if something else agrees."""
    with in_memory():
        function = p.provenance(**options)(lambda number: number)
        assert PlainCalls.of(current(), spec_of(function)) is None


@pytest.mark.parametrize("arguments", [[], [[1], [2]]])
def test_no_store_is_asked_about_no_calls(arguments):
    """A map of nothing, or of calls that all need a plan, has no plain calls to look up."""
    looked_up = []

    def note(ask, inner):
        if isinstance(ask, FindMany):
            looked_up.append(len(ask.ids))
        return inner(ask)

    layered = p.MemoryRepo("layered").with_layer(lambda stores: with_layer(stores, note))
    with p.using_repo(layered):
        list(one.map(arguments))
    assert 0 not in looked_up
    with p.using_repo(p.MemoryRepo("written only", read=False)):
        assert not list(one.map([]))


def test_a_lost_value_is_computed_again(tmp_path):
    """A result of a map whose value is gone is computed as that of a call is."""
    runs = []

    @p.provenance(lazy=True)
    def work(number):
        runs.append(number)
        return bytes(100_000) + bytes([number])

    with in_folder(tmp_path) as repo:
        list(work.map([1, 2, 3]))
        results = list(work.map([1, 2, 3]))
        for result in results:
            repo.interpreter(DeleteBlob(p.artifact_of(result).value_blob))
        assert [result[-1] for result in results] == [1, 2, 3]
        assert runs == [1, 2, 3, 1, 2, 3]


def test_hits_of_a_map_are_those_of_calls(tmp_path):
    """Values, artifacts, counts and events are the same."""
    with in_folder(tmp_path):
        calls = [one(each) for each in (1, 2.5, "a", None, True, b"x")]
        events = []
        p.reset_stats()
        with p.subscribe(events.append):
            results = list(one.map([1, 2.5, "a", None, True, b"x"]))
            expected = [event.artifact_id for event in events]
            events.clear()
            again = [one(each) for each in (1, 2.5, "a", None, True, b"x")]
        assert results == calls == again
        assert [type(each) for each in results] == [type(each) for each in again]
        assert expected == [event.artifact_id for event in events]
        assert (p.stats().hits, p.stats().misses) == (12, 0)
        for result, call in zip(results, again, strict=True):
            if call not in (None, True):
                assert p.artifact_of(result) == p.artifact_of(call)
                assert p.artifact_of(result).inputs == p.artifact_of(call).inputs
