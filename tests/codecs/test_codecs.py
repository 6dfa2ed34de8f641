"""Serializers: what is written is read back, the type decides who writes, and a registry says what it has."""

import io
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import provenance as p
from provenance.codecs import Decoding, Encoding, candidates, get_serializer
from strategies import nested

VALUES = [
    7, None, "text \ud800", b"", [], {"a": 1}, (1, [2, {3}]), {1: {2: (3,)}}, float("inf"), 10**100, range(3),
    np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((2, 3))), np.array(5), np.array(["a", None], dtype=object),
    np.zeros((0, 3)), np.float32(1.5), {"array": np.arange(3)}, pd.DataFrame({"a": [1, 2]}), pd.Series([1.5], name="s"),
]  # fmt: skip


def written(value, chosen=None):
    """Bytes of *value*, and the serializer that wrote them."""
    first = next(iter(candidates(value, chosen)))
    sink = io.BytesIO()
    Encoding(first.name, value, "it")(sink)
    return sink.getvalue(), first.name


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("chosen", [None, "joblib", "cloudpickle"])
def test_what_is_written_is_read_back(value, chosen):
    """With the serializer that the type prefers, and with those that take anything."""
    data, name = written(value, chosen)
    assert p.hash(value) == p.hash(Decoding(name)(io.BytesIO(data)))


@given(nested)
def test_any_nested_value_is_read_back(value):
    """Nothing of it is lost."""
    data, name = written(value)
    assert p.hash(value) == p.hash(Decoding(name)(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "pickle"),
        ({"auc": 0.9}, "pickle"),
        ([{"rows": [(1, None), (2.5, b"x")]}], "pickle"),
        ([[np.arange(3)]], "joblib"),
        (np.arange(3), "numpy"),
        (np.array([None]), "joblib"),
    ],
)
def test_the_type_decides(value, expected):
    """Small plain values, arrays, and the rest."""
    assert expected == written(value)[1]


@pytest.mark.parametrize("name", ["pickle", "numpy", "joblib", "cloudpickle"])
@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_damaged_bytes_are_no_value(name, cut):
    """What ends too early is an exception, never a wrong value."""
    sink = io.BytesIO()
    Encoding(name, np.arange(100), "it")(sink)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whichever the serializer has; `programs` makes one error of them
        Decoding(name)(io.BytesIO(sink.getvalue()[:cut]))


def test_arrays_that_were_read_belong_to_the_reader():
    """A decoded array can be written to."""
    data, name = written(np.arange(3))
    array = Decoding(name)(io.BytesIO(data))
    array[0] = 9
    assert 9 == array[0]


def test_registering(repo):
    """A serializer of one's own is the first choice for its classes, and is found by name."""

    class Temperature:
        def __init__(self, degrees):
            self.degrees = degrees

    p.register_serializer(
        "temperature",
        lambda value, sink: sink.write(str(value.degrees).encode()),
        lambda source: Temperature(float(source.read())),
        classes=Temperature,
    )
    f = p.provenance(name="f")(lambda degrees: Temperature(degrees))  # noqa: PLW0108 - a function of the user's, whose parameter has a name
    artifact = f.artifact(21.5)
    assert ("temperature", 4, 21.5) == (
        artifact.serializer,
        artifact.size_bytes,
        artifact.value.degrees,
    )
    with pytest.raises(p.ConfigError, match="temperature"):
        p.register_serializer("temperature", print, print)


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars", "pyarrow", "torch"])
def test_a_library_that_another_thread_is_importing(repo, library, monkeypatch):
    """It is there already, without its types; what a function returned meanwhile is stored all the same."""
    half = ModuleType(library)
    half.__spec__ = ModuleSpec(library, None)
    half.__spec__._initializing = True
    monkeypatch.setitem(sys.modules, library, half)

    @p.provenance(repo=repo)
    def made(x):
        return {"a": [x, {}]}

    assert {"a": [1, {}]} == made(1)
    assert made.is_cached(1)
    assert p.explain_hash({"a": [1, {}]}) is not None


@pytest.mark.parametrize("value", [memoryview(b"abc"), [memoryview(b"abc")]])
def test_a_look_at_memory_is_no_value_to_store(repo, value):
    """It would come back as bytes."""

    @p.provenance(repo=repo)
    def looked():
        return value

    with pytest.raises(p.UnserializableValueError, match="store bytes or an array") as caught:
        looked()
    assert value is caught.value.value


def test_an_unknown_serializer_names_the_nearest():
    """Or all that there are."""
    with pytest.raises(p.ConfigError, match=r"did you mean 'cloudpickle'\?"):
        get_serializer("cloudpikle")
    with pytest.raises(p.ConfigError, match="joblib"):
        get_serializer("zzz")


def test_a_value_of_an_unknown_serializer_says_what_to_import():
    """The record names a serializer of the user's that this process has not registered."""
    with pytest.raises(p.ConfigError, match=r"'zzz' wrote .* import the module that registers it"):
        Decoding("zzz")(io.BytesIO())


def test_what_the_sink_raises_is_no_refusal():
    """A full disk is a full disk."""

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        Encoding("pickle", [1], "it")(Full())


def test_a_refusal_holds_the_value():
    """What a serializer raises is an error that names it and the value's origin, and has the value."""
    value = [lambda: 1]
    with pytest.raises(p.UnserializableValueError, match=r"the result of f.*'pickle'") as raised:
        Encoding("pickle", value, "the result of f")(io.BytesIO())
    assert value is raised.value.value
