"""The plain value in a common format, read back by the library of the format."""

import csv
import io
import json
import math
import os

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import safetensors.numpy

import provenance as p
from exchange.conftest import pipeline

FRAME = pd.DataFrame({"x": [1.5, 2.5], "name": ["a", "größe"]})
ROWS = [{"x": 1, "y": "a"}, {"x": 2, "z": None}]


def rows_of(path):
    """The rows of a CSV file."""
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


@pytest.fixture
def written(memory_repo, tmp_path):
    """A function that exports a value as a result, and returns the path."""

    def write(value, extension):
        @p.provenance(name=f"make {p.hash(value)}")
        def make():
            return value

        return p.export(make.artifact(), tmp_path / f"out{extension}")

    return write


def test_tables_become_parquet(written):
    """Of pandas, polars, Arrow, a series, and a list of dictionaries."""
    assert FRAME.equals(pd.read_parquet(written(FRAME, ".parquet")))
    indexed = FRAME.set_index("name")
    assert indexed.equals(pd.read_parquet(written(indexed, ".parquet")))
    assert FRAME["x"].equals(pd.read_parquet(written(FRAME["x"], ".parquet"))["x"])
    assert pl.DataFrame(ROWS[:1]).equals(
        pl.read_parquet(written(pl.DataFrame(ROWS[:1]), ".parquet"))
    )
    table = pa.table({"x": [1, 2]})
    assert table.to_pylist() == pd.read_parquet(written(table, ".parquet")).to_dict("records")
    assert [1, 2] == list(pd.read_parquet(written(ROWS, ".parquet"))["x"])


def test_tables_and_rows_become_csv(written):
    """With the index only if it says something."""
    assert "x,name\n1.5,a\n2.5,größe\n" == written(FRAME, ".csv").read_text("utf-8")
    assert written(FRAME.set_index("name"), ".csv").read_text("utf-8").startswith("name,x\n")
    assert "x\n1\n" == written(pl.DataFrame({"x": [1]}), ".csv").read_text("utf-8")
    assert [["x"], ["1"]] == rows_of(written(pa.table({"x": [1]}), ".csv"))
    assert "x,y,z\r\n1,a,\r\n2,,\r\n" == written(ROWS, ".csv").read_bytes().decode()
    assert [["1", "2"], ["3", "4"]] == rows_of(written(np.arange(1, 5).reshape(2, 2), ".csv"))
    assert [["1.5"]] == rows_of(written(np.array([1.5]), ".csv"))
    assert [["1", "a"], ["2"]] == rows_of(written([(1, "a"), (2,)], ".csv"))


def test_values_become_json(written):
    """Builtins, arrays and tables."""
    value = {"auc": 0.1, "names": ["größe"], "none": None}
    assert value == json.loads(written(value, ".json").read_text("utf-8"))
    assert [[0, 1], [2, 3]] == json.loads(written(np.arange(4).reshape(2, 2), ".json").read_text())
    assert FRAME.to_dict("records") == json.loads(written(FRAME, ".json").read_text("utf-8"))
    assert {"x": 1} == json.loads(written(pl.DataFrame({"x": [1]}), ".json").read_text())[0]
    assert [1.5, 2.5] == json.loads(written(FRAME["x"], ".json").read_text())["data"]


def test_arrays_become_npy_and_safetensors(written):
    """And a dictionary of arrays becomes one file of tensors."""
    array = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(array, np.load(written(array, ".npy"), allow_pickle=False))
    tensors = safetensors.numpy.load_file(written({"w": array, "b": np.arange(3)}, ".safetensors"))
    assert {"w", "b"} == tensors.keys()
    assert np.array_equal(array, tensors["w"])
    assert ["value"] == list(safetensors.numpy.load_file(written(array, ".safetensors")))


def test_anything_becomes_joblib(written):
    """Readable without this library."""
    value = {"array": np.arange(3), "set": {1}}
    assert {1} == joblib.load(written(value, ".joblib"))["set"]


REFUSED = {
    ".parquet": [1, [{"x": 1}, 2], "text"],
    ".csv": [{"x": 1}, np.zeros((1, 1, 1)), "text"],
    ".json": [{1, 2}, math.nan, [b""]],
    ".npy": [[object], "".join],
    ".safetensors": [{"a": 1}, [np.arange(3)], {}, {1: np.arange(3)}],
}


@pytest.mark.parametrize(
    ("extension", "value"),
    [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in REFUSED.items()
        for number, value in enumerate(values)
    ],
)
def test_what_a_format_cannot_hold_is_refused(extension, value, tmp_path):
    """The error holds the value, and no file is left."""
    from provenance.exchange.export import write_plain

    with pytest.raises(p.UnserializableValueError) as refused:
        write_plain(value, extension, io.BytesIO())
    assert refused.value.value is value


def test_no_file_is_left_of_a_refused_value(written, tmp_path):
    """Neither under its name nor under another."""
    with pytest.raises(p.UnserializableValueError, match=r"\.joblib"):
        written({1, 2}, ".json")
    assert [] == [*tmp_path.iterdir()]


