"""The name of the program that runs, which Python calls `__main__` whichever it is.

Ids know a function of a script by the module that the script would be if it were imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Final

_NO_NAMES: Final = frozenset({"__main__", "__mp_main__", "<run_path>", "builtins"})
"""Modules of functions that say nothing about where a function is from.

A spawned child calls its parent's program `__mp_main__`, `runpy` calls a file `<run_path>`, and a
function that `exec` makes without a name in its namespace says that it is a builtin.
"""
_CELL: Final = re.compile(r".*[/\\](ipykernel|marimo)_\d+[/\\][^/\\]+")
"""File names of notebook cells, which hold the number of the process."""
_PACKAGE: Final = "__init__.py"


def source_name(module: str, code: CodeType | None, namespace: Mapping[str, object]) -> str:
    """Return the name by which ids know the source of a function; empty if nothing names it.

    It is *module* unless that is the main program. Then it is the module that the program would be
    if it were imported, or the program's path below the project's folder if it cannot be imported.
    A notebook is known by its path. Code from a console has no name, nor has a notebook whose front
    end does not set its path.

    Args:
        module: the function's `__module__`.
        code: the function's code; None if it has none.
        namespace: the globals of the function.
    """
    if module not in _NO_NAMES or (code is None and module == "builtins"):
        return module
    file = code.co_filename if code is not None else namespace.get("__file__")
    if not isinstance(file, str) or file.startswith("<"):
        return ""
    cell = _CELL.fullmatch(file)
    if cell is not None or file == os.environ.get("IPYKERNEL_CELL_NAME"):
        notebook = _notebook(namespace, is_marimo=cell is not None and cell[1] == "marimo")
        return _name_of_file(os.path.realpath(notebook)) if notebook else ""
    # `python -m package.module`
    name = getattr(namespace.get("__spec__"), "name", None)
    if isinstance(name, str) and name not in _NO_NAMES:
        return name
    return _name_of_file(os.path.realpath(file))


def project_of(folder: Path) -> Path | None:
    """Return the project's folder: the nearest one with a `pyproject.toml` or `.git`, upwards."""
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").exists() or (candidate / ".git").exists():
            return candidate
    return None


def _notebook(namespace: Mapping[str, object], *, is_marimo: bool) -> str | None:
    """Return the path of the notebook that runs; None if its front end does not set it.

    Visual Studio Code and marimo set a variable, Jupyter an environment variable, which may also be
    the name of a session.
    """
    variable = namespace.get("__file__" if is_marimo else "__vsc_ipynb_file__")
    path = variable if isinstance(variable, str) else os.environ.get("JPY_SESSION_NAME", "")
    return path if os.path.isfile(path) else None  # noqa: PTH113 - it may hold any characters


@lru_cache(maxsize=4_096)
def _name_of_file(file: str) -> str:
    """Return the name of the module that *file* would be, else its path, in the project if it is in one."""
    path = Path(file)
    project, top = project_of(path.parent), path.parent
    while (top / _PACKAGE).exists():
        top = top.parent
    if top == path.parent and project is not None:
        sources = project / "src"
        top = sources if path.is_relative_to(sources) else project
    parts = path.relative_to(top).with_suffix("").parts
    if path.suffix in {".py", ".pyw", ".pyc", ""} and all(map(str.isidentifier, parts)):
        return ".".join(parts)
    return path.as_posix() if project is None else path.relative_to(project).as_posix()
