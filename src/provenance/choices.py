"""The options of the decorator, checked where the function is decorated and not where it is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TypedDict, cast

from provenance.archiving import archiving_of
from provenance.binding import Subject, without_dictionary
from provenance.captures import captured_names
from provenance.checks import name_problem
from provenance.codings import NOT_CODED, coding_of, json_options, part_codings, refusal
from provenance.errors import ConfigError
from provenance.recipe import NO_PARTS, CallOptions, InputFunction
from provenance.records import Options
from provenance.repository import Repository
from provenance.showing import shown

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
    refuse = refusal(subject)
    for option in choices.keys() - Choices.__annotations__.keys():
        from difflib import get_close_matches

        near = get_close_matches(option, Choices.__annotations__, 1, 0)
        raise refuse(option, "there is no such option", f"did you mean {near[0]!r}?")
    ignore = _parameters(subject, "ignore", choices.get("ignore"))
    if ignore and choices.get("input_hash_fn") is not None:
        raise refuse("ignore", "it cannot be combined with input_hash_fn", "leave the ignored hashes out in that")
    composite = bool(_flag(subject, "returns_composite", choices.get("returns_composite")))
    parts = part_codings(subject, choices) if composite else NO_PARTS
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
        **(NOT_CODED if parts else coding_of(subject, choices)),
        returns_composite=composite,
        part_coding=parts,
        use_cache=_flag(subject, "use_cache", choices.get("use_cache")),
        read_only=_flag(subject, "read_only", choices.get("read_only")),
    )


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
        raise refusal(subject)("version", f"{shown(version)} is no version", "count up from 0 with whole numbers")
    return version


def _name(subject: Subject, name: object) -> str | None:
    if name is None:
        return None
    if (problem := name_problem(name)) is not None:
        raise refusal(subject)("name", *problem)
    return cast("str", name)


def _repo(subject: Subject, repo: object) -> object:
    if repo is not None and not isinstance(repo, str | Repository):
        raise refusal(subject)("repo", f"{shown(repo)} is no repository", "give a repository, or the name of one")
    return repo


def _flag(subject: Subject, option: str, flag: object) -> bool | None:
    if flag is not None and not isinstance(flag, bool):
        raise refusal(subject)(option, f"{shown(flag)} is neither a bool nor None", "None defers to the environment")
    return flag


def _function(subject: Subject, option: str, function: object) -> InputFunction | None:
    if function is not None and not callable(function):
        raise refusal(subject)(option, f"{shown(function)} cannot be called", "give a function of one dictionary")
    return cast("InputFunction | None", function)


def _names(subject: Subject, option: str, names: object) -> tuple[str, ...]:
    if names is None:
        return ()
    chosen = names  # what is checked below loses its type
    given: object = None if isinstance(names, str | Mapping) else names
    found = list(cast("Iterable[object]", given)) if isinstance(given, Iterable) else [None]
    if not all(isinstance(each, str) for each in found):
        raise refusal(subject)(
            option, f"{shown(chosen)} is no collection of strings", "give a list, tuple or set of names"
        )
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
        raise refusal(subject)(option, f"there is no parameter {unknown[0]!r}", f"its parameters are {has}")
    return chosen


def _mergeable(subject: Subject, chosen: object) -> bool | tuple[str, ...]:
    if chosen is None or isinstance(chosen, bool):
        return bool(chosen)
    names = _names(subject, "merge_defaults", chosen)
    if (name := without_dictionary(subject, names)) is not None:
        raise refusal(subject)("merge_defaults", f"{name!r} has no dictionary as its default", "leave it out")
    return names


def _custom_fields(subject: Subject, choices: Choices) -> Options:
    """The fields for searching; tags are among them, under the key `tags`."""
    fields = json_options(subject, "custom_fields", choices.get("custom_fields"))
    tags = _names(subject, "tags", choices.get("tags"))
    return fields.set("tags", list(tags)) if tags else fields