def test_a_file_is_exported_as_its_bytes(memory_repo, tmp_path):
    """Whatever the extension."""
    (tmp_path / "note.txt").write_text("hello", "utf-8")
    note = p.archive_file(tmp_path / "note.txt")
    for name in ("copy.txt", "copy", "copy.csv"):
        assert b"hello" == p.export(note, tmp_path / name).read_bytes()


def test_the_format_must_be_known(results, tmp_path):
    """By the extension, or by its name; near misses are named."""
    with pytest.raises(p.ConfigError, match=r"'\.xlsx' tells no format"):
        p.export(results["table"], tmp_path / "out.xlsx")
    with pytest.raises(p.ConfigError, match="did you mean 'prov-json'"):
        p.export(results["table"], tmp_path / "out.json", "provjson")
    with pytest.raises(p.ConfigError, match="no format of values"):
        p.export(results["table"], tmp_path / "out.zip", "value")
    with pytest.raises(p.ConfigError, match="have no value of their own"):
        p.export(p.load_set_by_name("production"), tmp_path / "out.json")
    with pytest.raises(p.ConfigError, match="nothing to export"):
        p.export([], tmp_path / "out.zip")
    for wanted in (1, [1]):
        with pytest.raises(TypeError):
            p.export(wanted, tmp_path / "out.zip")


def test_several_results_are_exported_together(results, tmp_path):
    """Also one that is a list itself."""
    many = p.export([results["load"], results["split"]], tmp_path / "many.zip")
    names = {each.name for each in p.search(repo=p.open_bundle(many))}
    assert {"load", "table", "split", "split_total", "split_names"} == names
    names = results["split"]["names"]
    assert list("abcde") == json.loads(p.export(names, tmp_path / "names.json").read_text("utf-8"))
    assert p.artifact_of(names) in p.open_bundle(p.export(names, tmp_path / "names.zip"))


def test_what_is_exported_is_named_in_any_way(results, tmp_path, memory_repo):
    """A result, an artifact, an id, or its first digits; with a repository of its own."""
    artifact = p.artifact_of(results["load"])
    ways = [results["load"], artifact, artifact.id, artifact.id[:8]]
    texts = {p.export(each, tmp_path / "out.json").read_bytes() for each in ways}
    assert 1 == len(texts)
    with p.using_repo(p.MemoryRepo("other")):
        p.export(artifact.id, tmp_path / "out.json", repo=memory_repo)
        with pytest.raises(p.ArtifactNotFoundError):
            p.export(artifact.id, tmp_path / "out.json")


def test_a_file_that_cannot_be_written_is_an_error(results, tmp_path):
    """With the path and what to do."""
    for name in ("nowhere/out.json", "nowhere/out.zip", "nowhere/out.db", "nowhere/out.provn"):
        with pytest.raises(p.StoreUnavailableError, match="check that"):
            p.export(results["load"], tmp_path / name)


def test_only_files_are_replaced(results, tmp_path):
    """A link goes on leading to the file, which is replaced; a pipe, like a device, stays what it is."""
    (tmp_path / "old.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("old.json")
    p.export(results["load"], tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert b"old" != (tmp_path / "old.json").read_bytes()
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(p.StoreUnavailableError, match="not a regular file"):
        p.export(results["load"], tmp_path / "pipe.json")
    assert (tmp_path / "pipe.json").is_fifo()


def test_a_result_that_is_in_no_store_has_a_value(memory_repo, tmp_path):
    """And nothing else that could be exported."""

    @p.provenance(read_only=True)
    def passing():
        return [1, 2]

    result = passing()
    assert [1, 2] == json.loads(p.export(result, tmp_path / "out.json").read_text("utf-8"))
    for name in ("out.zip", "out.provn"):
        with pytest.raises(p.ArtifactNotFoundError):
            p.export(result, tmp_path / name)


def test_chains_and_tiers_are_exported(tmp_path, two_tiers):
    """From wherever a part of it is."""
    config = p.from_config(two_tiers(10), tmp_path)
    with p.using_repo(config.repository("far")):
        pipeline()
    with p.using_repo(config.repository("both")):
        path = p.export(p.load_set_by_name("production"), tmp_path / "all.zip")
    assert "production" == p.load_set_by_name("production", p.open_bundle(path)).name


def test_results_inside_of_a_value_are_exported_as_their_values(results, tmp_path, memory_repo):
    """Composites, streams, and containers: the file says all, without the repository."""

    @p.provenance(stream=True)
    def counting(n):
        yield from range(n)

    described = p.export(results["describe"], tmp_path / "out.joblib")
    parts = p.export(results["split"], tmp_path / "parts.json")
    counted = p.export(counting(3), tmp_path / "counted.json")
    memory_repo.delete(results["load"])
    value = joblib.load(described)
    assert (np.ndarray, float) == (type(value["data"]), type(value["total"]))
    assert {"total": 30.0, "names": list("abcde")} == json.loads(parts.read_text("utf-8"))
    assert [0, 1, 2] == json.loads(counted.read_text("utf-8"))
