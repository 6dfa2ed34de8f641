"""Engines that start slowly: `make test-engines` has their libraries, the lock does not."""

from importlib.util import find_spec

collect_ignore_glob = [
    name
    for name, library in (("*ray.py", "ray"), ("*spark.py", "pyspark"))
    if not find_spec(library)
]
