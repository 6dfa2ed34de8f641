"""NumPy, pandas, Arrow, polars, SciPy, pyrsistent and scikit-learn."""

import copy
import functools
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyrsistent as pyr
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch

from hashing.values.builtin import hashable, mapping
from hashing.values.spelling import CHANGED, RESPELLED, changed, respelled

DTYPES = (
    "<i8",
    "<f4",
    "<i2",
    "<U2",
    "<M8[s]",
    "<m8[ms]",
    "<c16",
    "u1",
    "?",
    "S2",
    "<f2",
    "O",
    np.dtypes.StringDType(),
)
STRUCTURED = (
    [("a", "<i4"), ("b", "U3")],
    [("a", "u1"), ("b", "<f8", 2)],
    [("a", [("c", "S1"), ("d", "<i8")])],
)
FORMATS = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")


class Settings(pyr.PRecord):
    x = pyr.field()


def array(r, _):
    """An array of some dtype and shape."""
    shape = [r.randint(0, 3) for _ in range(r.randint(0, 3))]
    return (
        np.array(r.choices(range(2), k=math.prod(shape)), dtype="<i8")
        .reshape(shape)
        .astype(r.choice(DTYPES))
    )


def records(r, _):
    """A structured array, its fields aligned or not."""
    rows = np.zeros(r.randint(1, 3), np.dtype(r.choice(STRUCTURED), align=r.random() < 0.5))
    rows["a"] = np.ones((), rows["a"].dtype)
    return rows


def objects(r, make):
    """An array of values of any family."""
    it = np.empty(r.randint(1, 3), object)
    for at in range(len(it)):
        it[at] = make()
    return it


def column(r, rows):
    """A column of one of many kinds."""
    kinds = (
        lambda: pd.Series(
            r.choices(range(9), k=rows), dtype=r.choice(["int64", "int8", "float32", "bool"])
        ),
        lambda: pd.array(
            r.choices(["a", "b", None], k=rows), dtype=r.choice(["str", "string", "object"])
        ),
        lambda: pd.Categorical(
            r.choices("ab", k=rows), categories=["a", "b"], ordered=r.random() < 0.5
        ),
        lambda: pd.array(
            r.choices([1, 2, None], k=rows), dtype=r.choice(["Int64", "Float32", "int64[pyarrow]"])
        ),
        lambda: pd.array(r.choices([True, None], k=rows), dtype="boolean"),
        lambda: pd.date_range(
            f"2024-01-0{r.randint(1, 9)}",
            periods=rows,
            tz=r.choice([None, "Europe/Warsaw"]),
            unit="ns",
        ),
        lambda: pd.period_range("2024", periods=rows, freq=r.choice("DM")),
        lambda: pd.interval_range(r.randint(0, 3), periods=rows),
        lambda: pd.array(r.choices([0, 1], k=rows), dtype=pd.SparseDtype("int64", 0)),
        lambda: pd.timedelta_range("1s", periods=rows, unit="ns"),
    )
    return r.choice(kinds)()


def frame(r, _):
    """A frame of columns of several kinds."""
    rows = r.randint(1, 4)
    it = pd.DataFrame({name: column(r, rows) for name in r.sample("abcd", r.randint(1, 3))})
    if r.random() < 0.2:
        it = it.set_axis(["same"] * it.shape[1], axis=1)
    return it if r.random() < 0.7 else it.set_axis(index(r, rows))


def index(r, rows):
    """An index of several kinds."""
    kinds = (
        lambda: pd.Index(r.choices("abc", k=rows), name=r.choice([None, "n"])),
        lambda: pd.MultiIndex.from_arrays(
            [r.choices("ab", k=rows), r.choices(range(3), k=rows)], names=["x", None]
        ),
        lambda: pd.RangeIndex(r.randint(0, 2), r.randint(0, 2) + rows * 9, 9)[:rows],
        lambda: pd.Index(column(r, rows)),
    )
    return r.choice(kinds)()


def arrow(r, _):
    """An Arrow array of several types."""
    kinds = (
        lambda: pa.array(
            r.choices([1, 2, None], k=4), r.choice([pa.int64(), pa.int8(), pa.float32()])
        ),
        lambda: pa.array(
            r.choices(["a", "bc", None], k=4), r.choice([pa.string(), pa.large_string()])
        ),
        lambda: pa.array(r.choices([[1], [2, None], [], None], k=4), pa.list_(pa.int32())),
        lambda: pa.array(
            r.choices([{"a": 1, "b": "x"}, None], k=4),
            pa.struct({"a": pa.int8(), "b": pa.string()}),
        ),
        lambda: pa.array(r.choices(["a", "b"], k=4)).dictionary_encode(),
        lambda: pa.array(r.choices([True, False, None], k=4)),
        lambda: pa.array(r.choices([1, 2, None], k=4), pa.timestamp("us", r.choice([None, "UTC"]))),
    )
    return r.choice(kinds)()


