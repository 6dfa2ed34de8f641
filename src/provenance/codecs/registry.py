"""The serializers by name, and the choice of a serializer for a value.

Registering replaces the registry as a whole, so that no reader sees a partial change.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, TypeAlias, cast

from attrs import field, frozen

from provenance.archives import ArchivedFile, copy_stream
from provenance.codecs import (
    files,
    json_text,
    numpy,
    pandas,
    pickling,
    polars,
    pyarrow,
    streams,
    table_parts,
    torch,
)
from provenance.errors import ConfigError
from provenance.model.references import SCALARS
from provenance.util.formatting import did_you_mean, safe_repr
from provenance.util.validation import check_function, is_collection, name_problem

_NAMES: Final = {"filename", "file_name", "fname", "filepath", "file_path", "path"}
"""Names of a parameter that takes the name of a file."""
Dump: TypeAlias = Callable[..., None]
"""`dump(value, sink, **dump_kwargs)` writes the value into a binary file."""
Load: TypeAlias = Callable[..., object]
"""`load(source, **load_kwargs)` reads a value back from a binary file."""


_ANYTHING: Final[Mapping[str, tuple[object, ...]]] = MappingProxyType({})


def _never(_: object) -> bool:
    return False


@frozen
class Serializer:
    """A way to write values as bytes and to read them back.

    Attributes:
        prefers: tells whether to try it first for a value if the function chooses no serializer.
        compresses: `dump` has its own argument `compression`.
        in_order: `load` never seeks.
        allowed: permitted values by argument, for arguments with a fixed set of values.
        executes: `load` may execute what it reads.
        load_data: reads without executing, and may refuse what `load` reads; None if the format
            does not allow that.
        content_type: media type of what `dump` writes, if the author named one.
    """

    name: str
    dump: Dump
    load: Load
    prefers: Callable[[object], bool] = _never
    compresses: bool = False
    in_order: bool = False
    allowed: Mapping[str, tuple[object, ...]] = field(default=_ANYTHING, eq=False)
    executes: bool = True
    load_data: Load | None = None
    content_type: str | None = None

    @property
    def load_safely(self) -> Load | None:
        """What reads untrusted bytes without executing any; None if nothing does."""
        return self.load_data if self.executes else self.load


def _table(
    name: str, dump: Dump, load: Load, prefers: Callable[[object], bool] = _never
) -> Serializer:
    allowed = {"compression": pyarrow.COMPRESSIONS}
    return Serializer(name, dump, load, prefers, executes=False, compresses=True, allowed=allowed)


DEFAULT = "joblib"
PICKLE = "pickle"
_LAST_RESORT = "cloudpickle"
_ARCHIVES = (
    Serializer("file", files.dump_file, files.load_file, files.is_file, executes=False),
    Serializer("folder", files.dump_folder, files.load_folder, files.is_folder, executes=False),
)
_BUILT_IN = (
    Serializer(
        PICKLE,
        pickling.dump_pickle,
        pickling.load_pickle,
        pickling.is_plain,
        load_data=pickling.load_plain,
        in_order=True,
    ),
    Serializer(
        "stream",
        streams.dump_stream,
        streams.load_stream,
        streams.is_stream,
        executes=False,
        in_order=True,
    ),
    Serializer(
        "numpy",
        numpy.dump_array,
        numpy.load_array,
        numpy.is_plain_array,
        executes=False,
        in_order=True,
        allowed={"mmap_mode": numpy.MMAP_MODES},
    ),
    _table("pd_df_parquet", pandas.dump_frame, pandas.load_frame, pandas.is_long_frame),
    _table("pd_series_parquet", pandas.dump_series, pandas.load_series, pandas.is_series),
    _table("pl_df_parquet", polars.dump_frame, polars.load_frame, polars.is_frame),
    _table("pl_series_parquet", polars.dump_series, polars.load_series, polars.is_series),
    _table(table_parts.PARQUET_PARTS, table_parts.dump_manifest, table_parts.load_manifest),
    *(_table(*serializer) for serializer in table_parts.FRAMES),
    Serializer(
        "arrow_ipc",
        pyarrow.dump_arrow,
        pyarrow.load_arrow,
        pyarrow.is_arrow,
        executes=False,
        in_order=True,
    ),
    Serializer(
        "pytorch_model",
        torch.dump_torch,
        torch.load_torch,
        torch.is_torch,
        load_data=torch.load_weights,
    ),
    Serializer("json", json_text.dump_json, json_text.load_json, executes=False, in_order=True),
    Serializer("joblib", pickling.dump_joblib, pickling.load_joblib, in_order=True),
    Serializer("cloudpickle", pickling.dump_cloudpickle, pickling.load_cloudpickle, in_order=True),
)
_serializers: Mapping[str, Serializer] = {
    serializer.name: serializer for serializer in (*_ARCHIVES, *_BUILT_IN)
}
_preferences: tuple[Serializer, ...] = tuple(
    serializer for serializer in _BUILT_IN if serializer.prefers is not _never
)
_by_class: tuple[tuple[type, Serializer], ...] = ()


def register_serializer(  # noqa: PLR0913 - a registration has many parts
    name: str,
    dump: Callable[[Any, Any], None],
    load: Callable[[Any], object],
    classes: type | Iterable[type] = (),
    *,
    executes: bool = True,
    content_type: str | None = None,
    filenames: bool | None = None,
) -> None:
    """Register a serializer.

    Records contain the name of their serializer, so register it under the same name in every
    process that loads the values.

    Args:
        name: name of the serializer.
        dump: writes a value into a binary file, or into the file of a name; gets a function's
            `dump_kwargs` as keywords.
        load: reads a value from a binary file, or from the file of a name; gets a function's
            `load_kwargs` as keywords.
        classes: a class or classes whose values it is tried first for. If several serializers fit, the one for
            the class nearest to the value's own comes first, and the newest of two for the same
            class. One that raises leaves the value to the next, unless it cannot be called as it is.
        executes: False if *load* never executes code from what it reads. Only
            then can it read from a store that is configured with `trusted: false`.
        content_type: media type of what *dump* writes, for people and for those who export it.
        filenames: whether *dump* and *load* get names of files and not binary files. By default they
            do if the second parameter of *dump* is called `filename`, `path` or the like.

    Raises:
        ConfigError: if the name belongs to another serializer, or an argument has the wrong type.

    Example:
        >>> import provenance as p
        >>> from typing import IO
        >>> class Note(str): ...
        >>> def dump(value: Note, file: IO[bytes]) -> None:
        ...     _ = file.write(value.encode())
        >>> def load(file: IO[bytes]) -> Note:
        ...     return Note(file.read().decode())
        >>> p.register_serializer("note", dump, load, classes=Note, executes=False)
    """
    global _serializers, _by_class  # noqa: PLW0603 - the registry is one value, replaced as a whole
    if (invalid := name_problem(name)) is not None:
        raise ConfigError("register_serializer, name", *invalid)
    for function, what, given in (
        (dump, "dump", ("a value", "a binary file")),
        (load, "load", ("a binary file",)),
    ):
        _check_callable(function, f"register_serializer, {what}", given)
    all_classes = _classes_of(classes)
    if content_type is not None and not _is_media_type(content_type):
        problem = f"must be a media type, got {safe_repr(content_type)}"
        raise ConfigError("register_serializer, content_type", problem, "such as 'image/png'")
    if name in _serializers:
        problem = f"serializer {name!r} exists already"
        raise ConfigError("register_serializer", problem, "choose another name")
    compresses = _takes_compression(dump)
    if _takes_filename(dump) if filenames is None else filenames:
        dump, load = _dump_by_filename(dump), _load_by_filename(load)
    added = Serializer(
        name, dump, load, compresses=compresses, executes=executes, content_type=content_type
    )
    _serializers = {**_serializers, name: added}
    _by_class = (*((class_, added) for class_ in all_classes), *_by_class)


def _check_callable(function: object, path: str, given: tuple[str, ...]) -> None:
    """Raise ConfigError unless *function* can be called with what is *given*, and more by name."""
    check_function(function, path, f"pass a function of {' and '.join(given)}")
    try:
        inspect.signature(cast("Dump", function)).bind_partial(*given)
    except TypeError as error:
        problem = f"cannot be called with {' and '.join(given)}: {error}"
        raise ConfigError(path, problem, "correct its parameters") from None
    except ValueError:
        # A function written in C may have no signature.
        return


def _classes_of(given: object) -> tuple[type, ...]:
    classes = tuple(cast("Iterable[object]", given)) if is_collection(given) else (given,)
    for class_ in classes:
        if not isinstance(class_, type):
            problem = f"must be a class or classes, got {class_!r}"
            raise ConfigError("register_serializer, classes", problem)
    return cast("tuple[type, ...]", classes)


def _is_media_type(given: object) -> bool:
    return isinstance(given, str) and re.fullmatch(r"[\w.+-]+/[\w.+-]+", given) is not None


def misfits(dump: Dump, sink: object, kwargs: Mapping[str, object], error: TypeError) -> bool:
    """Tell whether *dump* raised *error* for how it was called, and not for its value.

    It does not take these arguments, or it does something with the binary file that no file can do.
    """
    try:
        inspect.signature(dump).bind(None, sink, **kwargs)
    except TypeError:
        return True
    except ValueError:
        # A function written in C may have no signature.
        return False
    return type(sink).__name__ in str(error)


def _takes_compression(dump: Dump) -> bool:
    try:
        inspect.signature(dump).bind(None, None, compression=None)
    except (TypeError, ValueError):
        # A function written in C may have no signature.
        return False
    return True


def _takes_filename(dump: Dump) -> bool:
    """Tell whether the second parameter of *dump* is named as one that takes the name of a file."""
    try:
        parameters = list(inspect.signature(dump).parameters)
    except (TypeError, ValueError):
        # A function written in C may have no signature.
        return False
    return len(parameters) > 1 and parameters[1] in _NAMES


MakeFolder: TypeAlias = Callable[[], AbstractContextManager[str]]
_folders: Final[list[MakeFolder]] = []


def set_temporary_folders(make: MakeFolder) -> None:
    """Set the function that makes a temporary folder, which goes at the end of a block."""
    _folders[:] = [make]


def _dump_by_filename(dump: Dump) -> Dump:
    """Return *dump*, which writes the file of a name, as a function that writes into a binary file."""

    def dump_through_file(value: object, sink: BinaryIO, **kwargs: object) -> None:
        with _folders[0]() as folder:
            dump(value, str(Path(folder, "value")), **kwargs)
            # Some writers add a suffix to a name without one.
            written = list(Path(folder).iterdir())
            if len(written) != 1:
                raise ValueError(f"it wrote {len(written)} files; write the one of the given name")
            with written[0].open("rb") as file:
                copy_stream(file, sink)

    return dump_through_file


def _load_by_filename(load: Load) -> Load:
    """Return *load*, which reads the file of a name, as a function that reads a binary file."""

    def load_through_file(source: BinaryIO, **kwargs: object) -> object:
        with _folders[0]() as folder:
            path = Path(folder, "value")
            with path.open("wb") as file:
                copy_stream(source, file)
            return load(str(path), **kwargs)

    return load_through_file


def is_registered(name: str) -> bool:
    """Tell whether a serializer has this name."""
    return name in _serializers


def get_serializer(name: str) -> Serializer:
    """Return the serializer of this name.

    Raises:
        ConfigError: if the name is unknown; it suggests the nearest one.
    """
    serializer = _serializers.get(name)
    if serializer is None:
        advice = did_you_mean(name, sorted(_serializers))
        raise ConfigError("serializer", f"unknown serializer {name!r}", advice)
    return serializer


def may_execute(name: str) -> bool:
    """Return whether reading what the serializer of this name wrote may execute it; True for an unknown one."""
    found = _serializers.get(name)
    return found is None or found.executes


def candidates(value: object, chosen: str | None) -> Iterator[Serializer]:
    """Yield the serializers to try for *value*: the *chosen* one alone, or those for its type."""
    if chosen is not None:
        yield get_serializer(chosen)
        return
    if type(value) in SCALARS and not _by_class:
        # The same as below, which would ask each serializer whether it prefers the value.
        yield from (_serializers[name] for name in (PICKLE, DEFAULT, _LAST_RESORT))
        return
    tried: set[str] = set()
    archives = _ARCHIVES if isinstance(value, ArchivedFile) else ()
    registered = _registered_for(type(value)) if _by_class else ()
    fallbacks = (_serializers[DEFAULT], _serializers[_LAST_RESORT])
    for serializer in (*archives, *registered, *_preferences, *fallbacks):
        if serializer.name not in tried and (
            serializer.prefers is _never or serializer.prefers(value)
        ):
            tried.add(serializer.name)
            yield serializer


def _registered_for(kind: type) -> Iterable[Serializer]:
    """Return the serializers registered for a type and its bases, nearest and newest first."""
    mro = kind.__mro__
    matching = [pair for pair in _by_class if issubclass(kind, pair[0])]
    matching.sort(key=lambda pair: mro.index(pair[0]) if pair[0] in mro else len(mro))
    return [serializer for _, serializer in matching]
