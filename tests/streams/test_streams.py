"""Generator functions: what they yield is stored in chunks and comes back as a lazy sequence."""

import copy
import itertools
import pickle
import sys
import threading
import time
from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import provenance as p
from provenance.effect import overlay
from provenance.environment import replacing_environment
from provenance.ports.blobs import DeleteBlob, ReadBlob, WriteBlob
from provenance.streams.stream import StoredItems
from provenance.testing import in_memory
from provenance.testing.environments import memory_environment
from servers.postgres import server
from strategies import nested

RAN = []
STARTS = []
FEW = p.Streaming(chunk_items=3)
NOW = timedelta(0)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def repo(request, tmp_path):
    """The default repository, of each kind in turn."""
    if request.param == "memory":
        with in_memory() as made:
            yield made
        return
    records = {"type": "sqlite", "db": "records.db"}
    if request.param == "postgres":
        records = {"type": "postgres", "db": server(18).database_for(tmp_path)}
    config = {
        "blobstores": {"disk": {"type": "disk", "cachedir": "blobs", "delete": True}},
        "artifact_repos": {"local": {**records, "store": "disk", "delete": True}},
    }
    with replacing_environment(p.from_config(config, tmp_path)) as environment:
        yield environment.repository()
        if request.param == "postgres":
            environment.repository().engine.dispose()


@pytest.fixture(autouse=True)
def _nothing_ran():
    RAN.clear()
    STARTS.clear()


@p.provenance(stream=FEW)
def numbers(n, *, after=None):
    """The numbers below n; resumable."""
    STARTS.append(after)
    for number in range(0 if after is None else after + 1, n):
        RAN.append(number)
        yield number


@p.provenance(stream=FEW)
def letters(text):
    """The letters of a text; it can only begin at its start."""
    STARTS.append(text)
    for letter in text:
        RAN.append(letter)
        yield [letter]


@p.provenance()
def total(items):
    """The sum of items."""
    return sum(items)


def broken_off(stream, count):
    """The first items of a stream, of which no more is wanted."""
    found = list(itertools.islice(stream, count))
    stream.close()
    return found


def chunks():
    """The artifacts of all chunks, newest first."""
    return list(p.search(custom_fields={"provenance": "chunk of a stream"}))


@settings(max_examples=40)
@given(st.lists(nested), st.integers(1, 5))
def test_a_stream_hashes_as_the_list_of_its_items(items, size):
    """Whatever the chunks are, the hash is that of the list; so is that of the value that is read back."""

    @p.provenance(stream=p.Streaming(chunk_items=size))
    def given_items():
        yield from items

    with in_memory():
        assert p.hash(items) == p.hash(given_items())
        assert p.hash(items) == p.hash(given_items()) == given_items().artifact.value_id
        assert p.hash(items) == p.hash(list(given_items()))


def test_items_come_while_they_are_computed(repo):
    """Nothing runs before the first item is wanted, and then no more than is wanted."""
    stream = numbers(7)
    assert [] == STARTS
    iterator = iter(stream)
    assert (0, 1) == (next(iterator), next(iterator))
    assert [0, 1] == RAN
    assert [2, 3, 4, 5, 6] == list(iterator)
    assert list(range(7)) == RAN == list(stream)


def test_a_hit_runs_nothing(repo, events):
    """What was streamed once comes from the store."""
    assert list(range(7)) == list(numbers(7))
    RAN.clear()
    assert list(range(7)) == list(numbers(7)) == numbers(7)[:]
    assert [] == RAN
    assert [p.Miss, p.Hit, p.Hit] == [type(event) for event in events]


def test_a_stream_is_a_lazy_sequence(repo):
    """It has a length, indexes and slices as a list has; it is equal to a list of its items."""
    for stream in (numbers(8), numbers(8)):
        assert isinstance(stream, p.Stream)
        assert 4 == stream[4]
        assert [2, 3, 4] == stream[2:5]
        assert [7, 5, 3] == stream[7:2:-2]
        assert [6, 7] == stream[-2:]
        assert [] == stream[5:5] == stream[20:]
        assert [0, 3, 6] == stream[::3]
        assert 8 == len(stream)
        assert 7 == stream[-1]
        assert 5 in stream
        assert 8 not in stream
        assert list(range(7, -1, -1)) == list(reversed(stream))
        assert stream == list(range(8))
        assert list(range(8)) == stream
        assert stream == numbers(8)
        assert stream != list(range(7))
        assert stream != tuple(range(8))
        for outside in (8, -9):
            with pytest.raises(IndexError):
                stream[outside]
    assert [] == list(numbers(0))
    assert 0 == len(numbers(0))


