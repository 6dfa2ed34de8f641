"""Kernels of notebooks are not in the lock: their tests run where nbclient is installed (`make test-pictures`)."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("nbclient") else ["test_edited_cells.py"]
