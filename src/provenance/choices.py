"""The options of the decorator, checked where the function is decorated and not where it is called."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypedDict, cast

from provenance.archiving import archiving_of
from provenance.binding import Subject, without_dictionary
from provenance.captures import captured_names
from provenance.codecs import DEFAULT, serializer_named
from provenance.errors import ConfigError
from provenance.recipe import NO_PARTS, CallOptions, Coding, InputFunction
from provenance.records import NO_OPTIONS, Options, options
from provenance.repository import Repository

Names = list[str] | tuple[str, ...] | set[str] | frozenset[str]


class OtherChoices(TypedDict, total=False):
    """What `provenance` takes beside `archive_file`, by keyword; each is described there."""

    version: int
    repo: Repository | str | None
    name: str | None
    merge_defaults: bool | Names | None
    ignore: Names | None
    remove: Names | None
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
    returns_composite: bool | None


class Choices(OtherChoices, total=False):
    """What `provenance` takes, by keyword."""

    archive_file: bool


def checked(subject: Subject, choices: Choices) -> CallOptions:
    """The options for *subject*.

    Raises:
        ConfigError: for an option that cannot work; it names the function and the option.
    """
    _refuse_generators(subject)
    refuse = _refusal(subject)
    for option in choices.keys() - Choices.__annotations__.keys():
        near = difflib.get_close_matches(option, Choices.__annotations__, 1, 0)
        raise refuse(option, "there is no such option", f"did you mean {near[0]!r}?")
    ignore = _parameters(subject, "ignore", choices.get("ignore"))
    if ignore and choices.get("input_hash_fn") is not None:
        raise refuse("ignore", "it cannot be combined with input_hash_fn", "leave the ignored hashes out in that")
    composite = bool(_flag(subject, "returns_composite", choices.get("returns_composite")))
    parts = _part_coding(subject, choices) if composite else NO_PARTS
    return CallOptions(
        version=_version(subject, choices.get("version", 0)),
        repo=_repo(subject, choices.get("repo")),
        name=_name(subject, choices.get("name")),
        merge_defaults=_mergeable(subject, choices.get("merge_defaults")),
        ignore=ignore,
        remove=_parameters(subject, "remove", choices.get("remove")),
        input_hash_fn=_function(subject, "input_hash_fn", choices.get("input_hash_fn")),
        input_process_fn=_function(subject, "input_process_fn", choices.get("input_process_fn")),
        custom_fields=_custom_fields(subject, choices),
        tags=_names(subject, "tags", choices.get("tags")),
        archive=archiving_of(choices, refuse),
        **(NOT_CODED if parts else _coding(subject, choices)),
        returns_composite=composite,
        part_coding=parts,
        use_cache=_flag(subject, "use_cache", choices.get("use_cache")),
        read_only=_flag(subject, "read_only", choices.get("read_only")),
    )


def _refusal(subject: Subject) -> Callable[[str, str, str], ConfigError]:
    def refuse(option: str, problem: str, advice: str) -> ConfigError:
        return ConfigError(f"@provenance on {subject.label}, option {option}", problem, advice)

    return refuse


def _refuse_generators(subject: Subject) -> None:
    called = (subject.function, type(subject.function).__call__)  # a decorator below may make a list of what is yielded
    if any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in called):
        raise ConfigError(
            f"@provenance on {subject.label}",
            "a generator has no value that could be stored",
            "return a list or another collection of what it yields",
        )


def _version(subject: Subject, version: object) -> int:
    if type(version) is not int or version < 0:
        raise _refusal(subject)("version", f"{version!r} is no version", "count up from 0 with whole numbers")
    return version


def _name(subject: Subject, name: object) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str) or not name or "\0" in name or any("\ud800" <= each <= "\udfff" for each in name):
        raise _refusal(subject)("name", f"{name!r} is no name", "give a string that is not empty")
    return name


def _repo(subject: Subject, repo: object) -> object:
    if repo is not None and not isinstance(repo, str | Repository):
        raise _refusal(subject)("repo", f"{repo!r} is no repository", "give a repository, or the name of one")
    return repo


def _flag(subject: Subject, option: str, flag: object) -> bool | None:
    if flag is not None and not isinstance(flag, bool):
        raise _refusal(subject)(option, f"{flag!r} is neither a bool nor None", "None defers to the environment")
    return flag


def _function(subject: Subject, option: str, function: object) -> InputFunction | None:
    if function is not None and not callable(function):
        raise _refusal(subject)(option, f"{function!r} cannot be called", "give a function of one dictionary")
    return cast("InputFunction | None", function)


class _Coding(TypedDict):
    serializer: str | None
    load_kwargs: Options
    dump_kwargs: Options


NOT_CODED: Final = _Coding(serializer=None, load_kwargs=NO_OPTIONS, dump_kwargs=NO_OPTIONS)


def _part_coding(subject: Subject, choices: Choices) -> Mapping[str, Coding]:
    """Serializer and keyword arguments of each part of a composite, where `serializer` tells them by key."""
    serializers = choices.get("serializer")
    if not isinstance(serializers, Mapping):
        return NO_PARTS
    given = {option: _by_key(subject, option, choices.get(option)) for option in ("load_kwargs", "dump_kwargs")}
    known = dict(cast("Mapping[str, object]", serializers))
    for option, several in given.items():
        for key in several.keys() - known.keys():
            raise _refusal(subject)(option, f"there is no serializer for the part {key!r}", "name one for it")
    return {
        key: Coding(
            **_coding(subject, cast("Choices", {"serializer": name, **{o: v.get(key) for o, v in given.items()}}))
        )
        for key, name in known.items()
    }


def _by_key(subject: Subject, option: str, given: object) -> Mapping[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise _refusal(subject)(option, f"{given!r} is no dictionary", "give keyword arguments by part")
    return cast("Mapping[str, object]", given)


def _coding(subject: Subject, choices: Choices) -> _Coding:
    """Serializer and keyword arguments, which must be its own; without a serializer they are the default one's."""
    given = {option: choices.get(option) for option in ("load_kwargs", "dump_kwargs")}
    name = _serializer(subject, choices.get("serializer")) or (DEFAULT if any(given.values()) else None)
    if name is None:
        return NOT_CODED
    chosen = serializer_named(name)
    return _Coding(
        serializer=name,
        load_kwargs=_kwargs(subject, "load_kwargs", given["load_kwargs"], partial(chosen.load, None)),
        dump_kwargs=_kwargs(subject, "dump_kwargs", given["dump_kwargs"], partial(chosen.dump, None, None)),
    )