def test_only_the_chunks_that_are_used_are_read(memory_repo):
    """An item in the middle costs the manifest and one chunk."""
    list(numbers(30))
    stream, read = numbers(30), []

    def noted(ask):
        read.append(ask.blob.id)
        return memory_repo.interpreter(ask)

    watched = p.Repository("watched", overlay(memory_repo.interpreter, ReadBlob.on(noted)))
    with p.using_repo(watched):
        stream = numbers(30)
        assert 16 == stream[16]
        assert 2 == len(read)
        assert [16, 17] == stream[16:18]
        assert 2 == len(read)


def test_a_reader_gets_its_own_items_whatever_others_read_meanwhile(memory_repo):
    """Threads may share a stream: between any two lines of one that reads, another may read another chunk."""
    items = numbers(9).items()
    assert isinstance(items, StoredItems)
    chunks_read = itertools.cycle([0, 6])

    def at_each_line(frame, event, _):
        if frame.f_code is StoredItems.batch.__code__ and event == "line":
            tracing = sys.gettrace()
            sys.settrace(None)
            StoredItems.batch(items, next(chunks_read))
            sys.settrace(tracing)
        return at_each_line

    before = sys.gettrace()
    sys.settrace(at_each_line)
    try:
        found = [list(items.batch(position)) for position in (3, 4, 7, 1)]
    finally:
        sys.settrace(before)
    assert [[3, 4, 5], [4, 5], [7, 8], [1, 2]] == found


def test_an_item_is_computed_no_earlier_than_it_is_wanted_by_index(repo):
    """An index or a slice computes what is before it, and no more."""
    stream = numbers(20)
    assert 4 == stream[4]
    assert list(range(5)) == RAN
    assert [5, 6] == stream[5:7]
    assert list(range(7)) == RAN
    stream.close()


def test_what_a_consumer_does_to_an_item_is_not_stored(repo):
    """Items are copied before they are handed over, and when they are yielded."""

    @p.provenance(stream=FEW)
    def rows():
        row = []
        for number in range(5):
            row.append(number)
            yield row

    for row in rows():
        row.append("mine")
    assert [0, "mine", 1, "mine", 2] == rows()[2]


def test_arrays_are_copied_too(repo):
    """A generator may yield one buffer again and again."""

    @p.provenance(stream=True)
    def buffers():
        buffer = np.zeros(3)
        for number in range(4):
            buffer[:] = number
            yield buffer

    for buffer in buffers():
        buffer[:] = 100
    assert [0.0, 1.0, 2.0, 3.0] == [buffer[0] for buffer in buffers()]


# ---------------------------------------------------------------- going on


def test_a_stream_goes_on_where_it_was_broken_off(repo, events):
    """Full chunks stay; the next call gets the last item of them, and computes the rest."""
    assert list(range(8)) == broken_off(numbers(11), 8)
    assert not numbers.is_cached(11)
    RAN.clear()
    assert list(range(11)) == list(numbers(11))
    assert [None, 5] == STARTS
    assert list(range(6, 11)) == RAN
    resumed = [event for event in events if isinstance(event, p.Resumed)]
    assert [(2, 6, False)] == [(each.chunks, each.items, each.replayed) for each in resumed]
    assert p.hash(list(range(11))) == numbers(11).artifact.value_id


def test_the_stored_items_come_first_when_a_stream_goes_on(repo):
    """What is stored is handed over before the function runs."""
    broken_off(numbers(11), 8)
    RAN.clear()
    assert list(range(6)) == broken_off(numbers(11), 6)
    assert [] == RAN


def test_a_function_without_the_parameter_is_replayed(repo, events):
    """It runs from its start; what is stored is compared and dropped."""
    broken_off(letters("abcdefgh"), 7)
    RAN.clear()
    assert [[letter] for letter in "abcdefgh"] == list(letters("abcdefgh"))
    assert list("abcdefgh") == RAN
    assert [True] == [event.replayed for event in events if isinstance(event, p.Resumed)]


