"""Values of all families nested in each other, other spellings of them, and values that differ from them in one thing.

They come from a `random.Random`, not from hypothesis' own draws, so that a million of them are made in minutes; the seed
is what hypothesis draws.
"""

import copy
import datetime as dt
import functools
import math
import pickle
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath

import attrs
import numpy as np
import pandas as pd
import pyarrow as pa
import pyrsistent as pyr
from scipy import sparse

Named = namedtuple("Named", "a b")  # noqa: PYI024 - the untyped kind


class Shade(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Point:
    x: object
    y: object


@dataclass
class Slim:
    __slots__ = ("x", "y")
    x: object
    y: object


@attrs.frozen
class Pair:
    x: object
    y: object


class Plain:
    def __init__(self, x, y):
        self.x, self.y = x, y


RECORDS = (Point, Slim, Pair, Plain, Named)
DTYPES = ("<i8", "<f4", "<i2", "<U2", "<M8[s]", "<c16", "u1", "?", "S2")
LEAVES = (
    lambda r: None,
    lambda r: r.random() < 0.5,
    lambda r: r.randint(-3, 300),
    lambda r: r.getrandbits(80),
    lambda r: r.choice([0.0, -0.0, 1.5, math.inf, math.nan, r.random()]),
    lambda r: "".join(r.choices("abcé🐍\ud800", k=r.randint(0, 4))),
    lambda r: r.randbytes(r.randint(0, 4)),
    lambda r: complex(r.randint(0, 2), r.random()),
    lambda r: Fraction(r.randint(1, 9), 7),
    lambda r: Decimal(r.randint(-99, 99)) / 8,
    lambda r: dt.datetime(2024, 1, r.randint(1, 28), tzinfo=dt.UTC),
    lambda r: dt.timedelta(seconds=r.randint(0, 9)),
    lambda r: uuid.UUID(int=r.getrandbits(128)),
    lambda r: PurePosixPath("a", *r.choices("bcd", k=2)),
    lambda r: r.choice(list(Shade)),
    lambda r: range(r.randint(0, 9)),
    lambda r: np.float32(r.random()),
)


def leaf(r):
    """A value without parts."""
    return r.choice(LEAVES)(r)


def array(r):
    """An array of some dtype and shape."""
    shape = [r.randint(0, 3) for _ in range(r.randint(0, 3))]
    return np.array(r.choices(range(2), k=math.prod(shape))).reshape(shape).astype(r.choice(DTYPES))


def frame(r):
    """A frame of columns of several kinds."""
    rows = r.randint(1, 4)
    kinds = (
        lambda: np.array(r.choices(range(9), k=rows)),
        lambda: [r.random() for _ in range(rows)],
        lambda: pd.array(r.choices(["a", "b", None], k=rows), dtype="str"),
        lambda: pd.Categorical(r.choices("ab", k=rows), categories=["a", "b"]),
        lambda: pd.array(r.choices([1, 2, None], k=rows), dtype="Int64"),
    )
    return pd.DataFrame({name: r.choice(kinds)() for name in r.sample("abcd", r.randint(1, 3))})


def hashable(r):
    """A value that can be a key."""
    return r.choice(
        [r.randint(-9, 99), "".join(r.choices("abc", k=2)), (r.randint(0, 9), "x"), frozenset({r.randint(0, 3)})]
    )


def mapping(r, make):
    """A few entries."""
    return {key: make() for key in sorted({hashable(r) for _ in range(r.randint(0, 4))}, key=repr)}


def value(r, depth=3):
    """A value of any family, with others in it down to *depth*."""
    if depth == 0 or r.random() < 0.3:
        return leaf(r)

    def make():
        return value(r, depth - 1)

    makers = (
        lambda: [make() for _ in range(r.randint(0, 4))],
        lambda: tuple(make() for _ in range(r.randint(0, 4))),
        lambda: [Point(r.randint(0, 9), "p") for _ in range(r.randint(8, 12))],
        lambda: mapping(r, make),
        lambda: OrderedDict(mapping(r, make)),
        lambda: defaultdict(list, mapping(r, make)),
        lambda: Counter(mapping(r, lambda: r.randint(1, 3))),
        lambda: {hashable(r) for _ in range(r.randint(0, 4))},
        lambda: frozenset(hashable(r) for _ in range(r.randint(0, 4))),
        lambda: deque([make()], maxlen=r.choice([None, 5])),
        lambda: r.choice(RECORDS)(make(), make()),
        lambda: functools.partial(max, make(), key=len),
        lambda: pyr.pmap(mapping(r, make)),
        lambda: pyr.pvector([make(), make()]),
        lambda: array(r),
        lambda: np.ma.masked_array(r.choices(range(5), k=3), mask=r.choices([0, 1], k=3)),
        lambda: frame(r),
        lambda: pd.Series(r.choices(range(5), k=3), name=r.choice([None, "n"])),
        lambda: pd.Index(r.choices("abc", k=2)),
        lambda: pa.array(r.choices([1, 2, None], k=4)),
        lambda: sparse.csr_array(np.array([r.choices(range(3), k=3)])),
    )
    return r.choice(makers)()


def respelled(r, it):
    """An equal value by construction: built anew, in another order or layout, by copy or through pickle."""
    way = r.randrange(4)
    if way == 0:
        return pickle.loads(pickle.dumps(it))
    if way == 1:
        return copy.deepcopy(it)
    return RESPELLED.get(type(it), lambda _, same: copy.copy(same))(r, it)


def _record(r, it):
    parts = it if type(it) is Named else (it.x, it.y)
    return type(it)(*(respelled(r, part) for part in parts))


def _sequence(r, it):
    members = [respelled(r, each) for each in it]
    return deque(members, it.maxlen) if type(it) is deque else type(it)(members)


def _mapping(r, it):
    other = copy.copy(it)
    other.clear()
    for key, each in reversed(it.items()):
        other[respelled(r, key)] = respelled(r, each)
    return other


def _array(r, it):
    return r.choice([np.asfortranarray, _strided, np.copy])(it).reshape(it.shape)


def _strided(it):
    wide = np.zeros((*it.shape, 2), it.dtype)
    wide[..., 0] = it
    return wide[..., 0]


def _rebuilt(_, it):
    other = pd.DataFrame(index=it.index)
    for name in it.columns:
        other[name] = it[name]
    return pd.concat([other, other], ignore_index=True)[: len(it)]


RESPELLED = {
    **dict.fromkeys((list, tuple, deque), _sequence),
    **dict.fromkeys((dict, Counter, defaultdict), _mapping),
    **dict.fromkeys((set, frozenset), lambda r, it: type(it)(respelled(r, each) for each in reversed(list(it)))),
    **dict.fromkeys(RECORDS, _record),
    str: lambda _, it: "".join(list(it)),
    np.ndarray: _array,
    pd.DataFrame: _rebuilt,
}


def changed(r, it):
    """A value that differs from *it* in one thing."""
    ways = CHANGED.get(type(it))
    return r.choice(ways)(r, it) if ways else [it]


def _changed_member(r, it):
    members = list(it) or [None]
    at = r.randrange(len(members))
    members[at] = changed(r, members[at])
    return type(it)(members)


def _changed_entry(r, it):
    other = copy.copy(it)
    key = r.choice(list(it) or [None])
    other[key] = changed(r, it.get(key))
    return other


def _changed_key(r, it):
    other = copy.copy(it)
    key = r.choice(list(it) or [None])
    other["renamed", key] = other.pop(key, None)
    return other


def _changed_field(r, it):
    name = r.choice([each.name for each in fields(it)])
    return replace(it, **{name: changed(r, getattr(it, name))})


def _flipped(r, it):
    if not it.size or it.dtype.kind not in "iufc?":
        return it.reshape(*it.shape, 1)
    other = it.copy()
    at = tuple(r.randrange(size) for size in it.shape)
    other[at] = not other[at]
    return other


def _of_another_dtype(_, it):
    return it.astype("S7" if it.dtype.kind in "US" else "O")


CHANGED = {
    **{
        key: [_changed_member, lambda _, it: type(it)([*it, None]), lambda _, it: {0: it}]
        for key in (list, tuple, deque)
    },
    **{key: [_changed_entry, _changed_key] for key in (dict, OrderedDict, defaultdict)},
    **{key: [lambda r, it: it ^ {r.choice([*it, "new"])}] for key in (set, frozenset)},
    **{key: [_changed_field, lambda _, it: Pair(it.x, it.y)] for key in (Point, Slim)},
    np.ndarray: [_flipped, _of_another_dtype, lambda _, it: it.tolist()],
    pd.DataFrame: [lambda _, it: it.rename(columns={it.columns[-1]: "new"}), lambda _, it: it.set_axis(it.index + 1)],
    bool: [lambda _, it: int(it), lambda _, it: not it],
    int: [lambda _, it: it + 1, lambda _, it: str(it), lambda _, it: Decimal(it)],
    float: [lambda _, it: str(it), lambda _, it: np.float64(it)],
    str: [lambda _, it: it + "x", lambda _, it: it.encode("utf-8", "surrogatepass"), lambda _, it: (it,)],
}
