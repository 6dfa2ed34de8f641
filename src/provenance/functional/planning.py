"""What is pure: hashing, planning, and what a call is before it is looked up or stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, ParamSpec, TypeVar

from attrs import field, frozen
from returns.result import Result

from provenance import hashing
from provenance.decorator import Cached, recipe_behind
from provenance.draft import Draft
from provenance.drafting import Call
from provenance.errors import UnhashableValueError
from provenance.ids import ArtifactId, ValueId
from provenance.outcomes import attempted
from provenance.plan import CallPlan, plan_call
from provenance.recipe import Recipe
from provenance.showing import said

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Planned(Generic[T_co]):
    """A call that was planned, of a function that returns a `T_co`. Equal plans make the same artifact."""

    plan: CallPlan
    recipe: Recipe = field(eq=False, repr=False)
    args: tuple[object, ...] = field(eq=False, repr=False)
    kwargs: Mapping[str, object] = field(eq=False, repr=False)

    @property
    def artifact_id(self) -> ArtifactId:
        """Id of the artifact that the call makes."""
        return self.plan.artifact_id


@frozen(eq=False)
class Computed(Generic[T_co]):
    """What a planned call returned; it is in no store yet."""

    value: T_co
    call: Call = field(repr=False)
    draft: Draft = field(repr=False)


def hash_value(value: object) -> Result[ValueId, UnhashableValueError]:
    """The identity of *value*, as `provenance.hash` has it."""

    def hashed() -> ValueId:
        try:
            return hashing.hash_value(value)
        except UnhashableValueError:
            raise
        except Exception as error:  # the value's own methods may raise anything
            raise UnhashableValueError("value", said(error)) from error

    return attempted(UnhashableValueError, hashed)


def plan(function: Cached[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Result[Planned[T], Exception]:
    """Plan a call: bind and hash its arguments. Nothing is looked up, run or stored."""

    def planned() -> Planned[T]:
        recipe = recipe_behind(function)
        return Planned(plan_call(recipe, args, kwargs), recipe, args, kwargs)

    return attempted(Exception, planned)
