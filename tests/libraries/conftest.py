"""These tests run where the libraries are installed (`make test-libraries`): the lock of the project has none of them."""

from importlib.util import find_spec

LIBRARIES = ("astropy", "networkx", "PIL", "pydantic", "statsmodels", "sympy", "xarray")

collect_ignore_glob = [] if all(map(find_spec, LIBRARIES)) else ["[!_c]*.py"]
