"""Laws of identity: the id of a call depends on the values of its arguments, and on nothing else about them."""

import copy
import pickle
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from processes import printed
from provenance.calls.spec import call_id, uncached_id
from provenance.repository.inputs import InputHashes
from provenance.testing import in_memory
from strategies import equal_calls, functions, nested, scalars


@p.provenance(name="pair")
def pair(a, b=None, *, c=0):
    """A decorated function of three arguments."""
    return [a, b, c]


@p.provenance(name="echo")
def echo(value):
    """A decorated identity."""
    return value


def reordered(value, chance):
    """An equal value whose dictionaries and sets were filled in another order."""
    if isinstance(value, dict):
        entries = [(key, reordered(each, chance)) for key, each in value.items()]
        chance.shuffle(entries)
        return dict(entries)
    if isinstance(value, list | tuple):
        return type(value)(reordered(each, chance) for each in value)
    if isinstance(value, frozenset):
        members = list(value)
        chance.shuffle(members)
        return frozenset(members)
    return value


@given(st.data())
def test_spelling_a_call_otherwise_keeps_its_id(data):
    """By position or by keyword, keywords in any order, defaults spelled out or left out: it is the same call."""
    function = data.draw(functions(nested))
    one, other = data.draw(equal_calls(function))
    decorated = p.provenance(function.call)
    assert decorated.artifact_id(*one.args, **one.kwargs) == decorated.artifact_id(
        *other.args, **other.kwargs
    )


@given(functions(nested), st.data())
def test_a_call_receives_what_it_was_given(function, data):
    """Decorated or not, the function computes the same of the same arguments."""
    one, other = data.draw(equal_calls(function, scalars))
    expected = p.hash(function.call(*one.args, **one.kwargs))
    with in_memory():
        decorated = p.provenance(function.call)
        assert expected == p.hash(decorated(*other.args, **other.kwargs))


@given(nested)
def test_copies_are_the_same_argument(value):
    """A deep copy, and a copy that travelled through pickle, give the id of the original."""
    copies = [copy.deepcopy(value), pickle.loads(pickle.dumps(value))]
    assert [echo.artifact_id(value)] * 2 == [echo.artifact_id(each) for each in copies]


@given(nested, st.randoms(use_true_random=False))
def test_the_order_of_dictionaries_and_sets_does_not_count(value, chance):
    """Equal dictionaries and sets, filled in another order, give the same id."""
    assert echo.artifact_id(value) == echo.artifact_id(reordered(value, chance))


@given(nested)
def test_shared_references_do_not_count(value):
    """One object in two places is two equal objects."""
    assert echo.artifact_id([value, copy.deepcopy(value)]) == echo.artifact_id([value, value])
    assert pair.artifact_id(value, copy.deepcopy(value)) == pair.artifact_id(value, value)


@given(st.text(min_size=1))
def test_interning_does_not_count(text):
    """A string built at run time is the interned one."""
    built = "".join(list(text))
    assert echo.artifact_id([sys.intern(text), {text: 1}]) == echo.artifact_id([built, {built: 1}])


