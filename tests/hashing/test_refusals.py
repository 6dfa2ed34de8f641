"""What has no content is refused, and the error says where it is."""

import socket
import sqlite3
import threading
import weakref
from types import SimpleNamespace

import pytest

from provenance.errors import UnhashableValueError
from provenance.hashing import digest, hash_value


class Model:
    def __init__(self, *layers):
        self.layers = list(layers)


class Slotted:
    __slots__ = ("lock",)

    def __init__(self):
        self.lock = threading.Lock()


def refused(value, path="value"):
    """Return the error of hashing *value*."""
    with pytest.raises(UnhashableValueError) as caught:
        digest(value, path)
    return caught.value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("value", threading.Lock()),
        ("value[1]", [1, threading.Lock()]),
        ("value['a'][0]", {"a": (threading.Lock(),)}),
        ("value[3]", {3: threading.Lock()}),
        ("value.layers[1].lock", Model(1, Slotted())),
        ("value.a['b']", SimpleNamespace(a={"b": threading.Lock()})),
    ],
)
def test_the_path_leads_to_the_offender(path, value):
    """The path is the expression that reaches the part."""
    assert path == refused(value).path


def test_the_path_begins_as_asked():
    """The caller names the root, and the message says it all."""
    error = refused({"model": Model(1, 2, 3, Slotted())}, "arguments")
    assert "arguments['model'].layers[3].lock" == error.path
    assert "cannot hash arguments['model'].layers[3].lock: " in str(error)
    with pytest.raises(TypeError):
        hash_value([threading.Lock()])


async def _coroutine():
    return 1


def test_what_can_be_read_once_is_refused():
    """Generators, coroutines and iterators are refused, not consumed."""
    generator = (number for number in [1, 2])
    coroutine = _coroutine()
    for value in (generator, coroutine, iter([1]), map(str, [1]), zip([1], [2], strict=True)):
        assert ("awaited" if value is coroutine else "a list") in refused([value]).instead
    coroutine.close()
    assert [1, 2] == list(generator)


def test_resources_are_refused(tmp_path):
    """Files, sockets, connections, threads and weak references have no content of their own."""
    with (
        (tmp_path / "x").open("w") as text,
        socket.socket() as wire,
        (tmp_path / "x").open("rb") as binary,
    ):
        connection = sqlite3.connect(":memory:")
        for value in (
            text,
            binary,
            wire,
            connection,
            threading.Thread(),
            weakref.ref(Model),
            threading.RLock(),
        ):
            refused(value)
        connection.close()


def test_a_cycle_is_refused_with_its_place():
    """A value that contains itself is refused, and the path leads round once."""
    rows = [1]
    rows.append({"self": rows})
    assert ("value[1]['self']", "it contains itself") == (refused(rows).path, refused(rows).reason)
    node = Model()
    node.layers.append(node)
    assert "it contains itself" == refused(node).reason
    book = {}
    book["me"] = (book,)
    assert "it contains itself" == refused({"a": book}).reason


def test_a_very_deep_value_is_refused():
    """A list 100,000 levels deep is an error of ours, and not called a cycle."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in refused(deep).reason
    while deep:
        deep = deep[0]  # the interpreter cannot free it at once either


def test_shared_parts_cost_once():
    """Fifty doublings are hashed at once, and as if nothing were shared."""
    shared, apart = [1], [1]
    for level in range(50):
        shared = [shared, shared]
        if level < 8:
            apart = [apart, [*apart]]
            expected = digest(shared)
            assert expected == digest(apart)
    assert 20 == len(digest(shared))
