"""Several blobs at a time: all of them, in order, whatever becomes of one."""

import threading
import time
from contextvars import ContextVar

import pytest
from attrs import evolve

import provenance as p
from contract.stores import memory
from provenance.effects.io import blob_of
from provenance.effects.layers import parallel_writes
from provenance.errors import StoreUnavailableError
from provenance.model.records import StoredBlob
from provenance.ports.blobs import WriteBlob, WriteBlobs
from waiting import PATIENCE, until

SLOW = 0.05
variable = ContextVar("variable", default="nothing")


def slowly(ask, seen, count):
    """The answers of *ask*, taking long here, and in other threads until *count* of them are *seen*, by their names."""
    here = threading.current_thread().name

    def write(effect):
        name = threading.current_thread().name
        seen.append(name)
        if name == here:
            time.sleep(SLOW)
        else:
            until(lambda: len({*seen} - {here}) >= count)
        return ask(effect)

    return ask | WriteBlob.on(write)


def writing(data):
    """Writes *data*."""
    return lambda sink: sink.write(data) and None


@pytest.mark.parametrize("worthwhile", [0.0, 1e9])
def test_each_is_answered_in_its_place(worthwhile):
    """Whether or not threads are used; an error is the answer of the one that it is of."""
    ask = parallel_writes(memory(None).ask, worthwhile)

    def failing(_):
        raise StoreUnavailableError("somewhere", "it is full", "wait")

    writes = (writing(b"a"), failing, writing(b"c"), writing(b""))
    answers = ask(WriteBlobs(writes))
    assert [
        StoredBlob(blob_of(b"a")),
        StoreUnavailableError,
        StoredBlob(blob_of(b"c")),
        StoredBlob(blob_of(b"")),
    ] == [type(each) if isinstance(each, StoreUnavailableError) else each for each in answers]
    assert () == ask(WriteBlobs(()))


def test_what_takes_long_is_done_side_by_side():
    """The first alone, the others in threads, with the caller's context; what is quick uses none."""
    seen, contexts = [], []
    ask = parallel_writes(slowly(memory(None).ask, seen, 8))
    variable.set("something")
    ask(WriteBlobs(tuple(lambda sink: contexts.append(variable.get()) for _ in range(9))))
    assert ["something"] * 9 == contexts
    assert (1, 8) == (seen.count(threading.current_thread().name), len(set(seen)) - 1)
    quick = parallel_writes(memory(None).ask, PATIENCE)  # a busy machine is not quick
    quick(
        WriteBlobs(
            tuple(lambda sink: contexts.append(threading.current_thread().name) for _ in range(9))
        )
    )
    assert {threading.current_thread().name} == set(contexts[9:])


def test_a_programming_error_is_raised():
    """What is no error of the library ends the whole, threads or not."""
    for worthwhile in (0.0, 1e9):
        ask = parallel_writes(memory(None).ask, worthwhile)
        with pytest.raises(ZeroDivisionError):
            ask(WriteBlobs((writing(b"a"), writing(b"b"), lambda sink: 1 / 0, writing(b"c"))))


@p.provenance(name="several", returns_composite=True)
def several(count):
    """A composite of so many parts, some of which pickle refuses."""
    return {f"part{i}": (lambda x, i=i: x + i) if i % 2 else [[i]] * 3 for i in range(count)}


def test_parts_and_promotions_go_side_by_side():
    """The parts of a composite are written together, falling back one by one; and so is what is promoted."""
    seen = []
    slow = parallel_writes(slowly(p.MemoryRepo().interpreter, seen, 3))
    near = evolve(p.MemoryRepo("near"), interpreter=slow)
    with p.using_repo(near):
        made = several(6)
        assert [[[0]] * 3, 11] == [made["part0"], made["part1"](10)]
        assert len(set(seen)) > 3
    target = p.MemoryRepo("target")
    seen.clear()
    far = evolve(target, interpreter=parallel_writes(slowly(target.interpreter, seen, 3)))
    copied = p.promote(made, far, near)
    assert [[4]] * 3 == copied.value["part4"]
    assert len(set(seen)) > 3