def test_a_generator_that_yields_other_items_is_refused(repo):
    """Its chunks are put aside, and the next call begins at the start."""
    values = iter(range(100))

    @p.provenance(stream=FEW, ignore=["values"])
    def changing():
        for _ in range(7):
            yield next(values)

    broken_off(changing(), 4)
    with pytest.raises(p.UnrepeatableStreamError, match=r"items 0 to 2") as caught:
        list(changing())
    assert [4, 5, 6] == caught.value.value
    assert isinstance(caught.value, p.ImpureFunctionError)
    assert list(range(7, 14)) == list(changing())


def test_a_generator_that_ends_before_the_stored_items_is_refused(repo):
    """Fewer items than before are other items."""
    lengths = iter([7, 2])

    @p.provenance(stream=FEW, ignore=["lengths"])
    def shrinking():
        yield from range(next(lengths))

    broken_off(shrinking(), 4)
    with pytest.raises(p.UnrepeatableStreamError):
        list(shrinking())


def test_a_state_can_be_yielded_with_an_item(repo):
    """The function goes on from the state; the stream has the items only."""

    @p.provenance(stream=p.Streaming(resume="cursor", chunk_items=2))
    def pages(*, cursor=0):
        STARTS.append(cursor)
        for page in range(cursor, 5):
            yield p.Resumable(f"page {page}", page + 1)

    expected = [f"page {page}" for page in range(5)]
    assert expected[:3] == broken_off(pages(), 3)
    assert expected == list(pages()) == list(pages())
    assert [0, 2] == STARTS
    assert p.hash(expected) == p.hash(pages())


def test_the_parameter_counts_when_the_caller_passes_it(repo):
    """A caller who asks for a part of a stream gets another artifact; the default is the same artifact as none."""
    assert numbers.artifact_id(9) == numbers.artifact_id(9, after=None)
    assert numbers.artifact_id(9) != numbers.artifact_id(9, after=3)
    assert [4, 5, 6, 7, 8] == list(numbers(9, after=3))
    assert list(range(9)) == list(numbers(9))


def test_all_items_can_be_kept(repo):
    """`keep="all"` stores the items at hand as a shorter chunk."""
    counted = numbers.with_options(stream=p.Streaming(chunk_items=100, keep="all"))
    broken_off(counted(9), 5)
    assert list(range(9)) == list(counted(9))
    assert [None, 4] == STARTS


@pytest.mark.parametrize(
    ("policy", "expected"), [("ignore", [0, 1, 2, -3, -4]), ("recompute", [0, -1, -2, -3, -4])]
)
def test_changed_code_goes_on_as_the_policy_says(repo, policy, expected):
    """The chunks of earlier code stay, or are computed again."""

    def made(expression):
        space = {}
        exec(
            "def f(*, after=None):\n"
            "    for n in range(0 if after is None else after + 1, 5):\n"
            f"        yield {expression}",
            space,
        )
        return p.provenance(name="changing", stream=FEW, on_code_change=policy)(space["f"])

    assert [0, 1, 2, 3] == broken_off(made("n")(), 4)
    assert expected == list(made("-n")())


def test_a_resumed_stream_counts_the_time_of_all_chunks(repo):
    """What a hit saves is the time of the whole."""

    @p.provenance(stream=FEW)
    def slow(*, after=-1):
        for number in range(after + 1, 7):
            time.sleep(0.01)
            yield number

    broken_off(slow(), 5)
    assert 0.07 <= slow.artifact().compute_duration


def test_a_stream_that_nobody_holds_is_closed(repo):
    """The function's own clean-up runs, and others may compute the stream."""
    closed = []

    @p.provenance(stream=FEW, remove=["closed"])
    def careful():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    for number in careful():
        if number == 4:
            break
    assert [True] == closed
    assert list(range(10)) == list(careful())


