"""The serializers by name, and which of them may write a value.

A registry is never changed in place: registering replaces it as a whole, so that no reader sees half of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias

from attrs import frozen

from provenance.codecs import archived, arrays, pickles
from provenance.errors import ConfigError

Dump: TypeAlias = Callable[..., None]
"""`dump(value, sink, **dump_kwargs)` writes the value into a binary file."""
Load: TypeAlias = Callable[..., object]
"""`load(source, **load_kwargs)` reads a value back from a binary file."""


def _never(_: object) -> bool:
    return False


@frozen
class Serializer:
    """A way to write values as bytes and to read them back.

    `prefers` tells whether it is the first choice for a value whose function names no serializer.
    """

    name: str
    dump: Dump
    load: Load
    prefers: Callable[[object], bool] = _never


DEFAULT = "joblib"
_LAST_RESORT = "cloudpickle"
_ARCHIVES = (
    Serializer("file", archived.dump_file, archived.load_file, archived.is_file),
    Serializer("folder", archived.dump_folder, archived.load_folder, archived.is_folder),
)
_BUILT_IN = (
    Serializer("pickle", pickles.dump_pickle, pickles.load_pickle, pickles.is_plain),
    Serializer("numpy", arrays.dump_array, arrays.load_array, arrays.is_plain_array),
    Serializer("joblib", pickles.dump_joblib, pickles.load_joblib),
    Serializer("cloudpickle", pickles.dump_cloudpickle, pickles.load_cloudpickle),
)
_serializers: Mapping[str, Serializer] = {each.name: each for each in (*_ARCHIVES, *_BUILT_IN)}
_preferring: tuple[Serializer, ...] = _BUILT_IN[:2]


def register_serializer(
    name: str,
    dump: Callable[[Any, BinaryIO], None],
    load: Callable[[BinaryIO], object],
    classes: type | tuple[type, ...] = (),
) -> None:
    """Make a serializer known under *name*; it becomes the first choice for values of *classes*, if any are given.

    *dump* writes a value into a binary file and *load* reads it back; they get a function's `dump_kwargs` and
    `load_kwargs` as keyword arguments. What is stored names its serializer, so register it under the same name in
    every process that loads it.

    Raises:
        ConfigError: if the name belongs to another serializer.
    """
    global _serializers, _preferring  # noqa: PLW0603 - the registry is one value, replaced as a whole
    if name in _serializers:
        raise ConfigError("register_serializer", f"there is a serializer {name!r} already", "choose another name")
    added = Serializer(name, dump, load, lambda value: isinstance(value, classes))
    _serializers = {**_serializers, name: added}
    _preferring = (added, *_preferring)


def is_registered(name: str) -> bool:
    """Tell whether there is a serializer of this name."""
    return name in _serializers


def serializer_named(name: str) -> Serializer:
    """The serializer of this name.

    Raises:
        ConfigError: if there is none; it names the nearest one.
    """
    found = _serializers.get(name)
    if found is None:
        near = difflib.get_close_matches(name, list(_serializers), 1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(_serializers))}"
        raise ConfigError("serializer", f"there is no serializer {name!r}", advice)
    return found


def candidates(value: object, chosen: str | None) -> Iterator[Serializer]:
    """The serializers to try for *value*, in this order: just the *chosen* one, or those that suit its type."""
    if chosen is not None:
        yield serializer_named(chosen)
        return
    first = next((each for each in (*_ARCHIVES, *_preferring) if each.prefers(value)), None)
    if first is not None:
        yield first
    yield _serializers[DEFAULT]
    yield _serializers[_LAST_RESORT]
