"""What is the user's, and what a function wraps or binds."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cached_property, lru_cache, partial
from inspect import getattr_static
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, TypeGuard, TypeVar, cast

T = TypeVar("T")

_LIBRARIES: Final = tuple(
    os.path.realpath(path) + os.sep
    for path in {
        *[path for name, path in sysconfig.get_paths().items() if "lib" in name],
        *site.getsitepackages(),
    }
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def is_a(value: object, *kinds: type[T]) -> TypeGuard[T]:
    """Tell whether a value is of one of some types, by its own type.

    `isinstance` also asks the value, and to ask a lazy object sets it up.
    """
    return issubclass(type(value), kinds)


def is_code(value: object) -> TypeGuard[FunctionType | type]:
    """Tell whether a value is a function or a class."""
    return is_a(value, FunctionType, type)


def accessors(member: object) -> list[object]:
    """Return the functions of a member of a class."""
    if is_a(member, property):
        return [part for part in (member.fget, member.fset, member.fdel) if part is not None]
    if is_a(member, cached_property):
        return [cast("cached_property[object]", member).func]
    return [member]


def layers(thing: object) -> Iterator[object]:
    """Yield a function, and what it wraps or binds arguments of, the innermost last."""
    while True:
        yield thing
        wrapped: object = getattr_static(thing, "__wrapped__", None)
        if is_a(thing, MethodType, staticmethod, classmethod):
            inner: object = cast("MethodType", thing).__func__
        elif is_a(thing, partial):
            inner = cast("partial[object]", thing).func
        elif is_a(thing, type) or wrapped is None or is_a(wrapped, property):
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
    # A lazy module loads when it is asked for an attribute.
    file: str | None = getattr_static(module, "__file__", None) or getattr(module, "__file__", None)
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