def _kwargs(subject: Subject, option: str, given: object, taker: Callable[..., object]) -> Options:
    """Keyword arguments that *taker* takes; they stay as they were given, tuples too."""
    _json(subject, option, given)
    kwargs = cast("Mapping[str, object]", given or {})
    try:
        inspect.signature(taker).bind(**kwargs)
    except TypeError as error:
        advice = "see the documentation of the serializer, or name the one that takes them"
        raise _refusal(subject)(option, f"the serializer refuses them: {error}", advice) from None
    return options(kwargs)


def _serializer(subject: Subject, name: object) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str):
        advice = "give the name of a serializer, or with returns_composite one for each part"
        raise _refusal(subject)("serializer", f"{name!r} is no name", advice)
    try:
        return serializer_named(name).name
    except ConfigError as error:
        raise _refusal(subject)("serializer", error.problem, str(error).partition("; ")[2]) from None


def _names(subject: Subject, option: str, names: object) -> tuple[str, ...]:
    if names is None:
        return ()
    given: object = None if isinstance(names, str | Mapping) else names
    found = list(cast("Iterable[object]", given)) if isinstance(given, Iterable) else [None]
    if not all(isinstance(each, str) for each in found):
        raise _refusal(subject)(option, f"{names!r} is no collection of strings", "give a list, tuple or set of names")
    texts = cast("list[str]", found)
    return tuple(sorted(texts) if isinstance(names, set | frozenset) else texts)


def _parameters(subject: Subject, option: str, names: object) -> frozenset[str]:
    """Names that must be parameters or captured variables of the function, unless it takes any `**kwargs`."""
    chosen = frozenset(_names(subject, option, names))
    open_ended = any(each.kind is each.VAR_KEYWORD for each in subject.signature.parameters.values())
    known = {*subject.signature.parameters, *captured_names(subject)}
    unknown = sorted(chosen - known)
    if unknown and not open_ended:
        has = ", ".join(sorted(known)) or "none"
        raise _refusal(subject)(option, f"there is no parameter {unknown[0]!r}", f"its parameters are {has}")
    return chosen


def _mergeable(subject: Subject, chosen: object) -> bool | tuple[str, ...]:
    if chosen is None or isinstance(chosen, bool):
        return bool(chosen)
    names = _names(subject, "merge_defaults", chosen)
    if (name := without_dictionary(subject, names)) is not None:
        raise _refusal(subject)("merge_defaults", f"{name!r} has no dictionary as its default", "leave it out")
    return names


def _custom_fields(subject: Subject, choices: Choices) -> Options:
    """The fields for searching; tags are among them, under the key `tags`."""
    fields = _json(subject, "custom_fields", choices.get("custom_fields"))
    tags = _names(subject, "tags", choices.get("tags"))
    return fields.set("tags", list(tags)) if tags else fields


def _json(subject: Subject, option: str, given: object) -> Options:
    if given is None:
        return options(None)
    if not isinstance(given, Mapping):
        raise _refusal(subject)(option, f"{given!r} is no dictionary", "give one with strings as keys")
    named = cast("Mapping[object, object]", given)
    try:
        text = json.dumps(dict(named), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _refusal(subject)(option, f"it has no JSON form ({error})", "use what JSON can say") from None
    if json.loads(text) != dict(named) and not all(isinstance(each, str) for each in named):
        raise _refusal(subject)(option, "it has keys that are no strings", "use strings as keys")
    return options(cast("Mapping[str, object]", json.loads(text)))
