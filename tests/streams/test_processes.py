"""Streams of several processes: one that is killed, one that follows another, and the memory that a long one takes."""

import json

import pytest

import provenance as p
from processes import output, printed, started
from waiting import until

STREAM = """
import sys, time
import provenance as p

p.load_config({
    "blobstores": {"disk": {"type": "disk", "cachedir": "blobs", "delete": True}},
    "artifact_repos": {"local": {"type": "sqlite", "db": "records.db", "store": "disk"}},
    "single_flight": {"lease_seconds": 1.0},
})

@p.provenance(name="numbers", stream=p.Streaming(chunk_items=10, follow=len(sys.argv) > 2))
def numbers(n, *, after={"number": -1}):
    for number in range(after["number"] + 1, n):
        print(number, flush=True)
        if number == int(sys.argv[1]):
            time.sleep(600)
        yield {"number": number}
"""


def test_a_killed_stream_goes_on_after_its_last_chunk(tmp_path):
    """The first chunks are not computed again, though nothing could be tidied up."""
    first = started(STREAM + "list(numbers(35))", "25")
    try:
        assert [str(number) for number in range(26)] == [
            first.stdout.readline().strip() for _ in range(26)
        ]
    finally:
        first.kill()
        first.communicate()
    ending = "items = list(numbers(35))\nprint(items == [{'number': n} for n in range(35)])"
    assert [*map(str, range(20, 35)), "True"] == printed(STREAM + ending, "-1").split()
    assert ["True"] == printed(STREAM + ending, "-1").split()


def test_another_process_waits_for_the_whole_stream_or_follows_it(tmp_path):
    """Either way the function runs in one process only."""
    pausing = """
for item in numbers(30):
    if item["number"] == 19:
        print("here", flush=True)
        sys.stdin.readline()
"""
    first = started(STREAM + pausing, "-1")
    until(lambda: first.stdout.readline().strip() == "here")
    ending = "print(sum(item['number'] for item in numbers(30)))"
    waiting = started(STREAM + ending, "-1")
    following = started(
        STREAM + "for item in numbers(30): print(item['number'], flush=True)",
        "-1",
        "follow",
    )
    try:
        assert list(map(str, range(20))) == [following.stdout.readline().strip() for _ in range(20)]
        assert waiting.poll() is None
        first.stdin.write("\n")
        first.stdin.flush()
        output(first)
        assert [str(sum(range(30)))] == output(waiting).split()
        assert list(map(str, range(20, 30))) == output(following).split()
    finally:
        for process in (first, waiting, following):
            process.kill()


MEMORY = """
import json, resource, sys
import provenance as p

p.load_config({
    "blobstores": {"disk": {"type": "disk", "cachedir": "blobs"}},
    "artifact_repos": {"local": {"type": "sqlite", "db": "records.db", "store": "disk"}},
})
megabytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

@p.provenance(stream=p.Streaming(chunk_bytes=250_000))
def blocks(n):
    for number in range(n):
        yield [number.to_bytes(4, "big") * 6_250]

def read(n):
    return sum(len(block[0]) for block in blocks(n))

read(200)
before = megabytes()
size = read(int(sys.argv[1]))
computed = megabytes() - before
assert size == read(int(sys.argv[1])) == int(sys.argv[1]) * 25_000
print(json.dumps([computed, megabytes() - before]))
"""


def test_a_long_stream_takes_no_more_memory_than_a_short_one(tmp_path):
    """A stream of 30 MB in 120 chunks is computed, stored, hashed and read in a few megabytes more than one of 5 MB."""
    computed, read = json.loads(printed(MEMORY, "1200"))
    assert computed < 15
    assert read < 15


@pytest.mark.long
def test_a_stream_of_300_megabytes_takes_no_more_memory(tmp_path):
    """In 1,200 chunks: what grows are the hashes of its items, some hundred bytes for each, and a line for each chunk."""
    computed, read = json.loads(printed(MEMORY, "12000"))
    assert computed < 20
    assert read < 20


def test_chunks_whose_hashes_are_not_kept_are_read_again(memory_repo, monkeypatch):
    """The hash of the whole is the same."""
    monkeypatch.setattr("provenance.calls.streaming._MOST_ENCODED", 20)

    @p.provenance(stream=p.Streaming(chunk_items=2))
    def texts():
        yield from map(str, range(100))

    assert p.hash([str(number) for number in range(100)]) == p.hash(texts())
