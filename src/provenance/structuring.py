"""Structuring of a user's options into settings; errors quote no values, as they may be secret."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar, cast

from provenance.checks import a
from provenance.errors import ConfigError

T = TypeVar("T")


def structured(options: Mapping[str, object], kind: type[T], path: str) -> T:
    """Return *options* as a record of *kind*.

    Raise ConfigError for an unknown key or a wrong type.
    """
    from cattrs import Converter, transform_error
    from cattrs.v import format_exception

    def names(value: object, _: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise TypeError(f"must be a list of names, got {a(value)}")
        return tuple(converter.structure(value, list[str]))

    converter = Converter(forbid_extra_keys=True)
    for scalar in (bool, int, str):
        converter.register_structure_hook(scalar, _exactly)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(
        str | None, lambda value, _: None if value is None else _exactly(value, str)
    )
    converter.register_structure_hook_func(
        lambda wanted: isinstance(wanted, type) and issubclass(wanted, Enum), _choice
    )
    converter.register_structure_hook_func(lambda wanted: wanted == tuple[str, ...], names)
    converter.register_structure_hook_func(lambda wanted: wanted == Mapping[str, object], _mapping)

    def describe(error: BaseException, wanted: type[object] | None) -> str:
        is_ours = isinstance(error, TypeError | ValueError)
        return str(error.args[0]) if is_ours else format_exception(error, wanted)

    try:
        return converter.structure(options, kind)
    except Exception as error:
        first = transform_error(error, path=path, format_exception=describe)[0]
        problem, _, place = first.partition(" @ ")
        raise ConfigError(place or path, problem, "correct it in the configuration") from error


def _exactly(value: object, kind: type[T]) -> T:
    """Return *value* if its type is exactly *kind*: True is not an int."""
    if kind is str and isinstance(value, os.PathLike):
        return cast("T", os.fspath(cast("os.PathLike[str]", value)))
    if type(value) is not kind:
        raise TypeError(f"must be of type {kind.__name__}, got {a(value)}")
    return value


def _number(value: object, _: object) -> float:
    return float(value) if type(value) is int else _exactly(value, float)


def _choice(value: object, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        names = ", ".join(member.value for member in kind)
        raise ValueError(f"must be one of {names}, got {value!r}") from None


def _mapping(value: object, _: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a mapping of options, got {a(value)}")
    if any(not isinstance(key, str) for key in cast("Mapping[object, object]", value)):
        raise TypeError("keys must be strings")
    return cast("Mapping[str, object]", value)
