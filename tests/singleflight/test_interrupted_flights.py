"""Threads that wait for each other's work: wherever one is interrupted, no other is left waiting."""

import sys
import threading
import time
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from provenance.singleflight import inflight
from waiting import PATIENCE, until

TRACED = {getattr(suppress, each).__code__ for each in ("__init__", "__enter__", "__exit__")}
WHAT = "the work"


@pytest.fixture(autouse=True)
def _nothing_stays():
    yield
    assert {} == inflight._crossings


@contextmanager
def interrupted(at):
    """Ctrl-C before the opcode of this number, of `inflight` and what it calls; yields those that were met."""
    met, before = [], sys.gettrace()

    def trace(frame, event, _):
        if frame.f_code.co_filename != inflight.__file__ and frame.f_code not in TRACED:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            met.append(frame.f_lasti)
            if len(met) == at:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield met
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)


def share(work, patience=PATIENCE):
    """*work*, which one thread does at a time."""
    return inflight.run_exclusively_in_threads(WHAT, lambda _: None, work, patience, time.monotonic)


def begun(work):
    """A thread that shares *work*."""
    thread = threading.Thread(target=share, args=(work,), daemon=True)
    thread.start()
    return thread


def somebody_waits():
    """That a thread waits for the work."""
    return WHAT in inflight._crossings and inflight._crossings[WHAT].bells


def test_an_interrupt_of_who_works_leaves_nobody_waiting():
    """Who waited goes on at once, and nothing is left that the next one would wait for."""
    for at in count(1):
        others = []

        def work(_, others=others):
            others.append(begun(lambda _: None))
            until(somebody_waits)

        with interrupted(at) as met:
            share(work)
        inflight._current_flight.set(None)
        for each in others:
            each.join(PATIENCE / 10)
            assert not each.is_alive(), at
        assert {} == inflight._crossings, at
        if len(met) < at:
            break
    assert at > 100


def test_an_interrupt_of_who_waits_is_nobody_elses():
    """Who works and who else waits notice nothing, and who was interrupted waits for nothing any more."""
    here = inflight._Flight()
    for at in count(1):
        done = threading.Event()
        owner = begun(lambda _, done=done: done.wait(PATIENCE))
        until(lambda: WHAT in inflight._crossings)
        other = begun(lambda _: None)
        until(somebody_waits)
        inflight._current_flight.set(here)
        with interrupted(at) as met:
            share(lambda _: None, patience=0.001)
        inflight._current_flight.set(None)
        done.set()
        for each in (owner, other):
            each.join(PATIENCE / 10)
            assert not each.is_alive(), at
        if len(met) < at:
            break
    assert all(each.landed for each in here.awaited)
    assert at > 100
