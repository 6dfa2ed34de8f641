"""What goes wrong in libraries of this kind, and must not go wrong here."""

import functools
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import provenance as p
from provenance.effect import with_layer
from provenance.ports.blobs import ReadBlob

echo = p.provenance(name="echo")(lambda value: value)


@dataclass
class One:
    x: int


@dataclass
class Other:
    x: int


class Text(str):
    __slots__ = ()


FRAME = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
PAIRS = [
    (np.zeros((2, 3)), np.zeros(6)),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (np.zeros(3, "i8"), np.zeros(3, "f8")),
    (np.zeros(2, "<f8"), np.zeros(2, ">f8").astype("<i8")),
    (np.array(["ab", "c"]), np.array(["a", "bc"])),
    (FRAME, FRAME.rename(columns={"a": "A"})),
    (FRAME, FRAME[["b", "a"]]),
    (FRAME, FRAME.set_axis([1, 2])),
    (FRAME["a"], FRAME["a"].rename("b")),
    (["ab", "c"], ["a", "bc"]),
    ([["a"], "b"], [["a", "b"]]),
    ({"a": "b"}, {"b": "a"}),
    (One(1), Other(1)),
    (One(1), {"x": 1}),
    ("a", Text("a")),
    (1, True),
    (0.0, -0.0),
    ("1", b"1"),
    ((), []),
    ({}, set()),
    (None, "None"),
    (max, min),
    (functools.partial(max, 1), functools.partial(max, 2)),
    (lambda x: x + 1, lambda x: x + 2),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda value: repr(value)[:15])
def test_wrong_value__look_alikes_are_told_apart(repo, one, other):
    """Values that some key cannot tell apart make calls of their own."""
    assert echo.artifact_id(one) != echo.artifact_id(other)
    assert echo.artifact_id([one]) != echo.artifact_id([other])


def test_wrong_value__block_layout_of_frames_does_not_count():
    """A frame that was built column by column is the one that was built at once."""
    grown = pd.DataFrame({"a": [1, 2]})
    grown["b"] = [3, 4]
    assert echo.artifact_id(FRAME) == echo.artifact_id(grown) == echo.artifact_id(FRAME.copy())


def test_wrong_value__an_object_address_is_no_key(repo):
    """Objects without a `repr` of their own are told apart by what they hold, and equal ones are not."""

    class Plain:
        def __init__(self, x):
            self.x = x

    assert echo.artifact_id(Plain(1)) == echo.artifact_id(Plain(1)) != echo.artifact_id(Plain(2))


def test_wrong_value__every_argument_counts(repo):
    """An argument that cannot be hashed is an error, never left out of the key."""
    with pytest.raises(p.UnhashableValueError):
        p.provenance(lambda a, b: a)(1, threading.Lock())


def test_wrong_value__a_loop_variable_is_captured_by_each_function_when_it_is_planned(repo):
    """Functions made in a loop, which all see the last value, are served what they compute."""
    functions = []
    for i in range(3):

        @p.provenance()
        def f(x):
            return x * i  # noqa: B023 - the trap

        functions.append(f)
    assert (
        [20, 20, 20]
        == [each(10) for each in functions]
        == [each.__wrapped__(10) for each in functions]
    )


def test_wrong_value__a_default_argument_counts(repo):
    """Two versions of a function that differ in a default make calls of their own."""

    def make(default):
        @p.provenance()
        def f(x=default):
            return [x]

        return f

    assert ([1], [2]) == (make(1)(), make(2)())


def test_lost_work__odd_names_reach_the_database(stored):
    """Names and tags are text to SQL, whatever is in them."""
    name = "x'; DROP TABLE artifacts; -- \" % ? größe"
    f = p.provenance(name=name, tags=["'); --"], custom_fields={"'": '"'})(lambda: 1)
    artifact = stored[f.artifact().id]
    assert (name, ("'); --",), '"') == (artifact.name, artifact.tags, artifact.custom_fields["'"])


def test_lost_work__others_may_read_the_blobs(stored, tmp_path):
    """Files get the permissions that the user's umask gives to any file."""
    before = os.umask(0o022)
    try:
        p.provenance(name="f")(lambda: bytes(5000))()
    finally:
        os.umask(before)
    (blob,) = [each for each in (tmp_path / "blobs").rglob("*") if each.is_file()]
    assert 0o044 == stat.S_IMODE(blob.stat().st_mode) & 0o044


