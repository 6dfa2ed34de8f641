"""Recipes for orchestrators: `make test-orchestrators` has their libraries, the lock does not."""

from importlib.util import find_spec

LIBRARIES = ("airflow", "ipykernel", "luigi", "nbclient", "prefect", "xdist")

collect_ignore_glob = [] if all(map(find_spec, LIBRARIES)) else ["[!_c]*.py"]
