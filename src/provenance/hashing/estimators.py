"""scikit-learn: estimators by their attributes; the version of the library, which their pickles hold, does not count."""

from __future__ import annotations

from importlib import import_module

from provenance.hashing.format import Item
from provenance.hashing.objects import reduced
from provenance.hashing.registry import inherited
from provenance.hashing.walk import Walk


@inherited(import_module("sklearn.base").BaseEstimator)
def _estimator(value: object, walk: Walk) -> Item:
    return reduced(value, walk, without=frozenset({"_sklearn_version"}))