def test_lost_lineage__a_deleted_input_leaves_its_progeny_readable(stored):
    """The result is there, its inputs still name the artifact, and only looking into that one is an error."""
    source = echo([1])
    result = p.provenance(name="length")(lambda x: len(x)).artifact(source)  # noqa: PLW0108 - a function of the user's, whose parameter has a name
    stored.delete(p.artifact_of(source).id)
    fresh = stored[result.id]
    assert 1 == fresh.value
    reference = fresh.inputs["kargs"]["x"]
    assert p.is_proxy(reference)
    with pytest.raises(p.ArtifactNotFoundError):
        len(reference)


def test_lost_lineage__reading_inputs_reads_no_values(stored, reopened):
    """The inputs of an artifact are read without the values of the artifacts among them."""
    sources = [echo(bytes([i]) * 5000) for i in range(3)]
    artifact = p.provenance(name="count")(lambda xs: len(xs)).artifact(sources)  # noqa: PLW0108 - a function of the user's, whose parameter has a name
    repo = reopened()
    read = []

    def layer(effect, inner):
        if isinstance(effect, ReadBlob):
            read.append(effect.blob)
        return inner(effect)

    object.__setattr__(repo, "interpreter", with_layer(repo.interpreter, layer))
    inputs = repo[artifact.id].inputs["kargs"]["xs"]
    assert [p.artifact_of(each).id for each in sources] == [
        p.artifact_of(each).id for each in inputs
    ]
    assert [artifact.inputs_blob] == read


@pytest.mark.parametrize(
    "place",
    [
        lambda x: [x], lambda x: {"a": {"b": (x,)}}, lambda x: {x: 1}, lambda x: One(x), lambda x: functools.partial(max, x),  # noqa: PLW0108 - a function of the user's, whose parameter has a name
        lambda x: np.array([x, None], dtype=object), lambda x: pd.Series([x, None], dtype=object), lambda x: frozenset({x}),
        lambda x: (lambda: x), lambda x: [[[[[[[x]]]]]]],
    ],
)  # fmt: skip
def test_lost_lineage__an_edge_wherever_an_artifact_is(repo, place):
    """An artifact at any depth of an argument, of whatever type, is among the inputs: fresh, unread or unpickled."""
    make = p.provenance(name="make")(lambda: (1, 2))
    take = p.provenance(name="take")(lambda holder: 1)
    for source in (make(), make(), p.artifact_of(make()).proxy()):
        assert {make.artifact_id()} == take.plan(place(source)).input_artifact_ids
    assert {make.artifact_id()} == take.artifact(place(make())).input_artifact_ids


def test_threads__pools_use_the_process_environment(stored):
    """Worker threads store where the process stores."""
    with ThreadPoolExecutor(4) as pool:
        ids = [p.artifact_of(each).id for each in pool.map(echo, [[i] for i in range(20)])]
    assert all(each in stored for each in ids)


def test_cost__large_inputs_are_summarised_for_sql(stored):
    """An array is type, shape, dtype and hash in the column for people, whatever its size."""
    array = np.zeros((1000, 50))
    artifact = p.provenance(name="f")(lambda a: 1).artifact(array)
    rows = pd.read_sql("SELECT * FROM artifacts", stored.engine)
    (row,) = rows[rows["id"] == artifact.id].to_dict("records")
    text = row["inputs_json"]
    assert len(text) < 500
    for fact in ("ndarray", "[1000, 50]", "float64", p.hash(array)):
        assert fact.replace(" ", "") in text.replace(" ", "")


def test_security__yaml_and_ids_do_nothing(repo, tmp_path):
    """A path is no id, and reading one touches no file."""
    for text in ("../../etc/passwd", "/etc/passwd", str(tmp_path), "..", "abcdef/../.."):
        assert text not in repo
    assert [] == list(tmp_path.iterdir())


def test_types__the_package_says_that_it_is_typed():
    """`py.typed` is installed beside the modules."""
    assert (Path(p.__file__).parent / "py.typed").is_file()


def test_lost_work__a_read_only_call_changes_no_store(stored, reopened, tmp_path):
    """Even a damaged value, met by a read-only call, is computed for the caller and left where it is."""
    f = p.provenance(name="f")(lambda: bytes(5000))
    f()
    (blob,) = [each for each in (tmp_path / "blobs").rglob("*") if each.is_file()]
    blob.write_bytes(b"damaged")
    reopened()
    p.set_read_only(True)
    assert bytes(5000) == f()
    assert b"damaged" == blob.read_bytes()


def test_lost_work__many_readers_of_a_lost_value_all_get_it(stored, reopened, tmp_path):
    """Threads that read one lost value at once compute it, and none fails."""
    f = p.provenance(name="f")(lambda: bytes(5000))
    f()
    for each in [each for each in (tmp_path / "blobs").rglob("*") if each.is_file()]:
        each.unlink()
    reopened()
    proxies = [f() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert [5000] * 6 == list(pool.map(len, proxies))