def test_an_exception_of_the_function_is_its_own(repo):
    """It reaches the caller untouched; full chunks stay, so the next call goes on after them."""
    broken = [True]

    @p.provenance(stream=FEW, ignore=["broken"])
    def unreliable(*, after=-1):
        for number in range(after + 1, 9):
            if number == 5 and broken:
                raise ZeroDivisionError("no")
            RAN.append(number)
            yield number

    stream = unreliable()
    with pytest.raises(ZeroDivisionError, match="no"):
        list(stream)
    broken.clear()
    assert list(range(9)) == list(stream)
    assert [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8] == RAN


def test_a_store_that_fails_raises_with_the_items(memory_repo):
    """After the first item went out nothing is started again silently."""
    writes = []

    def failing(ask):
        writes.append(ask)
        if len(writes) == 2:
            raise p.StoreUnavailableError("full", "the disk is full", "make room")
        return memory_repo.interpreter(ask)

    full = p.Repository("full", overlay(memory_repo.interpreter, WriteBlob.on(failing)))
    with p.using_repo(full):
        iterator = iter(numbers(9))
        assert [0, 1, 2, 3, 4] == [next(iterator) for _ in range(5)]
        with pytest.raises(p.StoreUnavailableError) as caught:
            next(iterator)
        assert [3, 4, 5] == caught.value.value
        assert list(range(9)) == list(numbers(9))


def test_a_function_that_changes_its_arguments_is_refused(repo):
    """What it yielded is not recorded, and its chunks are deleted."""

    @p.provenance(stream=FEW)
    def greedy(items):
        while items:
            yield items.pop()

    with pytest.raises(p.ImpureFunctionError, match="items"):
        list(greedy([1, 2, 3, 4]))
    assert () == tuple(p.search())


def test_what_has_no_value_is_refused(repo):
    """Items that cannot be hashed are an error that holds those of the chunk."""

    @p.provenance(stream=True)
    def locks():
        yield 1
        yield threading.Lock()

    with pytest.raises(p.UnserializableValueError, match=r"\[1\]") as caught:
        list(locks())
    assert 1 == caught.value.value[0]


# ---------------------------------------------------------------- results like others


def test_a_stream_knows_its_artifact(repo):
    """It is passed on, pickled and traced like any result, complete or not."""
    unfinished = numbers(7)
    assert 21 == total(unfinished) == total(numbers(7))
    assert numbers.artifact_id(7) == p.artifact_of(unfinished).id == unfinished.artifact.id
    assert {numbers(7).artifact, total(numbers(7)).artifact} < set(
        p.dependencies(total(numbers(7)))
    )
    again = pickle.loads(pickle.dumps(numbers(7)))
    assert list(range(7)) == list(again)
    assert numbers(7).artifact == again.artifact
    assert list(range(7)) == copy.deepcopy(numbers(7)) == copy.copy(numbers(7))
    assert list(range(7)) == numbers.artifact(7).value == repo.get_value(numbers.artifact_id(7))
    assert list(range(5)) == list(pickle.loads(pickle.dumps(numbers(5))))


def test_a_stream_that_is_returned_keeps_its_lineage(repo):
    """A function may hand a stream on, alone or inside another value."""

    @p.provenance()
    def labeled(items):
        return {"items": items, "size": len(items)}

    found = labeled(numbers(5))
    assert list(range(5)) == found["items"]
    assert numbers.artifact_id(5) in found.artifact.source_ids


def test_results_among_the_items_keep_their_lineage(repo):
    """Items that are results are references, and edges of the chunk."""

    @p.provenance()
    def square(n):
        return np.arange(n)

    @p.provenance(stream=FEW)
    def squares(n):
        for number in range(n):
            yield square(number)

    list(squares(4))
    assert [0, 1, 2, 3] == [len(item) for item in squares(4)]
    assert square(2).artifact in p.dependencies(squares(4))


def test_values_can_come_without_proxies(repo):
    """With `results="values"` a stream is a plain `Stream`, whose artifact is known."""
    plain = numbers.with_options(results="values", stream=FEW)
    for stream in (plain(5), plain(5)):
        assert p.Stream is type(stream)
        assert list(range(5)) == list(stream)
        assert numbers.artifact_id(5) == p.artifact_of(stream).id


