"""Options of the decorator, checked when a function is decorated."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypedDict, cast

from provenance.calls.purity import PURITIES, Purity
from provenance.calls.signature import WrappedFunction, closure_names, parameter_without_dictionary
from provenance.calls.spec import (
    NO_PARTS,
    Archiving,
    DecoratorOptions,
    InputFunction,
    PartSerialization,
    cache_key_of,
)
from provenance.codecs import (
    COMPRESSION,
    COMPRESSIONS,
    DEFAULT,
    Serializer,
    check_available,
    get_serializer,
    split_compression,
)
from provenance.codecs.table_parts import PARQUET_PARTS
from provenance.errors import ConfigError, MissingLibraryError
from provenance.model.records import NO_OPTIONS, Artifact, Options, freeze_options
from provenance.model.rows import json_text
from provenance.receipts.libraries import parse_sensitivity
from provenance.receipts.policy import OnCodeChange, Shadow, parse_shadow, require_policy
from provenance.repository.handles import Repository
from provenance.results.kinds import STYLES, ArgumentStyle, ResultStyle, SingletonStyle
from provenance.streams.stream import Streaming
from provenance.util.formatting import did_you_mean, safe_repr
from provenance.util.validation import name_problem

_RELATED: Final = ("delete_original_file", "preserve_file_ext")
_OPPOSED: Final = ("serializer", "load_kwargs", "dump_kwargs", "returns_composite")


def archiving_from(
    choices: Mapping[str, object], refuse: Callable[[str, str, str], ConfigError]
) -> Archiving | None:
    """Return the archiving options; None if no file is archived.

    Raises:
        ConfigError: made by *refuse*, for options that cannot be combined.
    """
    for option in ("archive_file", *_RELATED):
        if not isinstance(choices.get(option, False), bool):
            raise refuse(
                option, f"must be a bool, got {safe_repr(choices[option])}", "pass True or False"
            )
    if not choices.get("archive_file"):
        for option in filter(choices.get, _RELATED):
            raise refuse(option, "requires archive_file=True", "add that, or leave it out")
        return None
    for option in filter(choices.get, _OPPOSED):
        advice = "the file is stored as it is: leave it out"
        raise refuse(option, "cannot be combined with archive_file", advice)
    return Archiving(bool(choices.get(_RELATED[0])), bool(choices.get(_RELATED[1])))


def option_error(wrapped: WrappedFunction) -> Callable[[str, str, str], ConfigError]:
    """Return a function from option, problem and advice to a ConfigError about *wrapped*."""

    def refuse(option: str, problem: str, advice: str) -> ConfigError:
        return ConfigError(f"@provenance on {wrapped.label}, option {option}", problem, advice)

    return refuse


def json_options(wrapped: WrappedFunction, option: str, given: object) -> Options:
    """Return *given* after a round trip through JSON; raise ConfigError if JSON cannot hold it."""
    if given is None:
        return freeze_options(None)
    entries = cast(
        "Mapping[object, object]", _mapping(wrapped, option, given, "use strings as keys")
    )
    try:
        text = json_text(dict(entries))
    except (TypeError, ValueError) as error:
        raise option_error(wrapped)(
            option, f"invalid JSON: {error}", "use JSON types only"
        ) from None
    if json.loads(text) != dict(entries) and not all(isinstance(key, str) for key in entries):
        raise option_error(wrapped)(option, "keys must be strings", "use strings as keys")
    return freeze_options(cast("Mapping[str, object]", json.loads(text)))


class SerializationArguments(TypedDict):
    """The part of `DecoratorOptions` about serialization."""

    serializer: str | None
    load_kwargs: Options
    dump_kwargs: Options


NO_SERIALIZATION: Final = SerializationArguments(
    serializer=None, load_kwargs=NO_OPTIONS, dump_kwargs=NO_OPTIONS
)


def part_serializations(
    wrapped: WrappedFunction, choices: Mapping[str, object]
) -> Mapping[str, PartSerialization]:
    """Return the serialization of each part of a composite, if `serializer` is a mapping by key."""
    serializers = choices.get("serializer")
    if not isinstance(serializers, Mapping):
        return NO_PARTS
    names = dict(cast("Mapping[str, object]", serializers))
    if PARQUET_PARTS in names.values():
        problem, advice = f"{PARQUET_PARTS!r} is not for parts", "use it for a whole result"
        raise option_error(wrapped)("serializer", problem, advice)
    kwargs: dict[str, Mapping[str, object]] = {}
    for option in ("load_kwargs", "dump_kwargs"):
        given = choices.get(option)
        advice = "pass keyword arguments by part"
        kwargs[option] = {} if given is None else _mapping(wrapped, option, given, advice)
        for key in kwargs[option].keys() - names.keys():
            problem = f"no serializer registered for part {key!r}"
            raise option_error(wrapped)(option, problem, "name one for it")
    return {
        key: PartSerialization(
            **serialization_of(
                wrapped,
                {
                    "serializer": name,
                    **{option: by_key.get(key) for option, by_key in kwargs.items()},
                },
            )
        )
        for key, name in names.items()
    }


def _mapping(
    wrapped: WrappedFunction, option: str, given: object, advice: str
) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise option_error(wrapped)(option, f"must be a mapping, got {safe_repr(given)}", advice)
    return cast("Mapping[str, object]", given)


def serialization_of(
    wrapped: WrappedFunction, choices: Mapping[str, object]
) -> SerializationArguments:
    """Return serializer and keyword arguments, which must fit it or the default serializer.

    A compression alone chooses no serializer: it applies to whichever the value's type selects.
    """
    load, dump = (
        _json_kwargs(wrapped, option, choices.get(option))
        for option in ("load_kwargs", "dump_kwargs")
    )
    name = choices.get("serializer")
    if name is None and (load or dump.keys() - {COMPRESSION}):
        name = DEFAULT
    if name is not None and not isinstance(name, str):
        advice = "with returns_composite, pass a mapping from part to name"
        raise option_error(wrapped)(
            "serializer", f"must be the name of a serializer, got {safe_repr(name)}", advice
        )
    try:
        chosen = get_serializer(DEFAULT if name is None else name)
    except ConfigError as error:
        advice = str(error).rpartition("; ")[2]
        raise option_error(wrapped)("serializer", error.problem, advice) from None
    compression, own = split_compression(chosen, dump)
    _check_compression(wrapped, compression)
    _check_kwargs(wrapped, "load_kwargs", load, partial(chosen.load, None), chosen)
    _check_kwargs(wrapped, "dump_kwargs", own, partial(chosen.dump, None, None), chosen)
    return SerializationArguments(serializer=name, load_kwargs=load, dump_kwargs=dump)


def _json_kwargs(wrapped: WrappedFunction, option: str, given: object) -> Options:
    """Return keyword arguments as they are, after checking that JSON can hold them."""
    json_options(wrapped, option, given)
    return freeze_options(cast("Mapping[str, object] | None", given))


def _check_compression(wrapped: WrappedFunction, name: object) -> None:
    if name not in COMPRESSIONS:
        known = ", ".join(map(repr, COMPRESSIONS))
        problem = f"unknown compression {name!r}"
        raise option_error(wrapped)("dump_kwargs", problem, f"expected one of: {known}")
    try:
        check_available(name)
    except MissingLibraryError as error:
        problem, _, advice = str(error).partition(": ")
        raise option_error(wrapped)("dump_kwargs", problem, advice) from None


def _check_kwargs(
    wrapped: WrappedFunction,
    option: str,
    kwargs: Options,
    taker: Callable[..., object],
    serializer: Serializer,
) -> None:
    """Check that *taker* accepts these keyword arguments, and their values where a set is fixed."""
    try:
        inspect.signature(taker).bind(**kwargs)
    except TypeError as error:
        advice = "see the documentation of the serializer, or name the one that accepts them"
        raise option_error(wrapped)(
            option, f"the serializer refuses them: {error}", advice
        ) from None
    for name, value in kwargs.items():
        allowed = serializer.allowed.get(name)
        if allowed is not None and value not in allowed:
            problem = f"{name} must be one of {allowed}, got {safe_repr(value)}"
            raise option_error(wrapped)(option, problem, "pass one of them")


Names = list[str] | tuple[str, ...] | set[str] | frozenset[str]


class CommonOptionArguments(TypedDict, total=False):
    """The keywords of `provenance` except those that change what a call returns."""

    version: int
    repo: Repository | str | None
    name: str | None
    aliases: Names | None
    merge_defaults: bool | Names | None
    ignore: Names | None
    remove: Names | None
    files: Names | None
    input_hash_fn: InputFunction | None
    input_process_fn: InputFunction | None
    delete_original_file: bool
    preserve_file_ext: bool
    custom_fields: Mapping[str, object] | None
    tags: Names | None
    serializer: str | Mapping[str, str] | None
    load_kwargs: Mapping[str, object] | None
    dump_kwargs: Mapping[str, object] | None
    use_cache: bool | None
    read_only: bool | None
    on_code_change: OnCodeChange | None
    sensitive_to: Names | None
    shadow: float | Mapping[str, object] | Shadow | None
    expires_after: timedelta | None
    valid_if: Callable[[Artifact[Any]], object] | None
    pure: Purity | None
    returns_composite: bool | None
    results: ResultStyle | None
    arguments: ArgumentStyle | None
    singletons: SingletonStyle | None
    lazy: bool | None


class OptionArguments(CommonOptionArguments, total=False):
    """The keywords of `provenance`."""

    stream: bool | Streaming
    over: str
    archive_file: bool


def check_options(wrapped: WrappedFunction, choices: OptionArguments) -> DecoratorOptions:
    """Return the validated options for *wrapped*.

    Raises:
        ConfigError: for an invalid option; it names the function and the option.
    """
    refuse = option_error(wrapped)
    if "over" in choices:
        raise refuse("over", "cannot be changed", "decorate the function again, with `over`")
    known_options = OptionArguments.__annotations__
    for option in choices.keys() - known_options.keys():
        raise refuse(
            option, f"unexpected option {option!r}", did_you_mean(option, sorted(known_options))
        )

    def flag(option: str, value: object) -> bool | None:
        if value is not None and not isinstance(value, bool):
            problem = f"must be a bool or None, got {safe_repr(value)}"
            raise refuse(option, problem, "None defers to the environment")
        return value

    def function(option: str, value: object) -> InputFunction | None:
        if value is not None and not callable(value):
            problem = f"must be callable, got {safe_repr(value)}"
            raise refuse(option, problem, "pass a function of one dictionary")
        return cast("InputFunction | None", value)

    version: object = choices.get("version", 0)
    if type(version) is not int or version < 0:
        problem = f"must be a non-negative integer, got {safe_repr(version)}"
        raise refuse("version", problem, "count up from 0")
    name = choices.get("name")
    if name is not None and (invalid := name_problem(name)) is not None:
        raise refuse("name", *invalid)
    ignore = _parameters(wrapped, "ignore", choices.get("ignore"))
    if ignore and choices.get("input_hash_fn") is not None:
        advice = "drop the ignored hashes in that function"
        raise refuse("ignore", "cannot be combined with input_hash_fn", advice)
    composite = bool(flag("returns_composite", choices.get("returns_composite")))
    parts = part_serializations(wrapped, choices) if composite else NO_PARTS
    tags = _names(wrapped, "tags", choices.get("tags"))
    fields = json_options(wrapped, "custom_fields", choices.get("custom_fields"))
    return DecoratorOptions(
        version=version,
        repo=_repo(wrapped, choices.get("repo")),
        name=name,
        aliases=_aliases(wrapped, version, name, choices.get("aliases")),
        merge_defaults=_mergeable(wrapped, choices.get("merge_defaults")),
        ignore=ignore,
        remove=_parameters(wrapped, "remove", choices.get("remove")),
        input_hash_fn=function("input_hash_fn", choices.get("input_hash_fn")),
        input_process_fn=function("input_process_fn", choices.get("input_process_fn")),
        custom_fields=freeze_options({**fields, "tags": list(tags)}) if tags else fields,
        tags=tags,
        archive=archiving_from(choices, refuse),
        **(NO_SERIALIZATION if parts else serialization_of(wrapped, choices)),
        returns_composite=composite,
        part_serialization=parts,
        use_cache=flag("use_cache", choices.get("use_cache")),
        read_only=flag("read_only", choices.get("read_only")),
        results=_result_options(wrapped, {**choices, "lazy": flag("lazy", choices.get("lazy"))}),
        files=_files(wrapped, choices),
        **_staleness(wrapped, choices),
        streaming=streaming_from(wrapped, choices),
        pure=_purity(wrapped, choices.get("pure")),
    )


class StalenessArguments(TypedDict):
    """The part of `DecoratorOptions` about hits that no longer hold."""

    on_code_change: OnCodeChange | None
    sensitive_to: tuple[str, ...]
    shadow: Shadow | None
    expires_after: timedelta | None
    valid_if: Callable[[Artifact[Any]], object] | None


def _staleness(wrapped: WrappedFunction, choices: Mapping[str, object]) -> StalenessArguments:
    where = f"@provenance on {wrapped.label}, option"
    libraries = _names(wrapped, "sensitive_to", choices.get("sensitive_to"))
    for library in libraries:
        parse_sensitivity(library, f"{where} sensitive_to")
    return StalenessArguments(
        on_code_change=_policy(wrapped, choices.get("on_code_change")),
        sensitive_to=libraries,
        shadow=parse_shadow(choices.get("shadow"), f"{where} shadow"),
        expires_after=_lifetime(wrapped, choices.get("expires_after")),
        valid_if=_validity(wrapped, choices.get("valid_if")),
    )


def _files(wrapped: WrappedFunction, choices: Mapping[str, object]) -> frozenset[str]:
    """Return names of parameters whose files count by their contents."""
    chosen = _parameters(wrapped, "files", choices.get("files"))
    for name in sorted(chosen):
        if name in closure_names(wrapped):
            advice = "make it a parameter of the function"
            raise option_error(wrapped)("files", f"{name!r} is a captured variable", advice)
        for option in ("ignore", "remove"):
            if name in _names(wrapped, option, choices.get(option)):
                problem = f"parameter {name!r} is in `{option}` as well"
                raise option_error(wrapped)("files", problem, "name it in one of the options")
    return chosen


def _lifetime(wrapped: WrappedFunction, given: object) -> timedelta | None:
    if given is not None and not (isinstance(given, timedelta) and given > timedelta()):
        problem = f"must be a positive timedelta, got {safe_repr(given)}"
        raise option_error(wrapped)("expires_after", problem, "pass one, such as timedelta(days=1)")
    return given


def _validity(wrapped: WrappedFunction, given: object) -> Callable[[Artifact[Any]], object] | None:
    if given is not None and not callable(given):
        problem = f"must be callable, got {safe_repr(given)}"
        raise option_error(wrapped)("valid_if", problem, "pass a function of one artifact")
    return given


def _result_options(wrapped: WrappedFunction, choices: Mapping[str, object]) -> Options:
    """Return how the function's results and arguments are handed over, as far as that was chosen."""
    for option, style in STYLES.items():
        if choices.get(option, style[0]) not in (None, *style):
            problem = f"must be {' or '.join(map(repr, style))}, got {safe_repr(choices[option])}"
            raise option_error(wrapped)(option, problem, "None defers to the environment")
    names = (*STYLES, "lazy")
    return freeze_options({name: choices[name] for name in names if choices.get(name) is not None})


