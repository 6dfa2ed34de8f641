"""What a serializer accepts it gives back: by the hash of it, whatever its type, its shape and its compression."""

import io
import random

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashing import values
from hashing.values import libraries
from provenance.codecs import Decoding, Encoding, candidates
from provenance.errors import UnhashableValueError, UnserializableValueError
from provenance.hashing import hash_value
from provenance.model.records import freeze_options
from strategies import nested as plain

PARQUET = ("pd_df_parquet", "pd_series_parquet", "pl_df_parquet", "pl_series_parquet")
NAMED = (*PARQUET, "arrow_ipc", "numpy", "json", "pickle", "joblib", "cloudpickle")
COMPRESSIONS = (None, "zstd", "lz4")


def made(seed):
    """A value of any family, or a table of any kind."""
    r = random.Random(seed)
    makers = r.choice(
        [values.MAKERS, (frame, series, column, libraries.arrow, libraries.polars, polars_series)]
    )
    return r.choice(makers)(r, lambda: plain_value(r))


def plain_value(r):
    """A small value to be held by another."""
    return r.choice([1, "a", None, 2.5, ("x", b"y"), [1, {"a": 2}]])


def frame(r, _):
    """A frame with many kinds of columns, and now and then without rows, of odd names, or with extras."""
    it = libraries.frame(r, None)
    change = r.choice(FRAME_CHANGES)
    return change(r, it)


FRAME_CHANGES = (
    lambda r, it: it,
    lambda r, it: it.reset_index(drop=True),
    lambda r, it: it.iloc[:0],
    lambda r, it: it[[]],
    lambda r, it: it.rename_axis([r.choice(["a", "n", 3, "__index_level_0__"])] * it.index.nlevels),
    lambda r, it: it.rename_axis(r.choice(["a", "n", 3]), axis=1),
    lambda r, it: it.set_axis(range(it.shape[1]), axis=1),
    lambda r, it: it.set_axis(pd.Index(list(it.columns), dtype=object), axis=1),
    lambda r, it: it.astype(object),
    lambda r, it: pd.DataFrame({name: numbers(r, len(it)) for name in "ab"}),
    lambda r, it: pd.DataFrame(
        {"x": numbers(r, 3)}, index=pd.Index(numbers(r, 3), name=r.choice([None, "i"]))
    ),
    lambda r, it: pd.DataFrame({"x": [1, 2, 3]}, index=instants(r, 3)),
)


def numbers(r, rows):
    """Numbers among which are all that are not equal to themselves, and both zeros."""
    odd = np.array([0xFFF8000000000000, 0x7FF8000000000001, 1 << 63, 0], dtype="u8").view("f8")
    if r.random() < 0.5:
        return np.array(r.choices([*odd, 1.5, float("nan")], k=rows))
    return np.array(r.choices([*odd.astype("f4"), 1.5], k=rows), "f4")


def instants(r, rows):
    """Moments of some unit and zone, with or without a frequency, one of them missing."""
    it = pd.date_range(
        "2024-10-27", periods=rows, freq="h", tz=r.choice([None, "UTC", "Europe/Warsaw"])
    )
    it = it.as_unit(r.choice(["s", "ms", "us", "ns"]))
    return r.choice(
        [it, pd.DatetimeIndex([*it[:-1], pd.NaT]), it.tz_localize(None), pd.Index(it._data)]
    )


def column(r, _):
    """A column of pandas, as a series."""
    return pd.Series(
        libraries.column(r, r.randint(0, 3) or 2), name=r.choice([None, "n", "", 3, ("a", 1)])
    )


def series(r, _):
    """A series of numbers or moments, its index of any kind."""
    values_ = r.choice([numbers, lambda r, n: pd.Series(instants(r, n)).array])(r, 3)
    return pd.Series(values_, index=libraries.index(r, 3), name=r.choice([None, "values", "n"]))


def polars_series(r, _):
    """A series of polars, of a type with a parameter."""
    kinds = (
        lambda: pl.Series(
            "t", [1, None], pl.Datetime(r.choice(["ms", "us", "ns"]), r.choice([None, "UTC"]))
        ),
        lambda: pl.Series("", [1, None], pl.Duration(r.choice(["ms", "us", "ns"]))),
        lambda: pl.Series("x", numbers(r, 3)),
        lambda: pl.Series("d", [1, None], pl.Date),
        lambda: pl.Series("c", [b"a", None, b""]),
        lambda: pl.Series("n", [None, None]),
        lambda: pl.Series("deep", [[[1.0], []], None], dtype=pl.List(pl.List(pl.Float64))),
        lambda: pl.Series("fixed", [[1, 2]], dtype=pl.Array(pl.Int8, 2)),
        lambda: pl.Series("decimal", ["1.5"]).str.to_decimal(scale=2),
        lambda: pl.Series("none", [], dtype=pl.Time),
    )
    return r.choice(kinds)()


