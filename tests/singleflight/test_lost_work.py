"""What was computed is not lost: races, stores that fail, values that nothing can write."""

import sqlite3
import threading

import pytest
from attrs import evolve

import provenance as p
from later import in_a_day
from provenance import environment
from provenance.effect import Interpreter
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord


def failing(repo, kind, error):
    """*repo* where answering *kind* fails."""

    def fail(_):
        raise error

    return evolve(repo, interpreter=repo.interpreter | Interpreter({kind: fail}))


FULL = p.StoreUnavailableError("disk", "no space left on device", "free some space")
FORBIDDEN = p.StorePermissionError("recording an artifact", "disk", "write")


@pytest.mark.parametrize("kind", [WriteBlob, PutRecord])
@pytest.mark.parametrize("error", [FULL, FORBIDDEN])
def test_an_error_of_the_store_holds_the_result(repo, kind, error):
    """When the store cannot take a result, the error has it; and nothing is recorded."""
    f = p.provenance(name="f")(lambda: ["an hour of work"])
    with p.using_repo(failing(repo, kind, error)), pytest.raises(type(error)) as raised:
        f()
    assert ["an hour of work"] == raised.value.value
    assert not f.is_cached()


@pytest.mark.parametrize("value", [threading.Lock(), (each for each in "abc"), [threading.Lock()]])
def test_an_error_of_the_serializer_holds_the_result(repo, value):
    """A result without content, or that nothing can write, is in the error, which names the function."""
    global _value  # noqa: PLW0603 - a global is no captured value
    _value = value
    f = p.provenance(name="f")(returns_global)
    with pytest.raises(p.UnserializableValueError, match="returns_global") as raised:
        f()
    assert value is raised.value.value
    assert not f.is_cached()


def a_circle():
    """A list that contains itself."""
    made = []
    made.append(made)
    return made


def a_deep_list():
    """A list in a list, and so on."""
    made = []
    for _ in range(5_000):
        made = [made]
    return made


@pytest.mark.parametrize(
    ("advice", "make"),
    [
        (
            r"read only once; return a list or another collection of what it yields$",
            lambda: (each for each in "abc"),
        ),
        (
            r"read only once; return a list or another collection of what it yields$",
            lambda: map(str, "abc"),
        ),
        (
            r"result of .*returns_global\[0\]: it contains itself; return something that does not contain itself$",
            a_circle,
        ),
        (r"too deeply \(more than \d+ levels\); return something flatter$", a_deep_list),
        (
            r"a lock .*; return something that has a value, or teach its type with `register_hasher`$",
            threading.Lock,
        ),
    ],
)
def test_the_advice_fits_the_result(repo, advice, make):
    """No serializer helps where there is nothing to hash, and a result is no argument that could be left out."""
    global _value  # noqa: PLW0603 - as above
    _value = make()
    with pytest.raises(p.UnserializableValueError, match=advice) as raised:
        p.provenance(name="f")(returns_global)()
    assert "serializer" not in str(raised.value)
    assert "ignore" not in str(raised.value)
    assert _value is raised.value.value


def test_a_store_that_breaks_is_not_the_serializers_fault(repo):
    """What a store raises that is no error of the library is named, with the function and where the result is."""
    f = p.provenance(name="f")(lambda: [1])
    with (
        p.using_repo(failing(repo, PutRecord, RuntimeError("broken"))),
        pytest.raises(
            p.UnserializableValueError, match=r"f: .*RuntimeError: broken; .*`value`"
        ) as raised,
    ):
        f()
    assert "serializer" not in str(raised.value)
    assert [1] == raised.value.value


_value = None


def returns_global():
    """The value of the test."""
    return _value


def test_a_result_falls_back_to_a_serializer_that_can(repo):
    """What pickle refuses (a lambda) is written by cloudpickle, and read back."""
    f = p.provenance(name="f")(lambda: {"square": lambda x: x * x})
    f()
    assert 9 == f()["square"](3)
    assert "cloudpickle" == f.artifact().serializer


def test_a_chosen_serializer_is_not_replaced(repo):
    """Who chose a serializer gets that one, or its refusal."""
    f = p.provenance(name="f", serializer="pickle")(lambda: [lambda x: x])
    with pytest.raises(p.UnserializableValueError, match="'pickle' refused"):
        f()


def test_racing_threads_all_get_their_result(stored, reopened):
    """Threads that compute one call at once, waiting for nobody: none fails, all get the value of the one artifact."""
    environment.install(evolve(environment.current(), single_flight=None))
    barrier = threading.Barrier(8)
    results, errors = [], []

    def body(x):
        barrier.wait()
        return {"thread": threading.get_ident(), "x": x}

    f = p.provenance(name="f", ignore=["barrier"])(body)

    def work():
        try:
            results.append(f(1))
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [] == errors
    assert 1 == len({p.artifact_of(each).id for each in results})
    winner = reopened()[p.artifact_of(results[0]).id].value
    assert [winner] * 8 == results


def test_many_threads_share_a_repository(stored):
    """Different calls from many threads: each finds its own, hits and misses alike."""
    f = p.provenance(name="f")(lambda x: [x] * 300)
    found, errors = [], []

    def work():
        try:
            found.append([list(f(i)) for i in range(20)])
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [] == errors
    assert [[[i] * 300 for i in range(20)]] * 6 == found


def test_deleting_keeps_bytes_that_another_artifact_shares(stored):
    """Two artifacts with one value: deleting one leaves the other readable, small or large."""
    for size in (1, 5000):
        one, other = (
            p.provenance(name=name)(lambda size: b"\0" * size).artifact(size)
            for name in ("one", "other")
        )
        assert one.value_blob == other.value_blob
        in_a_day(stored).delete(one.id)
        assert one.id not in stored
        assert bytes(size) == stored[other.id].value
        in_a_day(stored).delete(other.id)
        with pytest.raises(p.BlobNotFoundError):
            _ = other.value


def test_a_crash_between_blob_and_record_leaves_no_record(stored, reopened):
    """If recording fails, the bytes may stay, but the call is simply not cached, and can be computed again."""
    f = p.provenance(name="f")(lambda: bytes(5000))
    with (
        p.using_repo(failing(stored, PutRecord, sqlite3.OperationalError("crash"))),
        pytest.raises(Exception, match="crash"),
    ):
        f()
    reopened()
    assert not f.is_cached()
    assert bytes(5000) == f()
    assert f.is_cached()


def test_a_serializer_that_fails_half_way_leaves_nothing(stored, tmp_path):
    """A half-written blob is not to be found."""

    def dump(value, sink):
        sink.write(bytes(1_000_000))
        raise ValueError("half way")

    p.register_serializer("half", dump, lambda source: source.read())
    f = p.provenance(name="f", serializer="half")(lambda: 1)
    with pytest.raises(p.UnserializableValueError, match="half way"):
        f()
    assert [] == [
        each for each in tmp_path.rglob("*") if each.is_file() and each.stat().st_size >= 1_000_000
    ]
