"""From what a user wrote to a record of settings; a mistake is said without quoting what may be secret."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from provenance.checks import a
from provenance.errors import ConfigError

T = TypeVar("T")


def structured(options: Mapping[str, object], kind: type[T], path: str) -> T:
    """*options* as a record of *kind*, by cattrs; ConfigError for a key or a type that is not right."""
    from cattrs import Converter, transform_error

    converter = Converter(forbid_extra_keys=True)
    for scalar in (bool, int, str):
        converter.register_structure_hook(scalar, _exactly)
    converter.register_structure_hook(str | None, lambda value, _: None if value is None else _exactly(value, str))
    converter.register_structure_hook(float, lambda value, _: _number(value))
    converter.register_structure_hook_func(
        lambda wanted: wanted == tuple[str, ...],
        lambda value, _: tuple(converter.structure(_several(value), list[str])),
    )
    converter.register_structure_hook_func(
        lambda wanted: wanted == Mapping[str, object], lambda value, _: _named(value)
    )
    try:
        return converter.structure(options, kind)
    except Exception as error:
        first = transform_error(error, path=path, format_exception=_problem)[0]
        problem, _, place = first.partition(" @ ")
        raise ConfigError(place or path, problem, "correct it in the configuration") from error


def _problem(error: BaseException, kind: type[object] | None) -> str:
    """What is wrong with an entry, in the words of whoever found it."""
    from cattrs.v import format_exception

    return str(error.args[0]) if isinstance(error, TypeError | ValueError) else format_exception(error, kind)


def _exactly(value: object, kind: type[T]) -> T:
    """*value*, if it is just of this type: no `"no"` that is true, no `True` that is 1."""
    if kind is str and isinstance(value, os.PathLike):
        return cast("T", os.fspath(cast("os.PathLike[str]", value)))
    if type(value) is not kind:
        raise TypeError(f"it is of type {type(value).__name__}, not {kind.__name__}")
    return value


def _number(value: object) -> float:
    return float(value) if type(value) is int else _exactly(value, float)


def _several(value: object) -> Sequence[object]:
    """*value*, if it is a list; the letters of a name are no names."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"it is of type {type(value).__name__}, not a list of names")
    return cast("Sequence[object]", value)


def _named(value: object) -> Mapping[str, object]:
    """*value*, if it is a dictionary with strings as keys; what is wrong is said without quoting it."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{a(value)} is no dictionary of named options")
    if any(not isinstance(key, str) for key in cast("Mapping[object, object]", value)):
        raise TypeError("its keys are not all strings")
    return cast("Mapping[str, object]", value)
