"""Tables in parts: appending writes what is new, and everything else is as for other tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import provenance as p
from provenance.codecs import table_parts
from provenance.ports.blobs import DeleteBlob
from provenance.testing import in_memory

RAN = []


@pytest.fixture(params=["memory_repo", "stored"])
def repo(request):
    """The default repository, in memory and on disk."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def _short_parts(monkeypatch):
    """Parts of ten rows."""
    monkeypatch.setattr(table_parts, "PART_ROWS", 10)


def frame(n, library=pl):
    """A frame of n rows, and as many random numbers."""
    chance = np.random.default_rng(1)
    return library.DataFrame({"n": np.arange(n), "x": chance.random(n)})


@p.provenance(serializer="parquet_parts")
def table(n, library="polars"):
    """A table of n rows, which begins as all others."""
    RAN.append(n)
    return frame(n, {"polars": pl, "pandas": pd}[library])


def parts_of(result):
    """The artifacts of the parts of a table."""
    fields = {"provenance": "part of a table"}
    return [
        part for part in p.search(custom_fields=fields) if part.id in result.artifact.source_ids
    ]


def stored_bytes():
    """What the files of the repository take."""
    return sum(path.stat().st_size for path in Path("blobs").rglob("*") if path.is_file())


@pytest.mark.usefixtures("_short_parts")
@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("n", [0, 1, 10, 35])
def test_a_table_comes_back_as_it_was(repo, library, n):
    """Its hash is that of the frame; the parts are artifacts of their own."""
    expected = frame(n, {"polars": pl, "pandas": pd}[library])
    for result in (table(n, library), table(n, library)):
        assert p.hash(expected) == p.hash(result) == result.artifact.value_id
        assert p.hash(expected) == p.hash(result.artifact.value)
        assert max(-(-n // 10), 1) == len(parts_of(result))
    assert [n] == RAN[-1:]
    assert p.verify(deep=True).is_sound
    assert n == p.scan(table(n, library)).collect().height


def test_appending_writes_what_is_new(stored):
    """A table with 1 % more rows takes less than 5 % of the bytes again."""
    before = table(1_000_000)
    first = stored_bytes()
    after = table(1_010_000)
    assert stored_bytes() - first < 0.05 * first
    assert before.artifact != after.artifact
    assert 16 == len(parts_of(before))


@pytest.mark.usefixtures("_short_parts")
@pytest.mark.parametrize("trouble", ["bytes", "record"])
def test_a_lost_part_is_computed_again(repo, trouble):
    """With the whole table, whether it is read or scanned."""
    for read in (lambda: len(table(35)), lambda: p.scan(table(35)).collect().height):
        part = parts_of(table(35))[0]
        if trouble == "record":
            repo.delete(part)
        else:
            repo.interpreter(DeleteBlob(part.value_blob))
        RAN.clear()
        assert 35 == read() == read()
        assert [35] == RAN
        assert 4 == len(parts_of(table(35)))


@pytest.mark.usefixtures("_short_parts")
def test_a_damaged_part_is_replaced(stored):
    """It is quarantined, and sound bytes take its place."""
    result = table(2_000)
    part = max(parts_of(result), key=lambda part: part.size_bytes)
    stored.interpreter(DeleteBlob(part.value_blob))
    assert 2_000 == len(table(2_000))
    assert p.verify(deep=True).is_sound


@pytest.mark.usefixtures("_short_parts")
def test_parts_go_with_their_table_alone(repo):
    """Forgetting one table leaves another one whole that begins with the same rows."""
    table(20)
    table(30)
    assert table.forget(20)
    assert p.hash(frame(30)) == p.hash(table(30).artifact.value)
    assert 3 == len(list(p.search(custom_fields={"provenance": "part of a table"})))


@pytest.mark.usefixtures("_short_parts")
def test_a_table_is_promoted_with_its_parts(repo):
    """As everything that an artifact needs."""
    result = table(30)
    with in_memory() as other:
        assert p.hash(frame(30)) == p.hash(p.promote(result.artifact, other, repo).value)


def test_what_parts_cannot_hold_is_refused(repo):
    """Other values, and options that make no sense."""

    @p.provenance(serializer="parquet_parts")
    def listed():
        return [1]

    with pytest.raises(p.UnserializableValueError, match="pandas and polars frames") as caught:
        listed()
    assert [1] == caught.value.value
    with pytest.raises(p.ConfigError, match="not for streams"):
        p.provenance(serializer="parquet_parts", stream=True)(_yields)
    with pytest.raises(p.ConfigError, match="not for parts"):
        p.provenance(serializer={"a": "parquet_parts"}, returns_composite=True)(listed.__wrapped__)


def _yields():
    yield 1


@pytest.mark.usefixtures("_short_parts")
def test_an_index_keeps_its_frequency(repo):
    """What a frame has besides its columns comes back, too."""

    @p.provenance(serializer="parquet_parts")
    def hourly():
        index = pd.date_range("2026-01-01", periods=25, freq="h", name="hour")
        made = pd.DataFrame({"x": range(25)}, index=index)
        made.attrs["unit"] = "kWh"
        return made

    hourly()
    value = hourly().artifact.value
    assert "h" == value.index.freqstr
    assert {"unit": "kWh"} == value.attrs


@pytest.mark.usefixtures("_short_parts")
def test_a_table_that_its_parts_do_not_make_up_is_refused(repo, monkeypatch):
    """The parts are joined and compared before anything is stored."""
    monkeypatch.setattr(table_parts, "join", lambda parts: parts[0])
    with pytest.raises(p.UnserializableValueError, match="do not make it up"):
        table(25)
    assert [] == list(p.search())