def written(value, name, dump_kwargs):
    """The bytes of *value*, or None where the serializer refuses it."""
    sink = io.BytesIO()
    try:
        Encoding(name, value, "it", dump_kwargs)(sink)
    except UnserializableValueError:
        return None
    return sink.getvalue()


def hashed(value):
    """The hash of *value*; None where it has none."""
    try:
        return hash_value(value)
    except UnhashableValueError:
        return None


def assert_kept(value, name, compression):
    """What *name* accepts comes back with the hash that it had; whether it accepted."""
    dump_kwargs = (
        freeze_options({"compression": compression}) if compression else freeze_options(None)
    )
    data = written(value, name, dump_kwargs)
    if data is not None:
        loaded = Decoding(name, dump_kwargs=dump_kwargs)(io.BytesIO(data))
        assert hashed(value) == hashed(loaded), (name, value, loaded)
    return data is not None


@given(st.integers(0, 1 << 62))
def test_what_is_accepted_comes_back(seed):
    """Each serializer refuses a value or gives it back, compressed or not; the first that accepts is soon found."""
    for at in range(5):
        value = made(seed + at)
        digest = hashed(value)
        accepted = [
            each.name for each in candidates(value, None) if assert_kept(value, each.name, None)
        ]
        assert accepted or digest is None, value
        for name in random.Random(seed).sample(NAMED, 3):
            assert_kept(value, name, random.Random(seed).choice(COMPRESSIONS))
        assert digest == hashed(value)


@given(plain, st.sampled_from(NAMED), st.sampled_from(COMPRESSIONS))
def test_what_is_at_hand_is_what_a_sink_gets(value, name, compression):
    """Bytes that need no sink are those that it would get, and there are some for scalars."""
    dump_kwargs = (
        freeze_options({"compression": compression}) if compression else freeze_options(None)
    )
    assert Encoding(name, value, "it", dump_kwargs).short_encoding() in (
        None,
        written(value, name, dump_kwargs),
    )
    scalar = Encoding("pickle", repr(value), "it")
    assert scalar.short_encoding() == written(repr(value), "pickle", freeze_options(None))


@given(plain)
def test_json_gives_back_what_it_accepts(value):
    """Numbers, texts, lists and dictionaries to any depth; what JSON would turn into something else is refused."""
    assert_kept(value, "json", "zstd")


FRAME = pd.DataFrame(
    {"number": [1, 2], "text": ["a", None], "when": pd.to_datetime(["2024-01-01", None])}
)
FRAMES = {
    "plain": FRAME,
    "index of strings": FRAME.set_axis(["x", "y"]),
    "named index": FRAME.set_index("number"),
    "range": FRAME.set_axis(pd.RangeIndex(3, 9, 3, name="r")),
    "no rows": FRAME.iloc[:0],
    "nullable": FRAME.astype({"number": "Int8", "text": "string"}),
    "zone": pd.DataFrame(
        {"when": pd.date_range("2024-10-27", periods=3, freq="h", tz="Europe/Warsaw")}
    ),
    "NaN": pd.DataFrame({"x": [0.0, -0.0, np.nan], "y": -np.array([np.nan, 1, 2], "f4")}),
}


@pytest.mark.parametrize("value", FRAMES.values(), ids=FRAMES)
def test_parquet_takes_ordinary_frames(value):
    """What most tables are made of is written as Parquet, and comes back equal to the last attribute."""
    assert assert_kept(value, "pd_df_parquet", None)
    assert "pd_df_parquet" == next(each.name for each in candidates(value, None))
    loaded = Decoding("pd_df_parquet")(
        io.BytesIO(written(value, "pd_df_parquet", freeze_options(None)))
    )
    pd.testing.assert_frame_equal(
        value, loaded, check_index_type="exact", check_column_type="exact"
    )


class Special(pd.DataFrame):
    pass


def _with(name, value):
    it = FRAME.copy()
    setattr(it, name, value)
    return it


