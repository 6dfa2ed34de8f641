"""An interrupt at any moment leaves no lock of a connection pool taken."""

import sqlite3
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy

from provenance.effects.sql import postgres_connection
from provenance.effects.sql.postgres_connection import InterruptiblePool

MOST = 5_000
INTERRUPTED = (
    str(Path(sqlalchemy.__file__).parent),
    threading.__file__,
    postgres_connection.__file__,
)


def interrupt_at(step, call):
    """Raise KeyboardInterrupt before the line or the return number *step* of *call*; return whether that was reached."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if not frame.f_code.co_filename.startswith(INTERRUPTED):
            return None
        if event in {"line", "return"}:
            count += 1
            if count == step + 1:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return count > step


def new_pool():
    """A pool with room for several connections."""
    return InterruptiblePool(
        lambda: sqlite3.connect(":memory:", check_same_thread=False),
        pool_size=2,
        max_overflow=3,
        timeout=1,
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_another_thread_gets_a_connection_after_any_interrupt():
    """Wherever the interrupt comes, in checking a connection out or in returning it."""
    for step in range(MOST):
        pool = new_pool()
        pool.connect().close()
        reached = interrupt_at(step, lambda: pool.connect().close())  # noqa: B023 - called at once
        done = threading.Event()

        def use():
            pool.connect().close()  # noqa: B023 - this step's
            done.set()  # noqa: B023 - this step's

        threading.Thread(target=use, daemon=True).start()
        assert done.wait(5), step
        pool.dispose()
        if not reached:
            assert step > 10
            return
    raise AssertionError


def test_the_pool_keeps_as_many_connections_as_it_may():
    """More are closed when they are returned, and more than the overflow are refused."""
    pool = new_pool()
    connections = [pool.connect() for _ in range(5)]
    with pytest.raises(sqlalchemy.exc.TimeoutError):
        pool.connect()
    for connection in connections:
        connection.close()
    assert 2 == pool.checkedin()
    assert 0 == pool.checkedout()
    pool.dispose()
    assert 0 == pool.checkedin()
