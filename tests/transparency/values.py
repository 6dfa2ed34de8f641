"""The values that the tables use as `x`, each made afresh by a call."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import uuid
from typing import Any, NamedTuple

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 3


class Point(NamedTuple):
    x: float
    y: float


# Users write both kinds of named tuples.
Rgb = collections.namedtuple("Rgb", ["red", "green", "blue"])  # noqa: PYI024 - as above


@dataclasses.dataclass
class Config:
    rate: float = 0.1
    layers: tuple[int, ...] = (64, 32)
    names: list[str] = dataclasses.field(default_factory=lambda: ["a", "b"])


@attrs.frozen
class Interval:
    low: int
    high: int


class Account:
    """An ordinary class of a user."""

    def __init__(self, owner: str, balance: float) -> None:
        self.owner = owner
        self.balance = balance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Account) and vars(self) == vars(other)

    __hash__ = None

    def deposit(self, amount: float) -> float:
        self.balance += amount
        return self.balance


class Celsius(float):
    """A subclass of a number."""

    @property
    def fahrenheit(self) -> float:
        return self * 9 / 5 + 32


class Units(np.ndarray):
    """A subclass of an array with an attribute."""

    unit = "m"


def noise(*shape: int) -> np.ndarray:
    """Return random numbers, the same in each process."""
    return np.random.default_rng(0).normal(size=shape)


def sales() -> pd.DataFrame:
    """Return a small table with numbers, texts, dates and a gap."""
    return pd.DataFrame(
        {
            "shop": ["north", "south", "north", "east", "south", "east"],
            "day": pd.to_datetime(
                ["2024-01-01", "2024-01-01", "2024-01-02", "2024-02-03", "2024-02-03", "2024-03-04"]
            ),
            "units": [3, 5, 2, 8, 1, 4],
            "price": [1.5, 2.0, 1.5, 0.5, np.nan, 3.25],
        }
    )


def nested() -> dict[str, Any]:
    """Return what `json.load` would."""
    return {
        "id": 17,
        "user": {"name": "Ada", "tags": ["admin", "dev"], "active": True},
        "scores": [0.5, 1.25, 3],
        "parent": None,
    }


def people() -> list[dict[str, Any]]:
    """Return records as an API answers them."""
    return [
        {"name": "Ada", "age": 36, "langs": ["en", "fr"]},
        {"name": "Bob", "age": 25, "langs": []},
        {"name": "Cyd", "age": 41, "langs": ["de"]},
    ]


def masked() -> np.ma.MaskedArray:
    """Return an array with one masked element."""
    return np.ma.masked_array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])


def units() -> np.ndarray:
    """Return an array of a subclass, with an attribute of its own."""
    array = np.arange(3.0).view(Units)
    array.unit = "km"
    return array


VALUES = {
    # numbers
    "int": lambda: 7,
    "zero": lambda: 0,
    "negative": lambda: -3,
    "big int": lambda: 2**70,
    "float": lambda: 2.5,
    "nan": lambda: float("nan"),
    "complex": lambda: 3 + 4j,
    "true": lambda: True,
    "false": lambda: False,
    "none": lambda: None,
    "ellipsis": lambda: ...,
    "decimal": lambda: decimal.Decimal("10.25"),
    "fraction": lambda: fractions.Fraction(3, 4),
    "celsius": lambda: Celsius(21.5),
    # texts
    "str": lambda: "banana",
    "empty str": lambda: "",
    "key": lambda: "name",
    "sentence": lambda: "The quick brown fox, aged 7, jumps over 2 lazy dogs.",
    "pattern": lambda: r"(\w+)@(\w+)\.com",
    "email": lambda: "ada@example.com",
    "json text": lambda: '{"a": [1, 2.5, null], "b": {"c": "d"}}',
    "csv text": lambda: "name,age\nAda,36\nBob,25\n",
    "iso": lambda: "2024-03-01T12:30:00",
    "long text": lambda: "lorem ipsum dolor " * 20_000,
    "bytes": lambda: b"\x00\x01hello\xff",
    "utf8": lambda: b"na\xc3\xafve caf\xc3\xa9",
    "bytearray": lambda: bytearray(b"abc"),
    # dates and other standard types
    "datetime": lambda: dt.datetime.fromisoformat("2024-03-01T12:30:15.000250"),
    "aware": lambda: dt.datetime(2024, 3, 1, 12, 30, tzinfo=dt.UTC),
    "date": lambda: dt.date(2024, 2, 29),
    "time": lambda: dt.time(9, 45),
    "timedelta": lambda: dt.timedelta(days=1, hours=2),
    "uuid": lambda: uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "path": lambda: pathlib.Path("data/train.csv"),
    "pure path": lambda: pathlib.PurePosixPath("/srv/models/v1.tar.gz"),
    "enum": lambda: Color.RED,
    "int enum": lambda: Level.HIGH,
    "range": lambda: range(2, 20, 3),
    "slice": lambda: slice(1, 4),
    "class": lambda: Account,
    "function": lambda: nested,
    # containers
    "pair": lambda: (3, 4),
    "tuple": lambda: (1, "two", 3.0, None),
    "empty list": list,
    "ints": lambda: [3, 1, 4, 1, 5, 9, 2, 6],
    "floats": lambda: [0.5, 1.5, -2.0, 3.25],
    "words": lambda: ["apple", "pear", "fig", "apple"],
    "rows": lambda: [(1, "a", 0.5), (2, "b", 1.5)],
    "grid": lambda: [[1, 2, 3], [4, 5, 6]],
    "many ints": lambda: list(range(20_000)),
    "counts": lambda: {"a": 3, "b": 1, "c": 2},
    "options": lambda: {"sep": ";", "end": "!\n"},
    "nested": nested,
    "people": people,
    "many records": lambda: [{"id": i, "name": f"user{i}", "score": i / 7} for i in range(3_000)],
    "set": lambda: {1, 2, 3, 5},
    "frozenset": lambda: frozenset({"a", "b"}),
    "point": lambda: Point(1.5, -2.0),
    "rgb": lambda: Rgb(255, 128, 0),
    "counter": lambda: collections.Counter("mississippi"),
    "deque": lambda: collections.deque([1, 2, 3], maxlen=4),
    "defaultdict": lambda: collections.defaultdict(list, {"a": [1]}),
    "ordered": lambda: collections.OrderedDict([("b", 1), ("a", 2)]),
    # objects
    "config": Config,
    "interval": lambda: Interval(1, 5),
    "account": lambda: Account("ada", 10.0),
    # NumPy
    "f64": lambda: np.float64(2.5),
    "f32": lambda: np.float32(0.1),
    "i64": lambda: np.int64(7),
    "u8": lambda: np.uint8(200),
    "np str": lambda: np.str_("abc"),
    "np bool": lambda: np.bool_(True),
    "day64": lambda: np.datetime64("2024-03-01"),
    "delta64": lambda: np.timedelta64(36, "h"),
    "vector": lambda: np.array([1.0, 4.0, 9.0, 16.0]),
    "f32 vector": lambda: np.array([0.5, 1.5, 2.5], dtype=np.float32),
    "int vector": lambda: np.array([3, 1, 2, 3, 1]),
    "mask": lambda: np.array([True, False, True, True]),
    "matrix": lambda: np.arange(12.0).reshape(3, 4),
    "square": lambda: np.array([[4.0, 1.0], [2.0, 3.0]]),
    "large": lambda: noise(100_000),
    "image": lambda: np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3),
    "names": lambda: np.array(["apple", "b", "pear"]),
    "byte names": lambda: np.array([b"aa", b"b"]),
    "days": lambda: np.array(["2024-01-01", "2024-01-15", "2024-03-01"], dtype="datetime64[D]"),
    "deltas": lambda: np.array([1, 36, 100], dtype="timedelta64[h]"),
    "records": lambda: np.array(
        [(1, 2.5, "a"), (2, 0.5, "b")], dtype=[("id", "i4"), ("v", "f8"), ("s", "U3")]
    ),
    "masked": masked,
    "objects": lambda: np.array([1, "two", None, 3.5], dtype=object),
    "scalar array": lambda: np.array(3.5),
    "empty array": lambda: np.array([]),
    "units": units,
    "split": lambda: (noise(6, 2), np.array([0, 1, 0, 1, 0, 1])),
    "arrays": lambda: {"X": noise(4, 2), "y": np.array([0, 1, 1, 0])},
    # pandas
    "frame": sales,
    "numeric frame": lambda: pd.DataFrame(noise(50, 3), columns=["a", "b", "c"]),
    "big frame": lambda: pd.DataFrame({"k": np.arange(5_000) % 7, "v": noise(5_000)}),
    "series": lambda: pd.Series([3, 1, 2, 5], index=list("abcd"), name="n"),
    "texts": lambda: pd.Series(["Ada Lovelace", "Bob Ross", None]),
    "hours": lambda: pd.Series(
        np.arange(48.0), index=pd.date_range("2024-01-01", periods=48, freq="h")
    ),
    "category": lambda: pd.Series(["lo", "hi", "lo"], dtype="category"),
    "nullable": lambda: pd.Series([1, None, 3], dtype="Int64"),
    "index": lambda: pd.Index(["a", "b", "d"], name="key"),
    "dates": lambda: pd.date_range("2024-01-30", periods=4, freq="D"),
    "multi index": lambda: pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["l", "n"]),
    "timestamp": lambda: pd.Timestamp("2024-03-01 12:30"),
    "pd timedelta": lambda: pd.Timedelta("1 days 02:00:00"),
    "period": lambda: pd.Period("2024-03", freq="M"),
    "nat": lambda: pd.NaT,
    "frames": lambda: {"a": sales(), "b": sales().head(2)},
    # polars and Arrow
    "pl frame": lambda: pl.DataFrame(
        {"g": ["a", "b", "a"], "v": [1.5, 2.5, 3.5], "n": [1, 2, None]}
    ),
    "pl series": lambda: pl.Series("v", [3, 1, 2]),
    "table": lambda: pa.table({"g": ["a", "b", "a"], "v": [1.5, 2.5, 3.5]}),
    "pa array": lambda: pa.array([1, None, 3]),
    "batch": lambda: pa.record_batch({"i": [1, 2], "s": ["x", "y"]}),
    # scipy
    "csr": lambda: scipy.sparse.csr_matrix(np.array([[0, 1.5, 0], [2.0, 0, 0]])),
    "coo": lambda: scipy.sparse.coo_array(np.eye(3)),
}
"""Functions that make the values, by name."""
