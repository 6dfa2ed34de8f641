"""What interrupts a transaction in its own thread: a handler of a signal, or a `__del__` that is run in between.

It is forced after each call that the transaction makes into SQLite, one after the other, so that no moment is left out.
"""

import sqlite3
import sys
import threading
from contextlib import closing

import pytest

import provenance as p
from contract.samples import TIME, new_id, record, run
from provenance.effects.sql import statements
from provenance.effects.sql.records import SqlRecords
from provenance.effects.sql.sqlite import SqliteDatabase
from provenance.effects.sql.stores import SqlLeases
from provenance.errors import StoreUnavailableError
from provenance.ports.leases import LeaseHeld
from provenance.ports.records import PutRecord

INTO_SQLITE = frozenset({"execute", "fetchall", "rollback", "connect"})
MOMENTS = range(80)


@p.provenance()
def source(n):
    """Something to be made from."""
    return [n]


@p.provenance()
def made(values, n):
    """An artifact that is made from another one: its record is stored in a transaction."""
    return [*values, n]


@p.provenance()
def handled(values):
    """What the handler wants, in a transaction of its own."""
    return [*values, 1]


@pytest.fixture
def database(tmp_path):
    """A new database."""
    opened = SqliteDatabase(tmp_path / "provenance.db")
    yield opened
    opened.close()


def interrupting(moment, handler, work):
    """What *work* returns, interrupted by *handler* after so many calls into SQLite; and whether it was."""
    left = moment
    done = False

    def profile(_frame, event, called):
        nonlocal left, done
        if event == "c_return" and getattr(called, "__name__", "") in INTO_SQLITE:
            left -= 1
            if left < 0 and not done:
                done = True
                sys.setprofile(None)
                handler()

    sys.setprofile(profile)
    try:
        return work(), done
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("first", [True, False])
def test_a_handler_may_call_functions(tmp_path, moment, first):
    """Whenever it is called, its result is stored, and so is what it interrupted: nothing is half done."""
    repo = p.SqliteRepo(db=tmp_path / "r.db")
    with p.using_repo(repo):
        if not first:
            handled(source(-1))
            made(source(-1), -1)
        answers = []
        result, was_interrupted = interrupting(
            moment, lambda: answers.append(handled(source(1))), lambda: made(source(0), 0)
        )
        assert [0, 0] == result
        assert [[1, 1]] * was_interrupted == answers
        found = p.verify(repo)
        assert ((), ()) == (found.problems, found.gaps)
        again = p.SqliteRepo(db=tmp_path / "r.db")
        ids = [p.artifact_of(each).id for each in (result, *answers)]
        assert [True] * len(ids) == [each in again for each in ids]


def aside(key):
    """Work that puts a row into the table of what is put aside."""
    return lambda execute: execute(statements.QUARANTINE_BLOB, (key, b"bytes", TIME)).rowcount


def keys(database):
    """What was put aside, as another connection sees it."""
    with closing(sqlite3.connect(database.path, timeout=0)) as other:
        return [key for (key,) in other.execute("SELECT id FROM quarantined_blobs ORDER BY id")]


def test_it_joins_the_transaction_of_its_thread(database):
    """What re-enters is done when the whole is, and not before; others cannot come in between."""

    def work(execute):
        aside("a")(execute)
        database.transaction(aside("b"))
        assert 1 == database.change(statements.QUARANTINE_BLOB, ("c", b"bytes", TIME))
        assert [("a",), ("b",), ("c",)] == database.query(
            "SELECT id FROM quarantined_blobs ORDER BY id"
        )
        assert [] == keys(database)
        aside("d")(execute)

    database.transaction(work)
    assert ["a", "b", "c", "d"] == keys(database)


def test_one_that_fails_undoes_only_itself(database):
    """What re-enters and fails leaves nothing, at any depth; what it interrupted goes on."""

    def failing(execute):
        aside("b")(execute)
        database.transaction(aside("c"))
        raise KeyError

    def work(execute):
        aside("a")(execute)
        with pytest.raises(KeyError):
            database.transaction(failing)
        database.transaction(aside("d"))

    database.transaction(work)
    assert ["a", "d"] == keys(database)


def test_what_joined_goes_with_the_whole(database):
    """What re-entered is undone with what it interrupted; the run that it recorded is recorded again by who comes next."""
    records = SqlRecords(database)
    one, other = record(), record()

    def work(_):
        records.put_record(PutRecord(one, run(), "{}"))
        raise KeyError

    with pytest.raises(KeyError):
        database.transaction(work)
    assert records.find_record(one.id) is None
    records.put_record(PutRecord(other, run(), "{}"))
    assert (other, run()) == (records.find_record(other.id), records.find_run(other.run_id))


def test_a_database_that_gives_the_whole_up_is_not_written_to(database):
    """Where a statement of what re-enters ends the transaction, nothing of it is stored afterwards, statement by statement."""

    def ending(execute):
        execute("INSERT OR ROLLBACK INTO quarantined_blobs (id, data) VALUES (?, ?)", ("a", None))

    def work(execute):
        aside("a")(execute)
        with pytest.raises(StoreUnavailableError, match="NOT NULL"):
            database.transaction(ending)
        aside("b")(execute)

    with pytest.raises(StoreUnavailableError):
        database.transaction(work)
    assert [] == keys(database)
    database.transaction(aside("c"))
    assert ["c"] == keys(database)


def test_one_that_is_cut_short_is_not_stored_by_halves(database):
    """Interrupted twice, so that it can neither end nor be undone, it takes what it interrupted with it."""

    def interrupt(_frame, event, called):
        if event == "c_call" and called.__name__ == "execute":
            raise KeyboardInterrupt

    def work(execute):
        def halfway(execute):
            aside("b")(execute)
            sys.setprofile(interrupt)
            raise KeyError

        aside("a")(execute)
        try:
            database.transaction(halfway)
        except KeyboardInterrupt:
            sys.setprofile(None)

    with pytest.raises(StoreUnavailableError, match="interrupted"):
        database.transaction(work)
    assert [] == keys(database)
    database.transaction(aside("c"))
    assert ["c"] == keys(database)


def test_a_leftover_of_nobody_is_undone(database):
    """A transaction that an interrupt left open is rolled back by the next one of its thread, which does not join it."""
    database.transaction(aside("a"))
    session = database._local.session
    session.connection.execute("BEGIN IMMEDIATE")
    aside("b")(session.connection.execute)
    database.transaction(aside("c"))
    assert ["a", "c"] == keys(database)


def test_another_thread_joins_nothing(database):
    """Each thread has transactions of its own: another one waits until this one has ended."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(database.transaction(aside("b"))))

    def work(execute):
        aside("a")(execute)
        thread.start()
        thread.join(0.2)
        raise KeyError

    with pytest.raises(KeyError):
        database.transaction(work)
    thread.join(30)
    assert ([1], ["b"]) == (answers, keys(database))


def test_a_claim_is_not_in_the_way(database):
    """What re-enters as soon as a lease was claimed can end its own transaction: no statement is still at work."""
    leases = SqlLeases(database)
    database.transaction(aside("a"))
    for moment in range(4):
        key = new_id()
        _, was_interrupted = interrupting(
            moment,
            lambda key=key: database.transaction(aside(key)),
            lambda key=key: leases.acquire(key, 60),
        )
        assert was_interrupted == (key in keys(database))
        assert isinstance(leases.acquire(key, 60), LeaseHeld)
