"""Attributes of instances: which there are, which are caches, and which pickling leaves out.

They are read from `__dict__` and through the descriptors of slots, never by `getattr`: a class may
compute attributes that it does not have, and fill a cache by that.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from itertools import chain
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final, TypeAlias, cast

Attributes: TypeAlias = "dict[str, object]"
_CACHING: Final = frozenset(
    {
        "CachedAccessor",
        "CachedAttribute",
        "CachedProperty",
        "cached_property",
        "cache_readonly",
        "lazy_property",
        "lazyproperty",
        "memoized_property",
        "reify",
    }
)
"""Names of descriptors that keep what they computed in an attribute of their own name."""
_LOST: Final = object()


def instance_dict(value: object) -> Mapping[str, Any]:
    """Return the `__dict__` of an instance itself, whatever its class says; empty if it has none."""
    try:
        found: Mapping[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found


def slots(type_: type) -> dict[str, Any]:
    """Return the descriptors of the slots of a class and its bases by name."""
    found: dict[str, Any] = {}
    for base in reversed(type_.__mro__):
        declared: Any = vars(base).get("__slots__", ())
        for name in (declared,) if isinstance(declared, str) else tuple(declared):
            is_mangled = name.startswith("__") and not name.endswith("__")
            full = f"_{base.__name__.lstrip('_')}{name}" if is_mangled else name
            member = vars(base).get(full)
            if isinstance(member, MemberDescriptorType):
                found[full] = member
    return found


def field_names(type_: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or an attrs class."""
    attributes: Iterable[Any] = getattr(type_, "__attrs_attrs__", ())
    # Class variables and arguments of `__init__` alone are of other kinds than `_FIELD`.
    fields: dict[str, Any] = getattr(type_, "__dataclass_fields__", {})
    kinds = {name: field._field_type.name for name, field in fields.items()}  # noqa: SLF001
    names = [name for name, kind in kinds.items() if kind == "_FIELD"]
    return (*(attribute.name for attribute in attributes), *names)


_MAX_REMEMBERED: Final = 20_000
"""Number of classes of which facts are remembered; those made in a loop must not accumulate."""


def cached_in(value: object) -> frozenset[str]:
    """Return the names of attributes of *value* that are caches, as `cached_names`."""
    type_: type = type(value)
    return cached_names(type_)


@lru_cache(maxsize=_MAX_REMEMBERED)
def cached_names(type_: type) -> frozenset[str]:
    """Return the names of attributes that do not count, because the others determine them.

    >>> class Circle:
    ...     @cached_property
    ...     def area(self):
    ...         return 3
    >>> cached_names(Circle) >= {"area"}
    True
    """
    members = chain.from_iterable(vars(base).items() for base in type_.__mro__)
    names = {name for name, member in members if _is_caching(type(cast("object", member)))}
    # A slotted attrs class computes its cached properties in `__getattr__`.
    computed: Any = getattr(getattr(type_, "__getattr__", None), "__globals__", {})
    if hasattr(type_, "__attrs_attrs__"):
        names.update(computed.get("cached_properties", ()))
    for base in type_.__mro__:
        names |= _CACHES.get((base.__module__, base.__qualname__), frozenset())
    return frozenset(names | {"_attrs_cached_hash"})


_CACHES: Final = {
    ("dateutil.rrule", "rrulebase"): frozenset(
        {"_cache", "_cache_complete", "_cache_gen", "_cache_lock", "_len"}
    ),
    ("matplotlib.colors", "Colormap"): frozenset({"_isinit", "_lut"}),
    ("networkx.classes.graph", "Graph"): frozenset({"__networkx_cache__"}),
    ("scipy.spatial._qhull", "Delaunay"): frozenset(
        {"_transform", "_vertex_neighbor_vertices", "_vertex_to_simplex"}
    ),
    # The source that they draw from is the process's own, unless somebody sets another.
    ("scipy.stats._distn_infrastructure", "rv_generic"): frozenset({"_random_state"}),
    ("scipy.stats._multivariate", "multi_rv_generic"): frozenset({"_random_state"}),
    ("sklearn.base", "BaseEstimator"): frozenset(
        {"_cached_dict", "_sklearn_version", "_stop_words_id"}
    ),
    ("statsmodels.base.data", "ModelData"): frozenset({"_cache"}),
    ("statsmodels.base.model", "Results"): frozenset(
        {"_cache", "_nobs_int", "_summary_cache", "_summary_statistics_cache", "diagn"}
    ),
    ("statsmodels.genmod.generalized_linear_model", "GLM"): frozenset({"_tmp_like_exog"}),
    ("statsmodels.regression.linear_model", "RegressionModel"): frozenset(
        {
            "_df_model",
            "_df_resid",
            "effects",
            "exog_Q",
            "exog_R",
            "normalized_cov_params",
            "pinv_wexog",
            "rank",
            "wexog_singular_values",
        }
    ),
    ("xarray.core.common", "DataWithCoords"): frozenset({"_cache", "_close"}),
}
"""Attributes of classes of libraries that are filled by reading, or hold what differs in each process."""


def _is_caching(kind: type) -> bool:
    return any(base is cached_property or base.__name__ in _CACHING for base in kind.__mro__)


