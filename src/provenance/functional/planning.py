"""Pure functions: hashing and planning, with failures as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, ParamSpec, TypeVar

from attrs import field, frozen
from returns.result import safe

from provenance import hashing
from provenance.decorator import Cached, recipe_behind
from provenance.draft import Draft
from provenance.drafting import Call
from provenance.errors import UnhashableValueError
from provenance.ids import ArtifactId, ValueId
from provenance.plan import CallPlan, plan_call
from provenance.recipe import Recipe
from provenance.showing import said

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Planned(Generic[T_co]):
    """A planned call of a function that returns a `T_co`; equal plans compute the same artifact."""

    plan: CallPlan
    recipe: Recipe = field(eq=False, repr=False)
    args: tuple[object, ...] = field(eq=False, repr=False)
    kwargs: Mapping[str, object] = field(eq=False, repr=False)

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of the artifact that the call computes."""
        return self.plan.artifact_id


@frozen(eq=False)
class Computed(Generic[T_co]):
    """The result of a planned call, not stored yet."""

    value: T_co
    call: Call = field(repr=False)
    draft: Draft = field(repr=False)


@safe(exceptions=(UnhashableValueError,))
def hash_value(value: object) -> ValueId:
    """Return the hash of *value*, as `provenance.hash` does."""
    try:
        return hashing.hash_value(value)
    except UnhashableValueError:
        raise
    # The value's own methods may raise anything.
    except Exception as error:
        raise UnhashableValueError("value", said(error)) from error


@safe
def plan(function: Cached[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Planned[T]:
    """Plan a call: bind and hash its arguments. Nothing is looked up, run or stored."""
    recipe = recipe_behind(function)
    return Planned(plan_call(recipe, args, kwargs), recipe, args, kwargs)
