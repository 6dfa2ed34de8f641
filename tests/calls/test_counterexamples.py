"""Calls that once got a wrong value, lost one, or could not be made."""

import asyncio
import functools
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading
from functools import partial

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

import provenance as p
from provenance.effect import with_layer
from provenance.ports.records import FindRecord
from provenance.repository.handles import Repository

echo = p.provenance(name="echo")(lambda value: value)


class Holder:
    """A class with a decorated method and a decorated partial."""

    def __init__(self, size):
        self.size = size

    @p.provenance()
    def twice(self):
        return 2 * self.size

    undecorated = partial(divmod, 7)
    decorated = p.provenance()(partial(divmod, 7))


def test_bound_methods_of_c_types_bring_their_object(repo):
    """`array.sum` of one array is not that of another."""
    assert [3, 6] == [p.provenance()(np.arange(count).sum)() for count in (3, 4)]
    assert [2, 1] == [p.provenance()(each.count)(2) for each in ([2, 2], [2, 3])]
    assert ["a-b", "a+b"] == [p.provenance()(each.join)(["a", "b"]) for each in "-+"]
    assert ["xb", "ax"] == [p.provenance()(re.compile(each).sub)("x", "ab") for each in "ab"]


def test_what_wraps_a_decorated_function_is_not_that_function(repo):
    """A function that copied the attributes of a decorated, called one runs itself, under its own options."""

    @p.provenance()
    def inner(x):
        return x

    inner(1)

    @functools.wraps(inner)
    def outer(x):
        return inner(x) * 10

    assert 10 == p.provenance(name="outer")(outer)(1)
    again = p.provenance(name="again", version=7)(inner)
    assert ("again", 7) == (again.artifact(1).name, again.artifact(1).version)


def test_decorated_partials_differ_by_their_keywords_as_arguments(repo):
    """A decorated function is an argument with all that was bound to it."""

    def base(a, b):
        return a + b

    @p.provenance()
    def apply(f, a):
        return f(a)

    assert [11, 12] == [apply(p.provenance()(partial(base, b=b)), 10) for b in (1, 2)]


@pytest.mark.filterwarnings("ignore:functools.partial will be")
def test_partials_in_a_class_are_not_bound(repo):
    """As a plain partial, a decorated one does not get the instance."""
    assert Holder(1).undecorated(2) == Holder(1).decorated(2)


def test_ufuncs_see_the_values(repo):
    """NumPy's functions give for proxies what they give for their values: pandas aligns, types stay."""
    left, right = pd.Series([1, 2, 3], [0, 1, 2]), pd.Series([10, 20, 30], [2, 1, 0])
    pd.testing.assert_series_equal(np.add(left, right), np.add(echo(left), echo(right)))
    frame = pd.DataFrame({"a": [1.0, 4.0]})
    pd.testing.assert_frame_equal(np.sqrt(frame), np.sqrt(echo(frame)))
    one, other = np.arange(3), np.arange(3, 6)
    assert np.array_equal(np.concatenate([one, other]), np.concatenate([echo(one), echo(other)]))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_matrices_stay_matrices(stored, reopened):
    """What multiplies as a matrix when computed does so when it was stored."""

    @p.provenance()
    def make():
        return [np.matrix([[1, 2], [3, 4]])]

    made = make()[0]
    reopened()
    assert np.array_equal(made * made, make()[0] * make()[0])
    assert p.hash(p.unwrap(make())) == p.artifact_of(make()).value_id


@pytest.mark.parametrize("change", ["+=", "*="])
def test_in_place_operators_give_plain_values_or_the_proxy(repo, change):
    """`x += …` gives a plain value where it makes a new one, and the proxy where it changes the old one."""
    number, items = echo(3), echo([1])
    before = items
    if change == "+=":
        number += 2
        items += [2]
        assert ([1, 2], 5) == (items, number)
    else:
        number *= 2
        items *= 2
        assert ([1, 1], 6) == (items, number)
    assert type(number) is int
    assert items is before


def test_a_lost_value_is_computed_with_the_captured_hashes_of_the_plan(stored, tmp_path):
    """As the call itself would: a captured list that changes after the first call counts as it was then."""
    held = [1]

    @p.provenance(lazy=True)
    def use(x):
        return [x, *held, "x" * 2_000]

    use(1)
    artifact = p.artifact_of(use(1))
    hit = use(1)
    held.append(2)
    for file in (tmp_path / "blobs").rglob(artifact.value_blob.id[2:]):
        file.unlink()
    assert [1, 1, 2] == hit[:3]
    assert use.artifact_id(1) == artifact.id