def attributes(
    value: object,
    descriptors: Mapping[str, Any],
    fields: Iterable[str] = (),
    cached: frozenset[str] = frozenset(),
) -> Attributes:
    """Return the attributes of *value* by name.

    Args:
        value: The instance.
        descriptors: The slots of its class.
        fields: Names of fields, whose values may be defaults in the class.
        cached: Names that do not count.
    """
    state: Attributes = {}
    for name, descriptor in descriptors.items():
        try:
            state[name] = descriptor.__get__(value)
        except AttributeError:
            # The slot is empty.
            continue
    state.update(instance_dict(value))
    for name in fields:
        if name not in state and (default := _in_class(type(value), name)) is not _LOST:
            state[name] = default
    for name in cached & state.keys():
        del state[name]
    return state


def state_of(value: object) -> Attributes:
    """Return the attributes of *value* by name, without those that are caches."""
    return attributes(value, slots(type(value)), cached=cached_in(value))


def _in_class(type_: type, name: str) -> object:
    """Return what the class has under the name of a field, unless it is the descriptor of a slot."""
    found = next((vars(base)[name] for base in type_.__mro__ if name in vars(base)), _LOST)
    return _LOST if isinstance(found, MemberDescriptorType | GetSetDescriptorType) else found


def registered_reduction(type_: type) -> Callable[[Any], Any] | None:
    """Return the function that is registered for pickling instances of a class; None if there is none.

    Those of tblib, which dask registers for all exceptions, do not count: they add the traceback and
    the context, and whether they are registered depends on what else the process has imported.
    """
    found = copyreg.dispatch_table.get(type_)
    module = getattr(getattr(found, "func", found), "__module__", None)
    return None if module == "tblib.pickling_support" else found


def attributes_beside(value: object) -> Attributes:
    """Return the attributes of *value* that its reduction leaves out, by name; usually none.

    >>> class Day(__import__("datetime").date):
    ...     pass
    >>> day = Day(2024, 1, 1)
    >>> day.holiday = True
    >>> attributes_beside(day)
    {'holiday': True}
    """
    type_: type = type(value)
    rule = _rule_beside(type_)
    return {} if rule is None else rule(value)


@lru_cache(maxsize=_MAX_REMEMBERED)
def _rule_beside(type_: type) -> Callable[[Any], Attributes] | None:
    """Return what finds the attributes that the reduction of instances leaves out; None if none."""
    for base in type_.__mro__:
        rule = _RULES.get((base.__module__, base.__qualname__))
        if rule is not None:
            return rule
    return _beyond_reduction(type_)


def _beyond_reduction(type_: type) -> Callable[[Any], Attributes] | None:
    """Return the rule for a class in C, or with slots alone, that reduces instances of subclasses.

    Its method cannot know of the attributes of a subclass.
    """
    defining = [
        base for base in type_.__mro__ if {"__reduce_ex__", "__reduce__"} & vars(base).keys()
    ]
    owner, is_metaclass = defining[0], issubclass(type_, type)
    if owner in (object, type_) or owner.__dictoffset__ or is_metaclass:
        return None
    own = slots(owner)
    more = {name: slot for name, slot in slots(type_).items() if name not in own}
    if not type_.__dictoffset__ and not more:
        return None
    cached = cached_names(type_)
    return lambda value: attributes(value, more, cached=cached)


def _all_but(*internal: str) -> Callable[[Any], Attributes]:
    """Return a rule by which all attributes are left out by the reduction but these."""

    def rule(value: object) -> Attributes:
        state = instance_dict(value)
        left = state.keys() - {*internal}
        return {name: state[name] for name in sorted(left - cached_in(value))} if left else {}

    return rule


def _plain_attributes_of_table(value: Any) -> Attributes:
    """Return what users set on a frame or a series: neither a column nor declared by a subclass."""
    state = instance_dict(value)
    left = state.keys() - _OF_PANDAS
    if not left:
        return {}
    left -= {*value._metadata, *cached_in(value)}  # noqa: SLF001 - documented by pandas
    # patsy leaves on its tables how they were made, which nothing can pickle.
    return {
        name: state[name] for name in sorted(left) if type(state[name]).__name__ != "DesignInfo"
    }


_OF_PANDAS: Final = frozenset(
    {"_mgr", "_attrs", "_flags", "_name", "_item_cache", "_cache", "_cacher", "_is_copy", "_typ"}
)


def _cause(value: BaseException) -> Attributes:
    return {} if value.__cause__ is None else {"__cause__": value.__cause__}


_masked_array = _all_but(
    "_mask", "_fill_value", "_sharedmask", "_isfield", "_baseclass", "_basedict"
)


def _of_masked_array(value: Any) -> Attributes:
    # Usually a soft mask and no remarks.
    return {name: content for name, content in _masked_array(value).items() if content}


def _gradient(value: Any) -> Attributes:
    # Other tensors have no gradient, and warn of that.
    grad = value.grad if value.is_leaf or value.retains_grad else None
    return {} if grad is None else {"grad": grad}


_RULES: Final[dict[tuple[str, str], Callable[[Any], Attributes]]] = {
    ("builtins", "BaseException"): _cause,
    ("collections", "Counter"): _all_but(),
    # Its reduction has the fields of subclasses, which are slots.
    ("msgspec", "Struct"): _all_but(),
    ("msgspec._core", "Struct"): _all_but(),
    ("pandas.core.generic", "NDFrame"): _plain_attributes_of_table,
    ("numpy.ma", "MaskedArray"): _of_masked_array,
    ("numpy.ma.core", "MaskedArray"): _of_masked_array,
    ("torch", "Tensor"): _gradient,
    ("torch._tensor", "Tensor"): _gradient,
}
"""Rules for classes, and their subclasses, whose own reduction leaves something out."""
