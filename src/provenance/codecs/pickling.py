"""Serializers of pickle (builtin values), joblib (arrays) and cloudpickle (functions).

All three write protocol 5, which every supported Python reads.
"""

from __future__ import annotations

import copyreg
import pickle
from collections import ChainMap
from functools import cache
from types import CodeType
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

from provenance.codecs.devices import tolerate_missing_devices
from provenance.hashing.attributes import attributes_beside, registered_reduction
from provenance.hashing.registry import reduce_named
from provenance.model.references import CONTAINERS, SCALARS
from provenance.util.naming import exported
from provenance.util.optional import imported_module

if TYPE_CHECKING:
    from joblib.numpy_pickle import NumpyPickler

_PROTOCOL = 5
# Index of the state in the tuple that `__reduce__` returns.
_STATE = 2
_BUILTIN = SCALARS | CONTAINERS


def is_plain(value: object) -> bool:
    """Tell whether *value* is a builtin scalar, or a builtin container of such values, at any depth.

    >>> is_plain(1), is_plain({"auc": [0.97, None]}), is_plain([object()])
    (True, True, False)
    """
    if type(value) not in _BUILTIN:
        return False
    seen: set[int] = set()
    waiting: list[object] = [value]
    while waiting:
        container = waiting.pop()
        if type(container) in SCALARS or id(container) in seen:
            continue
        seen.add(id(container))
        members = cast("list[object]", container)
        if type(container) is dict:
            members = [*members, *cast("dict[object, object]", container).values()]
        kinds = set(map(type, members))
        if kinds <= SCALARS:
            continue
        if not kinds <= _BUILTIN:
            return False
        waiting.extend(members)
    return True


def dump_pickle(value: object, sink: BinaryIO) -> None:
    """Write *value* with the standard library's pickler."""
    if type(value) in SCALARS:
        sink.write(scalar_bytes(value))
    else:
        pickle.dump(value, sink, _PROTOCOL)


def scalar_bytes(value: object) -> bytes:
    """Return what `dump_pickle` writes for a builtin scalar."""
    return pickle.dumps(value, _PROTOCOL)


def load_pickle(source: BinaryIO) -> object:
    """Read what `dump_pickle` wrote."""
    return pickle.load(source)


def load_plain(source: BinaryIO) -> object:
    """Read a plain value (see `is_plain`).

    Raise UnpicklingError if the pickle refers to a class or function.
    """
    return _Plain(source).load()


class _Plain(pickle.Unpickler):
    """Unpickler that resolves only `complex`, the one builtin scalar without an opcode."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) == ("builtins", "complex"):
            return complex
        raise pickle.UnpicklingError(
            f"it refers to {module_name}.{global_name}, which could execute code"
        )


def dump_joblib(
    value: object, sink: BinaryIO, *, compress: int | bool | str | tuple[str, int] = 0
) -> None:
    """Write *value* with joblib, which streams the arrays inside it.

    *compress* as for `joblib.dump`.
    """
    import joblib

    if compress:
        joblib.dump(value, sink, compress=compress, protocol=_PROTOCOL)
    else:
        _array_pickler()(sink, protocol=_PROTOCOL).dump(value)


@cache
def _array_pickler() -> type[NumpyPickler]:
    """Return joblib's pickler, but leave `numpy.matrix`, which it reads as an array, to pickle."""
    from joblib.numpy_pickle import NumpyPickler

    class ArrayPickler(NumpyPickler):
        def reducer_override(self, obj: object) -> Any:  # noqa: ANN401 - the signature of pickle
            return reduce_with_attributes(obj)

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

    tolerate_missing_devices()
    return joblib.load(source)


def reduce_with_attributes(value: object) -> Any:  # noqa: ANN401 - the signature of pickle
    """Return the reduction of *value* with the attributes that it leaves out.

    Return `NotImplemented` if it leaves out none, and is what pickle would find. NumPy's global source of random
    numbers, which models keep, is pickled by its name: a copy of it would not be global any more.
    """
    if _is_shared_source(value):
        return _SHARED_SOURCE
    beside = attributes_beside(value)
    special = registered_reduction(type(value))
    if not beside and special is copyreg.dispatch_table.get(type(value)):
        return NotImplemented
    reduced: Any = value.__reduce_ex__(_PROTOCOL) if special is None else special(value)
    if isinstance(reduced, str):
        return NotImplemented
    if not beside:
        return reduced
    make, arguments, state, members, entries, setter = (*reduced, None, None, None, None)[:6]
    if setter is not None:
        return NotImplemented
    return make, arguments, (state, beside), members, entries, restore_attributes


