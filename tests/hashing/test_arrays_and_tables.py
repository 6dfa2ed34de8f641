"""Arrays, tables and estimators: what is part of their value and what is not."""

import copy
import pickle
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

import provenance as p
from provenance.hashing import digest
from provenance.testing import in_memory

FRAME = pd.DataFrame(
    {
        "int": [1, 2, 3],
        "text": ["x", None, "z"],
        "when": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        "kind": pd.Categorical(["a", "b", "a"]),
        "maybe": pd.array([1, None, 2], dtype="Int64"),
        "span": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
        "month": pd.period_range("2020", periods=3, freq="M"),
        "sparse": pd.arrays.SparseArray([0, 0, 1]),
        "lists": pd.array([[1], [2], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        "objects": pd.Series([{1}, 2, "c"], dtype=object),
    }
)
SAMPLES = {
    "frame": FRAME,
    "series": FRAME["text"],
    "multi-index": pd.MultiIndex.from_product([[1, 2], ["a"]]),
    "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "masked": np.ma.masked_array([1.0, 2.0], [0, 1]),
    "objects": np.array([1, "a", None, [2]], dtype=object),
    "strings": np.array(["a", "bc"], dtype=np.dtypes.StringDType()),
    "long doubles": np.array([1, 2], np.longdouble) / 3,
    "matrix": np.matrix([[1, 2]]),
    "scalar": np.float32(0.1),
    "state": np.random.RandomState(1),
    "generator": np.random.default_rng(1),
    "period": pd.Period("2020-01"),
    "offset": pd.offsets.MonthEnd(2),
    "table": pa.table({"a": [1, None], "b": ["x", "y"], "c": [[1], [2]]}),
    "sparse": sp.csr_matrix([[0, 1.0], [2, 0]]),
    "estimator": LogisticRegression(C=0.5).fit([[0.0], [1.0]], [0, 1]),
    "metric": accuracy_score,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_copies_agree(name):
    """Copies and pickles have the digest of the original."""
    value = SAMPLES[name]
    copies = [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]
    assert [digest(value)] * 3 == [digest(one) for one in copies]


def test_all_samples_differ():
    """No two of the samples, and no two columns of the frame, share a digest."""
    values = [*SAMPLES.values(), *(FRAME[name] for name in FRAME.columns if name != "text")]
    assert len(values) == len({digest(value) for value in values})


def test_arrays_with_equal_bytes_differ():
    """Shape, type and byte order count."""
    zeros = [
        np.zeros(6),
        np.zeros((2, 3)),
        np.zeros((3, 2)),
        np.zeros(6, "i8"),
        np.zeros(6, ">f8"),
        np.zeros(6).tolist(),
    ]
    assert len(zeros) == len({digest(value) for value in zeros})


def test_what_no_one_sees_does_not_count(tmp_path):
    """Padding, data under a mask, and whether a file holds the array are invisible."""
    dtype = [("a", "i1"), ("b", "f8")]
    padded = np.frombuffer(b"\xff" * 16, np.dtype(dtype, align=True)).copy()
    padded["a"], padded["b"] = 1, 2.0
    assert digest(np.array([(1, 2.0)], dtype=dtype)) == digest(padded)
    assert digest(np.ma.masked_array([1, 2], [0, 1])) == digest(np.ma.masked_array([1, 3], [0, 1]))
    assert digest(np.ma.masked_array([1, 2], [0, 0])) == digest(np.ma.masked_array([1, 2]))
    mapped = np.memmap(tmp_path / "a", "f8", "w+", shape=(3,))
    assert digest(np.zeros(3)) == digest(mapped)


def test_a_large_array_is_hashed_in_pieces_to_the_same_end():
    """Layout does not show in arrays that are larger than what is made contiguous at once."""
    array = np.arange(5_000_000.0).reshape(5, 1000, 1000)
    assert (
        digest(array) == digest(np.asfortranarray(array)) == digest(array[:, ::-1].copy()[:, ::-1])
    )
    wide = np.arange(4_400_000.0).reshape(2, 2_200_000)
    assert digest(wide) == digest(np.asfortranarray(wide))


def test_generators_are_what_comes_next():
    """Drawing changes the digest of a generator, and equal states agree."""
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    assert digest(one) == digest(other)
    one.random()
    assert digest(one) != digest(other)


def test_frames_differ_by_what_people_see():
    """Names, order and types of columns, the index and each cell count; so do `attrs`."""
    base = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    others = [
        base.rename(columns={"a": "z"}),
        base[["b", "a"]],
        base.set_index(pd.Index([5, 6])),
        base.rename_axis("i"),
        base.astype({"a": "float64"}),
        base.replace(4, 5),
        base.set_axis(["a", "a"], axis=1),
        base.iloc[:1],
    ]
    assert 1 + len(others) == len({digest(frame) for frame in [base, *others]})
    noted = base.copy()
    noted.attrs["source"] = "x"
    assert digest(base) != digest(noted)


def test_strings_agree_however_they_are_kept():
    """Python objects and Arrow buffers, whole, cut or chunked, give the strings one digest."""
    texts = ["x", None, "żółw", ""]
    kept = [
        pd.Series(pd.array(texts, dtype=pd.StringDtype(storage)))
        for storage in ("python", "pyarrow")
    ]
    assert digest(kept[0]) == digest(kept[1])
    longer = pd.Series(pd.array(["cut", *texts], dtype=pd.StringDtype("pyarrow")))
    assert digest(kept[1]) == digest(longer.iloc[1:].reset_index(drop=True))
    joined = pd.concat([kept[1].iloc[:1], kept[1].iloc[1:]])
    assert digest(kept[1]) == digest(joined)
    whole, cut = pa.chunked_array([[1, None, 3]]), pa.chunked_array([[1], [None, 3]])
    assert digest(whole) == digest(cut)


def test_unused_levels_are_invisible():
    """A multi-index that was filtered is the one made from what is left."""
    index = pd.MultiIndex.from_product([[1, 2], ["a", "b"]])
    assert digest(index[:2]) == digest(pd.MultiIndex.from_tuples([(1, "a"), (1, "b")]))


def test_parameters_of_an_estimator_count():
    """Estimators with other parameters, or fitted, differ."""
    kinds = [LogisticRegression(), LogisticRegression(C=2.0), SAMPLES["estimator"]]
    assert len(kinds) == len({digest(kind) for kind in kinds})


def test_the_width_of_a_sparse_array_s_indices_does_not_count():
    """The same entries with narrower or wider indices are the same value."""
    narrow = sparse.csr_array(np.eye(3))
    wide = sparse.csr_array(
        (narrow.data, narrow.indices.astype("int64"), narrow.indptr.astype("int64")), shape=(3, 3)
    )
    assert digest(narrow) == digest(wide)


TIMED = pd.DataFrame(
    {"key": [1, 1, 2], "value": [1.0, 2.0, 3.0]}, index=pd.date_range("2020", periods=3)
)
GROUPED = {
    "groupby": TIMED.groupby("key"),
    "groupby of a series": TIMED["value"].groupby(TIMED["key"]),
    "resample": TIMED.resample("D"),
    "resample of periods": pd.Series([1, 2], pd.period_range("2020", periods=2, freq="M")).resample(
        "Y"
    ),
    "rolling": TIMED.rolling(2),
    "weighted": TIMED.rolling(2, win_type="triang"),
    "expanding": TIMED.expanding(),
    "ewm": TIMED["value"].ewm(com=2),
    "groups, rolling": TIMED.groupby("key").rolling(2),
    "groups, expanding": TIMED.groupby("key").expanding(),
    "groups, ewm": TIMED.groupby("key").ewm(com=2),
    "groups, resample": TIMED.groupby("key").resample("D"),
}


@pytest.mark.parametrize("name", GROUPED)
def test_what_pandas_keeps_groups_and_windows_in_is_refused(name):
    """They change when they are used; the error says where one is and what to pass."""
    with pytest.raises(
        p.UnhashableValueError, match=r"value\['by'\]: .* caches results.*pass the table and the"
    ):
        p.hash({"by": GROUPED[name]})


def test_calls_with_groups():
    """Are refused before anything runs; what `ignore` names goes through."""
    ran = []

    def groups(by):
        ran.append(1)
        return len(by)

    with in_memory():
        with pytest.raises(p.UnhashableValueError, match=r"arguments\['by'\]"):
            p.provenance()(groups)(TIMED.groupby("key"))
        assert [] == ran
        assert 2 == p.provenance(ignore=["by"])(groups)(TIMED.groupby("key"))


def test_a_frame_of_many_columns_costs_what_its_array_costs():
    """Hashing and storing pay for the bytes, and not for each column."""
    wide = pd.DataFrame(np.arange(200_000.0).reshape(10, 20_000)).rename(columns=str)
    wide["text"] = "a"
    began = time.process_time()
    p.hash(wide)
    assert time.process_time() - began < 0.5
    with in_memory():
        artifact = p.provenance(name="wide")(lambda: wide).artifact()
        assert "joblib" == artifact.serializer
        assert p.hash(wide) == p.hash(artifact.value)
        chosen = p.provenance(name="chosen", serializer="pd_df_parquet")(lambda: wide.iloc[:, :5])
        assert "pd_df_parquet" == chosen.artifact().serializer


BLOCKS = {
    "float": 1.5,
    "int": 2,
    "bool": True,
    "text": "a",
    "when": pd.Timestamp("2026-11-28"),
    "zoned": pd.Timestamp("2026-11-28", tz="UTC"),
    "object": (1,),
}


@given(st.lists(st.sampled_from([*BLOCKS]), min_size=1, max_size=8), st.randoms())
def test_how_columns_lie_in_memory_does_not_count(kinds, random):
    """Frames that were put together in any way have one hash; what moves to another column has another."""
    columns = {f"{kind}{i}": [BLOCKS[kind], BLOCKS[kind]] for i, kind in enumerate(kinds)}
    whole = pd.DataFrame(columns)
    order = list(columns)
    random.shuffle(order)
    pieces = pd.DataFrame(index=whole.index)
    for name in order:
        pieces[name] = whole[name]
    pieces = pieces[list(columns)]
    assert p.hash(whole) == p.hash(pieces) == p.hash(pieces.copy())
    other = whole.rename(columns=dict(zip(columns, order, strict=True)))
    assert (order == list(columns)) == (p.hash(whole) == p.hash(other))


def test_equal_bytes_in_other_columns_differ():
    """Which columns have a dtype is part of the hash."""
    one = pd.DataFrame({"a": np.zeros(2), "b": np.zeros(2, "i8"), "c": np.zeros(2)})
    other = pd.DataFrame({"a": np.zeros(2), "b": np.zeros(2), "c": np.zeros(2, "i8")})
    assert p.hash(one) != p.hash(other)


def test_object_columns_count_by_element_and_place():
    """However a frame came to its columns of objects, they count one after the other, each by its place."""
    columns = {"a": [1, "x", None], "b": [1.5, 2, 3], "c": [{"k": 1}, [2], "y"], "d": [0, 1, 2]}
    made = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})
    grown = pd.DataFrame({"d": pd.Series(columns["d"], dtype=object)})
    for place, name in enumerate("abc"):
        grown.insert(place, name, pd.Series(columns[name], dtype=object))
    assert digest(made) == digest(grown) == digest(made.copy())
    swapped = made[["b", "a", "c", "d"]].set_axis(list("abcd"), axis=1)
    shifted = made.assign(a=made["a"].iloc[::-1].to_numpy())
    assert len({digest(frame) for frame in (made, swapped, shifted, made.astype({"d": int}))}) == 4


def test_the_way_into_an_object_column_is_named():
    """What cannot be hashed among objects is named by column and row."""
    frame = pd.DataFrame({"n": [1, 2], "o": pd.Series([1, [iter([1])]], dtype=object)})
    with pytest.raises(p.errors.UnhashableValueError) as caught:
        digest(frame)
    assert caught.value.path == "value.iloc[:, 1][1][0]"


def test_chunks_of_arrow_columns_do_not_count(monkeypatch):
    """Columns in one chunk, in many and in large ones agree, alone and in a table, with and without missing values."""
    import provenance.hashing.pyarrow as arrow

    columns = {
        "n": [1, None, 3, 4] * 9,
        "m": [5, 6, 7, None] * 9,
        "t": ["a", None, "", "größe"] * 9,
        "u": ["b", "c", "dd", "e"] * 9,
        "deep": [[1], None, [], [2, 3]] * 9,
        "d": pa.array(["x", "y", None, "x"] * 9).dictionary_encode(),
    }
    whole = pa.table(columns)
    cut = pa.concat_tables([whole.slice(0, 5), whole.slice(5, 0), whole.slice(5)])
    expected = digest(whole)
    assert [expected] * 2 == [digest(cut), digest(cut.combine_chunks())]
    alone = [digest(whole[name]) for name in columns]
    assert alone == [digest(cut[name]) for name in columns]
    monkeypatch.setattr(arrow, "_GATHERED", 16)
    assert [expected] * 2 == [digest(whole), digest(cut)]
    assert alone == [digest(cut[name]) for name in columns]
    swapped = whole.select(["m", "n", "t", "u", "deep", "d"]).rename_columns(list(columns))
    assert expected != digest(swapped)
