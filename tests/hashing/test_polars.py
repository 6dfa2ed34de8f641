"""polars: eager frames by content, queries refused."""

import copy
import datetime as dt
import pickle
from decimal import Decimal

import polars as pl
import pytest

import provenance as p
from provenance.errors import UnhashableValueError
from provenance.hashing import hash_value
from provenance.testing import in_memory

SERIES = {
    "ints": pl.Series("a", [1, None, 3]),
    "floats": pl.Series("a", [1.0, float("nan"), None]),
    "texts": pl.Series("a", ["x", None, "żó"]),
    "bools": pl.Series("a", [True, None, False]),
    "bytes": pl.Series("a", [b"x", None]),
    "dates": pl.Series("a", [dt.date(2024, 1, 1), None]),
    "moments": pl.Series("a", [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None]),
    "spans": pl.Series("a", [dt.timedelta(seconds=1), None]),
    "decimals": pl.Series("a", [Decimal("1.5"), None]),
    "lists": pl.Series("a", [[1, 2], [], None]),
    "structs": pl.Series("a", [{"x": 1, "y": "a"}, {"x": None, "y": None}]),
    "categories": pl.Series("a", ["x", "y", "x"], dtype=pl.Categorical),
    "enum": pl.Series("a", ["x", "y"], dtype=pl.Enum(["x", "y"])),
    "nothing": pl.Series("a", [None, None]),
    "empty": pl.Series("a", [], dtype=pl.Int64),
}


@pytest.mark.parametrize("name", SERIES)
def test_layout_is_no_part_of_a_series(name):
    """Copies, pickles, slices of something longer and several chunks have the digest of the plain series."""
    series = SERIES[name]
    longer = pl.concat([series, series], rechunk=True)
    same = [copy.deepcopy(series), pickle.loads(pickle.dumps(series)), longer[: len(series)]]
    same.append(pl.concat([series[:1], series[1:]], rechunk=False))
    assert {hash_value(series)} == {hash_value(one) for one in same}


def test_series_differ_by_type_name_and_content():
    """No two of the series agree, nor does one with another name, type or element."""
    more = [
        SERIES["ints"].alias("b"),
        SERIES["ints"].cast(pl.Int32),
        pl.Series("a", [1, None, 4]),
        pl.Series("a", [1, 0, 3]),
        pl.Series("a", ["x", "y"], dtype=pl.Enum(["y", "x"])),
        pl.Series("a", ["x", "y", "x"]),
        pl.DataFrame({"a": [1, None, 3]}),
    ]
    digests = [hash_value(one) for one in [*SERIES.values(), *more]]
    assert len(set(digests)) == len(digests)


def test_categories_count_by_their_names():
    """What number a category has depends on what was read before it; the value does not."""
    late = pl.Series("a", ["z", "y", "x", "y", "x"], dtype=pl.Categorical)[2:]
    assert hash_value(pl.Series("a", ["x", "y", "x"], dtype=pl.Categorical)) == hash_value(late)


def test_frames_count_by_their_columns():
    """A frame differs by a column's name, order and content, and not by its chunks."""
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    halves = pl.concat([frame[:1], frame[1:]], rechunk=False)
    assert hash_value(frame) == hash_value(halves) == hash_value(pickle.loads(pickle.dumps(frame)))
    others = [
        frame.rename({"a": "c"}),
        frame.select("b", "a"),
        frame.with_columns(a=pl.Series([1, 3])),
        frame[:1],
    ]
    assert 5 == len({hash_value(one) for one in [frame, *others]})


def test_queries_are_refused():
    """A query has no value before it is collected, and the error says so."""
    with pytest.raises(UnhashableValueError, match=r"value\['x'\]: .* is a query, not a value"):
        hash_value({"x": pl.LazyFrame({"a": [1]})})


def test_expressions_are_refused():
    """An expression cannot be collected; the advice fits it."""
    with pytest.raises(UnhashableValueError, match="make the expression inside") as caught:
        hash_value({"x": pl.col("a") + 1})
    assert "collect" not in str(caught.value)


WIDE = [each for each in ("Int128", "UInt128") if hasattr(pl, each)]


@pytest.mark.parametrize("name", WIDE)
def test_integers_of_128_bits(name):
    """Arrow has none: they are hashed as the numbers that they are, however the column is cut."""
    dtype = getattr(pl, name)
    series = pl.Series("a", [1, None, 2**100], dtype=dtype)
    longer = pl.concat([series, series], rechunk=True)
    same = [copy.deepcopy(series), pickle.loads(pickle.dumps(series)), longer[:3]]
    same.append(pl.concat([series[:1], series[1:]], rechunk=False))
    assert {hash_value(series)} == {hash_value(one) for one in same}
    others = [
        pl.Series("a", [1, 2], dtype=dtype),
        pl.Series("a", [1, 2]),
        pl.DataFrame({"a": [1, 2]}),
    ]
    others += [
        pl.Series("a", [1, None], dtype=dtype),
        pl.DataFrame({"a": pl.Series([1, 2], dtype=dtype)}),
        series,
    ]
    assert len(others) == len({hash_value(one) for one in others})


@pytest.mark.skipif(not WIDE, reason="this polars has no Int128")
def test_what_arrow_has_no_form_for_is_refused():
    """With what to do, and where it is."""
    inside = pl.Series("a", [[1]], dtype=pl.List(pl.Int128))
    with pytest.raises(UnhashableValueError, match=r"value\['a'\]: .*List\(Int128\).*cast"):
        hash_value(pl.DataFrame({"a": inside}))


@pytest.mark.skipif(not WIDE, reason="this polars has no Int128")
def test_calls_with_integers_of_128_bits():
    """Are stored, found and recorded as any other."""
    series = pl.Series("a", [1, None, 2**100], dtype=pl.Int128)
    with in_memory():
        kept = p.provenance(name="kept")(lambda x: x)
        for value in (series, pl.DataFrame({"a": series})):
            artifact = kept.artifact(value)
            assert type(value) is type(artifact.value)
            assert value.equals(artifact.value)
            assert value.equals(artifact.inputs["kargs"]["x"])


def test_many_columns_count_as_few_do(monkeypatch):
    """Whether columns of one dtype are stacked or taken one after the other, the hash is the same."""
    import provenance.hashing.polars as ours

    frame = pl.DataFrame(
        {
            **{f"i{i}": [i, None, 3] for i in range(20)},
            **{f"s{i}": ["a", None, str(i)] for i in range(20)},
            "when": [dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 3,
            **{f"f{i}": [0.5, float(i), None] for i in range(20)},
            **{f"b{i}": [True, None, i % 2 == 0] for i in range(20)},
            "kind": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        }
    )
    stacked = [hash_value(frame), hash_value(frame[:0]), hash_value(frame[["i0", "i1"]])]
    assert len(set(stacked)) == 3
    for name in ("_MANY", "_FEW"):
        with monkeypatch.context() as changed:
            changed.setattr(ours, name, 1000 if name == "_MANY" else 0)
            alone = [hash_value(frame), hash_value(frame[:0]), hash_value(frame[["i0", "i1"]])]
        assert stacked == alone
    swapped = frame.rename({"i0": "i1", "i1": "i0"}).select(frame.columns)
    assert hash_value(frame) != hash_value(swapped)
    assert hash_value(frame) != hash_value(frame.select(reversed(frame.columns)))
