"""Classes that functions make: by what they are made of; classes of modules: by name."""

import abc
import enum
import functools
import io
import json
import pickle
import sys
import typing
from dataclasses import dataclass
from pathlib import Path

import attrs
import cloudpickle
import pytest

import provenance as p
from processes import printed
from provenance.codecs.pickling import dump_cloudpickle


def made(number):
    """A class and a value of each kind, in all of which *number* is used."""

    class Attribute:
        k = number

    class Method:
        def doubled(self):
            return number * 2

    class Derived(Method):
        def __init__(self):
            super().__init__()
            self.x = 1

    class Recursive:
        def again(self):
            return Recursive(), self.other()

        def other(self):
            return number

    class Decorated:
        @property
        def one(self):
            return number

        @staticmethod
        def two():
            return number

        @classmethod
        def three(cls):
            return number

    Recursive.itself = Recursive

    @dataclass
    class Data:
        a: int
        b: int = number

    @dataclass(slots=True, frozen=True)
    class Slotted:
        a: int = number

    @attrs.frozen
    class Frozen:
        a: int = number

    @attrs.define
    class Defined:
        a: list = attrs.field(factory=lambda: [number])

    class Member(enum.Enum):
        ONE = number

    class Named(typing.NamedTuple):
        a: int = number

    class Abstract(abc.ABC):
        @abc.abstractmethod
        def f(self):
            return number

    class Concrete(Abstract):
        def f(self):
            return 1

    class Failure(Exception):
        k = number

    class Dictionary(dict):
        k = number

    class Meta(type):
        k = number

    class Metaclassed(metaclass=Meta):
        pass

    instances = [
        Attribute(),
        Method(),
        Derived(),
        Recursive(),
        Decorated(),
        Data(1, 2),
        Slotted(1),
        Frozen(1),
    ]
    instances += [
        Defined([1]),
        Member.ONE,
        Named(1),
        Concrete(),
        Failure(1),
        Dictionary(a=1),
        Metaclassed(),
    ]
    return [
        Abstract,
        *[kind for each in instances for kind in (type(each), each)],
        Recursive().again,
        Derived.doubled,
    ]


KINDS = range(len(made(1)))


@pytest.mark.parametrize("at", KINDS)
def test_what_a_class_is_made_of_counts(at):
    """Made alike, classes and their instances are equal; made with another value, they differ."""
    one, same, other = (p.hash(made(number)[at]) for number in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("at", KINDS)
def test_a_class_that_travels_is_equal(at):
    """By way of cloudpickle, as values of such classes are stored."""
    value = made(1)[at]
    assert p.hash(value) == p.hash(pickle.loads(cloudpickle.dumps(value)))


def test_any_process_finds_the_same():
    """Whatever the seed of its strings' hashes; and where the class is made of the bytes of another process."""
    program = f"import importlib.util, json, sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
    program += f"spec = importlib.util.spec_from_file_location({__name__!r}, {__file__!r})\n"
    program += "module = sys.modules[spec.name] = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
    program += "print(json.dumps([module.p.hash(each) for each in module.made(1)]))"
    here = [p.hash(each) for each in made(1)]
    assert [here] * 2 == [json.loads(printed(program, PYTHONHASHSEED=seed)) for seed in "12"]
    rebuilt = "import json, sys, provenance as p, pickle\n"
    rebuilt += (
        "print(json.dumps([p.hash(each) for each in pickle.loads(bytes.fromhex(sys.argv[1]))]))"
    )
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        dump_cloudpickle(made(1), sink := io.BytesIO())
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    assert here == json.loads(printed(rebuilt, sink.getvalue().hex()))


def test_members_met_inside_and_outside():
    """What is met in the description of a class, and again beside it, is the same wherever it is shared."""

    def pairs():
        kind = type(made(1)[0])
        recursive = next(each for each in made(1) if getattr(each, "__name__", "") == "Recursive")
        return [kind, recursive, recursive.other, recursive.again, recursive()]

    one, other = pairs(), pairs()
    assert p.hash(one) == p.hash(other)
    assert p.hash(one) == p.hash([*one[:2], *other[2:]]) == p.hash([*other[:2], *one[2:]])


def test_what_a_method_captured_must_have_content():
    """As of a function; the error names the way there."""

    def capturing(value):
        class Kind:
            def method(self):
                return value

        return Kind

    with pytest.raises(p.UnhashableValueError, match=r"\.method\.__closure__\['value'\]"):
        p.hash(capturing(iter([1]))())


def test_other_members_without_content_are_machinery():
    """They are known by their types."""

    def kind(file):
        return type(
            "kind.<locals>.Kind",
            (),
            {"__qualname__": "kind.<locals>.Kind", "iterator": iter([1]), "file": file},
        )

    assert p.hash(kind(sys.stdout)) == p.hash(kind(sys.stderr)) != p.hash(kind(1))


def test_the_code_counts_and_its_place_does_not():
    """Another docstring, file or line is no other class."""

    def compiled(body, doc="", lines=0):
        names = {"__name__": __name__}
        source = (
            "\n" * lines
            + f"def make():\n    class Kind:\n        '''{doc}'''\n        def f(self):\n            {body}\n"
        )
        exec(compile(source + "    return Kind\n", f"file{lines}.py", "exec"), names)
        return names["make"]()

    assert (
        p.hash(compiled("return 1"))
        == p.hash(compiled("return 1", "Words.", 3))
        != p.hash(compiled("return 2"))
    )


class OfThisModule:
    """A class that its name leads to."""


def test_classes_of_modules_go_by_name(monkeypatch):
    """So do their instances: what methods do is not looked at, as long as the name leads to the class."""
    known = p.hash(OfThisModule), p.hash(OfThisModule())
    other = type("OfThisModule", (), {"__module__": __name__, "k": 1})
    assert p.hash(other) != known[0]
    later = type("OfThisModule", (), {"__module__": __name__, "k": 1})
    monkeypatch.setattr(sys.modules[__name__], "OfThisModule", later)
    assert known == (p.hash(later), p.hash(later()))


def test_a_taught_class_is_what_it_says():
    """`value_repr` says all there is to know."""

    def kind(number):
        class Kind:
            k = number

            def value_repr(self):
                return 1

        return Kind()

    assert p.hash(kind(1)) == p.hash(kind(2))


def models(degree):
    """A decorated method, and functions that capture its class."""

    class Model:
        k = degree

        def exponent(self):
            return degree

        @p.provenance()
        def fit(self, x):
            return x ** self.exponent()

        @staticmethod
        @p.provenance()
        def of_class(x):
            return x**Model.k

    @p.provenance()
    def outside(x):
        return x**Model.k

    @p.provenance()
    def given(kind, x):
        return x**kind.k

    return Model().fit, Model.of_class, outside, functools.partial(given, Model)


@pytest.mark.parametrize("at", range(4))
def test_functions_whose_classes_captured_different_values_share_no_artifact(at):
    """Whether the class is that of `self`, captured, or an argument."""
    with p.using_repo(p.MemoryRepo()):
        _share_no_artifact(at)


def test_a_cached_property_counts_by_its_function():
    """Not by the lock that some versions of Python keep in it."""

    def kind(number):
        class Kind:
            @functools.cached_property
            def k(self):
                return number

        return Kind

    assert p.hash(kind(1)) == p.hash(kind(1)) != p.hash(kind(2))


def _share_no_artifact(at):
    assert [9, 27, 9] == [int(models(degree)[at](3)) for degree in (2, 3, 2)]
    assert p.artifact_of(models(2)[at](3)).id == p.artifact_of(models(2)[at](3)).id
