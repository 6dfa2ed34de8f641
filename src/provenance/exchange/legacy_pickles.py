"""Values of the reference library: its serializers, and stand-ins for what its pickles name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, BinaryIO, Final, Self, cast

from provenance.codecs import get_serializer
from provenance.model.records import Json
from provenance.util.locks import ForkSafeLock
from provenance.util.optional import require_library

Resolve = Callable[[str], object]
"""Returns what stands for the artifact of this id of the reference library."""

_resolving: ContextVar[Resolve] = ContextVar("provenance_legacy_resolving")
_guard: Final = ForkSafeLock()
_NAMES: Final = ("load_proxy", "load_artifact")


def decode(serializer: str, load_kwargs: Mapping[str, Json], source: BinaryIO) -> object:
    """Return the value that the reference library wrote with *serializer*.

    Raises:
        Exception: whatever the value's own library raises if it cannot be read.
    """
    options = cast("dict[str, Any]", dict(load_kwargs))
    match serializer:
        case "joblib":
            import joblib

            return without_files(joblib.load(source, **options))
        case "cloudpickle":
            import cloudpickle

            return without_files(cloudpickle.load(source, **options))
        case "pd_df_parquet":
            pandas = require_library("pandas", "a table")
            return pandas.read_parquet(source, **options)
        case "pd_series_parquet":
            pandas = require_library("pandas", "a table")
            return pandas.read_parquet(source, **options).iloc[:, 0]
        case "pytorch_model":
            torch = require_library("torch", "a model")
            return torch.load(source, **{"weights_only": False, **options})
        case _:
            # Of the user's own, registered under the same name.
            return get_serializer(serializer).load(source, **options)


class LegacyFile:
    """What stands for an archived file while a pickle is read: its state holds the key of its blob."""

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Return one for any arguments."""
        made = super().__new__(cls)
        made.__dict__["parts"] = (*args, *kwargs.values())
        return made

    def __setstate__(self, state: object) -> None:
        """Keep the state, whatever its form."""
        self.__dict__["parts"] = (*self.__dict__["parts"], state)

    def resolved(self) -> object:
        """Return what stands for the file in the repository that is imported to."""
        return _resolving.get()(next(_texts(self.__dict__["parts"])))

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Raise TypeError: it must not be stored."""
        raise TypeError(
            "an archived file is inside an object other than a dictionary, list or tuple"
        )


def _texts(value: object) -> Iterator[str]:
    """Yield the strings in *value*, those with an extension of a file or the form of a digest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        named = cast("Mapping[object, object]", value)
        first = [named[key] for key in ("blob_id", "id") if key in named]
        for member in (*first, *named.values()):
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in cast("list[object]", value):
            yield from _texts(member)


def without_files(value: object) -> object:
    """Return *value* with what stands for archived files in plain containers replaced by the files."""
    match value:
        case LegacyFile():
            return value.resolved()
        case dict() if type(cast("object", value)) is dict:
            return {
                key: without_files(member)
                for key, member in cast("dict[object, object]", value).items()
            }
        case list() if type(cast("object", value)) is list:
            return [without_files(member) for member in cast("list[object]", value)]
        case tuple() if type(cast("object", value)) is tuple:
            return tuple([without_files(member) for member in cast("tuple[object, ...]", value)])
        case _:
            return value


@contextmanager
def standing_in() -> Generator[None]:
    """Let pickles find the modules of the reference library that they name, while the block runs."""
    repos, core = ModuleType("provenance.repos"), ModuleType("provenance.core")
    for name in _NAMES:
        setattr(repos, name, _reference)
    cast("Any", core).ArchivedFile = LegacyFile
    made = {"provenance.repos": repos, "provenance.core": core}
    with _guard.lock:
        sys.modules.update(made)
    try:
        yield
    finally:
        with _guard.lock:
            for name, module in made.items():
                if sys.modules.get(name) is module:
                    del sys.modules[name]


@contextmanager
def resolving(resolve: Resolve) -> Generator[None]:
    """Resolve references with *resolve* while the block runs."""
    token = _resolving.set(resolve)
    try:
        yield
    finally:
        _resolving.reset(token)


def _reference(artifact_id: str) -> object:
    return _resolving.get()(artifact_id)
