"""The name of the program that runs, which Python calls `__main__` whichever it is.

Ids know a function of a script by the module that the script would be if it were imported.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import source_from_cache
from inspect import getattr_static
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final, cast
from weakref import WeakKeyDictionary

_NO_NAMES: Final = frozenset({"__main__", "__mp_main__", "<run_path>", "builtins"})
"""Modules of functions that say nothing about where a function is from.

A spawned child calls its parent's program `__mp_main__`, `runpy` calls a file `<run_path>`, and a
function that `exec` makes without a name in its namespace says that it is a builtin.
"""
_sources: Final[WeakKeyDictionary[type, str]] = WeakKeyDictionary()
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
    if file is None and "_ih" in namespace:
        # Without code nothing tells the cell: this is what IPython has in place of a program.
        notebook = _notebook(namespace, is_marimo=False)
        return _name_of_file(os.path.realpath(notebook)) if notebook else ""
    if not isinstance(file, str) or file.startswith("<"):
        return ""
    if not os.path.isabs(file):  # noqa: PTH117 - it may hold any characters
        # Code that was frozen, or compiled in another folder: its name says nothing of this one.
        file = str(namespace.get("__file__", file))
    cell = _CELL.fullmatch(file)
    if cell is not None or file == os.environ.get("IPYKERNEL_CELL_NAME"):
        notebook = _notebook(namespace, is_marimo=cell is not None and cell[1] == "marimo")
        return _name_of_file(os.path.realpath(notebook)) if notebook else ""
    # `python -m package.module`
    name = getattr(namespace.get("__spec__"), "name", None)
    if isinstance(name, str) and name not in _NO_NAMES:
        return name
    return _name_of_file(os.path.realpath(file))


def source_of(thing: object) -> str:
    """Return the name by which ids know the source of a function, a class or another named object.

    It is empty if nothing names it. See `source_name`.
    """
    module = cast("object", getattr(thing, "__module__", None))
    if not isinstance(module, str):
        return ""
    if module not in _NO_NAMES or module == "builtins":
        return module
    if not isinstance(thing, type):
        return _source(module, next(_functions_in(thing), None))
    found = _sources.get(thing)
    if found is None:
        method = _own_method(thing)
        if method is None and namesake(thing) is not thing:
            return ""
        found = _sources[thing] = _source(module, method)
    return found


def namesake(kind: type) -> object:
    """Return what has the name of a class of the main program there; None if nothing has.

    It is another class if *kind* was made in a loop or travelled with its code, or if its cell was
    executed again. A program that has ended, as `runpy.run_path` leaves it, is known by its functions.
    """
    method = _own_method(kind)
    ended = {} if method is None else method.__globals__
    first, *rest = kind.__qualname__.split(".")
    other: object = None
    for names in (names_in(kind.__module__), names_in("__mp_main__"), ended):
        found = names.get(first)
        for name in rest:
            found = getattr(found, "__dict__", {}).get(name)
        if found is kind:
            return found
        other = found if other is None else other
    return other


def _own_method(kind: type) -> FunctionType | None:
    """Return a function that the body of a class defines; None if it defines none.

    What decorators of the class generate does not count.
    """
    start = f"{kind.__qualname__}."
    for member in vars(kind).values():
        for function in _functions_in(member):
            if function.__code__.co_qualname.startswith(start):
                return function
    return None


def is_of_program(kind: type) -> bool:
    """Tell whether a class is of the main program."""
    module = cast("object", kind.__module__)
    return isinstance(module, str) and module in _NO_NAMES and module != "builtins"


def set_source(kind: type, source: str) -> None:
    """Remember the name of the source of a class that came from another process with its code."""
    _sources[kind] = source


def _source(module: str, function: FunctionType | None) -> str:
    if function is not None:
        return source_name(module, function.__code__, function.__globals__)
    return source_name(module, None, names_in(module))


def names_in(module: str) -> Mapping[str, object]:
    """Return the namespace of a module, empty if it is not imported."""
    return vars(sys.modules.get(module, ModuleType("")))


def _functions_in(thing: object) -> Iterator[FunctionType]:
    """Yield a function, or that of a property or a method, and those that it wraps."""
    while thing is not None:
        if isinstance(thing, FunctionType):
            yield thing
        if isinstance(thing, staticmethod | classmethod):
            inner: object = cast("classmethod[object, ..., object]", thing).__func__
        elif isinstance(thing, property):
            inner = thing.fget
        else:
            inner = getattr_static(thing, "__wrapped__", None)
        thing = None if inner is thing else inner


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
    if path.suffix == ".pyc" and path.parent.name == "__pycache__":
        path = Path(source_from_cache(file))
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