def polars(r, _):
    """A polars frame."""
    columns = (
        lambda: pl.Series(
            "", r.choices([1, 2, None], k=3), r.choice([pl.Int64, pl.Float32, pl.UInt8])
        ),
        lambda: pl.Series(
            "",
            r.choices(["a", "b", None], k=3),
            r.choice([pl.String, pl.Categorical, pl.Enum(["a", "b"])]),
        ),
        lambda: pl.Series("", r.choices([[1], [], None], k=3), pl.List(pl.Int8)),
        lambda: pl.Series("", [{"x": r.randint(0, 9)}] * 3),
    )
    return pl.DataFrame({name: r.choice(columns)() for name in r.sample("abcd", r.randint(1, 3))})


@functools.cache
def fitted(kind, seed):
    """An estimator that has learned something."""
    rows = np.random.default_rng(seed).normal(size=(12, 2))
    return kind().fit(rows, (rows[:, 0] > 0).astype(int))


def estimator(r, _):
    """A scikit-learn estimator, fitted or not."""
    if r.random() < 0.5:
        return copy.deepcopy(
            fitted(
                r.choice([LogisticRegression, DecisionTreeClassifier, KNeighborsClassifier, Ridge]),
                r.randint(0, 9),
            )
        )
    return r.choice(
        [Ridge(alpha=r.random()), make_pipeline(StandardScaler(), Ridge(alpha=r.random()))]
    )


def places(r, _):
    """A sparse matrix or array."""
    dense = np.array(
        [r.choices(range(3), k=3), r.choices(range(3), k=3)], dtype=r.choice(["<i8", "<f4"])
    )
    return getattr(sparse, f"{r.choice(FORMATS)}_{r.choice(['array', 'matrix'])}")(dense)


LEAVES = (
    lambda r: np.float32(r.random()),
    lambda r: r.choice(
        [
            np.int8(1),
            np.str_("a"),
            np.datetime64("2024-01-01", "s"),
            np.timedelta64(1, "ms"),
            np.True_,
        ]
    ),
    lambda r: r.choice(
        [np.dtype("<i4"), np.dtype(STRUCTURED[0]), pd.CategoricalDtype(["a"]), pa.int8(), pl.Int8()]
    ),
    lambda r: np.random.Generator(r.choice([np.random.PCG64, np.random.Philox])(r.randint(0, 9))),
    lambda r: np.random.RandomState(r.randint(0, 9)),
    lambda r: pd.Timestamp(r.randint(0, 9), tz=r.choice([None, "UTC"])),
    lambda r: pd.Timedelta(r.randint(0, 9)),
    lambda r: r.choice([pd.NA, pd.NaT, pd.Interval(0, 1), pd.Period("2024", "M")]),
    lambda r: pa.scalar(r.randint(0, 9)),
)

MAKERS = (
    array,
    records,
    objects,
    frame,
    arrow,
    polars,
    estimator,
    places,
    lambda r, _: np.ma.masked_array(r.choices(range(5), k=3), mask=r.choices([0, 1], k=3)),
    lambda r, _: pd.Series(column(r, 3), name=r.choice([None, "n"])),
    lambda r, _: index(r, 3),
    lambda r, _: pd.Categorical(r.choices("ab", k=3)),
    lambda r, make: pd.Series([make()], dtype=object),
    lambda r, _: pa.chunked_array([arrow(r, _)]),
    lambda r, _: pa.table({name: arrow(r, _) for name in r.sample("abc", 2)}),
    lambda r, _: polars(r, _).to_series(),
    lambda r, make: pyr.pmap(mapping(r, make)),
    lambda r, make: pyr.pvector([make(), make()]),
    lambda r, make: pyr.plist([make()]),
    lambda r, make: pyr.pdeque([make(), 1]),
    lambda r, _: r.choice([pyr.pset, pyr.pbag])([hashable(r), hashable(r)]),
    lambda r, make: Settings(x=make()),
    lambda r, make: Bunch(x=make()),
    lambda r, _: KDTree(np.array([[r.random(), 0.0], [1.0, 2.0]])),
)


def _array(r, it):
    return r.choice([np.asfortranarray, _strided, np.copy, _read_only])(it).reshape(it.shape)


def _strided(it):
    wide = np.zeros((*it.shape, 2), it.dtype)
    wide[..., 0] = it
    return wide[..., 0]


def _read_only(it):
    other = it.copy()
    other.flags.writeable = False
    return other


def _series(_, it):
    return pd.concat([it, it])[: len(it)].set_axis(it.index)


def _frame(_, it):
    columns = [it.iloc[:, at] for at in range(it.shape[1])]
    other = pd.concat(columns, axis=1) if len(columns) > 1 else columns[0].to_frame()
    return pd.concat([other, other])[: len(it)].set_axis(it.index)


def _chunked(it):
    return [it.slice(0, 1), pa.concat_arrays([it.slice(0, 1), it.slice(1)]).slice(1)]


def _table(_, it):
    return pa.table(
        [pa.chunked_array(_chunked(each.combine_chunks())) for each in it.columns], schema=it.schema
    )


def _polars(_, it):
    return pl.concat([it.head(1), it.tail(-1)], rechunk=False)