def _policy(wrapped: WrappedFunction, given: object) -> OnCodeChange | None:
    if given is None:
        return None
    return require_policy(given, f"@provenance on {wrapped.label}, option on_code_change")


def _purity(wrapped: WrappedFunction, given: object) -> Purity:
    if given not in (None, *PURITIES):
        problem = f"must be {' or '.join(map(repr, PURITIES))}, got {safe_repr(given)}"
        raise option_error(wrapped)("pure", problem, 'the default is "strict"')
    return given or "strict"


def _aliases(
    wrapped: WrappedFunction, version: int, name: str | None, given: object
) -> tuple[str, ...]:
    """Return earlier names of the function; raise ConfigError for one that it has now."""
    aliases = _names(wrapped, "aliases", given)
    own = cache_key_of(wrapped, DecoratorOptions(version, name=name))
    for alias in aliases:
        if (invalid := name_problem(alias)) is not None:
            raise option_error(wrapped)("aliases", *invalid)
        if alias in (own.scope or own.name, own.name):
            problem = f"{alias!r} is the name that the function has now"
            raise option_error(wrapped)("aliases", problem, "pass only names that it had before")
    return aliases


def streaming_from(wrapped: WrappedFunction, choices: Mapping[str, object]) -> Streaming | None:
    """Return how the items of a generator function are stored; None for other functions.

    Raises:
        ConfigError: for a generator function without the option, and the option without one.
    """
    refuse, given = option_error(wrapped), choices.get("stream", False)
    if not isinstance(given, bool | Streaming):
        problem = f"must be a bool or a Streaming, got {safe_repr(given)}"
        raise refuse("stream", problem, "pass True, or Streaming(chunk_items=…)")
    if given is False:
        if not wrapped.yields:
            return None
        problem = "a generator has no value to store"
        advice = "pass stream=True to store what it yields, or return a list of it"
        raise ConfigError(f"@provenance on {wrapped.label}", problem, advice)
    if not wrapped.yields:
        raise refuse("stream", "the function does not yield", "decorate a generator function")
    for option in ("returns_composite", "archive_file"):
        if choices.get(option):
            raise refuse("stream", f"cannot be combined with {option}", "leave one of them out")
    if choices.get("serializer") == PARQUET_PARTS:
        raise refuse("serializer", f"{PARQUET_PARTS!r} is not for streams", "leave it out")
    return Streaming() if given is True else given


