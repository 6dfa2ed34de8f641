"""Functions over a collection: one artifact for each member, in any order and subset."""

import asyncio
import pickle
import sys
from collections.abc import Mapping
from datetime import date
from multiprocessing import get_context

import polars as pl
import pytest

import provenance as p
from provenance.testing import in_folder, samples

RAN = []
DAYS = [date(2026, 1, day) for day in range(1, 6)]


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def _nothing_ran():
    RAN.clear()


@p.provenance(over="day")
def daily(day, source, *, factor=1):
    """The table of a day."""
    RAN.append(day)
    return pl.DataFrame({"day": [day] * 3, "x": [day.day * factor + n for n in range(3)]})


@p.provenance(over="n")
def squared(n):
    """A scalar for each member."""
    RAN.append(n)
    return n * n


def test_each_member_is_computed_once(repo):
    """A new member costs one computation; any order or subset of known ones costs none."""
    table = daily(DAYS[:3], "raw")
    assert isinstance(table, Mapping)
    assert DAYS[:3] == list(table) == RAN
    assert [1, 2, 3] == table[DAYS[0]]["x"].to_list()
    RAN.clear()
    assert [DAYS[2], DAYS[3], DAYS[0]] == list(daily([DAYS[2], DAYS[3], DAYS[0]], "raw"))
    assert [DAYS[3]] == RAN
    assert DAYS[:4] == list(daily(DAYS[:4], source="raw"))
    assert [DAYS[3]] == RAN


def test_members_are_those_of_the_plain_call(repo):
    """What was computed singly is a hit, and the other way round."""
    one = daily.each(DAYS[0], "raw")
    table = daily(DAYS[:2], "raw")
    assert DAYS[:2] == RAN
    assert one.artifact == table[DAYS[0]].artifact
    assert table[DAYS[1]].artifact == daily.each(DAYS[1], "raw").artifact
    assert (DAYS[2],) == daily.missing(DAYS[1:3], "raw")
    assert DAYS[:2] == RAN


def test_a_member_counts_once(repo):
    """Any collection will do, also a generator; scalars come back as scalars."""
    assert {3: 9, 1: 1} == dict(squared([3, 1, 3]))
    assert {2: 4, 3: 9} == dict(squared(n for n in (2, 3)))
    assert 9 == squared({3})[3]
    assert {} == dict(squared([]))
    assert [3, 1, 2] == RAN


def test_other_arguments_make_other_members(repo):
    """They are arguments of each member's call."""
    daily(DAYS[:1], "raw")
    daily(DAYS[:1], "clean")
    assert [2, 3, 4] == daily(DAYS[:1], "raw", factor=2)[DAYS[0]]["x"].to_list()
    assert 3 * [DAYS[0]] == RAN


def test_the_parts_are_an_artifact_of_all_members(repo):
    """It is passed on, pickled, and leads to the members."""

    @p.provenance()
    def rows(tables):
        return sum(len(table) for table in tables.values())

    table = daily(DAYS[:3], "raw")
    assert 9 == rows(table)
    assert isinstance(table, p.Parts)
    members = {daily.each(day, "raw").artifact for day in DAYS[:3]}
    assert members <= set(p.dependencies(table))
    assert members <= set(p.dependencies(rows(table)))
    again = pickle.loads(pickle.dumps(table))
    assert DAYS[:3] == list(again)
    assert [2, 3, 4] == again[DAYS[1]]["x"].to_list()
    assert table.artifact == daily(DAYS[:3], "raw").artifact
    assert table.artifact != daily(DAYS[:2], "raw").artifact
    loaded = repo.get_value(table.artifact.id)
    assert [2, 3, 4] == loaded[DAYS[1]]["x"].to_list()
    assert p.verify(deep=True).is_sound


def test_methods_and_coroutines_too(repo):
    """A method has its object; the members of an `async def` run side by side."""

    class Source:
        def __init__(self, name):
            self.name = name

        def value_repr(self):
            return self.name

        @p.provenance(over="n")
        def read(self, n):
            RAN.append(n)
            return f"{self.name} {n}"

    @p.provenance(over="n")
    async def later(n):
        await asyncio.sleep(0)
        return -n

    assert {1: "raw 1", 2: "raw 2"} == dict(Source("raw").read([1, 2]))
    assert "raw 2" == Source("raw").read.each(2)
    assert [1, 2] == RAN
    assert {1: -1, 2: -2} == dict(asyncio.run(_awaited(later([1, 2]))))


async def _awaited(coroutine):
    return await coroutine


@pytest.mark.parametrize("wrong", [3, None, "text", b"bytes"])
def test_a_collection_is_wanted(repo, wrong):
    """Anything else is refused, with advice."""
    with pytest.raises(TypeError, match=r"\.each\("):
        squared(wrong)
    assert [] == RAN


