"""The helpers that users get for their own tests."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from attrs import frozen

import provenance as p
from provenance import environment as environment_
from provenance.effect import Effect
from provenance.ports.machine import Now, Sleep
from provenance.testing import FixedClock, in_folder, in_memory, memory_environment, scripted


@frozen
class Ask(Effect[int]):
    what: str


def adding():
    """A program that adds two answers; a ValueError counts as zero."""
    try:
        one = yield from Ask("one")
    except ValueError:
        one = 0
    other = yield from Ask("other")
    return one + other


def test_a_script_answers_a_program():
    """The answers of the script are what the program is told."""
    assert 3 == scripted(adding(), (Ask("one"), 1), (Ask("other"), 2))


def test_an_exception_in_a_script_is_raised_at_the_question():
    """The program may catch it; what it does not catch comes out."""
    assert 2 == scripted(adding(), (Ask("one"), ValueError()), (Ask("other"), 2))
    with pytest.raises(OSError, match="gone"):
        scripted(adding(), (Ask("one"), 1), (Ask("other"), OSError("gone")))


@pytest.mark.parametrize(
    "script",
    [
        [],
        [(Ask("one"), 1)],
        [(Ask("other"), 1), (Ask("one"), 2)],
        [(Ask("one"), 1), (Ask("other"), 2), (Ask("more"), 3)],
        [(Ask("one"), 1), (Ask("other"), OSError()), (Ask("more"), 3)],
    ],
)
def test_a_script_must_fit_exactly(script):
    """Another question, one too many or one too few is an AssertionError."""
    with pytest.raises(AssertionError):
        scripted(adding(), *script)


def test_in_memory_is_for_the_block_and_the_process():
    """Within the block all threads and tasks use the yielded repository; blocks nest, and leave nothing behind."""

    @p.provenance()
    def f(x):
        return x

    found = []
    with in_memory() as outer:
        with in_memory() as repo:
            thread = threading.Thread(target=lambda: found.append(p.get_default_repo()))
            thread.start()
            thread.join()

            async def look():
                found.append(p.get_default_repo())

            asyncio.run(look())
            f(1)
            assert f.is_cached(1)
        assert [repo, repo] == found
        assert outer is p.get_default_repo()
        assert not f.is_cached(1)


def test_in_memory_restores_settings_and_overlays(tmp_path):
    """Settings that were changed within the block, and a `using_repo` around it, are back as they were."""
    environment_._environment = None
    try:
        p.load_config({"artifact_repos": {"mine": {"type": "memory"}}})
        mine = p.get_default_repo()
        other = memory_environment().repository()
        with p.using_repo(other):
            with in_memory() as repo:
                p.set_use_cache(False)
                p.set_read_only(True)
                assert repo is p.get_default_repo()
            assert (True, False) == (p.get_use_cache(), p.get_read_only())
            assert other is p.get_default_repo()
        assert mine is p.get_default_repo()
    finally:
        environment_._environment = None
    assert [] == list(tmp_path.iterdir())


def test_in_folder_keeps_what_was_stored(tmp_path):
    """A second block over the same folder, as a second process would, hits what the first one stored there."""

    @p.provenance()
    def f(x):
        return [x] * 100_000

    for cached in (False, True):
        with in_folder(tmp_path / "kept") as repo:
            assert repo is p.get_default_repo()
            assert cached == f.is_cached(1)
            assert [1] * 100_000 == f(1)
    assert ["kept"] == [path.name for path in tmp_path.iterdir()]
    with in_folder(tmp_path / "other"):
        assert not f.is_cached(1)


def test_a_fixed_clock_dates_artifacts():
    """With a clock of its own, an artifact carries that clock's times."""
    moment = datetime(2020, 2, 29, 12, tzinfo=UTC)
    with in_memory(FixedClock(moment)):
        artifact = p.provenance(lambda: 1, name="dated").artifact()
    assert (moment, moment, 0.0) == (
        artifact.computed_at,
        artifact.added_at,
        artifact.compute_duration,
    )


def test_an_environment_and_its_repositories_share_one_clock():
    """A test replaces one clock, and calls, time stamps and pauses go by it."""
    clock = FixedClock(datetime(2020, 2, 29, 12, tzinfo=UTC))
    environment = memory_environment(clock)
    ask = environment.repository().interpreter
    assert clock is environment.clock
    assert (clock.moment, 3600.0) == (ask(Now()), ask(Sleep(3600.0)))