def _shuffled(_, it):
    """With its entries in another order, and one of them in two parts."""
    as_coo = it.tocoo()
    if it.format != "coo" or not as_coo.nnz:
        return it.copy()
    rows, columns, data = (part[::-1] for part in (as_coo.row, as_coo.col, as_coo.data))
    data = np.concatenate([data, data[:1]])
    data[[0, -1]] = data[0] - 1, 1
    return type(it)(
        (data, (np.append(rows, rows[0]), np.append(columns, columns[0]))), shape=it.shape
    )


def _searched(_, it):
    """A tree that has counted its searches."""
    it.query([[0.0, 0.0]])
    return it


POLARS = (pl.DataFrame, pl.Series)
ARROW = (pa.Array, pa.ChunkedArray)
SPARSE = [getattr(sparse, f"{form}_{kind}") for form in FORMATS for kind in ("array", "matrix")]
RESPELLED.update(
    {
        np.ndarray: lambda r, it: _array(r, it) if it.dtype != object else objects_again(r, it),
        pd.DataFrame: _frame,
        pd.Series: _series,
        pa.ChunkedArray: lambda _, it: pa.chunked_array(_chunked(it.combine_chunks()), it.type),
        pa.Table: _table,
        **dict.fromkeys(POLARS, _polars),
        **dict.fromkeys(SPARSE, _shuffled),
        KDTree: _searched,
    }
)


def objects_again(r, it):
    """Each element spelled another way."""
    other = np.empty_like(it)
    for at in np.ndindex(it.shape):
        other[at] = respelled(r, it[at])
    return other


def _flipped(r, it):
    if not it.size or it.dtype.kind not in "iufc?":
        return it.reshape(*it.shape, 1)
    other = it.copy()
    at = tuple(r.randrange(size) for size in it.shape)
    other[at] = not other[at]
    return other


def _of_another_dtype(_, it):
    return [it] if it.dtype == object else it.astype({"U": "S7", "S": "U7"}.get(it.dtype.kind, "O"))


def _renamed_field(_, it):
    if it.dtype.names is None:
        return it[None]
    other = it.copy()
    other.dtype.names = ("renamed", *it.dtype.names[1:])
    return other


def _drawn(_, it):
    """A generator that has drawn a number."""
    other = copy.deepcopy(it)
    other.random()
    return other


def _with(r, it):
    """An estimator with another parameter."""
    return copy.deepcopy(it).set_params(
        **({"ridge__alpha": 7.0} if isinstance(it, Pipeline) else _other_parameter(it))
    )


def _other_parameter(it):
    name = next(name for name in ("alpha", "C", "max_depth", "p") if name in it.get_params())
    return {name: 7}


def _forgetful(_, it):
    """A fitted estimator that has lost what it learned of the number of columns."""
    other = copy.deepcopy(it)
    other.n_features_in_ = 7
    return other


def _moved(it):
    return it.set_axis(pd.Index([f"moved {at}" for at in range(len(it))]))


CHANGED.update(
    {
        np.ndarray: [_flipped, _of_another_dtype, _renamed_field, lambda _, it: it.tolist()],
        pd.DataFrame: [
            lambda _, it: it.set_axis([*it.columns[:-1], "new"], axis=1),
            lambda _, it: _moved(it),
            lambda _, it: it.assign(new=1),
            lambda _, it: it.iloc[:-1],
            lambda _, it: it.iloc[:, 0],
        ],
        pd.Series: [
            lambda _, it: it.rename("new"),
            lambda _, it: _moved(it),
            lambda _, it: it.iloc[:-1],
            lambda _, it: it.array,
        ],
        pa.Table: [
            lambda _, it: it.rename_columns(["new", *it.column_names[1:]]),
            lambda _, it: it.select(it.column_names[::-1]),
            lambda _, it: it.slice(1),
        ],
        pa.ChunkedArray: [
            lambda _, it: it.slice(1),
            lambda _, it: pa.chunked_array([it.combine_chunks(), it.combine_chunks()]),
        ],
        pl.DataFrame: [
            lambda _, it: it.rename({it.columns[0]: "new"}),
            lambda _, it: it.head(-1),
            lambda _, it: it.to_series(),
        ],
        pl.Series: [
            lambda _, it: it.rename("new"),
            lambda _, it: it.head(-1),
            lambda _, it: it.to_frame(),
        ],
        **{kind: [lambda _, it: it.toarray(), lambda _, it: it.T.tolil()[:1]] for kind in SPARSE},
        **{key: [_drawn] for key in (np.random.Generator, np.random.RandomState)},
        **{
            key: [_with, _forgetful]
            for key in (LogisticRegression, DecisionTreeClassifier, KNeighborsClassifier, Ridge)
        },
        Pipeline: [_with],
        Settings: [lambda r, it: it.set(x=changed(r, it.x)), lambda _, it: pyr.pmap(it)],
        Bunch: [lambda r, it: Bunch(x=changed(r, it.x)), lambda _, it: dict(it)],
    }
)