def test_bad_options_are_refused_at_once():
    """An unknown parameter, a generator, and a change of the option."""

    def plain(n):
        return n

    def yields(n):
        yield n

    with pytest.raises(p.ConfigError, match="its parameters are n"):
        p.provenance(over="m")(plain)
    with pytest.raises(p.ConfigError, match="stream"):
        p.provenance(over="n", stream=True)(yields)
    with pytest.raises(p.ConfigError, match="over"):
        p.provenance(plain).with_options(over="n")
    assert [4] == list(squared.with_options(version=3)([2]).values())


# ---------------------------------------------------------------- scanning


def test_tables_are_scanned_as_they_lie(repo):
    """No table is read by us; polars reads the files, whatever the repository keeps in its rows."""
    table = daily(DAYS, "raw")
    lazy = table.scan()
    assert isinstance(lazy, pl.LazyFrame)
    total = lazy.filter(pl.col("day") > DAYS[2]).select(pl.col("x").sum()).collect().item()
    assert sum(day.day + n for day in DAYS[3:] for n in range(3)) == total
    assert 15 == p.scan(table).select(pl.len()).collect().item()
    assert 6 == p.scan([table[DAYS[0]], table[DAYS[1]].artifact]).collect().height
    assert 3 == p.scan(table[DAYS[0]].artifact.id).collect().height
    assert 15 == p.scan(table.artifact.id).collect().height
    assert 15 == p.scan(table, engine="arrow").count_rows()


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Dask's own use of pandas
def test_other_engines_read_the_same_files(repo):
    """DuckDB and Dask get them as their own lazy tables."""
    table = daily(DAYS, "raw")
    expected = sum(day.day + n for day in DAYS for n in range(3))
    assert [(expected,)] == p.scan(table, engine="duckdb").sum("x").fetchall()
    assert expected == p.scan(table, engine="dask")["x"].sum().compute(scheduler="synchronous")


def test_a_missing_engine_is_named(repo, monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(p.MissingLibraryError, match="pip install duckdb"):
        p.scan(daily(DAYS[:1], "raw"), engine="duckdb")


def test_pandas_frames_are_scanned_too(repo):
    """The files are Parquet, whoever wrote them."""
    import pandas as pd

    @p.provenance()
    def frame(n):
        return pd.DataFrame({"x": range(n)})

    assert 10 == p.scan(frame(5)).select(pl.col("x").sum()).collect().item()


def test_a_lost_table_is_computed_again(stored):
    """As everywhere, its bytes are stored again."""
    from provenance.ports.blobs import DeleteBlob

    table = daily(DAYS[:2], "raw")
    stored.interpreter(DeleteBlob(table.proxy(DAYS[0]).artifact.value_blob))
    RAN.clear()
    assert 6 == daily(DAYS[:2], "raw").scan().collect().height
    assert DAYS[:1] == RAN


def test_what_is_no_table_is_refused(repo):
    """The error names the artifact; unknown engines and missing libraries are errors of their own."""
    with pytest.raises(TypeError, match="serializer 'pickle'"):
        p.scan(squared([2]))
    with pytest.raises(TypeError, match="got no table"):
        p.scan([])
    with pytest.raises(p.ConfigError, match="engine"):
        p.scan(squared([2]), engine="excel")


class Shop:
    """Something with a method over a collection."""

    def __init__(self, price):
        self.price = price

    @p.provenance(over="n")
    def sales(self, n):
        """What *n* cost."""
        return self.price * n


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "function",
    [
        squared,
        squared.each,
        squared.with_options(version=3),
        squared.each.with_options(version=3),
        Shop.sales,
        Shop(2).sales,
        Shop(2).sales.each,
        Shop(2).sales.with_options(tags=["a"]),
        samples.increment.with_options(version=2),
        samples.Scaler(2).scale,
        samples.Scaler(2).scale.with_options(version=2),
    ],
    ids=repr,
)
def test_functions_travel_by_plain_pickle(function, protocol):
    """So do their functions of one member, and functions with other options than those that their names lead to."""
    sent = pickle.loads(pickle.dumps(function, protocol))
    assert p.hash(sent) == p.hash(function)
    each = getattr(function, "each", function)
    if each is squared.each:
        assert getattr(sent, "each", sent) is each


def test_pools_run_functions_over_collections(tmp_path):
    """They store where the sender does."""
    with in_folder(tmp_path):
        squared.each.is_cached(1)
        with get_context("fork").Pool(1) as pool:
            assert [dict(one) for one in pool.map(squared, [[1, 2], [3]])] == [{1: 1, 2: 4}, {3: 9}]
        assert squared.missing([1, 2, 3]) == ()
