"""The pickle family: plain pickle for small builtin values, joblib for what holds arrays, cloudpickle for functions.

All three write protocol 5, which every supported Python reads.
"""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from joblib.numpy_pickle import NumpyPickler

_PROTOCOL = 5
_STATE = 2  # where what `__reduce__` answers has the state
SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types whose values pickle writes whatever they are, and alike in every process."""
_CONTAINERS = frozenset({list, tuple, set, frozenset})


def is_plain(value: object) -> bool:
    """Tell whether *value* is a builtin scalar, or a flat builtin container of scalars.

    >>> is_plain(1), is_plain({"auc": 0.97}), is_plain([[1]])
    (True, True, False)
    """
    kind = type(value)
    if kind in SCALARS:
        return True
    if kind in _CONTAINERS:
        return SCALARS.issuperset(map(type, cast("list[object]", value)))
    if kind is dict:
        flat = cast("dict[object, object]", value)
        return SCALARS.issuperset(map(type, flat)) and SCALARS.issuperset(map(type, flat.values()))
    return False


def dump_pickle(value: object, sink: BinaryIO) -> None:
    """Write *value* with the standard library's pickler."""
    if type(value) in SCALARS:
        sink.write(scalar_bytes(value))
    else:
        pickle.dump(value, sink, _PROTOCOL)


def scalar_bytes(value: object) -> bytes:
    """What `dump_pickle` writes of a builtin scalar."""
    return pickle.dumps(value, _PROTOCOL)


def load_pickle(source: BinaryIO) -> object:
    """Read what `dump_pickle` wrote."""
    return pickle.load(source)


def load_plain(source: BinaryIO) -> object:
    """Read what `dump_pickle` wrote of values that `is_plain`; UnpicklingError for whatever needs a class or function."""
    return _Plain(source).load()


class _Plain(pickle.Unpickler):
    """Finds nothing but the builtin types that a pickle names where it has no opcode for them."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) == ("builtins", "complex"):
            return complex
        raise pickle.UnpicklingError(f"it refers to {module_name}.{global_name}, which could execute anything")


def dump_joblib(value: object, sink: BinaryIO, *, compress: int | bool | str | tuple[str, int] = 0) -> None:
    """Write *value* with joblib, which streams the arrays inside it; *compress* as for `joblib.dump`."""
    import joblib

    if compress:
        joblib.dump(value, sink, compress=compress, protocol=_PROTOCOL)
    else:
        _array_pickler()(sink, protocol=_PROTOCOL).dump(value)


@cache
def _array_pickler() -> type[NumpyPickler]:
    """Joblib's pickler, which writes a `numpy.matrix` as the plain array that it will read: that is left to pickle."""
    from joblib.numpy_pickle import NumpyPickler

    class ArrayPickler(NumpyPickler):
        def save(self, obj: object) -> None:
            kind = type(obj)
            if kind.__module__.startswith("numpy") and kind.__name__ == "matrix":
                super(NumpyPickler, self).save(obj)
            else:
                super().save(obj)

    return ArrayPickler


def load_joblib(source: BinaryIO) -> object:
    """Read what `dump_joblib` wrote."""
    import joblib

    return joblib.load(source)


def dump_cloudpickle(value: object, sink: BinaryIO) -> None:
    """Write *value* with cloudpickle, which takes functions and classes along by their code."""
    _code_pickler()(sink, protocol=_PROTOCOL).dump(value)


@cache
def _code_pickler() -> type[pickle.Pickler]:
    """Cloudpickle's pickler, which forgets in which function a class was made and reads a memoryview back as bytes."""
    import cloudpickle

    base: type[pickle.Pickler] = cloudpickle.Pickler

    class CodePickler(base):  # type: ignore[valid-type,misc]  # mypy takes no variable for a base
        def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - as pickle has it
            if isinstance(obj, memoryview):
                raise pickle.PicklingError("a memoryview is a look at somebody's memory; store bytes or an array")
            reduced = super().reducer_override(obj)
            return _with_qualname(obj, reduced) if isinstance(obj, type) else reduced

    return CodePickler


def _with_qualname(class_: type, reduced: Any) -> Any:  # noqa: ANN401 - whatever cloudpickle makes of the class
    """*reduced*, with a part of the class's hash (see `hashing.classes`) where it takes the class along as a whole."""
    parts = cast("tuple[Any, ...]", reduced if isinstance(reduced, tuple) else ())  # type: ignore[redundant-cast]  # not to pyright
    if len(parts) > _STATE and isinstance(parts[_STATE], tuple):
        attributes: dict[str, object] = parts[_STATE][0]
        attributes["__qualname__"] = class_.__qualname__
    return cast("Any", reduced)


def load_cloudpickle(source: BinaryIO) -> object:
    """Read what `dump_cloudpickle` wrote."""
    import cloudpickle

    return cloudpickle.load(source)
