"""What is stored comes back: the first value of each type is read back before it is recorded."""

import collections
import copyreg
import datetime as dt
import io
import pickle
import urllib.error
from email.message import Message

import joblib
import msgspec
import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import NearestNDInterpolator
from sklearn.cluster import Birch, BisectingKMeans
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.neural_network import MLPClassifier

import provenance as p
from hashing.values import pairs
from provenance.codecs.pickling import dump_cloudpickle, dump_joblib
from provenance.testing import in_memory


class Refined(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Forgetful:
    def __init__(self, x):
        self.x = x

    def __setstate__(self, state):
        self.x = None


class Counted(dt.date):
    pass


class Fragile:
    def __setstate__(self, state):
        raise KeyError("lost")

    def __getstate__(self):
        return {"a": 1}


UNREADABLE = {
    "exception": lambda: Refined(1, "x"),
    "HTTPError": lambda: urllib.error.HTTPError("http://x", 404, "no", Message(), None),
    "loses what it holds": lambda: Forgetful(1),
    "fails to load": Fragile,
}


@pytest.mark.parametrize("dump", [dump_cloudpickle, dump_joblib])
def test_what_dask_registers_for_exceptions_is_not_written(monkeypatch, dump):
    """A store can be read where tblib is not, and what is stored does not depend on what was imported."""
    import tblib.pickling_support as tblib  # comes with Dask, which the lock has

    value = pairs.raised(ValueError("cause"))
    monkeypatch.setitem(copyreg.dispatch_table, ValueError, tblib.pickle_exception)
    sink = io.BytesIO()
    dump([value], sink)
    assert b"tblib" not in sink.getvalue()
    [found] = pickle.loads(sink.getvalue())
    assert p.hash(value) == p.hash(found)
    assert found.__traceback__ is None is found.__context__
    assert ("cause",) == found.__cause__.args


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("serializer", [None, "joblib"])
def test_what_does_not_come_back_is_not_recorded(kind, serializer):
    """Each time; the error holds the value."""
    value = UNREADABLE[kind]()
    with in_memory():

        @p.provenance(serializer=serializer)
        def make(at):
            return value

        for at in range(3):
            with pytest.raises(p.UnserializableValueError) as caught:
                make(at)
            assert caught.value.value is value
            assert not make.is_cached(at)


def test_the_next_serializer_takes_over():
    """A serializer that changes what it is given refuses it."""

    class Rounded:
        def __init__(self, x):
            self.x = x

    def dump(value, sink):
        sink.write(f"{value.x:.0f}".encode())

    def load(source):
        return Rounded(float(source.read()))

    p.register_serializer("rounded", dump, load, Rounded)
    with in_memory():

        @p.provenance()
        def make(x):
            return Rounded(x)

        assert ["cloudpickle", "cloudpickle", "rounded"] == [
            make.artifact(x).serializer for x in (1.5, 2.5, 1.0)
        ]


KEPT = {
    **{name: make for name, make in pairs.BESIDE.items() if name not in {"cause", "note"}},
    "causes": lambda: [pairs.raised(ValueError("a")), pairs.raised(note="b")],
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_hangs_beside_is_kept(kind):
    """What pickle and the formats of tables leave out is written too."""
    for value in KEPT[kind]():
        with in_memory() as repo:

            @p.provenance()
            def make(held):
                return held[0]

            artifact = make.artifact([value])
            assert p.hash(value) == p.hash(repo.get_value(artifact.id))


@pytest.mark.parametrize(
    "value",
    [
        pairs.given(pairs.frame(), attrs={"unit": "m", "many": [1, 2.5, None]}),
        pairs.frame().set_flags(allows_duplicate_labels=False),
        pd.DataFrame({"a": [1, 2]}, index=pairs.times("D")),
        pd.DataFrame({"a": [1.0, 2.0]}, index=pd.timedelta_range("1h", periods=2, freq="90min")),
        pairs.given(pd.Series([1, 2], index=pairs.times("B")), attrs={"a": {"b": 1}}),
    ],
)
def test_tables_with_extras_stay_parquet(value):
    """`attrs` that are JSON, flags and frequencies have a place in the file."""
    with in_memory() as repo:

        @p.provenance()
        def make(held):
            return held[0]

        artifact = make.artifact([value])
        assert artifact.serializer.endswith("_parquet")
        assert p.hash(value) == p.hash(repo.get_value(artifact.id))


@pytest.mark.parametrize("attrs", [{1: "a"}, {"a": (1, 2)}, {"a": np.int64(1)}, {"a": dt.date.min}])
def test_other_attrs_are_left_to_the_next(attrs):
    """What JSON changes goes elsewhere."""
    with in_memory() as repo:

        @p.provenance()
        def make(held):
            return held[0]

        value = pairs.given(pairs.frame(), attrs=attrs)
        artifact = make.artifact([value])
        assert artifact.serializer == "joblib"
        assert p.hash(value) == p.hash(repo.get_value(artifact.id))


def test_values_are_read_back_ever_more_rarely(monkeypatch):
    """The first of a type, then the second, the fourth and so on; a scalar never."""
    read = collections.Counter()
    load = joblib.load

    def counting(source):
        read["joblib"] += 1
        return load(source)

    monkeypatch.setattr(joblib, "load", counting)
    with in_memory():

        @p.provenance(serializer="joblib")
        def make(at):
            return Counted.fromordinal(at + 1)

        for at in range(40):
            make.artifact(at)
    assert 6 == read["joblib"]


MODELS = {
    "boosted": GradientBoostingClassifier(n_estimators=2),
    "process": GaussianProcessClassifier(),
    "network": MLPClassifier((2,), max_iter=200, tol=1.0),
    "clusters": BisectingKMeans(2),
    "tree of clusters": Birch(),
    "interpolation": NearestNDInterpolator(np.arange(8.0).reshape(4, 2), np.arange(4)),
}


@pytest.mark.parametrize("kind", MODELS)
def test_models_that_keep_the_global_source_of_random_numbers_come_back(kind, memory_repo):
    """And trees whose memory was never written to: equal by hash, and with the global source again."""
    model = MODELS[kind]
    if hasattr(model, "fit"):
        model.fit(np.arange(20.0).reshape(10, 2), np.arange(10) % 2)
    artifact = p.provenance(name=kind)(lambda: model).artifact()
    again = memory_repo.get_value(artifact.id)
    assert p.hash(model) == p.hash(again)
    sources = [each for each in vars(again).values() if isinstance(each, np.random.RandomState)]
    assert all(each is np.random.mtrand._rand for each in sources)
    assert sources or kind in {"process", "tree of clusters", "interpolation"}


def test_a_table_as_it_is_shown_is_refused_with_advice(memory_repo):
    """A styler has a random name; the error says what to return, and holds the value."""
    with pytest.raises(p.UnhashableValueError, match="HTML as text") as caught:
        p.hash(pd.DataFrame({"a": [1]}).style)
    assert "random name" in str(caught.value)


class Place(msgspec.Struct):
    x: int
    tags: list = []


class Town(Place, dict=True, weakref=True):
    name: str = ""


def test_structs_come_back(memory_repo):
    """Their fields are slots of subclasses, which their reduction has; attributes beside it come back, too."""
    town = Town(1, ["a"], "b")
    town.note = "c"
    for value in (Place(1), town, Town(1)):
        artifact = p.provenance(name="place")(lambda given: given).artifact([value])
        (again,) = memory_repo.get_value(artifact.id)
        assert value == again
        assert p.hash(value) == p.hash(again)
    assert (
        "c" == memory_repo.get_value(p.provenance(name="t")(lambda: [town]).artifact().id)[0].note
    )


@pytest.mark.parametrize(
    "value",
    [
        np.empty((0, 3)),
        np.arange(4, dtype=">i4"),
        np.zeros(2, [("a", "i4")]),
        np.ones((3, 4))[:, 1:],
    ],
    ids=["empty", "big-endian", "structured", "with gaps"],
)
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_a_serializer_may_write_any_buffer(value, compression):
    """What is kept to be read back, or compressed, takes what a file takes, and arrays with gaps."""
    written = []

    def dump(value, sink):
        written.append(sink.write(value))

    def load(source):
        return np.frombuffer(source.read(), value.dtype).reshape(value.shape)

    with in_memory() as repo:
        name = f"buffers_{value.dtype.str.strip('<>|')}_{value.size}_{compression}"
        p.register_serializer(name, dump, load)
        options = {"compression": compression} if compression else {}
        stored = p.provenance(name="values", serializer=name, dump_kwargs=options)(lambda: value)()
        assert p.hash(value) == p.hash(repo.get_value(stored))
    assert [value.nbytes] == written