@given(st.integers(0, 2**32), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_memory_layout_of_arrays_does_not_count(seed, shape):
    """C order, Fortran order, views with strides, read-only: the elements count."""
    array = np.random.default_rng(seed).random(shape)
    spaced = np.zeros([2 * each for each in shape])[tuple([slice(None, None, 2)] * len(shape))]
    spaced[...] = array
    locked = array.copy()
    locked.flags.writeable = False
    layouts = [
        np.asfortranarray(array),
        spaced,
        np.ascontiguousarray(array[..., ::-1])[..., ::-1],
        locked,
    ]
    assert {echo.artifact_id(array)} == {echo.artifact_id(each) for each in layouts}


@given(nested, nested)
def test_different_values_have_different_ids(one, other):
    """Two calls meet only if their arguments have one value."""
    assert (p.hash(one) == p.hash(other)) == (echo.artifact_id(one) == echo.artifact_id(other))


def test_arguments_do_not_change_places():
    """An argument's value counts for its own parameter, or place among `*args`."""

    def gather(*args, **kwargs):
        return args, kwargs

    decorated = p.provenance(gather)
    calls = [
        decorated.artifact_id(),
        decorated.artifact_id(1, 2),
        decorated.artifact_id(2, 1),
        decorated.artifact_id((1, 2)),
        decorated.artifact_id(1, a=2),
        decorated.artifact_id(1, b=2),
        decorated.artifact_id(a=1, b=2),
        decorated.artifact_id(a=2, b=1),
        decorated.artifact_id("ab", "c"),
        decorated.artifact_id("a", "bc"),
        decorated.artifact_id(["a"], "b"),
        decorated.artifact_id(kwargs={"a": 1}),
        decorated.artifact_id(a=1),
        decorated.artifact_id(args=(1, 2)),
    ]
    assert len(calls) == len(set(calls))


ONE_OF_EACH_TYPE = [
    1,
    1.0,
    True,
    "1",
    b"1",
    1 + 0j,
    [1],
    (1,),
    {1},
    frozenset({1}),
    {1: 1},
    None,
    "",
    b"",
    [],
    (),
    {},
]


def test_types_do_not_meet():
    """Values that compare equal but differ in type make different calls."""
    assert len(ONE_OF_EACH_TYPE) == len({echo.artifact_id(value) for value in ONE_OF_EACH_TYPE})


@given(nested)
def test_a_fresh_proxy_is_its_value(value):
    """The proxy that computing returned gives the id that its value gives, alone or inside a structure."""
    with in_memory():
        proxy = echo(value)
        assert echo.artifact_id(value) == echo.artifact_id(proxy)
        assert echo.artifact_id([value, {"k": (value,)}]) == echo.artifact_id(
            [proxy, {"k": (proxy,)}]
        )


@given(nested)
def test_an_unread_proxy_is_its_value(value):
    """The proxy of a hit gives the id that its value gives, before and after it was read, alone or in a structure."""
    with in_memory() as repo:
        artifact = echo.artifact(value)
        for unread in (echo(value), artifact.proxy(), pickle.loads(pickle.dumps(echo(value)))):
            expected = echo.artifact_id(value), pair.artifact_id([value], c=(value, {0: value}))
            assert expected == (
                echo.artifact_id(unread),
                pair.artifact_id([unread], c=(unread, {0: unread})),
            )
            repr(unread)
            assert expected == (
                echo.artifact_id(unread),
                pair.artifact_id([unread], c=(unread, {0: unread})),
            )
        assert p.hash(value) == artifact.value_id == p.hash(repo[artifact.id].proxy())


@given(nested.filter(lambda value: isinstance(value, list | dict)))
def test_a_proxy_whose_value_was_changed_is_the_changed_value(value):
    """Who changes what a proxy stands for passes the changed value, and never the recorded one."""
    with in_memory():
        proxy = echo(value)
        bare = copy.deepcopy(value)
        for each in (proxy, bare):
            each.clear()
        assert echo.artifact_id(bare) == echo.artifact_id(proxy)


def test_a_transformed_proxy_is_the_artifact_that_it_was():
    """Another representation of the value keeps the id that the artifact's value gives."""
    with in_memory():
        value = [3, 1, 2]
        for proxy in (echo(value), echo(value)):
            assert echo.artifact_id(value) == echo.artifact_id(proxy.transform_value(sorted))


PROGRAM = """
import sys
import numpy as np
import provenance as p

@p.provenance(name="call")
def call(a, b=(), *args, key=frozenset("xyz"), **kwargs): ...

print(call.artifact_id({"b": 1, "a": {"deep", "set", "of", "words", 1, None}}))
print(call.artifact_id(a=np.arange(6.0).reshape(2, 3), z=1, y=[2, "z" * 3]))
print(call.artifact_id(frozenset({("a", 1), ("b", frozenset("abc"))}), "x", 1, 2, key={"k": 1.5}))
print(p.provenance(lambda x, s=frozenset("abc"): x, name="l").artifact_id(call))
print(p.hash(lambda x: {"words": x in {"red", "green", "blue"}}))
"""


def test_the_process_and_its_hash_seed_do_not_count():
    """Processes with different `PYTHONHASHSEED`s derive the same ids."""
    one, *others = [printed(PROGRAM, PYTHONHASHSEED=seed).split() for seed in ("0", "1", "random")]
    assert 5 == len(set(one))
    assert [one, one] == others


@given(
    st.text("abcü.", min_size=1, max_size=5),
    st.integers(0, 3),
    st.sampled_from(["name", "version", "scope", "argument"]),
)
def test_each_part_of_an_identity_counts(name, version, part):
    """Name, version, the function's place and the arguments: if one differs, the ids differ."""

    def somewhere(value):
        return value

    def elsewhere(value):
        return value

    known = p.provenance(name=name, version=version)(somewhere)
    other = {
        "name": p.provenance(name=name + "!", version=version)(somewhere),
        "version": p.provenance(name=name, version=version + 1)(somewhere),
        "scope": p.provenance(version=version)(elsewhere),
        "argument": known,
    }[part]
    if part == "scope":
        known = p.provenance(version=version)(somewhere)
    assert known.artifact_id(1) != other.artifact_id(2 if part == "argument" else 1)


@settings(max_examples=30)
@given(st.lists(nested, min_size=1, max_size=4))
def test_planning_is_pure(values):
    """Planning calls does not run the function, ask a store, or change an argument; plans of one call are equal."""

    def never(*args):
        raise AssertionError

    decorated = p.provenance(never)
    before = p.hash(values)
    plans = [decorated.plan(*values), decorated.plan(*copy.deepcopy(values))]
    assert plans[0] == plans[1]
    assert before == p.hash(values)


@given(functions(nested), st.data(), st.booleans(), st.booleans())
def test_recorded_input_hashes_give_the_recorded_id_back(function, data, cached, ignores):
    """What is recorded of the inputs, with the identity of the function, is all that the id depends on."""
    call, _ = data.draw(equal_calls(function))
    captured = data.draw(nested)

    def closure(*args, **kwargs):
        return [function.call(*args, **kwargs), captured]

    for made in (function.call, closure):
        ignore = ["kwargs"] if ignores and made is closure else []
        decorated = p.provenance(made, use_cache=cached, ignore=ignore)
        with in_memory():
            artifact = p.artifact_of(decorated(*call.args, **call.kwargs))
        hashes = InputHashes.parse(artifact.input_hashes)
        found = call_id(decorated.plan(*call.args, **call.kwargs).cache_key, hashes)
        assert artifact.id == (found if cached else uncached_id(found, artifact.value_id))
        digests = [*hashes.kargs.values(), *hashes.varargs, *hashes.captured.values()]
        assert all(len(digest) == 40 for digest in digests)
