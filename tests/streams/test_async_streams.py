"""Asynchronous generators: `async for` computes or reads, `await` gives the whole stream."""

import asyncio
import itertools
import pickle
from datetime import timedelta

import pytest

import provenance as p
from provenance.ports.blobs import DeleteBlob
from waiting import until_so

RAN = []
FEW = p.Streaming(chunk_items=3)


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _nothing_ran():
    RAN.clear()


@p.provenance(stream=FEW)
async def numbers(n, *, after=None):
    """The numbers below n; resumable."""
    for number in range(0 if after is None else after + 1, n):
        await asyncio.sleep(0)
        RAN.append(number)
        yield number


@p.provenance(stream=FEW)
async def letters(text):
    """The letters of a text, from its start."""
    for letter in text:
        RAN.append(letter)
        yield [letter]


async def all_of(stream):
    """The items that come."""
    return [item async for item in stream]


async def some_of(stream, count):
    """The first items, as of a loop that is left."""
    iterator = aiter(stream)
    found = [await anext(iterator) for _ in range(count)]
    await iterator.aclose()
    return found


def test_items_come_while_they_are_computed(repo, events):
    """Nothing runs before it is wanted; a second call reads what is stored."""

    async def use():
        stream = numbers(7)
        assert [] == RAN
        iterator = aiter(stream)
        assert 0 == await anext(iterator)
        assert [0] == RAN
        assert [1, 2, 3, 4, 5, 6] == [item async for item in iterator]
        assert list(range(7)) == await all_of(numbers(7)) == RAN == await all_of(stream)

    asyncio.run(use())
    assert [p.Miss, p.Hit] == [type(event) for event in events]


def test_awaiting_gives_the_stream(repo):
    """It is a result like others, as is that of a synchronous generator."""

    async def use():
        stream = await numbers(7)
        assert isinstance(stream, p.Stream)
        assert list(range(7)) == stream
        assert 7 == len(stream)
        assert numbers.artifact_id(7) == p.artifact_of(stream).id
        assert p.hash(stream) == p.hash(list(range(7))) == (await numbers.artifact(7)).value_id
        assert list(range(7)) == pickle.loads(pickle.dumps(await numbers(7)))

    asyncio.run(use())
    assert list(range(7)) == RAN


def test_a_stream_goes_on_where_it_was_left(repo, events):
    """With the last stored item, or by running again from the start."""

    async def use():
        assert list(range(5)) == await some_of(numbers(8), 5)
        RAN.clear()
        assert list(range(8)) == await all_of(numbers(8))
        assert list(range(3, 8)) == RAN
        assert [["a"], ["b"], ["c"], ["d"]] == await some_of(letters("abcdef"), 4)
        RAN.clear()
        assert [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]] == await all_of(letters("abcdef"))
        assert list("abcdef") == RAN

    asyncio.run(use())
    assert [False, True] == [event.replayed for event in events if isinstance(event, p.Resumed)]


@pytest.mark.parametrize("lost", ["bytes", "record"])
def test_a_lost_chunk_is_computed_again(repo, events, lost):
    """The next loop gets all items, tasks beside one another, too, and the store is whole again."""
    asyncio.run(all_of(numbers(9)))
    chunk = next(a for a in p.search(custom_fields={"provenance": "chunk of a stream"}))
    assert numbers.artifact_id(9) == chunk.custom_fields["chunk"]["of"]
    if lost == "record":
        repo.delete(chunk)
    else:
        repo.interpreter(DeleteBlob(chunk.value_blob))
    RAN.clear()

    async def use():
        found = await asyncio.gather(*[all_of(numbers(9)) for _ in range(2)])
        assert [list(range(9))] * 2 == found
        assert list(range(9)) == list(await numbers(9))

    asyncio.run(use())
    assert list(range(9)) == RAN
    assert 1 == sum(isinstance(event, p.Recovered) for event in events)
    assert p.verify(deep=True).is_sound


@pytest.mark.parametrize("lost", ["bytes", "record"])
def test_a_chunk_that_is_lost_in_a_loop_is_computed_again(repo, events, lost):
    """The loop goes on with the items that it has not had yet."""
    asyncio.run(all_of(numbers(9)))
    found = p.search(custom_fields={"provenance": "chunk of a stream"})
    chunks = [chunk for chunk in found if chunk.custom_fields["chunk"]["number"] > 0]
    RAN.clear()

    async def use():
        iterator = aiter(numbers(9))
        assert [0, 1] == [await anext(iterator), await anext(iterator)]
        for chunk in chunks:
            if lost == "record":
                repo.delete(chunk)
            else:
                repo.interpreter(DeleteBlob(chunk.value_blob))
        assert list(range(2, 9)) == [item async for item in iterator]

    asyncio.run(use())
    assert list(range(9)) == RAN
    assert 1 == sum(isinstance(event, p.Recovered) for event in events)
    assert p.verify(deep=True).is_sound


