"""The serializers by name, and which of them may write a value.

A registry is never changed in place: registering replaces it as a whole, so that no reader sees half of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias, cast

from attrs import field, frozen
from pyrsistent import pmap

from provenance.archives import ArchivedFile
from provenance.checks import check_function, name_problem
from provenance.codecs import archived, arrays, arrow, frames, parquet, pickles, tables, tensors, texts
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

    `prefers` tells whether it is tried first for a value whose function names no serializer. `compresses` says that
    `dump` takes an argument `compression` itself, and `in_order` that `load` only ever reads on. `allowed` lists what
    an argument may be, for those that cannot be anything. `load_safely` reads bytes that anybody may have made up: it
    executes none of them, and may refuse what `load` reads; None where there is no such way.
    """

    name: str
    dump: Dump
    load: Load
    prefers: Callable[[object], bool] = _never
    compresses: bool = False
    in_order: bool = False
    allowed: Mapping[str, tuple[object, ...]] = field(default=pmap(), eq=False)
    load_safely: Load | None = None

    @property
    def executes(self) -> bool:
        """Whether `load` may execute what it reads; with a `load_safely` of its own it does, even where that reads it too."""
        return self.load_safely is None or self.load_safely is not self.load


def _table(name: str, dump: Dump, load: Load, prefers: Callable[[object], bool]) -> Serializer:
    allowed = {"compression": parquet.COMPRESSIONS}
    return Serializer(name, dump, load, prefers, compresses=True, allowed=allowed, load_safely=load)


DEFAULT = "joblib"
PICKLE = "pickle"
_LAST_RESORT = "cloudpickle"
_ARCHIVES = (
    Serializer("file", archived.dump_file, archived.load_file, archived.is_file, load_safely=archived.load_file),
    Serializer(
        "folder", archived.dump_folder, archived.load_folder, archived.is_folder, load_safely=archived.load_folder
    ),
)
_BUILT_IN = (
    Serializer(
        PICKLE,
        pickles.dump_pickle,
        pickles.load_pickle,
        pickles.is_plain,
        in_order=True,
        load_safely=pickles.load_plain,
    ),
    Serializer(
        "numpy",
        arrays.dump_array,
        arrays.load_array,
        arrays.is_plain_array,
        in_order=True,
        allowed={"mmap_mode": arrays.MMAP_MODES},
        load_safely=arrays.load_array,
    ),
    _table("pd_df_parquet", tables.dump_frame, tables.load_frame, tables.is_frame),
    _table("pd_series_parquet", tables.dump_series, tables.load_series, tables.is_series),
    _table("pl_df_parquet", frames.dump_frame, frames.load_frame, frames.is_frame),
    _table("pl_series_parquet", frames.dump_series, frames.load_series, frames.is_series),
    Serializer(
        "arrow_ipc", arrow.dump_arrow, arrow.load_arrow, arrow.is_arrow, in_order=True, load_safely=arrow.load_arrow
    ),
    Serializer(
        "pytorch_model", tensors.dump_torch, tensors.load_torch, tensors.is_torch, load_safely=tensors.load_weights
    ),
    Serializer("json", texts.dump_json, texts.load_json, in_order=True, load_safely=texts.load_json),
    Serializer("joblib", pickles.dump_joblib, pickles.load_joblib, in_order=True),
    Serializer("cloudpickle", pickles.dump_cloudpickle, pickles.load_cloudpickle, in_order=True),
)
_serializers: Mapping[str, Serializer] = {each.name: each for each in (*_ARCHIVES, *_BUILT_IN)}
_preferring: tuple[Serializer, ...] = tuple(each for each in _BUILT_IN if each.prefers is not _never)
_by_class: tuple[tuple[type, Serializer], ...] = ()


def register_serializer(
    name: str,
    dump: Callable[[Any, BinaryIO], None],
    load: Callable[[BinaryIO], object],
    classes: type | tuple[type, ...] = (),
    *,
    executes: bool = True,
) -> None:
    """Make a serializer known under *name*; it becomes the first choice for values of *classes*, if any are given.

    Of several that fit, the one for the class nearest to the value's own is tried first, and the newest of two for the
    same class. One that raises leaves the value to the next.

    *dump* writes a value into a binary file and *load* reads it back; they get a function's `dump_kwargs` and
    `load_kwargs` as keyword arguments. What is stored names its serializer, so register it under the same name in
    every process that loads it. Say `executes=False` if *load* executes nothing of what it reads, whoever wrote it: only
    then does it read from a store that is configured with `trusted: false`.

    Raises:
        ConfigError: if the name belongs to another serializer, or something is not of the right type.
    """
    global _serializers, _by_class  # noqa: PLW0603 - the registry is one value, replaced as a whole
    _check(name, dump, load, classes)
    if name in _serializers:
        raise ConfigError("register_serializer", f"there is a serializer {name!r} already", "choose another name")
    added = Serializer(name, dump, load, compresses=_takes_compression(dump), load_safely=None if executes else load)
    _serializers = {**_serializers, name: added}
    _by_class = (*((each, added) for each in _flat(classes)), *_by_class)


def _check(name: object, dump: object, load: object, classes: type | tuple[type, ...]) -> None:
    """Refuse what cannot be a serializer, before it is to write a result."""
    if (problem := name_problem(name)) is not None:
        raise ConfigError("register_serializer, name", *problem)
    check_function(dump, "register_serializer, dump", "give a function of a value and a binary file")
    check_function(load, "register_serializer, load", "give a function of a binary file")
    for each in _flat(classes):
        if not isinstance(cast("object", each), type):
            raise ConfigError(
                "register_serializer, classes", f"{each!r} is no class", "give a class, or a tuple of them"
            )


def _takes_compression(dump: Dump) -> bool:
    """Tell whether a serializer compresses by itself, if it is told to."""
    try:
        inspect.signature(dump).bind(None, None, compression=None)
    except (TypeError, ValueError):  # a function written in C may have no signature
        return False
    return True


def _flat(classes: type | tuple[type, ...]) -> tuple[type, ...]:
    return classes if isinstance(classes, tuple) else (classes,)


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
        from difflib import get_close_matches

        near = get_close_matches(name, list(_serializers), 1)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(_serializers))}"
        raise ConfigError("serializer", f"there is no serializer {name!r}", advice)
    return found


def may_execute(name: str) -> bool:
    """Return whether reading what the serializer of this name wrote may execute it; True for an unknown one."""
    found = _serializers.get(name)
    return found is None or found.executes


def candidates(value: object, chosen: str | None) -> Iterator[Serializer]:
    """The serializers to try for *value*, in this order: just the *chosen* one, or those that suit its type.

    A serializer that is found unfit only while it writes is followed by the next.
    """
    if chosen is not None:
        yield serializer_named(chosen)
        return
    tried: set[str] = set()
    archives = _ARCHIVES if isinstance(value, ArchivedFile) else ()
    registered = _registered_for(type(value)) if _by_class else ()
    for each in (*archives, *registered, *_preferring, _serializers[DEFAULT], _serializers[_LAST_RESORT]):
        if each.name not in tried and (each.prefers is _never or each.prefers(value)):
            tried.add(each.name)
            yield each


def _registered_for(kind: type) -> Iterable[Serializer]:
    """What users registered for a type: for itself first, then for its bases in order, the newest first of each."""
    mro = kind.__mro__
    fitting = [pair for pair in _by_class if issubclass(kind, pair[0])]
    fitting.sort(key=lambda pair: mro.index(pair[0]) if pair[0] in mro else len(mro))
    return [each for _, each in fitting]
