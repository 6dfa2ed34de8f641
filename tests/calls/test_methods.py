"""Methods: `self` and `cls` are inputs like any other, wherever the decorator stands."""

import abc
import asyncio
import inspect
from dataclasses import dataclass

import pytest

import provenance as p
from provenance.events import Hit, Miss


@dataclass
class Model:
    """A model, told apart by its rate."""

    rate: float = 1.0

    @p.provenance()
    def fit(self, x: int, more: int = 0) -> float:
        """Fit it."""
        return self.rate * x + more

    @p.provenance
    async def fit_later(self, x: int) -> float:
        return self.rate * x

    @classmethod
    @p.provenance()
    def named_inside(cls, x):
        return [cls.__name__, x]

    @p.provenance()
    @classmethod
    def named_outside(cls, x):
        return [cls.__name__, x]

    @staticmethod
    @p.provenance()
    def free_inside(x):
        return [x]

    @p.provenance()
    @staticmethod
    def free_outside(x):
        return [x]

    @property
    @p.provenance()
    def doubled(self):
        return self.rate * 2


class Child(Model):
    """Inherits all."""

    @p.provenance()
    def fit(self, x: int, more: int = 0) -> float:
        return super().fit(x, more) + 100


def test_equal_objects_share_their_calls(repo, events):
    """`self` counts by its value: an equal object hits, another state misses."""
    assert [4, 4, 8] == [Model(2).fit(2), Model(2.0).fit(2), Model(4).fit(2)]
    assert (
        Model(2).fit.artifact_id(2)
        == Model(2).fit.artifact_id(x=2, more=0)
        == Model.fit.artifact_id(Model(2), 2)
    )
    assert Model(2).fit.artifact_id(2) != Model(3).fit.artifact_id(2)


def test_an_objects_state_counts_at_the_time_of_the_call(repo):
    """A bound method that is kept sees its object as it is when it is called."""
    model = Model(1)
    fit = model.fit
    assert 2 == fit(2)
    model.rate = 5
    assert 10 == fit(2) == model.fit(2)


def test_a_method_shows_its_face(repo):
    """Name, docstring and signature are those of the method; `self` is recorded."""
    assert ("fit", "Fit it.") == (Model.fit.__name__, Model.fit.__doc__)
    assert ["self", "x", "more"] == list(inspect.signature(Model.fit).parameters)
    assert "(x: int, more: int = 0) -> float" == str(inspect.signature(Model().fit)), (
        "bound as Python binds"
    )
    artifact = Model(2).fit.artifact(3)
    assert f"{__name__}.Model.fit" == artifact.name
    assert {"self": Model(2), "x": 3, "more": 0} == artifact.inputs["kargs"]


def test_looking_ahead_works_bound(repo):
    """`plan`, `is_cached`, `forget`, `recompute` and `with_options` keep the object."""
    fit = Model(2).fit
    assert not fit.is_cached(3)
    assert 6 == fit.recompute(3) == fit(3)
    assert fit.plan(3).artifact_id == fit.artifact_id(3)
    assert (True, True, False) == (fit.is_cached(3), fit.forget(3), fit.is_cached(3))
    assert 6 == fit.with_options(version=2)(3)
    assert 2 == fit.with_options(version=2).artifact(3).version


@pytest.mark.parametrize("name", ["named_inside", "named_outside"])
def test_class_methods(repo, events, name):
    """The class is an input: called on the class, on an object or on a child; below or above `classmethod`."""
    assert ["Model", 1] == getattr(Model, name)(1) == getattr(Model(3), name)(1)
    assert ["Child", 1] == getattr(Child, name)(1)
    assert [Miss, Hit, Miss] == [type(each) for each in events]


@pytest.mark.parametrize("name", ["free_inside", "free_outside"])
def test_static_methods(repo, events, name):
    """There is no object among the inputs; below or above `staticmethod`."""
    assert [1] == getattr(Model, name)(1) == getattr(Model(3), name)(1)
    assert [Miss, Hit] == [type(each) for each in events]


def test_properties_and_super(repo):
    """A decorated method may be a property, and a child's method may call its parent's."""
    assert (4, 6) == (Model(2).doubled, Model(3).doubled)
    assert 104 == Child(2).fit(2)
    assert Child(2).fit.artifact_id(2) != Model(2).fit.artifact_id(2)


def test_methods_of_one_name_in_different_classes_do_not_meet(repo):
    """Two classes with equal state are told apart."""

    @dataclass
    class One:
        x: int

        @p.provenance()
        def get(self):
            return ["one", self.x]

    @dataclass
    class Other:
        x: int

        @p.provenance()
        def get(self):
            return ["other", self.x]

    assert (["one", 1], ["other", 1]) == (One(1).get(), Other(1).get())


def test_a_proxy_as_self(repo):
    """A method of a result is called on the value, and the result is its input artifact."""
    make = p.provenance(name="make")(Model)
    model = make(2)
    result = model.fit(3)
    assert 6 == result
    assert Model(2).fit.artifact_id(3) == p.artifact_of(result).id


@p.provenance()
def trained(rate):
    """A model."""
    return Model(rate)


@p.provenance()
def trained_child(rate):
    """Another one."""
    return Child(rate)


def test_a_method_of_a_result_was_made_from_it(repo):
    """Called on the result, it knows of that as if it had been passed; others are plain, as other attributes are."""
    model, child = trained(2), trained_child(2)
    assert [4, 104, 4] == [model.fit(2), child.fit(2), asyncio.run(model.fit_later(2))]
    for made in (model.fit(2), asyncio.run(model.fit_later(2)), Model.fit(model, 2)):
        assert {model.artifact.id} == p.artifact_of(made).input_artifact_ids
    assert child.artifact.id in p.artifact_of(child.fit(2)).input_artifact_ids
    assert model.fit.artifact_id(2) == Model(2).fit.artifact_id(2)
    assert (["Model", 1], [1]) == (model.named_inside(1), model.free_inside(1))
    assert not p.artifact_of(model.named_inside(1)).input_artifact_ids
    with pytest.raises(AttributeError, match="'Model' object has no attribute 'other'"):
        model.other  # noqa: B018 - the look-up is what is tested


def test_abstract_methods_stay_abstract():
    """A class that lacks one cannot be instantiated; what else was set on a function is there, too."""

    class Abstract(abc.ABC):
        @p.provenance()
        @abc.abstractmethod
        def fit(self, x):
            """Fit it."""

    with pytest.raises(TypeError, match="abstract"):
        Abstract()

    def function(x):
        return x

    function.unit, function.plan, function._hidden = "m", "taken", 1
    decorated = p.provenance(function)
    assert "m" == decorated.unit
    assert callable(decorated.plan)
    assert not hasattr(decorated, "_hidden")


def test_async_methods(repo):
    """They are awaited, and keep their object too."""
    assert [6, 9] == [asyncio.run(_await(Model(rate).fit_later(3))) for rate in (2, 3)]


async def _await(coroutine):
    return await coroutine


def test_objects_with_slots_and_without_hash(repo):
    """`self` needs no `__hash__` and no `__dict__`."""

    class Slotted:
        __slots__ = ("x",)
        __hash__ = None

        def __init__(self, x):
            self.x = x

        @p.provenance()
        def get(self):
            return [self.x]

    assert ([1], [2]) == (Slotted(1).get(), Slotted(2).get())