def test_a_stream_can_be_awaited_while_a_loop_over_it_computes_a_lost_chunk_again(repo):
    """Whoever awaits it meanwhile gets the stream."""
    asyncio.run(all_of(numbers(9)))
    found = p.search(custom_fields={"provenance": "chunk of a stream"})
    chunks = [chunk for chunk in found if chunk.custom_fields["chunk"]["number"] > 0]

    async def use():
        stream, awaited = numbers(9), []
        iterator = aiter(stream)
        assert [0, 1] == [await anext(iterator), await anext(iterator)]
        for chunk in chunks:
            repo.interpreter(DeleteBlob(chunk.value_blob))
        rest = asyncio.ensure_future(all_of(iterator))
        while not rest.done():
            awaited.append(await stream)
        assert list(range(2, 9)) == await rest
        assert all(list(range(9)) == list(each) for each in awaited)

    asyncio.run(use())


def test_an_evicted_stream_is_computed_again(repo, events):
    """As a synchronous one is: eviction is no damage."""
    asyncio.run(all_of(numbers(9)))
    p.evict(max_bytes=0, older_than=timedelta(0), dry_run=False)
    RAN.clear()
    assert list(range(9)) == asyncio.run(all_of(numbers(9))) == RAN
    found = [event for event in events if isinstance(event, p.Recovered)]
    assert [p.MissReason.EVICTED] == [event.reason for event in found]


def test_tasks_share_a_stream(repo):
    """Each gets all items, and the function runs once; also where one loop is inside the other."""

    async def use():
        found = await asyncio.gather(*[all_of(numbers(20)) for _ in range(3)])
        assert [list(range(20))] * 3 == found
        pairs = [(a, b) async for a in numbers(4) for b in [await all_of(numbers(4))]]
        assert [(a, list(range(4))) for a in range(4)] == pairs

    asyncio.run(use())
    assert [*range(20), *range(4)] == RAN


def test_an_exception_is_that_of_the_function(repo):
    """What it had cleaned up is cleaned up, and the next call goes on."""
    closed = []

    @p.provenance(stream=FEW, ignore=["closed"])
    async def unreliable(*, after=-1):
        try:
            for number in range(after + 1, 9):
                if number == 4 and not closed:
                    raise ZeroDivisionError("no")
                yield number
        finally:
            closed.append(True)

    async def use():
        with pytest.raises(ZeroDivisionError, match="no"):
            await all_of(unreliable())
        assert list(range(9)) == await all_of(unreliable())
        assert [True, True] == closed

    asyncio.run(use())


def test_a_generator_is_closed_when_its_loop_is_left(repo):
    """Its own clean-up has run when the iterator is closed."""
    closed = []

    @p.provenance(stream=p.Streaming(chunk_items=100, keep="all"), remove=["closed"])
    async def careful():
        try:
            for number in range(9):
                yield number
        finally:
            closed.append(True)

    async def use():
        assert [0, 1, 2] == await some_of(careful(), 3)
        assert [True] == closed
        assert [3] == [len(chunk.value) for chunk in p.search()]

    asyncio.run(use())


def test_a_cancelled_task_leaves_the_stream_to_the_others(repo):
    """The function goes on for whoever iterates still."""

    async def use():
        first = asyncio.create_task(all_of(numbers(30)))
        second = asyncio.create_task(all_of(numbers(30)))
        await until_so(lambda: 5 in RAN)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert list(range(30)) == await second

    asyncio.run(use())


def test_the_event_loop_goes_on(stored):
    """While chunks are read and written, other tasks run."""

    async def use():
        beats = itertools.count()

        async def beat():
            while True:
                next(beats)
                await asyncio.sleep(0)

        heart = asyncio.create_task(beat())
        await all_of(numbers(9))
        assert next(beats) > 9
        before = next(beats)
        await all_of(numbers(9))
        assert next(beats) > before + 3
        heart.cancel()

    asyncio.run(use())


def test_an_asynchronous_stream_is_awaited_before_it_is_passed_on(repo):
    """By itself it has no value: hashing and pickling say what to do."""

    @p.provenance()
    def total(items):
        return sum(items)

    async def use():
        with pytest.raises(p.UnhashableValueError, match="await"):
            total(numbers(3))
        with pytest.raises(pickle.PicklingError, match="await"):
            pickle.dumps(numbers(3))
        assert 3 == total(await numbers(3))

    asyncio.run(use())