REFUSED = {
    "duplicates": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "numbers as names": pd.DataFrame({0: [1]}),
    "no columns": FRAME[[]],
    "objects": pd.DataFrame({"x": [1, "a", None]}, dtype=object),
    "attrs": _with("attrs", {"sources": ("x", "y")}),
    "categories": FRAME.astype({"text": "category"}),
    "periods": pd.DataFrame({"x": pd.period_range("2024", periods=2, freq="M")}),
    "intervals": pd.DataFrame({"x": pd.interval_range(0, 2)}),
    "offset": pd.DataFrame({"x": pd.to_datetime(["2024-01-01T00:00+02:00"])}),
    "levels": FRAME.set_index(["number", "text"]),
    "levels of columns": FRAME.set_axis(
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]), axis=1
    ),
    "frequency": FRAME.set_axis(
        pd.date_range("2024", periods=2, freq=pd.offsets.CDay(holidays=["2024-02-01"]))
    ),
    "categories as index": FRAME.set_axis(pd.CategoricalIndex(["a", "b"])),
    "subclass": Special({"x": [1]}),
    "arrow": pd.DataFrame({"x": pd.array([1, None], dtype="int64[pyarrow]")}),
    "sparse": pd.DataFrame({"x": pd.array([0, 1], dtype="Sparse[int64]")}),
    "floats beside NA": pd.DataFrame({"x": pd.array([1.5, None], dtype="Float64")}),
    "seconds": pd.DataFrame({"x": np.array(["2024-01-01"], "M8[s]")}),
    "complex": pd.DataFrame({"x": [1j]}),
    "nullable index": FRAME.set_axis(pd.Index([1, None], dtype="Int64")),
    "index named as a column": FRAME.rename_axis("number"),
    "index named by Parquet": FRAME.rename_axis("__index_level_0__"),
    "index named by a tuple": FRAME.rename_axis([("a", 1)]),
    "columns as objects": FRAME.set_axis(pd.Index(["a", "b", "c"], dtype=object), axis=1),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_parquet_would_change_is_left_to_the_next(value):
    """Parquet refuses it, and the serializer after it gives it back as it was."""
    assert written(value, "pd_df_parquet", freeze_options(None)) is None
    first = next(
        each.name
        for each in candidates(value, None)
        if written(value, each.name, freeze_options(None))
    )
    assert "joblib" == first
    assert assert_kept(value, first, None)


@pytest.mark.parametrize(
    "value",
    [
        pa.table({"a": [1, None]}).replace_schema_metadata({"k": "v"}),
        pa.table(
            {"a": pa.array(["x", "y", "x"]).dictionary_encode(), "b": [{"x": [1]}, None, {"x": []}]}
        ),
        pa.table({"a": pa.array([], pa.string())}),
        pa.table({"same": [1]}).append_column("same", [[2]]),
        pa.record_batch({"a": [1.5, None]}),
        pa.record_batch({"a": pa.array([], pa.int8())}),
        pa.array([1, 2, 3])[1:],
        pa.array([], pa.list_(pa.int8())),
        pa.chunked_array([[1], [2, 3]]),
        pa.chunked_array([], pa.int8()),
        pa.array([None, None]),
    ],
    ids=lambda value: f"{type(value).__name__} {len(value)}",
)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_arrow_comes_back_by_ipc(value, compression):
    """Tables, batches and columns are written as a stream, and equal what is read."""
    assert "arrow_ipc" == next(each.name for each in candidates(value, None))
    assert assert_kept(value, "arrow_ipc", compression)


def test_types_that_a_reader_may_not_know_are_left_to_the_next():
    """Extension types come back through pickle."""
    column = pa.array([b"0" * 16], pa.uuid())
    inside = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), column)
    for value in (column, pa.table({"a": column}), pa.record_batch({"a": inside})):
        assert written(value, "arrow_ipc", freeze_options(None)) is None
        assert assert_kept(value, "joblib", None)


@pytest.mark.parametrize(
    "value", [pa.table({"a": [1, 2]}), pa.record_batch({"a": [1, 2]})], ids=["table", "batch"]
)
def test_rows_without_columns_are_counted(value):
    """How many there are is not lost, which it would be in a pickle."""
    assert assert_kept(value.select([]), "arrow_ipc", None)


ODD = [
    (1,),
    {1: 2},
    float("nan"),
    float("inf"),
    {1},
    b"",
    10**5000,
    np.float64(1),
    [[(1,)]],
    {"a": {2: 3}},
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_json_refuses_what_it_would_change(value):
    """Tuples would be lists, keys strings, and NaN is no JSON."""
    assert written(value, "json", freeze_options(None)) is None