def test_an_old_hit_reads_what_was_recomputed(stored):
    """A hit that was not read yet gives the newer value, and computes nothing."""
    turns = []

    @p.provenance(lazy=True)
    def turn(_):
        turns.append(1)
        return ["turn", len(turns)]

    turn(0)
    old, artifact = turn(0), p.load_artifact(turn.artifact_id(0))
    turn.recompute(0)
    assert ["turn", 2] == list(old)
    assert ["turn", 2] == artifact.value
    assert 2 == len(turns)


def test_artifacts_of_another_repository_are_stored_as_values(tmp_path):
    """A value with an artifact of another repository inside can be read where it is stored, and so can its inputs."""
    first, second = (p.SqliteRepo(name, db=tmp_path / f"{name}.db") for name in ("first", "second"))

    @p.provenance()
    def make():
        return [1, 2]

    @p.provenance()
    def hold(x):
        return {"inner": x}

    with p.using_repo(first):
        made = make()
    with p.using_repo(second):
        hold(made)
        assert [1, 2] == hold(made)["inner"]
        assert [1, 2] == p.artifact_of(hold(made)).inputs.kargs["x"]


def test_the_result_is_in_hand_whatever_fails(stored):
    """A value that cannot be described: the error holds the result. A name that is no text, a hook that fails: it is recorded."""

    class Bad:
        def value_repr(self):
            raise ZeroDivisionError

    @p.provenance()
    def bad():
        return Bad()

    with pytest.raises(p.UnserializableValueError, match="ZeroDivisionError") as caught:
        bad()
    assert isinstance(caught.value.value, Bad)

    @p.provenance()
    def named(**kwargs):
        return len(kwargs)

    assert 1 == named(**{"\ud800": 1}) == named(**{"\ud800": 1})
    p.set_run_info_fn(lambda info: 1 / 0)
    try:
        assert [5] == echo([5])
    finally:
        p.set_run_info_fn(None)
    assert echo.is_cached([5])


def test_globals_that_fail_do_not_matter(repo):
    """A global whose own methods raise does not stop a function that uses it."""
    assert 3 == p.provenance()(uses_trouble)(2)


class Trouble:
    """A value that cannot be described."""

    def value_repr(self):
        raise ZeroDivisionError


TROUBLE = Trouble()


def uses_trouble(x):
    """Use the global."""
    return (TROUBLE is not None) + x


def test_proxies_as_keys_count_as_their_values(repo):
    """A dictionary or set whose keys or members are artifacts of strings hashes as if they were the strings."""
    names = ["b", "a", "c", "d"]
    assert p.hash(dict.fromkeys(names, 1)) == p.hash(
        {(echo(name) if name == "b" else name): 1 for name in names}
    )
    assert p.hash(set(names)) == p.hash({echo(name) if name == "c" else name for name in names})
    assert p.hash(frozenset({1, 2, 3})) == p.hash(frozenset({1, echo(2), 3}))


def test_looking_at_a_sparse_matrix_does_not_change_it(repo):
    """What scipy finds out about a sparse matrix is no part of its value; entries are, in whatever order."""

    @p.provenance()
    def total(matrix):
        return (matrix.has_canonical_format, matrix.sum(), matrix.max())[1]

    made = sparse.random(20, 20, 0.2, "csr", random_state=1)
    before = p.hash(made)
    assert made.sum() == total(made)
    assert before == p.hash(made) == p.hash(made.copy())
    shuffled = sparse.csr_matrix(
        (np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2, 2])), shape=(2, 2)
    )
    ordered = sparse.csr_matrix(
        (np.array([2.0, 1.0]), np.array([0, 1]), np.array([0, 2, 2])), shape=(2, 2)
    )
    assert p.hash(shuffled) == p.hash(ordered) != p.hash(ordered.tocsc())
    assert p.hash(ordered) != p.hash(ordered * 2)


def test_predicting_does_not_change_a_model(repo):
    """A tree of neighbours counts its searches; that is no change of the model. A bunch survives pickling."""
    iris = load_iris()
    assert p.hash(iris) == p.hash(pickle.loads(pickle.dumps(iris)))

    @p.provenance()
    def predict(model, rows):
        return model.predict(rows)

    model = KNeighborsClassifier(algorithm="kd_tree").fit(iris.data, iris.target)
    assert np.array_equal(model.predict(iris.data), predict(model, iris.data))


