"""What other libraries see of results, and what they are taught of results once they are imported and not before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final, cast

from provenance.model.references import SCALARS, is_proxy, replace_members


class _Watch:
    """Finds a module as the other finders do, and calls a function when it was executed."""

    def __init__(self, name: str, then: Callable[[], object]) -> None:
        self._name, self._then = name, then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the module, once; None for every other name."""
        del path, target
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(fullname)
        loader: Any = spec and spec.loader
        if loader is not None:
            execute: Callable[[ModuleType], None] = loader.exec_module

            def execute_and_call(module: ModuleType) -> None:
                execute(module)
                self._then()

            loader.exec_module = execute_and_call
        return spec


def when_imported(name: str, then: Callable[[], object]) -> None:
    """Call *then* as soon as the module is there: now, or after its first import in this process."""
    if name in sys.modules:
        then()
    else:
        sys.meta_path.insert(0, _Watch(name, then))


def teach_libraries(result: type) -> None:
    """Make yaml write instances of *result*, a class of results, as their values, and joblib hash them so."""

    def teach_yaml() -> None:
        yaml: Any = sys.modules["yaml"]
        for name in ("SafeDumper", "CSafeDumper", "Dumper", "CDumper"):
            if hasattr(yaml, name):
                getattr(yaml, name).add_multi_representer(result, _represent_in_yaml)

    def teach_joblib() -> None:
        for kind in _subclasses_of(result):
            teach_new_class(kind)

    when_imported("yaml", teach_yaml)
    when_imported(_JOBLIB, teach_joblib)


def _subclasses_of(kind: type) -> Iterator[type]:
    for subclass in cast("list[type]", cast("Any", kind).__subclasses__()):
        yield subclass
        yield from _subclasses_of(subclass)


def teach_new_class(kind: type) -> None:
    """Make `joblib.hash`, and so `joblib.Memory`, take the instances of one class for their values."""
    hashing = cast("Any", sys.modules.get(_JOBLIB))
    if hashing is not None:
        hashing.Hasher.dispatch[kind] = _hash_in_joblib


_JOBLIB: Final = "joblib.hashing"


def _represent_in_yaml(dumper: Any, value: Any) -> object:
    return dumper.represent_data(value.__wrapped__)


def _hash_in_joblib(hasher: Any, value: Any) -> None:
    hasher.save(value.__wrapped__)


# ---------------------------------------------------------------- what NumPy and torch find


def plain(value: Any) -> Any:
    """Return *value* without results, also in the lists, tuples and dictionaries that functions of libraries take."""
    kind = cast("type[object]", type(value))
    if kind in SCALARS:
        return value
    if is_proxy(value):
        return value.__wrapped__
    is_container = isinstance(value, (tuple, list, dict, set, frozenset))
    return replace_members(value, plain) if is_container else value


class Unseen:
    """A special method that a library finds on the class of a result. As an attribute it is what the value has."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __get__(self, proxy: object, _: object = None) -> Unseen:
        if proxy is None:
            return self
        raise AttributeError  # which makes Python ask `__getattr__`

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call the method as NumPy does."""
        return self._function(*args, **kwargs)


def _array_ufunc(_: object, ufunc: Any, method: str, *inputs: object, **kwargs: object) -> object:
    """Take part in NumPy's promotion as the plain number does."""
    named = plain(kwargs) if kwargs else kwargs
    return getattr(ufunc, method)(*map(plain, inputs), **named)


def _array_function(
    _: object, function: Any, __: object, args: tuple[object, ...], kwargs: dict[str, object]
) -> object:
    return function(*plain(args), **plain(kwargs))


ARRAY_UFUNC: Final = Unseen(_array_ufunc)
ARRAY_FUNCTION: Final = Unseen(_array_function)
"""Results take part in NumPy's functions and its promotion as their values do."""
