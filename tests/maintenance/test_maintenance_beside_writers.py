"""Collecting garbage, evicting and verifying while other processes compute, read, recompute and forget."""

import os
import time
from contextlib import suppress
from datetime import timedelta

import numpy as np
import pytest

import provenance as p
from processes import output, started
from provenance.config.api import default_environment
from provenance.environment import replacing_environment
from provenance.ports.blobs import BlobArea, ListBlobEntries

WRITERS = 3
EACH = 12
SECONDS = 6.0
LATELY = timedelta(seconds=4)
"""As `MARGIN`, but short enough for something to be older."""
MARGIN = timedelta(seconds=15)
"""More than a writer takes between its bytes and their record, even on a busy machine."""

WRITER = """
import os, random, sys, time
from contextlib import suppress
import numpy as np
import provenance as p

@p.provenance(name="numbers")
def numbers(n):
    return np.arange(n, n + 10_000)

first, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
rng = random.Random(first)
turns = 0
numbers(first)
print("ready", flush=True)
sys.stdin.readline()
until = time.time() + seconds
while time.time() < until:
    n = first + rng.randrange(count)
    result = numbers(n)
    stored = p.get_default_repo().get_value(p.artifact_of(result).id) if sys.argv[4] == "strict" else result
    assert n == stored[0] and 10_000 == len(stored)
    if n % 2 and rng.random() < 0.6:
        if rng.random() < 0.7:
            digest = p.artifact_of(result).content_digest
            numbers.forget(n)
            with suppress(FileNotFoundError):  # as if that had been long ago: its bytes are for the collector
                os.utime(f".provenance/blobs/{digest[:2]}/{digest[2:]}", (1e9, 1e9))
        else:
            numbers.recompute(n)
    turns += 1
print(turns)
"""


@p.provenance(name="numbers")
def numbers(n):
    """As the writers have it."""
    return np.arange(n, n + 10_000)


@pytest.fixture
def project(tmp_path):
    """The working directory is a project, and its repository the default one."""
    (tmp_path / ".git").mkdir()
    with replacing_environment(default_environment()):
        yield tmp_path


def writers(mode):
    """Processes at work on values of their own, all of them for a while from now, and when they will be done."""
    running = [
        started(WRITER, str(turn * EACH), str(EACH), str(SECONDS), mode) for turn in range(WRITERS)
    ]
    assert ["ready\n"] * WRITERS == [each.stdout.readline() for each in running]
    for each in running:
        each.stdin.write("go\n")
        each.stdin.flush()
    return running, time.time() + SECONDS


def bytes_of_values(folder):
    """The stored bytes of each value that the writers will compute, by their place."""
    repo = p.from_config(
        {
            "blobstores": {"d": {"type": "disk", "cachedir": "elsewhere/blobs"}},
            "artifact_repos": {
                "r": {"type": "sqlite", "db": "elsewhere/r.db", "store": "d", "inline_limit": 0}
            },
        },
        folder,
    ).repository()
    with p.using_repo(repo):
        ids = [p.artifact_of(numbers(n)).content_digest for n in range(WRITERS * EACH)]
    return {
        f"{each[:2]}/{each[2:]}": (folder / "elsewhere/blobs" / each[:2] / each[2:]).read_bytes()
        for each in ids
    }


def leave_behind(folder, contents):
    """Files as writers leave them that were killed long ago: the bytes of values, without a record."""
    then = time.time() - 3 * 24 * 3600
    for place, data in contents.items():
        target = folder / ".provenance" / "blobs" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        made = folder / "made"
        made.write_bytes(data)
        os.utime(made, (then, then))
        with suppress(FileExistsError):
            os.link(made, target)
        made.unlink()


def test_nothing_that_is_recorded_is_collected(project):
    """Old leftovers of just the bytes that writers are about to record go, and what they record stays, each time."""
    contents = bytes_of_values(project)
    running, until = writers("strict")
    collected = rounds = 0
    while time.time() < until:
        leave_behind(project, contents)
        collected += len(p.collect_garbage(dry_run=False, older_than=MARGIN).garbage)
        rounds += 1
    assert [True] * WRITERS == [int(output(each)) > 0 for each in running]
    assert collected > rounds
    found = p.verify()
    assert ((), ()) == (found.problems, found.gaps)
    named = {each.content_digest for each in p.search()}
    leave_behind(project, contents)
    p.collect_garbage(dry_run=False, older_than=MARGIN)
    stored = {
        each.key for each in p.get_default_repo().interpreter(ListBlobEntries(BlobArea.STORED))
    }
    assert (set(), True) == (named - stored, len(named) > 0)


def test_evicting_and_verifying_beside_writers(project):
    """Whatever is let go meanwhile, each call is answered rightly, and nothing is told that is not so."""
    running, until = writers("lenient")
    problems, gone = [], 0
    while time.time() < until:
        gone += len(p.evict(max_bytes=100_000, older_than=LATELY, dry_run=False).values)
        problems += p.verify().problems
    assert [True] * WRITERS == [int(output(each)) > 0 for each in running]
    assert [] == problems
    assert gone > 0
    assert p.verify().is_sound
    assert list(range(WRITERS * EACH)) == [int(numbers(n)[0]) for n in range(WRITERS * EACH)]