def test_answers_of_input_hash_fn_count_by_value(repo):
    """What is no string counts by its value, not by its `str`."""

    def by_array(hashes):
        first = int(p.unwrap(hashes["kargs"]["x"])[:6], 16)
        return {"kargs": {"x": np.r_[np.zeros(1000), first, np.zeros(1000)]}, "varargs": ()}

    @p.provenance(input_hash_fn=by_array)
    def same(x):
        return x

    assert [1, 2] == [same(1), same(2)]


def test_wrappers_are_judged_by_themselves(repo):
    """A wrapper that makes a list of a generator, or that awaits, is neither generator nor coroutine function."""

    def numbers(count):
        yield from range(count)

    async def later(x):
        return x

    listed = functools.wraps(numbers)(lambda count: list(numbers(count)))
    waited = functools.wraps(later)(lambda x: asyncio.run(later(x)))
    assert [0, 1] == p.provenance()(listed)(2)
    assert 5 == p.provenance()(waited)(5)

    class Later:
        async def __call__(self, x):
            return x

    assert 6 == asyncio.run(p.provenance()(Later())(6))

    def inject(function):
        @functools.wraps(function)
        def with_config(*args):
            return function("config", *args)

        return with_config

    assert ("config", 1) == p.provenance()(inject(lambda config, x: (config, x)))(1)


def test_rest_and_extra_arguments_can_be_ignored_and_removed(repo):
    """`ignore` and `remove` may name `*args` and `**kwargs`."""

    @p.provenance(ignore=["rest", "extra"])
    def ignoring(a, *rest, **extra):
        return a

    @p.provenance(remove=["rest", "extra"])
    def removing(a, *rest, **extra):
        return a

    for function in (ignoring, removing):
        assert function.artifact_id(1) == function.artifact_id(1, 2, x=threading.Lock())
        assert function.artifact_id(1) != function.artifact_id(2)
    assert {"kargs": {"a": 1}, "varargs": ()} == removing.artifact(1, 2, x=3).inputs
    assert {"kargs": {"a": 1, "x": 3}, "varargs": (2,)} == ignoring.artifact(1, 2, x=3).inputs


@pytest.mark.parametrize("option", ["dump_kwargs", "load_kwargs"])
@pytest.mark.parametrize("serializer", [None, "pickle", "joblib"])
def test_arguments_of_serializers_are_checked_where_they_are_given(option, serializer):
    """Keyword arguments that the serializer does not take are refused at decoration."""
    with pytest.raises(p.ConfigError, match=option):
        p.provenance(serializer=serializer, **{option: {"nonsense": 1}})(len)


def test_arguments_of_serializers_stay_as_they_are(stored):
    """A tuple among them arrives as a tuple."""

    @p.provenance(serializer="joblib", dump_kwargs={"compress": ("zlib", 3)})
    def zeros():
        return np.zeros(10_000)

    assert 5_000 > zeros.artifact().size_bytes
    assert 10_000 == len(zeros())


def test_a_deleted_database_is_made_anew(tmp_path):
    """When the file is deleted under an open repository, what is computed next goes into a new one."""
    with p.using_repo(p.SqliteRepo(db=tmp_path / "x.db")):
        echo([1])
        for file in tmp_path.iterdir():
            file.unlink()
        echo([2])
    with p.using_repo(p.SqliteRepo("again", db=tmp_path / "x.db")):
        assert echo.is_cached([2])
        assert p.artifact_of(echo([2])).run_info.id


def test_methods_and_local_functions_are_pickled(repo):
    """A bound method is pickled with its object; a function that no name leads to, by cloudpickle, with its options."""
    assert 6 == pickle.loads(pickle.dumps(Holder(3).twice))()

    @p.provenance(version=3)
    def local(x):
        return x + 1

    back = cloudpickle.loads(cloudpickle.dumps(local))
    assert (2, local.artifact_id(1)) == (back(1), back.artifact_id(1))


def test_a_hit_that_is_healed_is_no_hit(stored, tmp_path, events):
    """The statistics take back a hit whose value turned out to be lost."""
    p.reset_stats()
    big = list(range(1_000))
    echo(big)
    (file,) = [
        each
        for each in (tmp_path / "blobs").rglob("*")
        if echo.artifact(big).value_blob.id[2:] == each.name
    ]
    p.reset_stats()
    file.unlink()
    assert big == echo(big)
    stats = p.stats()
    assert (0, 1, 1) == (stats.hits, stats.recovered, stats.calls)


