"""Tables for libraries that the lock lacks are played where those are installed (`make test-torch test-pictures`)."""

from importlib.util import find_spec

from transparency.runner import OPTIONAL, playable

NOTEBOOKS = ("IPython", "PIL", "ipykernel", "nbclient")
MISSING = [table for table in OPTIONAL if table not in playable()]
collect_ignore = [
    f"{name}.py" for table in MISSING for name in (f"test_{table}", f"tables/{table}")
]
if not all(map(find_spec, NOTEBOOKS)):
    collect_ignore.append("test_notebooks.py")
if not all(map(find_spec, ("jupytext", "nbclient"))):
    collect_ignore.append("test_tutorials.py")
