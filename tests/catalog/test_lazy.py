"""Lazy dictionaries: values that are made when they are first looked at, once."""

import copy
import pickle
import threading
import time

import pytest

import provenance as p


@p.provenance(name="one")
def one(x: int) -> list[int]:
    """Make a list."""
    return [x]


@p.provenance(name="other")
def other(x: int) -> list[int]:
    """Make another."""
    return [x, x]


class Thunks(dict):
    """Thunks by key, and which of them were called."""

    def __init__(self, **values):
        self.called = []
        super().__init__({key: lambda key=key: self._value(key, values[key]) for key in values})

    def _value(self, key, value):
        self.called.append(key)
        return value


def test_a_value_is_made_when_it_is_looked_at_and_once():
    """And the others are not."""
    thunks = Thunks(a=[1], b=[2])
    lazy = p.lazy_dict(thunks)
    assert [] == thunks.called
    assert lazy["a"] is lazy["a"]
    assert ["a"] == thunks.called
    assert {"a": [1], "b": [2]} == dict(lazy)
    assert ["a", "b"] == thunks.called


def test_looking_around_makes_nothing():
    """Length, keys, `in`, truth and `repr`."""
    thunks = Thunks(a=1, b=2)
    lazy = p.lazy_dict(thunks)
    assert (2, ["a", "b"], True, False, True) == (
        len(lazy),
        list(lazy),
        "a" in lazy,
        "c" in lazy,
        bool(lazy),
    )
    assert ["a", "b"] == list(lazy.keys())
    assert "<lazy_dict {'a': …, 'b': …}>" == repr(lazy)
    assert [] == thunks.called
    lazy["b"]
    assert "<lazy_dict {'a': …, 'b': 2}>" == repr(lazy)


def test_it_is_a_read_only_mapping():
    """What a mapping offers, and nothing that changes it; what is added to the thunks later does not show."""
    thunks = Thunks(a=1)
    lazy = p.lazy_dict(thunks)
    assert (1, None, [("a", 1)]) == (lazy.get("a"), lazy.get("b"), list(lazy.items()))
    with pytest.raises(KeyError, match="b"):
        lazy["b"]
    with pytest.raises(TypeError):
        lazy["b"] = 1
    thunks["b"] = lambda: 2
    assert ["a"] == list(lazy)


@pytest.mark.parametrize("thunks", [[1], 5, {"a": 5}])
def test_it_is_made_of_functions(thunks):
    """What is no dictionary of them is refused before it is looked at."""
    with pytest.raises(TypeError, match=r"lazy_dict: .*function"):
        p.lazy_dict(thunks)


def test_what_fails_is_tried_again():
    """A failure is no value."""
    answers = iter([ZeroDivisionError("first"), 7])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lazy = p.lazy_dict({"a": make})
    with pytest.raises(ZeroDivisionError):
        lazy["a"]
    assert "…" in repr(lazy)
    assert 7 == lazy["a"]


