"""The decorator `provenance`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from provenance.archives import ArchivedFile
from provenance.binding import subject_of
from provenance.choices import Choices, OtherChoices, checked
from provenance.decorator import Cached

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """The decorator that `provenance(...)` with options returns."""

    def __call__(self, function: Callable[P, R], /) -> Cached[P, R]:
        """Decorate *function*; raise `ConfigError` for an invalid option."""
        ...


class FileDecorator(Protocol):
    """The decorator that `provenance(archive_file=True, ...)` returns."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a coroutine is an object too, and meant to go first
        self, function: Callable[P, Coroutine[Any, Any, object]], /
    ) -> Cached[P, Coroutine[Any, Any, ArchivedFile]]: ...
    @overload
    def __call__(self, function: Callable[P, object], /) -> Cached[P, ArchivedFile]: ...
    def __call__(self, function: Callable[..., object], /) -> object:
        """Decorate a function that returns a path; raise `ConfigError` for an invalid option."""
        ...


@overload
def provenance(function: Callable[P, R], /) -> Cached[P, R]: ...
@overload
def provenance(
    *, archive_file: Literal[True], **choices: Unpack[OtherChoices]
) -> FileDecorator: ...
@overload
def provenance(
    *, archive_file: Literal[False] = False, **choices: Unpack[OtherChoices]
) -> Decorator: ...
def provenance(
    function: Callable[..., object] | None = None, /, **choices: Unpack[Choices]
) -> object:
    """Decorate a pure function, so that each result is computed once and traced to its inputs.

    Args:
        function: The function, if the decorator is used without parentheses.
        **choices: The options, all by keyword:

            version: Non-negative integer, default 0; increase it when the function's results
                change.
            repo: Repository or its name; by default that of the environment.
            name: Name of the artifacts; by default module and qualified name. Functions with the
                same chosen name share their artifacts.
            merge_defaults: True, or names of parameters: dictionaries passed to them are completed
                from their default dictionaries.
            ignore: Parameters or captured variables that are recorded but do not affect the id.
            remove: Parameters or captured variables that are neither hashed nor recorded.
            input_hash_fn: Maps `{'kargs': {name: hash}, 'varargs': (hash, …)}` to what the id is
                derived from.
            input_process_fn: Maps `{'kargs': {name: value}, 'varargs': (value, …)}` to what is
                hashed and recorded.
            archive_file: True if the function returns the path of a file: its bytes are stored, and
                the result is an `ArchivedFile`.
            delete_original_file: True deletes the returned file once it is stored.
            preserve_file_ext: True makes the file's extension part of its value.
            custom_fields: JSON to search by.
            tags: Strings to search by; they are added to `custom_fields` under `tags`.
            serializer: Name of the serializer of the result; by default its type decides.
            load_kwargs: Keyword arguments of the serializer's load function.
            dump_kwargs: Keyword arguments of the serializer's dump function.
            use_cache: False computes and records each time; None defers to the environment.
            read_only: True looks up but stores nothing; None defers to the environment.
            returns_composite: True if the function returns a mapping, each of whose values becomes
                an artifact of its own, named `name_key`. All are stored together, and each is read
                when it is used. `serializer` may then be a mapping from key to name, and
                `load_kwargs` and `dump_kwargs` mappings from key to keyword arguments.

    Returns:
        A `Cached`, with the function's name, docstring and signature.

    Raises:
        ConfigError: if an option is invalid, or the function is a generator.
    """
    if function is None:
        return functools.partial(_decorate, choices)
    return _decorate(choices, function)


def _decorate(choices: Choices, function: object) -> object:
    if isinstance(function, classmethod | staticmethod):
        kind = cast("Callable[[object], object]", type(cast("object", function)))
        return kind(_decorate(choices, cast("Any", function).__func__))
    wrapped = cast("Callable[..., object]", function)
    subject = subject_of(wrapped)
    options = checked(subject, choices)
    return cast("Cached[..., object]", Cached(wrapped, subject, options))
