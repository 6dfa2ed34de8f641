"""What every engine must do: the same results, records and events as calls one after the other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve
from returns.result import Failure as Failed
from returns.result import Success

import provenance as p
from provenance.engines import freight
from provenance.engines.pools import Engine
from provenance.environment import replacing_environment
from provenance.ports.machine import CurrentRun
from provenance.testing import samples
from provenance.testing.environments import folder_environment


class EngineContract:
    """Tests of an engine; a subclass says how to start it."""

    is_remote = True
    """Whether calls run in other processes."""
    replaces_workers = True
    """Whether the engine goes on after a worker has died."""
    most_deaths = 3
    """How many workers a call may end; a scheduler that retries by itself has more."""

    def start(self) -> AbstractContextManager[Engine]:
        """Return the engine; what it runs on may live longer than the block."""
        raise NotImplementedError

    @pytest.fixture
    def engine(self) -> Generator[Engine]:
        """Start the engine before the environment exists."""
        with self.start() as engine:
            yield engine

    @pytest.fixture(autouse=True)
    def environment(self, engine: Engine, tmp_path: Path) -> Generator[p.Environment]:
        """Let functions use SQLite and files in a folder that no worker has seen."""
        assert engine.name
        p.reset_stats()
        with replacing_environment(folder_environment(tmp_path)) as environment:
            yield environment

    def test_results_are_those_of_the_calls(self, engine: Engine) -> None:
        """A map has the results of the calls, in their order, and they are stored."""
        results = list(samples.increment.map(range(10), engine=engine))
        assert results == list(range(1, 11))
        assert all(samples.increment.is_cached(number) for number in range(10))
        assert [p.artifact_of(one).id for one in results] == [
            samples.increment.artifact_id(number) for number in range(10)
        ]

    def test_hits_are_not_computed(self, engine: Engine) -> None:
        """What is stored is not computed again; events tell them apart."""
        samples.increment(3)
        events: list[p.Event] = []
        with p.subscribe(events.append):
            assert list(samples.increment.map([2, 3, 4], engine=engine)) == [3, 4, 5]
        assert sorted(type(event).__name__ for event in events) == ["Hit", "Miss", "Miss"]
        assert (p.stats().hits, p.stats().misses) == (1, 3)

    def test_equal_calls_are_computed_once(self, engine: Engine) -> None:
        """Of 10,000 calls with 100 different arguments, 100 are computed."""
        numbers = [number % 100 for number in range(10_000)]
        assert sum(samples.increment.map(numbers, engine=engine)) == sum(numbers) + 10_000
        assert (p.stats().misses, p.stats().hits) == (100, 9_900)

    def test_two_iterables_are_zipped(self, engine: Engine) -> None:
        """The n-th call has the n-th item of each iterable."""
        pairs = samples.total.map([1, 2, 3], [10, 20], engine=engine)
        assert list(pairs) == [[11], [22]]

    def test_lineage_spans_calls(self, engine: Engine) -> None:
        """Results passed on are inputs, in whichever process their function ran."""
        increments = list(samples.increment.map([1, 2], engine=engine))
        doubles = list(samples.double.map(increments, engine=engine))
        (result,) = p.gather([samples.total.later(*doubles)], engine=engine)
        assert result == [10]
        assert len(p.lineage(result).artifacts) == 5
        assert p.artifact_of(result).input_artifact_ids == {
            p.artifact_of(one).id for one in doubles
        }

    def test_functions_of_all_kinds_travel(self, engine: Engine) -> None:
        """Closures, methods, coroutines, composites and functions that call others."""
        offset = 5

        @p.provenance()
        def shift(number: int) -> int:
            return number + offset

        assert list(shift.map([1, 2], engine=engine)) == [6, 7]
        assert list(samples.Scaler(3).scale.map([1, 2], engine=engine)) == [3, 6]
        assert list(samples.coroutine.map([1, 2], engine=engine)) == [2, 3]
        assert list(samples.coroutine.map([1, 2], engine=engine)) == [2, 3]
        assert [dict(one) for one in samples.parts.map([1], engine=engine)] == [
            {"more": 2, "less": 0}
        ]
        assert list(samples.calling.map([1], engine=engine)) == [3]
        assert samples.increment.is_cached(1)
        assert [len(one) for one in samples.large.map([200_000], engine=engine)] == [200_000]

    def test_planned_calls_of_several_functions_are_gathered(self, engine: Engine) -> None:
        """`gather` keeps the order."""
        with p.using_engine(engine):
            calls = [
                samples.increment.later(1),
                samples.double.later(4),
                samples.increment.later(2),
            ]
            assert p.gather(calls) == [2, 8, 3]

    def test_failures_are_values(self, engine: Engine) -> None:
        """A failure has its traceback, also if its exception cannot be pickled."""
        one, two, three, *_ = list(
            samples.failing.map([1, 3, 6, 2, 3], engine=engine, errors="return")
        )
        assert one == Success(1)
        assert isinstance(two, Failed)
        assert isinstance(three, Failed)
        assert two.failure().error_type.endswith("UnpicklableError")
        assert two.failure().message == "this and that"
        assert "in failing" in two.failure().traceback
        assert isinstance(three.failure().error, ValueError)
        assert (two.failure().index, three.failure().index) == (1, 2)

    def test_the_first_failure_is_raised(self, engine: Engine) -> None:
        """The exception reaches the caller, after the results before it."""
        results = samples.failing.map([1, 2, 6, 4], engine=engine)
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(ValueError, match="not 6") as caught:
            next(results)
        assert "raised by call 2" in caught.value.__notes__[-1]

    def test_arguments_that_do_not_fit_are_refused(self, engine: Engine) -> None:
        """A call that cannot be planned is a failure of its own."""
        one, two = samples.increment.map([1, iter([])], engine=engine, errors="return")
        assert one == Success(2)
        assert isinstance(two, Failed)
        assert two.failure().kind == "refused"

    def test_iterators_may_be_endless(self, engine: Engine) -> None:
        """A map reads a bounded number of items in advance."""
        numbers = itertools.count()
        results = samples.increment.map(numbers, engine=engine, ahead=20)
        assert list(itertools.islice(results, 30)) == list(range(1, 31))
        assert next(numbers) <= 51

    def test_an_error_of_the_iterator_comes_last(self, engine: Engine) -> None:
        """What reading the items raises is raised after the results of those before."""
        numbers = map(int, ["1", "no number"])
        results = samples.increment.map(numbers, engine=engine)
        assert next(results) == 2
        with pytest.raises(ValueError, match="no number"):
            next(results)

    def test_unordered_results_come_as_they_end(self, engine: Engine) -> None:
        """Without an order, all results come."""
        results = samples.increment.map(range(20), engine=engine, ordered=False)
        assert sorted(results) == list(range(1, 21))

    def test_events_are_captured(self, engine: Engine) -> None:
        """A capture has hits and computed artifacts alike."""
        samples.increment(1)
        with p.capture_set("all") as capture:
            results = list(samples.increment.map(range(5), engine=engine))
        assert capture.artifact_ids == {p.artifact_of(one).id for one in results}

    def test_progress_is_reported(self, engine: Engine) -> None:
        """The last report has all calls."""
        samples.increment(1)
        seen: list[p.Progress] = []
        list(samples.increment.map(range(5), engine=engine, progress=seen.append))
        assert (seen[-1].done, seen[-1].total, seen[-1].hits, seen[-1].computed) == (5, 5, 1, 4)

    def test_a_repository_in_memory_has_the_results(self, engine: Engine) -> None:
        """What workers compute is stored in the memory of the caller, with lineage and inner calls."""
        with p.using_repo(p.MemoryRepo()) as repo:
            (first,) = samples.calling.map([1], engine=engine)
            (result,) = samples.double.map([first], engine=engine)
            assert result == 6
            assert p.artifact_of(result).id in repo
            assert samples.increment.artifact_id(1) in repo
            assert p.artifact_of(result).input_artifact_ids == {p.artifact_of(first).id}
            (parts,) = samples.parts.map([4], engine=engine)
            assert parts["more"] == 5
            assert [len(one) for one in samples.large.map([200_000], engine=engine)] == [200_000]
        assert not samples.double.is_cached(3)

    @pytest.mark.parametrize("commit", ["auto", "driver"])
    def test_runs_of_workers_name_the_run_of_the_caller(self, engine: Engine, commit: str) -> None:
        """What a worker process computes belongs to a run that this one started."""
        here = p.get_default_repo().interpreter(CurrentRun())
        if self.is_remote:
            engine = evolve(cast("Any", engine), commit=commit)
        (result,) = samples.increment.map([1], engine=engine)
        run = p.artifact_of(result).run_info
        assert (run.parent_id if self.is_remote else run.id) == here.id

    def test_another_repository_for_a_while(self, engine: Engine, tmp_path: Path) -> None:
        """`using_repo` reaches the workers, which existed before."""
        with p.using_repo(p.SqliteRepo(db=tmp_path / "other.db")) as repo:
            (result,) = samples.increment.map([1], engine=engine)
            assert p.artifact_of(result).id in repo
            assert result == 2
        assert not samples.increment.is_cached(1)
        assert list(samples.increment.map([1], engine=engine)) == [2]
        assert samples.increment.is_cached(1)

    def test_a_layer_around_a_repository_sees_the_results(
        self, engine: Engine, environment: p.Environment
    ) -> None:
        """A repository that cannot be described gets the results from the caller."""
        repo: p.Repository = environment.repository().with_layer(lambda stores: stores)
        with p.using_repo(repo):
            assert list(samples.increment.map([1], engine=engine)) == [2]
        assert samples.increment.is_cached(1)

    @pytest.mark.parametrize("default", ["shared", "held"])
    def test_inner_calls_store_where_their_functions_say(
        self, engine: Engine, tmp_path: Path, default: str
    ) -> None:
        """Each in its repository of the caller, in memory or not, and committed by driver or worker."""
        repos: dict[str, dict[str, str]] = {
            "shared": {"type": "sqlite", "db": "shared.db"},
            "other": {"type": "sqlite", "db": "other.db"},
            "held": {"type": "memory"},
        }
        config = {"artifact_repos": repos, "default_repo": default}
        with replacing_environment(p.from_config(config, tmp_path)):

            @p.provenance(repo="other")
            def in_other(number: int) -> int:
                return number + 1

            @p.provenance(repo="held")
            def in_memory(number: int) -> int:
                return in_other(number) + 1

            @p.provenance()
            def outer(number: int) -> int:
                return in_memory(number) + samples.increment(number)

            assert list(outer.map([1, 2], engine=engine)) == [5, 7]
            assert list(in_memory.map([2, 3], engine=engine)) == [4, 5]
            for function in (in_other, in_memory, outer, samples.increment):
                assert function.is_cached(2)
            named = {"other": in_other, "held": in_memory, default: samples.increment}
            for name, function in named.items():
                assert function.artifact_id(2) in p.get_repo_by_name(name)

    def test_values_in_memory_reach_the_caller(self, engine: Engine, tmp_path: Path) -> None:
        """Records in a database that workers reach are of no use without the values."""
        with p.using_repo(p.SqliteRepo(db=tmp_path / "a.db", store=p.MemoryStore("values"))):
            (result,) = samples.large.map([200_000], engine=engine)
            assert len(result) == 200_000
        repos = {"a": {"type": "sqlite", "db": "b.db", "store": "values"}}
        config = {"blobstores": {"values": {"type": "memory"}}, "artifact_repos": repos}
        with replacing_environment(p.from_config(config, tmp_path)):
            (result,) = samples.large.map([200_000], engine=engine)
            assert len(result) == 200_000
        assert (p.stats().misses, p.stats().recovered) == (2, 0)

    def test_reading_only_stores_nothing(self, engine: Engine) -> None:
        """Results come back, and are in no store."""
        p.set_read_only(True)
        results = list(samples.increment.map([1, 2, 1], engine=engine))
        assert [p.unwrap(one) for one in results] == [2, 3, 2]
        p.set_read_only(False)
        assert not samples.increment.is_cached(1)

    def test_uncached_functions_are_computed_each_time(self, engine: Engine) -> None:
        """With the cache off, equal calls are computed, too."""
        assert list(samples.uncached.map([1, 1, 1], engine=engine)) == [2, 2, 2]
        assert p.stats().recomputed == 3

    def test_tasks_of_an_event_loop_go_on(self, engine: Engine) -> None:
        """`amap` yields what `map` does."""

        async def collect() -> list[Any]:
            results = samples.increment.amap(range(3), engine=engine)
            return [one async for one in results]

        assert asyncio.run(collect()) == [1, 2, 3]

    def test_a_worker_of_another_release_is_an_error(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing runs, and the message names both versions."""
        if not self.is_remote:
            return
        monkeypatch.setattr(freight, "library_version", lambda: "0.0.1")
        with pytest.raises(p.EngineError, match=r"provenance .* 0\.0\.1"):
            list(samples.increment.map([1], engine=engine))

    def test_a_worker_that_dies_is_replaced(self, engine: Engine, tmp_path: Path) -> None:
        """Its calls are shipped again, and the others are not lost."""
        if not (self.is_remote and self.replaces_workers):
            return
        folder = tmp_path / "deaths"
        folder.mkdir()
        calls = [samples.deadly.later(number, 1, str(folder)) for number in range(6)]
        assert p.gather(calls, engine=engine) == list(range(6))

    def test_a_call_that_kills_its_workers_is_a_failure(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        """It is shipped three times at most; the other calls have their results."""
        if not (self.is_remote and self.replaces_workers):
            return
        folder = tmp_path / "deaths"
        folder.mkdir()
        calls = [samples.deadly.later(number, 99, str(folder)) for number in range(4)]
        zero, one, two, three = p.gather(calls, engine=engine, errors="return")
        assert (zero, two, three) == (Success(0), Success(2), Success(3))
        assert isinstance(one, Failed)
        assert one.failure().kind == "worker died"
        assert 1 <= len(list(folder.iterdir())) <= self.most_deaths