def test_artifact_of_a_hit_heals_too(stored, tmp_path):
    """`fn.artifact(…).value` computes a lost value anew, as the proxy does."""
    big = list(range(1_000))
    artifact = echo.artifact(big)
    for file in (tmp_path / "blobs").rglob(artifact.value_blob.id[2:]):
        file.unlink()
    assert big == echo.artifact(big).value


def test_a_store_that_takes_nothing_still_serves(tmp_path):
    """In a repository that may only be read, a damaged value is computed for the caller, and nothing is changed."""
    config = {
        "blobstores": {"d": {"type": "disk", "cachedir": str(tmp_path / "b")}},
        "artifact_repos": {
            "r": {"type": "sqlite", "db": str(tmp_path / "r.db"), "store": "d", "inline_limit": 10}
        },
    }
    big = list(range(100))
    with p.using_repo(p.from_config(config).repository()):
        blob = echo.artifact(big).value_blob
    file = next((tmp_path / "b").rglob(blob.id[2:]))
    file.write_bytes(b"x" * blob.size)
    for section in config.values():
        for entry in section.values():
            entry["write"] = False
    with p.using_repo(p.from_config(config).repository()):
        assert big == echo(big)
    assert b"x" * blob.size == file.read_bytes()


def test_two_subscriptions_of_one_function_end_one_by_one(repo):
    """Cancelling one leaves the other."""
    told = []
    first, second = p.subscribe(told.append), p.subscribe(told.append)
    first.cancel()
    echo("once")
    second.cancel()
    echo("never")
    assert 1 == len(told)


def test_mutations_are_found_among_rest_arguments(repo):
    """The error names the place among `*args`."""

    @p.provenance()
    def many(*values):
        return len(values)

    changed = echo([1])
    changed.append(2)
    p.set_check_mutations(True)
    with pytest.raises(p.MutatedArtifactValueError, match=r"varargs\[1\]"):
        many(1, changed)


def test_from_config_installs_no_hook(repo, tmp_path):
    """Only loading a configuration makes its `run_info_fn` that of the process."""
    called = []
    p.from_config(
        {"artifact_repos": {"m": {"type": "memory"}}, "run_info_fn": lambda info: called.append(1)}
    )
    echo("x")
    assert [] == called


def test_a_race_that_was_lost_first_still_records_the_run(tmp_path):
    """The first artifact of a process may be another's: later ones find their run all the same."""
    db = tmp_path / "x.db"
    with p.using_repo(p.SqliteRepo(db=db)):
        echo.with_options(name="echo", use_cache=False)([1])
    p.set_run_info_fn(None)  # as a process of its own would, this one describes itself anew
    with p.using_repo(p.SqliteRepo("second", db=db)):
        echo.with_options(name="echo", use_cache=False)([1])
        assert p.artifact_of(echo([2])).run_info.id == p.artifact_of(echo([2])).run_id


def test_remembered_records_can_be_asked_for_anew(stored):
    """`fresh` asks the store itself."""
    asked = []

    def note(effect, inner):
        asked.append(effect)
        return inner(effect)

    repo = Repository("noted", with_layer(stored.interpreter, note))
    with p.using_repo(repo):
        echo([1])
        assert FindRecord(echo.artifact_id([1])) in asked
    assert stored.interpreter(FindRecord(echo.artifact_id([1]), fresh=True)) == echo.artifact(
        [1]
    ).origin.load_record(echo.artifact_id([1]))


def test_a_fork_amid_hits_leaves_a_child_that_works(tmp_path):
    """A child forked while other threads hit does not wait for locks that no thread will open."""
    script = """
        import os, sys, threading, time
        import provenance as p
        sys.setswitchinterval(1e-6)
        p.load_config({"artifact_repos": {"m": {"type": "memory"}}})
        @p.provenance()
        def f(x): return [x]
        for i in range(8): f(i)
        stop = threading.Event()
        def hit():
            while not stop.is_set():
                for i in range(8): len(f(i))
        threads = [threading.Thread(target=hit) for _ in range(4)]
        for each in threads: each.start()
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                for i in range(8): len(f(i))
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for each in threads: each.join()
    """
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "ignore",
    }  # Python warns of forks among threads from 3.12 on
    command = [sys.executable, "-c", textwrap.dedent(script)]
    assert (
        0
        == subprocess.run(
            command, timeout=300, check=False, cwd=tmp_path, env=environment
        ).returncode
    )
