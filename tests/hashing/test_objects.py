"""Instances of classes, and what users teach."""

import copy
import copyreg
import enum
import functools
import pickle
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field

import attrs
import numpy as np
import pyrsistent as pyr
import pytest

from provenance.hashing import Child, combine, digest, hash_value, register_hasher, register_item


@dataclass
class Record:
    a: int
    b: int = field(default=2, compare=False)

    @functools.cached_property
    def total(self):
        return self.a + self.b


@dataclass(frozen=True, slots=True)
class Slim:
    a: int
    b: object = None


@dataclass
class Other:
    a: int
    b: int = 2


@attrs.define
class Loose:
    a: int
    b: object = attrs.field(default=None, eq=False)


@attrs.frozen(slots=False, cache_hash=True)
class Cached:
    a: int


class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)

    @functools.cached_property
    def total(self):
        return 3


class Parent:
    __slots__ = ("__secret", "a")

    def __init__(self, secret):
        self.a, self.__secret = 1, secret


class Reduced:
    def __init__(self, content, noise):
        self.content, self.noise = content, noise

    def __reduce__(self):
        return Reduced, (self.content, 0)


class Stateful:
    def __init__(self, content, noise):
        self.content, self.noise = content, noise

    def __getstate__(self):
        return {"content": self.content}


class MyInt(int):
    pass


class MyStr(str):
    __slots__ = ()


class MyList(list):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyOrdered(OrderedDict):
    pass


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Bits(enum.Flag):
    A = 1
    B = 2


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind counts too
Twin = namedtuple("Twin", "a b")  # noqa: PYI024 - as above

INSTANCES = [
    Record(1),
    Slim(1, [2]),
    Other(1),
    Loose(1, {2}),
    Cached(1),
    Plain(a=1),
    Parent([1]),
    Reduced([1], 2),
    Stateful([1], 2),
    MyInt(1),
    MyStr("a"),
    MyList([1]),
    MyDict(a=1, b=2),
    MySet({"a", 1}),
    MyOrdered(a=1),
    Level.LOW,
    Bits.A | Bits.B,
    Pair(1, 2),
    Twin(1, 2),
    pyr.pmap({"a": [1], 2: "b"}),
    ValueError("a", 1),
    functools.partial(max, 1, key=abs),
]


@pytest.mark.parametrize("value", INSTANCES, ids=lambda value: type(value).__name__)
def test_copies_of_instances_agree(value):
    """Copies and pickles have the digest of the original."""
    expected = digest(value)
    assert [expected] * 3 == [
        digest(copy.copy(value)),
        digest(copy.deepcopy(value)),
        digest(pickle.loads(pickle.dumps(value))),
    ]


def test_what_dask_registers_for_exceptions_does_not_count(monkeypatch):
    """Importing it changes no hash, nor do the traceback, the context and an empty dict that its copies have."""
    import tblib.pickling_support as tblib  # comes with Dask, which the lock has

    monkeypatch.delitem(copyreg.dispatch_table, Refused, raising=False)
    errors = []
    for _ in range(2):
        try:
            {}["context"]
        except KeyError:
            try:
                raise Refused("a", 1)  # noqa: TRY301 - caught on purpose
            except Refused as error:
                errors.append(error)
    expected = digest(Refused("a", 1))
    assert expected == digest(errors[0])
    vars(errors[0])
    monkeypatch.setitem(copyreg.dispatch_table, Refused, tblib.pickle_exception)
    assert [expected] * 3 == [digest(error) for error in (*errors, copy.copy(Refused("a", 1)))]


def test_what_users_register_for_exceptions_counts(monkeypatch):
    """As it does for every other class."""
    monkeypatch.setitem(copyreg.dispatch_table, Refused, lambda error: (Refused, error.args[:1]))
    assert digest(Refused("a", 1)) == digest(Refused("a", 2)) != digest(Refused("b", 1))


class Refused(ValueError):
    pass


def test_types_with_equal_content_differ():
    """The type counts, whatever it holds."""
    values = [
        *INSTANCES,
        1,
        "a",
        [1],
        {"a": 1, "b": 2},
        {"a", 1},
        (1, 2),
        1.0,
        True,
        b"a",
        OrderedDict(a=1),
        {"a": 1},
    ]
    assert len(values) == len({digest(value) for value in values})


def test_every_attribute_counts():
    """Fields left out of comparisons, attributes that are no fields and private slots are state."""
    assert digest(Record(1, 2)) != digest(Record(1, 3))
    grown = Record(1)
    grown.extra = 1
    assert digest(Record(1)) != digest(grown)
    assert digest(Loose(1, 1)) != digest(Loose(1, 2))
    assert digest(Parent(1)) != digest(Parent(2))
    assert digest(Plain(a=1)) != digest(Plain(b=1))
    odd = Record.__new__(Record)
    odd.b, odd.c = 2, 1
    assert digest(odd) != digest(Record(1))


def test_order_of_attributes_is_invisible():
    """Attributes may be set in any order."""
    assert digest(Plain(a=1, b=2)) == digest(Plain(b=2, a=1))
    assert digest(MyDict(a=1, b=2)) == digest(MyDict(b=2, a=1))
    assert digest(MyOrdered(a=1, b=2)) != digest(MyOrdered(b=2, a=1))


