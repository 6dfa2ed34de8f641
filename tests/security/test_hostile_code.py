"""Code of others that raises, in hashers, serializers and subscribers, breaks its own call and nothing else."""

import sys

import pytest

import provenance as p


def refuse(*_):
    """Raise what nobody expects."""
    raise LookupError("no such thing")


class Refused:
    """A type whose hasher raises."""


class Odd:
    """A type whose `value_repr` raises."""

    def value_repr(self):
        """Raise as `refuse` does."""
        return refuse()


p.register_hasher(Refused, refuse)
for name, dump, load in (
    ("hostile dump", lambda _, sink: sink.write(b"half") and refuse(), lambda _: 1),
    ("hostile load", lambda _, sink: sink.write(b"x") and None, refuse),
    ("hungry load", lambda _, sink: sink.write(b"x") and None, lambda _: bytearray(1 << 62)),
    ("exiting load", lambda _, sink: sink.write(b"x") and None, lambda _: sys.exit(3)),
):
    p.register_serializer(name, dump, load)


@pytest.fixture(autouse=True)
def _repository():
    """A repository on disk; what follows an attack works."""
    with p.using_repo(p.SqliteRepo(db="records.db")) as repo:
        yield repo
        after = p.provenance(name="after")(lambda n: n + 1)
        assert 4 == after(3) == after(3)
        assert p.verify(repo).is_sound


@pytest.mark.parametrize("kind", [Refused, Odd])
def test_a_hasher_that_raises(kind):
    """An argument is an error before anything is computed, a result one that holds it."""
    computed = []
    with pytest.raises(Exception, match="no such thing"):
        p.provenance(name="given", ignore=["into"])(lambda value, into: into.append(value))(
            [kind()], computed
        )
    assert [] == computed
    with pytest.raises(p.UnserializableValueError, match="no such thing") as caught:
        p.provenance(name="returned", ignore=["kind"])(lambda kind: kind())(kind)
    assert isinstance(caught.value.value, kind)


def test_a_serializer_that_raises_when_it_writes():
    """The error holds the result, and nothing half is recorded."""
    call = p.provenance(name="written", serializer="hostile dump")(lambda: 5)
    with pytest.raises(p.UnserializableValueError, match="no such thing") as caught:
        call()
    assert 5 == caught.value.value
    assert not call.is_cached()


def test_a_serializer_that_raises_when_it_reads():
    """That is noticed before anything is recorded, and the error holds the result."""
    call = p.provenance(name="read", serializer="hostile load")(lambda: 5)
    with pytest.raises(p.UnserializableValueError, match="no such thing") as caught:
        call()
    assert 5 == caught.value.value
    assert not call.is_cached()


def test_a_serializer_that_takes_all_memory():
    """That is no damage: it is not hidden, and the stored bytes stay as they are."""
    call = p.provenance(name="hungry", serializer="hungry load")(lambda: 5)
    assert 5 == call()
    for _ in range(2):
        with pytest.raises(MemoryError):
            call() + 1
    assert call.is_cached()


def test_a_serializer_that_ends_the_process():
    """It ends the process when the first result is read back, before anything is recorded."""
    call = p.provenance(name="exiting", serializer="exiting load")(lambda: 5)
    with pytest.raises(SystemExit):
        call()
    assert not call.is_cached()


def test_a_subscriber_that_raises(caplog):
    """It is logged; the call and the other subscribers go on."""
    received = []
    with p.subscribe(refuse), p.subscribe(received.append):
        assert 1 == p.provenance(name="heard")(lambda: 1)()
    assert 1 == len(received)
    assert "a subscriber failed" in caplog.text


def test_a_subscriber_that_interrupts():
    """An interrupt is the user's, and the result is recorded."""

    def interrupt(_):
        raise KeyboardInterrupt

    call = p.provenance(name="interrupted")(lambda: 1)
    with p.subscribe(interrupt), pytest.raises(KeyboardInterrupt):
        call()
    assert call.is_cached()


def test_a_subscriber_that_calls_functions_itself():
    """It gets no events of its own calls, and so does not call itself without end; others do get them."""
    mine, others = [], []
    inner = p.provenance(name="inner")(lambda n: n)

    def receive(event):
        mine.append(event.name)
        inner(len(mine))

    with p.subscribe(receive), p.subscribe(lambda event: others.append(event.name)):
        p.provenance(name="outer")(lambda: 1)()
    assert ["outer"] == mine
    assert {"outer", "inner"} == set(others)
