"""Events: what became of each call is counted, logged and sent to whoever subscribed."""

import _thread
import logging
import threading
import time
from datetime import UTC, datetime

import pytest

import provenance as p
from provenance import telemetry
from provenance.events import (
    CodeChanged,
    Hit,
    Miss,
    MissReason,
    Outcome,
    Raised,
    Recomputed,
    Recovered,
    Stats,
    Waited,
)
from provenance.telemetry import emit, last_outcomes
from provenance.testing import in_memory

ID = "ab" * 20
EVENTS = [
    Hit(ID, "name", 2.0),
    Miss(ID, "name", 3.0, stored=True),
    Recomputed(ID, "name", 4.0, stored=True, reason=MissReason.REQUESTED),
    Recovered(ID, "name", 5.0, MissReason.BLOB_CORRUPT, "the detail"),
    CodeChanged(ID, "name", 7),
    Waited(ID, "name", 8.0),
    Raised(ID, "name", 9.0, "ValueError: no", datetime(2000, 1, 1, tzinfo=UTC)),
]


@pytest.fixture(autouse=True)
def _fresh():
    p.reset_stats()
    yield
    p.reset_stats()


def test_a_subscriber_is_a_function():
    """What cannot be called is refused at once, not logged with every event."""
    with pytest.raises(
        p.ConfigError, match="subscribe: must be callable, got 5; give a function of one event"
    ):
        p.subscribe(5)


def test_events_add_up():
    """`stats()` counts each kind, the seconds computed and the seconds saved; `reset_stats` begins anew."""
    for event in EVENTS + EVENTS[:2]:
        emit(event)
    counts = {
        "hits": 2,
        "misses": 2,
        "recomputed": 1,
        "recovered": 1,
        "code_changed": 1,
        "waited": 1,
        "raised": 1,
    }
    expected = Stats(**counts, seconds_saved=4.0, seconds_computed=15.0, seconds_waited=8.0)
    assert expected == p.stats()
    assert 6 == p.stats().calls
    p.reset_stats()
    assert Stats() == p.stats()


def test_subscribers_get_each_event_until_they_cancel():
    """In order; several may subscribe; a `with` block or `cancel` ends it, and twice does nothing."""
    one, other = [], []
    with p.subscribe(one.append):
        subscription = p.subscribe(other.append)
        emit(EVENTS[0])
    emit(EVENTS[1])
    subscription.cancel()
    subscription.cancel()
    emit(EVENTS[2])
    assert (EVENTS[:1], EVENTS[:2]) == (one, other)


def test_one_function_may_subscribe_twice():
    """Cancelling one subscription leaves the other."""
    seen = []
    with p.subscribe(seen.append):
        with p.subscribe(seen.append):
            emit(EVENTS[0])
        emit(EVENTS[1])
    assert [EVENTS[0], EVENTS[0], EVENTS[1]] == seen


def test_a_failing_subscriber_does_not_fail_the_call(caplog):
    """What it raises is logged; the call and the other subscribers go on."""
    seen = []

    def fail(event):
        raise RuntimeError("subscriber broke")

    with in_memory(), p.subscribe(fail), p.subscribe(seen.append):
        assert 1 == p.provenance(name="f")(lambda: 1)()
    assert "subscriber broke" in caplog.text
    assert [Miss] == [type(each) for each in seen]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_event_is_logged(caplog, event):
    """With the artifact's name and id; what needs attention as a warning, the rest as debug messages."""
    caplog.set_level(logging.DEBUG, "provenance")
    emit(event)
    (record,) = caplog.records
    assert "name" in record.getMessage()
    assert ID in record.getMessage()
    assert (
        logging.WARNING if isinstance(event, Recovered | CodeChanged) else logging.DEBUG
    ) == record.levelno


def test_the_reasons_are_told(caplog):
    """A recovered value tells why and what happened."""
    emit(EVENTS[3])
    assert "recovered: name (" in caplog.text
    assert "the stored value was damaged" in caplog.text
    assert "the detail" in caplog.text


def test_calls_tell_what_they_took():
    """A miss tells how long computing took, a hit that so much was saved."""
    seen = []
    with in_memory(), p.subscribe(seen.append):
        f = p.provenance(name="slow")(slow)
        f(), f()
    miss, hit = seen
    assert miss.seconds >= 0.02
    assert miss.seconds == hit.seconds_saved
    assert (True, MissReason.ABSENT) == (miss.stored, miss.reason)


def slow():
    """Takes a while."""
    threading.Event().wait(0.02)


def test_threads_count_together():
    """No event is lost when many threads tell."""
    threads = [
        threading.Thread(target=lambda: [emit(EVENTS[0]) for _ in range(500)]) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (4000, 8000.0) == (p.stats().hits, p.stats().seconds_saved)


def test_threads_that_have_ended_still_count():
    """What a thread counted outlives it, however many come after it; only a reset forgets it, in running threads too."""
    go_on, counted = threading.Event(), threading.Event()

    def stay():
        emit(EVENTS[0])
        counted.set()
        go_on.wait()
        emit(EVENTS[0])

    running = threading.Thread(target=stay)
    running.start()
    counted.wait()
    for _ in range(5):
        brief = threading.Thread(target=emit, args=(EVENTS[0],))
        brief.start()
        brief.join()
    assert p.stats().hits == 6
    p.reset_stats()
    assert p.stats().hits == 0
    go_on.set()
    running.join()
    assert p.stats().hits == 1


def test_threads_that_python_did_not_start_still_count():
    """Of the threads of C libraries `threading` does not know when they end: what they counted is kept in one place."""
    emit(EVENTS[0])
    for _ in range(20):
        done = threading.Event()
        _thread.start_new_thread(lambda told: (emit(EVENTS[0]), told.set()), (done,))
        done.wait()
        time.sleep(0.001)
    assert p.stats().hits == 21
    assert len(telemetry._tallies) < 10


@pytest.mark.parametrize(("outcome", "event"), list(zip(Outcome, EVENTS, strict=False)), ids=str)
def test_the_latest_outcome_is_remembered(outcome, event):
    """How this process last came by an artifact is kept, until the counts begin anew; changed code is no outcome."""
    for each in (EVENTS[1], EVENTS[0], event, EVENTS[4]):
        emit(each)
    assert {ID: outcome} == last_outcomes([ID, "cd" * 20])
    p.reset_stats()
    assert {} == last_outcomes([ID])


def test_not_everything_is_remembered(monkeypatch):
    """A process that meets very many artifacts forgets those that it met first."""
    monkeypatch.setattr(telemetry, "MAX_REMEMBERED", 3)
    for i in range(5):
        emit(Hit(str(i), "name", 0.0))
    assert {"2", "3", "4"} == set(last_outcomes(map(str, range(5))))