def test_a_read_only_stream_is_in_no_store(repo):
    """It runs, and nothing is stored; it may be used like others in this process."""
    silent = numbers.with_options(read_only=True, stream=FEW)
    stream = silent(7)
    assert list(range(7)) == list(stream) == list(stream)
    assert list(range(7)) == pickle.loads(pickle.dumps(stream))
    assert () == tuple(p.search())
    assert 21 == total(stream)
    assert [] == list(total(stream).artifact.source_ids)


def test_without_the_cache_each_call_computes(repo):
    """Equal streams meet in one artifact; other streams get artifacts of their own."""
    values = iter([1, 1, 2])

    @p.provenance(stream=True, use_cache=False, ignore=["values"])
    def drawn():
        yield next(values)

    first, second, third = drawn(), drawn(), drawn()
    assert [1] == first
    assert [1] == second
    assert [2] == third
    assert first.artifact == second.artifact != third.artifact


def test_a_stream_can_be_computed_again(repo):
    """Until it is complete, the stream of before stays."""
    list(numbers(7))
    RAN.clear()
    again = numbers.recompute(7)
    assert [0, 1, 2, 3] == broken_off(again, 4)
    assert list(range(7)) == list(numbers(7))
    assert [0, 1, 2, 3] == RAN
    assert list(range(7)) == list(numbers.recompute(7))
    assert list(range(7)) == list(numbers(7))


@pytest.mark.parametrize("lost", ["bytes", "record"])
def test_a_lost_chunk_is_computed_again(repo, events, lost):
    """Whoever reads it gets the items, and the store is whole again."""
    items = list(range(9))
    list(numbers(9))
    chunk = chunks()[0]
    if lost == "record":
        repo.delete(chunk)
    else:
        repo.interpreter(DeleteBlob(chunk.value_blob))
    RAN.clear()
    assert items == list(numbers(9)) == list(numbers(9))
    assert items == RAN
    assert 1 == sum(isinstance(event, p.Recovered) for event in events)
    assert p.verify(deep=True).is_sound


def test_streams_are_promoted_verified_and_forgotten_whole(repo):
    """A stream is the artifact of its call and those of its chunks."""
    list(numbers(9))
    report = p.verify(deep=True)
    assert report.is_sound
    assert () == report.gaps
    with replacing_environment(memory_environment()) as environment:
        promoted = p.promote(numbers.artifact_id(9), environment.repository(), repo)
        assert list(range(9)) == promoted.value
    assert 4 == len(list(p.search()))
    assert numbers.forget(9)
    assert () == tuple(p.search())


def test_an_evicted_stream_is_computed_again(repo, events):
    """Its chunks are values as others are: what is in a set stays, and the rest goes without a trace of damage."""
    stream = numbers(9)
    list(stream)
    kept = p.create_set([stream], "kept")
    nothing = p.evict(max_bytes=0, older_than=NOW, dry_run=False)
    assert 0 == nothing.bytes
    repo.delete_set(kept.id)
    gone = p.evict(max_bytes=0, older_than=NOW, dry_run=False)
    assert {*ids_of_chunks(), p.artifact_of(stream).id} == {
        artifact_id
        for value in gone.values  # noqa: PD011 - a report, and no frame
        for artifact_id in value.artifact_ids
    }
    assert p.verify().is_sound
    RAN.clear()
    assert list(range(9)) == list(numbers(9)) == list(numbers(9)) == RAN
    assert [p.MissReason.EVICTED] == [
        event.reason for event in events if isinstance(event, p.Recovered)
    ]
    assert () == p.verify().gaps


def ids_of_chunks():
    """The ids of the chunks that are stored."""
    return {chunk.id for chunk in chunks()}