def _repo(wrapped: WrappedFunction, repo: object) -> object:
    if repo is not None and not isinstance(repo, str | Repository):
        problem = f"expected a repository or its name, got {safe_repr(repo)}"
        raise option_error(wrapped)("repo", problem, "pass either, or None for the default")
    return repo


def _names(wrapped: WrappedFunction, option: str, given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    option_value = given
    is_collection = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    names = list(cast("Iterable[object]", given)) if is_collection else [None]
    if not all(isinstance(name, str) for name in names):
        problem = f"must be a collection of strings, got {safe_repr(option_value)}"
        raise option_error(wrapped)(option, problem, "pass a list, tuple or set of names")
    texts = cast("list[str]", names)
    return tuple(sorted(texts) if isinstance(given, set | frozenset) else texts)


def _parameters(wrapped: WrappedFunction, option: str, names: object) -> frozenset[str]:
    """Return *names* of parameters or captured variables.

    A function with `**kwargs` accepts any.
    """
    chosen = frozenset(_names(wrapped, option, names))
    known = {*wrapped.signature.parameters, *closure_names(wrapped)}
    unknown = sorted(chosen - known)
    if unknown and wrapped.extra is None:
        has = ", ".join(sorted(known)) or "none"
        problem = f"function has no parameter {unknown[0]!r}"
        raise option_error(wrapped)(option, problem, f"its parameters are {has}")
    return chosen


def _mergeable(wrapped: WrappedFunction, chosen: object) -> bool | tuple[str, ...]:
    if chosen is None or isinstance(chosen, bool):
        return bool(chosen)
    names = _names(wrapped, "merge_defaults", chosen)
    if (name := parameter_without_dictionary(wrapped, names)) is not None:
        problem = f"the default of {name!r} is not a dictionary"
        raise option_error(wrapped)("merge_defaults", problem, "leave it out")
    return names