_SHARED_SOURCE = "_rand"


def _is_shared_source(value: object) -> bool:
    if type(value).__name__ != "RandomState":
        return False
    numpy = imported_module("numpy.random.mtrand")
    return numpy is not None and value is getattr(numpy, _SHARED_SOURCE)


@exported
def restore_attributes(value: Any, saved: tuple[Any, dict[str, object]]) -> None:  # noqa: ANN401
    """Set the state of *value* as pickle does, and the attributes that its reduction left out."""
    state, beside = saved
    is_pair = type(cast("object", state)) is tuple and len(state) == _PAIR
    plain: dict[str, object] | None = state[0] if is_pair else state
    slots: dict[str, object] | None = state[1] if is_pair else None
    if state is not None and hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        if plain:
            vars(cast("object", value)).update(plain)
        for name, content in (slots or {}).items():
            setattr(value, name, content)
    for name, content in beside.items():
        try:
            object.__setattr__(value, name, content)
        except TypeError:  # Python refuses this for classes in C that set attributes themselves
            vars(cast("object", value))[name] = content


_PAIR = 2


def dump_cloudpickle(value: object, sink: BinaryIO) -> None:
    """Write *value* with cloudpickle, which stores functions and classes by their code."""
    code_pickler()(sink, protocol=_PROTOCOL).dump(value)


@cache
def code_pickler() -> type[pickle.Pickler]:
    """Return cloudpickle's pickler with three corrections.

    Cloudpickle drops what the hash of a class contains: its qualified name, and of a class of
    `__main__` the program. It would read a memoryview back as bytes.
    """
    import cloudpickle

    base: type[pickle.Pickler] = cloudpickle.Pickler

    class CodePickler(base):  # type: ignore[valid-type,misc]  # mypy refuses a variable as base
        def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - the signature of pickle
            if isinstance(obj, memoryview):
                raise pickle.PicklingError(
                    "a memoryview has no bytes of its own; store bytes or an array"
                )
            reduced: Any = reduce_with_attributes(obj)
            if reduced is not NotImplemented:
                return reduced
            reduced = super().reducer_override(obj)
            parts: Any = reduced
            # A class stored by its code has a state: a pair of attributes and slots.
            if isinstance(obj, type) and isinstance(reduced, tuple) and len(parts) > _STATE:
                state: Any = parts[_STATE]
                if type(state) is tuple:
                    state[0]["__qualname__"] = obj.__qualname__
                return reduce_named(obj, parts)
            return parts

    return CodePickler


@cache
def traveling_code_pickler() -> type[pickle.Pickler]:
    """Return the pickler of code for other processes: functions keep the names of their files.

    Cloudpickle leaves these out since 3.1.3. Code receipts read the files, and tracebacks show them. What is stored
    has no need of them.
    """
    base = cast("Any", code_pickler())

    class TravelingCodePickler(base):  # type: ignore[valid-type,misc]  # mypy refuses a variable as base
        dispatch_table: ClassVar = ChainMap({CodeType: _reduce_code}, base.dispatch_table)

    return TravelingCodePickler


def _reduce_code(code: CodeType) -> tuple[object, ...]:
    import cloudpickle

    reduced = cast("Any", cloudpickle.Pickler.dispatch_table[CodeType](code))
    return restore_code, (code.co_filename, *reduced[1])


@exported
def restore_code(file: str, *arguments: Any) -> CodeType:  # noqa: ANN401 - they depend on the version of Python
    """Unpickle code that is of *file*. Pickles that travel refer to this function."""
    return CodeType(*arguments).replace(co_filename=file)


def load_cloudpickle(source: BinaryIO) -> object:
    """Read what `dump_cloudpickle` wrote."""
    import cloudpickle

    tolerate_missing_devices()
    return cloudpickle.load(source)
