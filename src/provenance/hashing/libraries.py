"""Values of libraries that need a rule or two each, whose types are registered by name to avoid importing them.

- astropy: units by their names or factors, headers by their cards, models by their parameters, without caches;
  a `TimeDelta` without what its copies repeat of the class.
- dask: frames by the token of what they compute, which no cache of theirs enters.
- lightgbm: a booster by its model; a copy has the same one with its parameters spelled out.
- matplotlib: what is drawn refers to what it is drawn on, and changes when it is shown, so it has no hash.
- networkx: graphs by their nodes and edges, in order: matrices and traversals follow it.
- Pillow: images by the pixels of all frames, the palette, the information and the EXIF tags.
- pydantic: models by their fields, without what cached properties computed.
- scikit-learn: estimators by their attributes, without the library version in their pickles. Trees of neighbors count their
  searches and pickle the counts, which are not part of their value.
- statsmodels, xgboost: filters and matrices of compiled code have no content that Python can read, so they have no hash.
- sympy: what is deduced about a symbol or a function while it is used is a cache.
- xarray: data by dimensions, coordinates, attributes and encoding, without caches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from numbers import Real
from typing import Any, Final, NoReturn, cast

from provenance.hashing.attributes import Attributes, cached_in, instance_dict, state_of
from provenance.hashing.containers import dict_items, record_items
from provenance.hashing.encoding import Buffer, Item, node, prefix
from provenance.hashing.objects import OBJECT, reduced_item
from provenance.hashing.registry import batches, exact, inherited, is_nameless, name_of
from provenance.hashing.walk import UnhashablePart, Walk

_UNIT, _HEADER, _FRAME = map(prefix, ("astropy unit", "astropy header", "dask frame"))
_BOOSTER, _GRAPH, _IMAGE = map(prefix, ("lightgbm booster", "networkx graph", "pillow image"))
_MODEL, _BUNCH, _TREE = map(prefix, ("pydantic model", "sklearn bunch", "sklearn tree"))
_FACTS, _DATA, _DATA_TREE = map(prefix, ("sympy facts", "xarray data", "xarray tree"))
_BESIDE: Final = ("__pydantic_extra__", "__pydantic_private__", "__pydantic_fields_set__")
_NEIGHBOR_TREES: Final = [
    f"sklearn.neighbors._{module}:{name}{bits}"
    for module, name in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
    for bits in ("", "32", "64")
]
_MODEL_CACHES: Final = frozenset({"_constraints_cache", "_param_metrics", "_parameters", "_tdict"})
# n_trims, n_leaves, n_splits and n_calls in the state of a tree.
_COUNTS: Final = slice(7, 11)


@inherited("astropy.units.core:UnitBase")
def _unit(value: Any, walk: Walk) -> Item:
    # A unit that has a name may be defined by others; one that has none is a product of them.
    names = getattr(value, "_names", None)
    made_of = None if names is None else getattr(value, "_represents", None)
    parts = [names, made_of] if names is not None else [value.scale, value.bases, value.powers]
    return node(_UNIT, (name_of(value), *walk.items(parts)))


@inherited("astropy.io.fits.header:Header")
def _header(value: Any, walk: Walk) -> Item:
    return node(_HEADER, (name_of(value), walk.item([tuple(card) for card in value.cards])))


@inherited("astropy.modeling.parameters:Parameter")
def _parameter(value: Any, walk: Walk) -> Item:
    state = dict(instance_dict(value))
    if state.get("_model") is not None:
        # It leads back; and reading the bounds of a model makes floats of them.
        bounds = [float(one) if isinstance(one, Real) else one for one in state["_bounds"]]
        state |= {"_model": None, "_bounds": bounds}
    return node(OBJECT, (name_of(value), *dict_items(state, walk)))


@inherited("astropy.modeling.core:Model")
def _parametric_model(value: Any, walk: Walk) -> Item:
    caches = _MODEL_CACHES if value.param_names else ()
    state = {name: held for name, held in instance_dict(value).items() if name not in caches}
    return node(OBJECT, (name_of(value), *dict_items(state, walk)))


@inherited("astropy.time.core:TimeDelta")
def _time_delta(value: Any, walk: Walk) -> Item:
    # A copy has the scales of its class as an attribute of its own.
    kind = cast("Any", type(value))
    repeats_class: bool = value.SCALES == kind.SCALES
    return reduced_item(value, walk, frozenset({"SCALES"} if repeats_class else ()))


@inherited("dask.dataframe.dask_expr._collection:FrameBase")
def _dask_frame(value: Any, _: Walk) -> Item:
    try:
        token: str = import_module("dask.base").tokenize(value, ensure_deterministic=True)
    except import_module("dask.tokenize").TokenizationError as error:
        raise UnhashablePart(f"dask has no lasting name for it: {error}") from error
    return node(_FRAME, (name_of(value), token))


@inherited("lightgbm.basic:Booster")
def _booster(value: Any, _: Walk) -> Item:
    return node(_BOOSTER, (value.model_to_string(num_iteration=-1), max(value.best_iteration, 0)))


@inherited("matplotlib.artist:Artist")
def _refuse_drawing(value: object, _: Walk) -> NoReturn:
    reason = f"matplotlib's {type(value).__name__} is not a value: drawing it changes it"
    raise UnhashablePart(reason, "its data, or as a picture the bytes that `savefig` writes")


@exact(
    *[
        f"statsmodels.tsa.statespace.{module}:{letter}{name}"
        for module, name in (
            ("_kalman_filter", "KalmanFilter"),
            ("_kalman_smoother", "KalmanSmoother"),
            ("_representation", "Statespace"),
        )
        for letter in "sdcz"
    ]
)
def _refuse_filter(value: object, _: Walk) -> NoReturn:
    reason = f"statsmodels' {type(value).__name__} is memory of compiled code"
    raise UnhashablePart(reason, "the data and the order of the model, and the `params` of the fit")


@inherited("xgboost.core:DMatrix")
def _refuse_matrix(value: object, _: Walk) -> NoReturn:
    reason = f"xgboost's {type(value).__name__} is memory of compiled code"
    raise UnhashablePart(reason, "the data and the labels, and make it inside the function")


@inherited("networkx.classes.graph:Graph")
def _graph(value: Any, walk: Walk) -> Item:
    state = state_of(value)
    # Nodes with their data; neighbors of each node, and of multigraphs the edges to each, with theirs.
    depth = 3 if value.is_multigraph() else 2
    for name in ("_node", "_adj", "_succ", "_pred"):
        if name in state:
            state[name] = _ordered(state[name], 1 if name == "_node" else depth)
    return node(_GRAPH, (name_of(value), *dict_items(state, walk)))


def _ordered(value: Any, depth: int) -> object:
    """Return a mapping as a list of pairs, as are those in it down to *depth*."""
    if depth == 0 or not isinstance(value, Mapping):
        return value
    pairs = cast("Mapping[object, object]", value).items()
    return [(key, _ordered(content, depth - 1)) for key, content in pairs]


@inherited("PIL.Image:Image")
def _image(value: Any, walk: Walk) -> Item:
    value.load()
    exif = {tag: content for tag, content in value.getexif().items()}  # noqa: C416 - not a mapping
    facts = walk.items([value.mode, value.size, dict(value.info), exif])
    palette = value.getpalette() if value.mode in {"P", "PA"} else None
    return node(_IMAGE, (name_of(value), *facts, walk.item(palette), *_frames(value)))


def _frames(value: Any) -> Iterator[Item]:
    """Yield the item of the pixels that are shown, and of those of each other frame."""
    yield Buffer(value.tobytes()).item()
    count = getattr(value, "n_frames", 1)
    if count == 1:
        return
    shown: int = value.tell()
    yield shown
    try:
        for at in range(count):
            value.seek(at)
            yield Buffer(value.tobytes()).item()
    finally:
        value.seek(shown)


@inherited("pydantic.main:BaseModel")
def _model(value: Any, walk: Walk) -> Item:
    type_ = type(cast("object", value))
    # Here, and not where it is registered: now this handler is known to be the one of the class.
    if not is_nameless(type_):
        batches[type_] = _models
    return node(_MODEL, (name_of(value), *walk.items(_parts(value))))


def model_parts(value: Any) -> dict[str, object]:
    """Return the fields of a model of pydantic, and what it has beside them, by name."""
    fields, *beside = _parts(value)
    return {**cast("dict[str, object]", fields), **dict(zip(_BESIDE, beside, strict=True))}


def _models(values: Sequence[Any], walk: Walk) -> Sequence[Item]:
    columns = [list(column) for column in zip(*map(_parts, values), strict=True)]
    return record_items(_MODEL, (name_of(values[0]),), values, columns, walk)


def _parts(value: Any) -> tuple[object, ...]:
    """Return the fields of a model, and what it has beside them."""
    fields, cached = instance_dict(value), cached_in(value)
    if not cached.isdisjoint(fields):
        fields = {name: content for name, content in fields.items() if name not in cached}
    # A model that validation has not finished lacks some of the others.
    return (fields, *(getattr(value, name, None) for name in _BESIDE))


def estimator_item(value: object, walk: Walk) -> Item:
    """Return the item of an estimator of scikit-learn, without the global source of random numbers."""
    from numpy.random import RandomState

    state = instance_dict(value)
    if state.get("random_state", value) is not None:
        return reduced_item(value, walk)
    # It keeps the global source of random numbers, of which its pickle is a copy.
    sources = [name for name, content in state.items() if isinstance(content, RandomState)]
    return reduced_item(value, walk, frozenset(sources))


inherited("sklearn.base:BaseEstimator")(estimator_item)


@exact("sklearn.utils._bunch:Bunch")
def _bunch(value: dict[Any, object], walk: Walk) -> Item:
    return node(_BUNCH, dict_items(value, walk))


@exact("sklearn.cluster._birch:_CFNode")
def _cluster_node(value: object, walk: Walk) -> Item:
    # Leaves are a list that leads back and forth; they are all below the root.
    held = instance_dict(value)
    state = {name: held[name] for name in held if name not in {"prev_leaf_", "next_leaf_"}}
    return node(_TREE, (name_of(value), *dict_items(state, walk)))


@exact(*_NEIGHBOR_TREES)
def _neighbor_tree(value: Any, walk: Walk) -> Item:
    state = list(value.__getstate__())
    state[_COUNTS] = []
    return node(_TREE, (name_of(value), *walk.items(state)))


@inherited("sympy.core.assumptions:StdFactKB")
def _facts(value: Any, walk: Walk) -> Item:
    # By what was stated, from which all other facts follow.
    return node(_FACTS, (walk.item(dict(value.generator)),))


def _xarray_state(value: Any) -> Attributes:
    state = state_of(value)
    # Reading makes an empty dictionary of a missing one.
    for name in ("_attrs", "_encoding"):
        if name in state:
            state[name] = state[name] or {}
    indexes: Any = state.get("_indexes")
    if indexes is not None:
        # They are derived from the coordinates, whose values count.
        state["_indexes"] = {name: name_of(index) for name, index in indexes.items()}
    return state


@inherited("xarray.core.dataset:Dataset", "xarray.core.dataarray:DataArray")
def _data(value: Any, walk: Walk) -> Item:
    return node(_DATA, (name_of(value), *dict_items(_xarray_state(value), walk)))


@inherited("xarray.core.variable:Variable")
def _variable(value: Any, walk: Walk) -> Item:
    import numpy as np

    state = _xarray_state(value)
    data: Any = state["_data"]
    is_lazy = type(data).__module__.partition(".")[0] == "dask"
    # What is on disk or belongs to an index is read without being kept.
    state["_data"] = data if is_lazy or type(data) is np.ndarray else value.values
    return node(_DATA, (name_of(value), *dict_items(state, walk)))


@inherited("xarray.core.datatree:DataTree")
def _data_tree(value: Any, walk: Walk) -> Item:
    own, children = value.to_dataset(inherit=False), dict(value.children)
    return node(_DATA_TREE, (name_of(value), *walk.items([value.name, own, children])))


@inherited(
    "xarray.core.groupby:GroupBy",
    "xarray.computation.rolling:Rolling",
    "xarray.computation.rolling:Coarsen",
    "xarray.core.rolling:Rolling",
    "xarray.core.rolling:Coarsen",
)
def _refuse_grouped(value: Any, _: Walk) -> NoReturn:
    reason = f"a {type(value).__name__} caches results, so its state changes with use"
    raise UnhashablePart(reason, "the data and the keys or sizes")