def test_chunks_of_a_stream_that_was_never_completed_are_garbage(repo):
    """Once they are old, and while nobody computes the stream."""
    list(numbers(9))
    broken_off(numbers(11), 8)
    partial = p.GarbageReason.PARTIAL
    assert 0 == p.collect_garbage().by_reason[partial]
    found = p.collect_garbage(older_than=NOW).garbage
    assert 2 == sum(garbage.reason is partial for garbage in found)
    busy = numbers(11)
    assert 7 == busy[7]
    assert 2 == len([g for g in p.collect_garbage(older_than=NOW).garbage if g.reason is partial])
    assert () == tuple(
        garbage
        for garbage in p.collect_garbage(older_than=NOW, dry_run=False).garbage
        if garbage.reason is partial
    )
    busy.close()
    done = p.collect_garbage(older_than=NOW, dry_run=False)
    assert 2 == sum(garbage.reason is partial for garbage in done.garbage)
    RAN.clear()
    assert list(range(9)) == list(numbers(9))
    assert [] == RAN
    assert list(range(11)) == list(numbers(11)) == RAN


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("library", [pd, pl])
def test_a_chunk_of_tables_is_one_file(repo, library):
    """Other libraries read the file as it lies; the items come back as they were, empty ones too."""

    @p.provenance(stream=FEW, ignore=["library"])
    def days(name):
        table = library.DataFrame({"x": range(5), "y": ["text"] * 5})
        for rows in (3, 0, 4, 2, 1):
            yield table[:rows]

    given = list(days(library.__name__))
    assert [p.hash(table) for table in given] == [p.hash(table) for table in days(library.__name__)]
    kept = {"pandas": "pd_frames_parquet", "polars": "pl_frames_parquet"}[library.__name__]
    assert {kept} == {chunk.serializer for chunk in chunks()}
    assert 10 == p.scan(days(library.__name__)).collect().height
    assert p.verify(deep=True).is_sound


def test_tables_that_do_not_fit_together_are_kept_as_they_are(repo):
    """Of other columns, or with an index of its own, each is a value like others."""

    @p.provenance(stream=True)
    def mixed():
        yield pd.DataFrame({"x": [1]})
        yield pd.DataFrame({"z": [1.5]}, index=["a"])

    @p.provenance(stream=True)
    def indexed():
        yield pd.DataFrame({"x": [1, 2]}, index=[5, 7])

    for function in (mixed, indexed):
        given = list(function())
        assert [p.hash(table) for table in given] == [p.hash(table) for table in function()]
    with pytest.raises(TypeError, match="not as a Parquet file"):
        p.scan(mixed())


# ---------------------------------------------------------------- together


def test_streams_are_not_computed_in_bulk(repo):
    """`map` computes whole results, and a stream is read while it is computed: the error says so."""
    with pytest.raises(p.ConfigError, match="yields a stream"):
        list(numbers.map([2, 4]))
    assert [] == RAN


def test_two_loops_over_one_stream_share_it(repo):
    """The function runs once, also where one loop is inside the other."""
    pairs = [(a, b) for a in numbers(4) for b in numbers(4)]
    assert [(a, b) for a in range(4) for b in range(4)] == pairs
    assert list(range(4)) == RAN


def test_threads_share_a_stream(repo):
    """Each gets all items, and the function runs once."""
    found = []

    def read():
        found.append(list(numbers(40)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [list(range(40))] * 4 == found
    assert list(range(40)) == RAN


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        (p.Streaming(chunk_bytes=1000), [2, 2, 1]),
        (p.Streaming(chunk_items=4), [4, 1]),
        (p.Streaming(), [5]),
        (p.Streaming(chunk_seconds=1e-9), [1, 1, 1, 1, 1]),
    ],
)
def test_a_chunk_ends_at_whichever_limit_comes_first(limits, counts):
    """By items, bytes and time."""

    @p.provenance(stream=limits)
    def texts():
        for letter in "abcde":
            yield letter * 600

    with in_memory():
        list(texts())
        assert counts == [len(chunk.value) for chunk in reversed(chunks())]


@pytest.mark.parametrize(
    "wrong",
    [
        {"chunk_items": 0},
        {"chunk_items": True},
        {"chunk_bytes": -1},
        {"chunk_bytes": 1.5},
        {"chunk_seconds": 0},
        {"keep": "some"},
    ],
)
def test_bad_limits_are_refused(wrong):
    """An option that means nothing is an error at once."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        p.Streaming(**wrong)


def test_the_option_is_for_generators():
    """A function that returns is refused, and so is an option that cannot be combined with it."""

    def plain():
        return 1

    def yields():
        yield 1

    with pytest.raises(p.ConfigError, match="does not yield"):
        p.provenance(stream=True)(plain)
    with pytest.raises(p.ConfigError, match="returns_composite"):
        p.provenance(stream=True, returns_composite=True)(yields)
    with pytest.raises(p.ConfigError, match="Streaming"):
        p.provenance(stream=3)(yields)