def test_what_was_computed_from_the_rest_does_not_count():
    """Reading a cached property or a cached hash leaves the digest as it was."""
    for value, look in (
        (Record(1), lambda v: v.total),
        (Plain(), lambda v: v.total),
        (Cached(1), hash),
    ):
        before = digest(value)
        look(value)
        assert before == digest(value)


def test_pickling_methods_speak_for_their_class():
    """What `__reduce__` or `__getstate__` leaves out does not count, the rest does."""
    for kind in (Reduced, Stateful):
        assert digest(kind(1, 2)) == digest(kind(1, 3))
        assert digest(kind(1, 2)) != digest(kind(2, 2))


def test_a_local_class_is_hashed_all_the_same():
    """Instances need not be picklable by name."""

    class Local:
        def __init__(self, a):
            self.a = a

    assert digest(Local(1)) == digest(Local(1)) != digest(Local(2))


def test_value_repr_is_the_value():
    """A class may say what of it counts."""

    class Said:
        def __init__(self, seen, unseen):
            self.seen, self.unseen = seen, unseen

        def value_repr(self):
            return [self.seen]

    assert digest(Said(1, 2)) == digest(Said(1, 3)) != digest(Said(2, 2))
    assert digest(Said(1, 2)) != digest([1])


def test_a_registered_hasher_is_used_for_subclasses_too():
    """What was registered is hashed in place of the value, and the type's own name counts."""

    class Base:
        def __init__(self, a):
            self.a, self.noise = a, object()

    class Derived(Base):
        pass

    before = digest(Plain(x=Plain()))
    register_hasher(Base, lambda value: {"a": value.a})
    assert digest(Base(1)) == digest(Base(1)) != digest(Base(2))
    assert digest(Derived(1)) == digest(Derived(1)) != digest(Base(1))
    assert before == digest(Plain(x=Plain()))


def test_a_registration_takes_effect_after_the_type_was_seen():
    """Teaching a type changes what its instances hash to from then on."""

    class Late:
        def __init__(self, noise):
            self.noise = noise

    assert digest(Late(1)) != digest(Late(2))
    register_hasher(Late, lambda _: None)
    assert digest(Late(1)) == digest(Late(2))


@pytest.mark.parametrize("kind", [int, str, list, dict, frozenset, object])
def test_fixed_types_cannot_be_taught(kind):
    """The form of scalars and plain containers is fixed."""
    with pytest.raises(TypeError, match="fixed"):
        register_hasher(kind, repr)


@pytest.mark.parametrize(
    ("kind", "represent", "problem"),
    [("x", len, "type_ must be a class, got 'x'"), (Plain, 5, "represent must be callable, got 5")],
)
def test_a_hasher_that_cannot_work_is_refused(kind, represent, problem):
    """Where it is registered, not where a value is hashed."""
    with pytest.raises(TypeError, match=f"register_hasher: {problem}"):
        register_hasher(kind, represent)


class Liar:
    """A transparent proxy: it says that it is what it stands for."""

    def __init__(self, value, known=None):
        self.value, self.known = value, known

    @property
    def __class__(self):
        return type(self.value)


def test_an_item_of_ones_own_stands_for_the_value():
    """A proxy hashes as its value, by the item of the value or by a digest known beforehand."""
    register_item(
        Liar, lambda proxy, walk: Child(proxy.known) if proxy.known else walk.item(proxy.value)
    )
    for value in (4, None, "a", [1, 2], {"a": (1,)}, np.arange(3)):
        assert digest(value) == digest(Liar(value))
        assert digest([value, {"a": value}]) == digest([Liar(value), {"a": Liar(value)}])
    known = Liar(object(), digest([1, 2]))
    assert digest([1, 2]) == digest(known)
    assert digest({"a": [1, 2]}) == digest({"a": known})


def test_nodes_can_be_built_by_hand():
    """`combine` gives the digest of what would be built the same way."""
    assert digest([1, [2, float("nan")]]) == combine("list", [1, Child(digest([2, float("nan")]))])
    assert combine("a", [1]) != combine("b", [1])
    with pytest.raises(ValueError, match="20 bytes"):
        Child(b"short")
    with pytest.raises(ValueError, match="one line"):
        combine("a\nb", [])


def test_the_format_is_as_documented():
    """A scalar's preimage can be written down by hand."""
    from blake3 import blake3

    assert blake3(b"provenance/1 scalar\n\x91\x04").digest()[:20].hex() == hash_value(4)
    wide = bytes.fromhex("91c70902010000000000000000")  # one item: extension 2 of nine bytes
    assert blake3(b"provenance/1 scalar\n" + wide).digest()[:20].hex() == hash_value(1 << 64)


def test_a_persistent_map_may_have_a_key_that_is_not_itself():
    """NaN as a key of a persistent map, which cannot look it up, is hashed like any other."""
    assert digest(pyr.pmap({float("nan"): 1})) == digest(pyr.pmap({float("nan"): 1}))
    assert digest(pyr.pmap({float("nan"): 1})) != digest(pyr.pmap({float("nan"): 2}))
