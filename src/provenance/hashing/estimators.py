"""scikit-learn: estimators by their attributes; the version of the library, which their pickles hold, does not count.

A tree of neighbours counts how it was searched, and its pickle holds the counts: they are no part of its value.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from provenance.hashing.containers import dict_items
from provenance.hashing.format import Item, node, prefix
from provenance.hashing.objects import reduced
from provenance.hashing.registry import exact, inherited, type_name
from provenance.hashing.walk import Walk

_BUNCH, _TREE = prefix("sklearn bunch"), prefix("sklearn tree")
_COUNTS = slice(7, 11)  # n_trims, n_leaves, n_splits, n_calls


@inherited(import_module("sklearn.base").BaseEstimator)
def _estimator(value: object, walk: Walk) -> Item:
    return reduced(value, walk, without=frozenset({"_sklearn_version"}))


@exact("sklearn.utils._bunch:Bunch")
def _bunch(value: dict[Any, object], walk: Walk) -> Item:
    return node(_BUNCH, dict_items(value, walk))


@exact(*(f"sklearn.neighbors._{kind}:{name}{bits}" for kind, name in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
         for bits in ("", "32", "64")))  # fmt: skip
def _tree(value: Any, walk: Walk) -> Item:
    state = list(value.__getstate__())
    state[_COUNTS] = []
    return node(_TREE, (type_name(cast("type[object]", type(value))), *walk.items(state)))
