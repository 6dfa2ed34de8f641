"""A fork at any moment, as in a signal handler, leaves the call of the parent and of the child whole."""

import os
import sys

import pytest

import provenance as p
from provenance.effects.sql import sqlite

MOST = 2_000


def fork_at(step, call, *, in_child):
    """Return what *call* returns, with a fork before the line number *step* of the module; and whether that was reached."""
    count, reached = 0, False

    def line(frame, event, _):
        nonlocal count, reached
        if frame.f_code.co_filename != sqlite.__file__:
            return None
        if event == "line":
            if count == step:
                reached = True
                sys.settrace(None)
                child = os.fork()
                if child == 0 and not in_child:
                    os._exit(0)
                if child:
                    os.waitpid(child, 0)
            count += 1
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        return call(), reached
    finally:
        sys.settrace(before)


@pytest.fixture(name="square")
def _square():
    """A function and its repository on disk."""
    with p.using_repo(p.SqliteRepo(db="records.db")):
        square = p.provenance(name="square")(lambda n: n * n)
        square(3)
        yield square


def steps(call, *, in_child=False):
    """Fork before each line that *call* executes in turn."""
    for step in range(MOST):
        parent = os.getpid()
        status = 1
        try:
            _, reached = fork_at(step, call, in_child=in_child)
            status = 0
        finally:
            if os.getpid() != parent:
                os._exit(status)
        if not reached:
            return step
    raise AssertionError


def test_a_look_up_of_the_parent_goes_on(square):
    """Whenever a handler forks, the look-up finds what is stored."""

    def look_up():
        with p.using_repo(p.SqliteRepo(db="records.db")):
            assert 9 == square(3)

    assert 3 < steps(look_up)


def test_a_record_of_the_parent_is_written(square):
    """A transaction that the fork interrupts is done again."""
    computed = iter(range(10, MOST))

    def record():
        n = next(computed)
        assert n * n == square(n)
        assert square.is_cached(n)

    assert 3 < steps(record)


def test_a_child_that_goes_on_finds_what_is_stored(square):
    """It does not return from the handler with a connection of its parent."""

    def look_up():
        with p.using_repo(p.SqliteRepo(db="records.db")):
            assert 9 == square(3)

    assert 3 < steps(look_up, in_child=True)