def test_threads_make_a_value_once():
    """Whoever comes second waits for the first; other values may be made meanwhile."""
    calls = []

    def slow():
        calls.append(1)
        time.sleep(0.05)
        return object()

    lazy = p.lazy_dict({"slow": slow, "needs": lambda: [lazy["slow"]]})
    found = []
    threads = [
        threading.Thread(target=lambda key=key: found.append(lazy[key]))
        for key in ["slow", "needs"] * 4
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert 8 == len(found)
    assert [1] == calls


def test_equality_is_of_keys_and_then_of_values():
    """Equal to any mapping with equal items; where keys differ nothing is made."""
    thunks = Thunks(a=1, b=2)
    lazy = p.lazy_dict(thunks)
    assert lazy != {"a": 1}
    assert lazy != 7
    assert [] == thunks.called
    assert lazy == {"b": 2, "a": 1} == lazy
    assert p.lazy_dict(Thunks(a=1, b=2)) == lazy
    assert lazy != {"a": 1, "b": 3}
    with pytest.raises(TypeError):
        hash(lazy)


def test_pickling_makes_the_values():
    """What comes back has them."""
    back = pickle.loads(pickle.dumps(p.lazy_dict(Thunks(a=[1], b=2))))
    assert isinstance(back, p.LazyDict)
    assert "<lazy_dict {'a': [1], 'b': 2}>" == repr(back)


def test_copies():
    """A copy is the thing itself, which cannot change; a deep copy copies each value when it is looked at."""
    thunks = Thunks(a=[1], b=[2])
    lazy = p.lazy_dict(thunks)
    deep = copy.deepcopy(lazy)
    assert copy.copy(lazy) is lazy
    assert [] == thunks.called
    deep["a"].append(9)
    assert ([1], [1, 9]) == (lazy["a"], deep["a"])
    assert ["a"] == thunks.called


def test_it_hashes_by_its_values(repo):
    """As an argument it counts by what is in it."""
    take = p.provenance(name="take")(lambda values: sorted(values))  # noqa: PLW0108 - a function of the user's
    assert take.artifact_id(p.lazy_dict(Thunks(a=1))) == take.artifact_id(p.lazy_dict(Thunks(a=1)))
    assert take.artifact_id(p.lazy_dict(Thunks(a=1))) != take.artifact_id(p.lazy_dict(Thunks(a=2)))
    assert ["a"] == take(p.lazy_dict(Thunks(a=1)))


def test_proxies_by_the_names_of_their_artifacts(repo):
    """From artifacts, ids, first digits and proxies, mixed; in the order given."""
    id_of_one, id_of_other = p.artifact_of(one(1)).id, p.artifact_of(other(1)).id
    for given in (
        [id_of_one, id_of_other],
        [repo[id_of_one], id_of_other[:8]],
        (each for each in [one(1), other(1)]),
    ):
        found = p.lazy_proxy_dict(given)
        assert ["one", "other"] == list(found)
        assert ([1], [1, 1]) == (found["one"], found["other"])
        assert p.is_proxy(found["one"])
        assert id_of_one == p.artifact_of(found["one"]).id
    assert {} == p.lazy_proxy_dict([])


def test_names_of_artifacts_may_be_given(repo):
    """A mapping of names to artifacts, results or ids keeps its names."""
    given = {"first": one(1), "second": p.artifact_of(one(2)).id, "third": repo[one(3)]}
    found = p.lazy_proxy_dict(given)
    assert {"first": [1], "second": [2], "third": [3]} == found
    assert one.artifact_id(2) == p.artifact_of(found["second"]).id
    assert {"a": [[1]]} == p.lazy_proxy_dict({"a": one(1)}, group_artifacts_of_same_name=True)


@pytest.mark.parametrize("given", ["abcdef", 5])
def test_artifacts_are_given_as_a_list(repo, given):
    """The digits of one id are no ids."""
    with pytest.raises(
        TypeError, match=f"lazy_proxy_dict: expected a collection of artifacts, got {given!r}"
    ):
        p.lazy_proxy_dict(given)


def test_proxies_are_not_read_before_they_are_used(stored, reopened, tmp_path):
    """Names are on record; values stay where they are."""
    big = p.provenance(name="big")(lambda x: bytes(5000))
    artifact_id = p.artifact_of(big(1)).id
    reopened()
    for file in (tmp_path / "blobs").rglob("*"):
        if file.is_file():
            file.unlink()
    found = p.lazy_proxy_dict([artifact_id])
    proxy = found["big"]
    with pytest.raises(p.BlobNotFoundError):
        len(proxy)


def test_artifacts_of_one_name_are_refused_or_grouped(repo):
    """The error lists all such names; grouped, each value is a list. The same artifact twice is one."""
    given = [one(1), other(1), one(2), other(2), one(1)]
    with pytest.raises(p.DuplicateNameError, match=r"'one', 'other'; group them") as error:
        p.lazy_proxy_dict(given)
    assert ("one", "other") == error.value.names
    assert {"one": [[1], [2]], "other": [[1, 1], [2, 2]]} == p.lazy_proxy_dict(
        given, group_artifacts_of_same_name=True
    )
    assert {"one": [[1]]} == p.lazy_proxy_dict([one(1), one(1)], group_artifacts_of_same_name=True)
    assert {"one": [1]} == p.lazy_proxy_dict([one(1), one(1)])


def test_ids_are_looked_up_where_it_is_said(repo):
    """In the current repository, or another one; what is not there is an error at once."""
    elsewhere = p.MemoryRepo("elsewhere")
    with p.using_repo(elsewhere):
        artifact_id = p.artifact_of(one(1)).id
    assert [1] == p.lazy_proxy_dict([artifact_id], repo=elsewhere)["one"]
    with pytest.raises(p.ArtifactNotFoundError):
        p.lazy_proxy_dict([artifact_id])
    with pytest.raises(TypeError, match="expected an artifact"):
        p.lazy_proxy_dict([7])


def test_lineage_goes_through_a_lazy_proxy_dict(repo):
    """Proxies in it are inputs like any other."""
    take = p.provenance(name="take")(lambda values: len(values))  # noqa: PLW0108 - a function of the user's
    result = take(p.lazy_proxy_dict([one(1), other(1)]))
    assert {one.artifact_id(1), other.artifact_id(1)} == p.artifact_of(result).input_artifact_ids
