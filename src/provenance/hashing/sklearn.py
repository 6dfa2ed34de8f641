"""scikit-learn: estimators by their attributes, without the library version in their pickles.

Trees of neighbors count their searches and pickle the counts, which are not part of their value.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from provenance.hashing.attributes import instance_dict
from provenance.hashing.containers import dict_items
from provenance.hashing.encoding import Item, node, prefix
from provenance.hashing.objects import reduced_item
from provenance.hashing.registry import exact, inherited, name_of, type_name
from provenance.hashing.walk import Walk

_BUNCH, _TREE = map(prefix, ("sklearn bunch", "sklearn tree"))
_RandomState: type = import_module("numpy.random").RandomState
_TREES = [
    f"sklearn.neighbors._{module}:{name}{bits}"
    for module, name in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
    for bits in ("", "32", "64")
]
# n_trims, n_leaves, n_splits and n_calls in the state of a tree.
_COUNTS = slice(7, 11)


@inherited(import_module("sklearn.base").BaseEstimator)
def _estimator(value: object, walk: Walk) -> Item:
    state = instance_dict(value)
    if state.get("random_state", value) is not None:
        return reduced_item(value, walk)
    # It keeps the global source of random numbers, of which its pickle is a copy.
    sources = [name for name, content in state.items() if isinstance(content, _RandomState)]
    return reduced_item(value, walk, frozenset(sources))


@exact("sklearn.utils._bunch:Bunch")
def _bunch(value: dict[Any, object], walk: Walk) -> Item:
    return node(_BUNCH, dict_items(value, walk))


@exact("sklearn.cluster._birch:_CFNode")
def _cluster_node(value: object, walk: Walk) -> Item:
    # Leaves are a list that leads back and forth; they are all below the root.
    held = instance_dict(value)
    state = {name: held[name] for name in held if name not in {"prev_leaf_", "next_leaf_"}}
    return node(_TREE, (name_of(value), *dict_items(state, walk)))


@exact(*_TREES)
def _tree(value: Any, walk: Walk) -> Item:
    state = list(value.__getstate__())
    state[_COUNTS] = []
    return node(_TREE, (type_name(cast("type[object]", type(value))), *walk.items(state)))
