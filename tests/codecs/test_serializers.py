"""Serializers in stores: arrays mapped from files, compression, tables, libraries that are missing, classes of one's own."""

import ast
import io
import json
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import lz4.frame
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import zstandard

import provenance as p
from later import in_a_day
from provenance.codecs import candidates, get_serializer
from provenance.codecs.registry import is_registered
from provenance.effects.io import digest

RANDOM = np.random.default_rng(0).bytes(300_000)
FRAME = pd.DataFrame({"number": range(20_000), "text": ["a", "b"] * 10_000})


def recorded(value, **choices):
    """The artifact of *value*, as a function with these options returns it."""

    def it():
        return value

    return p.provenance(name="it", **choices)(it).artifact()


def file_of(artifact):
    """Where the store keeps the value."""
    return Path("blobs", artifact.content_digest[:2], artifact.content_digest[2:])


# ---------------------------------------------------------------- mapped arrays

MAPPED = {"serializer": "numpy", "load_kwargs": {"mmap_mode": "r"}}
ARRAYS = {
    "C": np.arange(100_000.0).reshape(100, 1000),
    "F": np.asfortranarray(np.arange(100_000.0).reshape(100, 1000)),
    "records": np.zeros(20_000, [("a", "<i4"), ("b", "<f8")]),
    "texts": np.array(["abc"] * 20_000),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_an_array_is_mapped_from_its_file(stored, array):
    """Its elements are those of the stored file, which nobody can change through it."""
    value = recorded(array, **MAPPED).value
    assert "mmap" == type(value.base).__name__
    assert p.hash(array) == p.hash(value)
    with pytest.raises(ValueError, match="read-only"):
        value[:1] = value[-1:]


def test_mapping_takes_no_memory(stored):
    """Checking its digest included, reading costs a buffer, not the array."""
    artifact = recorded(np.random.default_rng(0).random(1_000_000), **MAPPED)
    tracemalloc.start()
    try:
        value = artifact.value
        assert 500_000 < value.sum() / value.mean() <= 1_000_001
        assert tracemalloc.get_traced_memory()[1] < 4_500_000 < value.nbytes
    finally:
        tracemalloc.stop()


def test_changes_of_a_copy_on_write_stay_with_the_reader(stored):
    """Mode `c`: another reader, and the file, see nothing of them."""
    artifact = recorded(np.zeros(20_000), serializer="numpy", load_kwargs={"mmap_mode": "c"})
    value, before = artifact.value, file_of(artifact).read_bytes()
    value[:] = 1
    assert (0, 1) == (artifact.value.sum(), value[0])
    assert before == file_of(artifact).read_bytes()


def test_a_damaged_file_is_not_mapped(stored):
    """The digest is compared before, as for any value."""
    artifact = recorded(np.zeros(20_000), **MAPPED)
    file = file_of(artifact)
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    with pytest.raises(p.CorruptBlobError, match="digest"):
        _ = artifact.value


@pytest.mark.parametrize("array", [np.arange(3), np.zeros((0, 9)), np.array(1.5)], ids=str)
@pytest.mark.parametrize("mode", ["r", "c"])
def test_what_is_in_no_file_is_read(stored, array, mode):
    """Small values are in the database: they are read, and are as writeable as the mode says."""
    value = recorded(array, serializer="numpy", load_kwargs={"mmap_mode": mode}).value
    assert (p.hash(array), mode == "c") == (p.hash(value), value.flags.writeable)


def test_arrays_in_memory_and_compressed_ones_are_read(repo, tmp_path):
    """There is no file to map, or not one of the array."""
    array = np.zeros(20_000)
    assert p.hash(array) == p.hash(recorded(array, **MAPPED).value)
    with p.using_repo(
        p.SqliteRepo(
            db=tmp_path / "x.db", store=p.DiskStore(cachedir=tmp_path / "blobs"), inline_limit=0
        )
    ):
        for compression in ("zstd", "lz4"):
            value = recorded(array, dump_kwargs={"compression": compression}, **MAPPED).value
            assert (p.hash(array), False) == (p.hash(value), value.flags.writeable)


def test_a_mapped_array_outlives_its_artifact(stored):
    """What was mapped stays, whatever becomes of the file's name."""
    artifact = recorded(np.ones(20_000), **MAPPED)
    value = artifact.value
    in_a_day(stored).delete(artifact.id)
    assert (False, 20_000) == (file_of(artifact).exists(), value.sum())


@pytest.mark.parametrize("mode", ["r+", "w+", 1, []])
def test_stored_arrays_cannot_be_changed(mode):
    """Modes that would write into the store are refused where the function is decorated."""
    with pytest.raises(p.ConfigError, match=r"load_kwargs.*mmap_mode must be one of"):
        p.provenance(serializer="numpy", load_kwargs={"mmap_mode": mode})(len)


def test_a_mapped_array_can_be_stored(stored, tmp_path):
    """Also one that the user mapped, by the serializer of arrays."""
    mapped = np.memmap(tmp_path / "mapped", "<f8", "w+", shape=(20_000,))
    artifact = recorded(mapped)
    assert ("numpy", p.hash(mapped)) == (artifact.serializer, p.hash(artifact.value))


# ---------------------------------------------------------------- compression

FRAMES = {
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "lz4": lz4.frame.decompress,
}
VALUES = {
    "pickle": "text" * 100_000,
    "numpy": np.zeros(100_000),
    "joblib": {"deep": [np.zeros(50_000), list(range(1000))]},
    "arrow_ipc": pa.table({"x": [1] * 100_000}),
}
compressed = pytest.mark.parametrize("compression", ["zstd", "lz4"])


@compressed
@pytest.mark.parametrize(("serializer", "value"), VALUES.items(), ids=VALUES)
def test_compression_suits_any_serializer(stored, reopened, serializer, value, compression):
    """The type chooses the serializer all the same; what is stored is smaller, and is read back in another session."""
    artifact = recorded(value, dump_kwargs={"compression": compression})
    plain = recorded(value, version=1)
    assert (serializer, serializer) == (artifact.serializer, plain.serializer)
    assert artifact.size_bytes < 0.5 * plain.size_bytes
    again = reopened().get_by_id(artifact.id)
    assert artifact.value_id == plain.value_id == p.hash(again.value)


@compressed
def test_what_is_stored_is_a_standard_frame(stored, compression):
    """Its id is the digest of the bytes in the store, which any other program can decompress."""
    text = " ".join(map(str, range(100_000)))
    artifact = recorded(text, dump_kwargs={"compression": compression})
    data = file_of(artifact).read_bytes()
    assert artifact.content_digest == digest(data)
    plain = recorded(text, version=1)
    assert file_of(plain).read_bytes() == FRAMES[compression](data)


@compressed
@pytest.mark.parametrize("value", [RANDOM, b"short", b""], ids=["random", "short", "empty"])
def test_what_would_not_shrink_is_stored_as_it_is(stored, reopened, value, compression):
    """The same bytes as without compression, so that both share them."""
    artifact = recorded(value, dump_kwargs={"compression": compression})
    assert artifact.content_digest == recorded(value, version=1).content_digest
    assert value == reopened().get_by_id(artifact.id).value


@compressed
def test_what_looks_compressed_is_compressed_again(stored, compression):
    """Bytes that begin as a frame does are no frame of ours: they come back as they were."""
    name = f"raw-{compression}"
    p.register_serializer(name, lambda value, sink: sink.write(value), lambda source: source.read())
    magic = {"zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}[compression]
    for version, value in enumerate([magic, magic + RANDOM, FRAMES_OF[compression](b"it" * 9_000)]):
        artifact = recorded(
            value, serializer=name, dump_kwargs={"compression": compression}, version=version
        )
        assert value == artifact.value


FRAMES_OF = {"zstd": zstandard.compress, "lz4": lz4.frame.compress}


@compressed
def test_a_serializer_of_ones_own_may_seek(stored, compression):
    """It reads what is compressed as it would read a file, and closes what it wrote to."""

    def dump(value, sink):
        np.savez(sink, value=value)
        sink.close()

    name = f"npz-{compression}"
    p.register_serializer(name, dump, lambda source: np.load(source)["value"])
    artifact = recorded(np.zeros(50_000), serializer=name, dump_kwargs={"compression": compression})
    assert artifact.size_bytes < 10_000
    assert p.hash(np.zeros(50_000)) == p.hash(artifact.value)


def test_a_serializer_that_compresses_by_itself_is_left_to_it(repo):
    """Its own argument of this name is its own, whatever that may be."""
    given = []

    def dump(value, sink, *, compression):
        given.append(compression)
        sink.write(json.dumps(value).encode())

    p.register_serializer("squeezed", dump, json.load)
    artifact = recorded("x" * 5_000, serializer="squeezed", dump_kwargs={"compression": "hard"})
    assert ("x" * 5_000, ["hard"]) == (artifact.value, given)


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_dump_kwargs_of_the_serializer_go_beside_it(stored, compression):
    """Both hold."""
    artifact = recorded(
        [np.zeros(9_000)],
        serializer="joblib",
        dump_kwargs={"compress": 1, "compression": compression},
    )
    assert artifact.size_bytes < 1_000
    assert p.hash([np.zeros(9_000)]) == p.hash(artifact.value)


@pytest.mark.parametrize("serializer", [None, "numpy", "pd_df_parquet"])
@pytest.mark.parametrize("compression", ["zip", 1, ["zstd"], True])
def test_an_unknown_compression_is_refused(serializer, compression):
    """Where the function is decorated, with those that there are."""
    with pytest.raises(p.ConfigError, match=r"dump_kwargs.*'zstd', 'lz4'"):
        p.provenance(serializer=serializer, dump_kwargs={"compression": compression})(len)


@pytest.mark.parametrize(("compression", "module"), [("zstd", "zstandard"), ("lz4", "lz4.frame")])
def test_a_compression_that_is_not_installed_is_refused(monkeypatch, repo, compression, module):
    """Where the function is decorated; a value that was compressed elsewhere is an error, not computed anew."""
    choices = {"dump_kwargs": {"compression": compression}}
    artifact = recorded("text" * 1_000, **choices)
    if sys.version_info >= (3, 14) and compression == "zstd":
        return
    monkeypatch.setitem(sys.modules, module, None)
    expected = f"pip install {module.partition('.')[0]}"
    with pytest.raises(p.ConfigError, match=expected):
        recorded("more", **choices)
    with pytest.raises(p.MissingLibraryError, match=expected):
        _ = artifact.value


# ---------------------------------------------------------------- tables

TABLES = {
    "pd_df_parquet": FRAME,
    "pd_series_parquet": FRAME["text"],
    "pl_df_parquet": pl.DataFrame({"x": range(20_000), "y": ["a"] * 20_000}),
    "pl_series_parquet": pl.Series("x", range(20_000)),
    "arrow_ipc": pa.table({"x": range(20_000)}),
}


@pytest.mark.parametrize("compression", [None, "zstd", "lz4", "snappy"])
@pytest.mark.parametrize(("name", "value"), TABLES.items(), ids=TABLES)
def test_tables_are_stored_by_their_type(stored, reopened, name, value, compression):
    """Each by the serializer of its family, compressed or not, as files that are read in another session."""
    if (name, compression) == ("arrow_ipc", "snappy"):
        return
    choices = (
        {"dump_kwargs": {"compression": compression}} if compression in {"zstd", "lz4"} else {}
    )
    artifact = recorded(value, serializer=name if compression == "snappy" else None, **choices)
    assert name == artifact.serializer
    assert p.hash(value) == p.hash(reopened().get_by_id(artifact.id).value)


def test_any_program_can_read_the_tables(stored):
    """What is stored is a Parquet file with the columns that the frame had."""
    file = file_of(recorded(FRAME, dump_kwargs={"compression": "zstd"}))
    pd.testing.assert_frame_equal(FRAME, pd.read_parquet(io.BytesIO(file.read_bytes())))
    assert FRAME["text"].to_list() == pl.read_parquet(file)["text"].to_list()


@compressed
def test_random_columns_are_not_compressed(stored, compression):
    """Neither by pandas nor by polars: the files are those that would be written without."""
    columns = {"x": np.random.default_rng(0).random(20_000)}
    for version, value in enumerate([pd.DataFrame(columns), pl.DataFrame(columns)]):
        artifact = recorded(value, dump_kwargs={"compression": compression}, version=version)
        assert artifact.content_digest == recorded(value, version=version + 2).content_digest


def test_a_chosen_serializer_that_cannot_is_an_error_with_the_value(repo):
    """Nothing else is tried where the user has chosen."""
    frame = FRAME.astype({"text": "category"})
    with pytest.raises(p.UnserializableValueError, match="'pd_df_parquet' refused it") as raised:
        recorded(frame, serializer="pd_df_parquet")
    assert frame is raised.value.value
    assert "joblib" == recorded(frame).serializer


def test_read_tables_belong_to_the_reader(repo):
    """They can be written to, and the next reader sees nothing of it."""
    artifact = recorded(pd.DataFrame({"x": [1.0, 2.0]}))
    value = artifact.value
    value.loc[0, "x"] = 9.0
    value["new"] = 1
    assert ([1.0, 2.0], [9.0, 2.0]) == (artifact.value["x"].to_list(), value["x"].to_list())


@pytest.mark.parametrize(
    ("value", "module", "library"),
    [(FRAME, "pyarrow.parquet", "pyarrow"), (TABLES["pl_df_parquet"], "polars", "polars")],
)
def test_a_missing_library_is_named(monkeypatch, repo, value, module, library):
    """A stored value is not lost for that, and not computed anew: the error says what to install."""
    calls = []

    @p.provenance()
    def table():
        calls.append(1)
        return value

    table()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(p.MissingLibraryError, match=f"needs {library}: pip install {library}"):
        _ = table().shape
    assert [1] == calls


def test_without_arrow_frames_are_pickled(monkeypatch, repo):
    """What is missing when a value is written leaves it to the next serializer."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    artifact = recorded(FRAME)
    assert ("joblib", p.hash(FRAME)) == (artifact.serializer, p.hash(artifact.value))


def test_json_is_for_other_programs(stored):
    """The file is the text."""
    value = {"größe": [1, 2.5, None, True, "\ud800"], "more": ["x"] * 1_000}
    artifact = recorded(value, serializer="json")
    assert (value, value) == (artifact.value, json.loads(file_of(artifact).read_text("ascii")))
    with pytest.raises(p.UnserializableValueError, match="JSON does not preserve tuple"):
        recorded((1,), serializer="json", version=1)


# ---------------------------------------------------------------- classes of one's own


class Base:
    pass


class Middle(Base, dict):
    pass


class Leaf(Middle):
    pass


def nothing(*_):
    """Neither writes nor reads."""


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("broken", 5, nothing), "dump: must be callable, got 5"),
        (("broken", nothing, 6), "load: must be callable, got 6"),
        ((5, nothing, nothing), "name: must be a non-empty string, got 5"),
        (("", nothing, nothing), "name: must be a non-empty string, got ''"),
        (("a\0b", nothing, nothing), r"name: .* databases cannot store"),
        (("broken", nothing, nothing, 5), "classes: must be a class or classes, got 5"),
        (
            ("broken", nothing, nothing, (int, "q")),
            "classes: must be a class or classes, got 'q'",
        ),
        (("broken", nothing, nothing, [int, 5]), "classes: must be a class or classes, got 5"),
    ],
)
def test_a_serializer_that_cannot_work_is_refused(arguments, problem):
    """Where it is registered, and nothing is registered then."""
    with pytest.raises(p.ConfigError, match=f"register_serializer, {problem}"):
        p.register_serializer(*arguments)
    assert not is_registered("broken")


def test_the_nearest_class_decides():
    """The class itself comes before its bases, these in their order, and what is only a subclass by name after them."""
    names = {"abstract": Mapping, "base": Base, "middle": Middle, "older": Leaf, "leaf": Leaf}
    for name, kind in names.items():
        p.register_serializer(name, _refuse, _refuse, classes=kind)
    tried = [each.name for each in candidates(Leaf(), None)]
    assert ["leaf", "older", "middle", "base", "abstract", "joblib", "cloudpickle"] == tried
    assert ["base", "joblib", "cloudpickle"] == [each.name for each in candidates(Base(), None)]


def _refuse(*_):
    raise ValueError


def test_one_that_refuses_leaves_the_value_to_the_next(repo):
    """The artifact names the one that wrote it."""

    class Odd(list):
        pass

    p.register_serializer("refusing", _refuse, _refuse, classes=(Odd, Base))
    artifact = recorded(Odd([1]))
    assert ("cloudpickle", [1]) == (artifact.serializer, artifact.value)


# ---------------------------------------------------------------- serializers of file names


def _dump_named(value, filename):
    with open(filename, "wb") as file:  # noqa: PTH123 - as users write it
        file.write(repr(value.items).encode())


def _load_named(filename):
    with open(filename, "rb") as file:  # noqa: PTH123
        return Named(ast.literal_eval(file.read().decode()))


class Named:
    """A value with a serializer that knows file names only."""

    def __init__(self, items):
        self.items = items


def test_a_serializer_may_take_a_file_name(stored):
    """`dump(value, filename)` and `load(filename)` work as they are, in a list of classes, with a content type."""
    p.register_serializer(
        "named", _dump_named, _load_named, content_type="text/plain", classes=[Named]
    )
    artifact = recorded(Named([1, 2] * 5_000))
    assert ("named", [1, 2] * 5_000) == (artifact.serializer, artifact.value.items)
    assert "text/plain" == get_serializer("named").content_type
    compressed = recorded(Named([3] * 9_000), dump_kwargs={"compression": "zstd"})
    assert [3] * 9_000 == compressed.value.items
    assert compressed.size_bytes < 5_000


def test_a_file_name_may_get_a_suffix(stored):
    """NumPy adds one to a name without; what is written is found all the same."""
    p.register_serializer("npy", lambda value, path: np.save(path, value), np.load)
    assert [0, 1, 2] == recorded(np.arange(3), serializer="npy").value.tolist()
    p.register_serializer("nothing", lambda value, path: None, lambda path: None)
    with pytest.raises(p.UnserializableValueError, match="wrote 0 files"):
        recorded(1, serializer="nothing")


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        (lambda value, target: open(target, "wb"), "`filename`"),  # noqa: SIM115, PTH123
        (lambda value, target: target + ".part", "`filename`"),
        (lambda value, target, *, level: None, "level"),
    ],
)
def test_a_serializer_that_cannot_be_called_is_an_error(repo, dump, expected):
    """It is no refusal of the value, which another serializer would then store without a word; the error holds it."""
    p.register_serializer("uncallable", dump, Named, classes=[Named])
    value = Named([1])
    with pytest.raises(p.UnserializableValueError, match=f"uncallable.*{expected}") as error:
        recorded(value)
    assert value is error.value.value


def test_a_serializer_with_other_parameters_is_refused():
    """Where it is registered: a value and a target for `dump`, a source for `load`."""
    with pytest.raises(p.ConfigError, match="register_serializer, dump: cannot be called"):
        p.register_serializer("broken", lambda value: None, _load_named)
    with pytest.raises(p.ConfigError, match="register_serializer, load: cannot be called"):
        p.register_serializer("broken", _dump_named, lambda: None)
    with pytest.raises(p.ConfigError, match="content_type: must be a media type"):
        p.register_serializer("broken", _dump_named, _load_named, content_type="text")
