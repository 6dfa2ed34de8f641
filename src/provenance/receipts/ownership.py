"""What is the user's, and what a function wraps or binds."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cached_property, lru_cache, partial
from inspect import getattr_static
from types import CodeType, MethodType, ModuleType
from typing import Any, Final, cast

_LIBRARIES: Final = tuple(
    os.path.realpath(path) + os.sep
    for path in {
        *[path for name, path in sysconfig.get_paths().items() if "lib" in name],
        *site.getsitepackages(),
    }
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def accessors(member: object) -> list[object]:
    """Return the functions of a member of a class."""
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset, member.fdel) if part is not None]
    if isinstance(member, cached_property):
        return [cast("cached_property[object]", member).func]
    return [member]


def layers(thing: object) -> Iterator[object]:
    """Yield a function, and what it wraps or binds arguments of, the innermost last."""
    while True:
        yield thing
        if isinstance(thing, MethodType | staticmethod | classmethod):
            inner: object = cast("MethodType", thing).__func__
        elif isinstance(thing, partial):
            inner = cast("partial[object]", thing).func
        elif isinstance(thing, type) or getattr_static(thing, "__wrapped__", None) is None:
            return
        else:
            inner = cast("Any", thing).__wrapped__
        if inner is thing or not callable(inner):
            return
        thing = inner


def is_first_party(thing: object) -> bool:
    """Tell whether a function or class is the user's, and not of a library."""
    module = str(getattr(thing, "__module__", ""))
    if module.partition(".")[0] == "provenance":
        return False
    code = getattr(thing, "__code__", None)
    if isinstance(code, CodeType) and not code.co_filename.startswith("<"):
        return is_own_file(code.co_filename)
    known = sys.modules.get(module)
    if known is None or module == "__main__":
        return module != "builtins"
    return is_own_file(getattr(known, "__file__", None))


def is_own_module(module: ModuleType) -> bool:
    """Tell whether a module is the user's; packages without a file are where their folders are."""
    file = getattr(module, "__file__", None)
    if file is None:
        return any(map(is_own_file, getattr(module, "__path__", ())))
    return is_own_file(file)


@lru_cache(maxsize=4_096)
def is_own_file(file: str | None) -> bool:
    """Tell whether a file is the user's, and not of the standard library or an installed one."""
    if file is None:
        return False
    path = os.path.realpath(file)
    return not path.startswith(_LIBRARIES) and not any(part in path for part in _INSTALLED)
