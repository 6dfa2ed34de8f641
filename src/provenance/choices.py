"""The options of the decorator, validated when the function is decorated."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TypedDict, cast

from provenance.archiving import archiving_of
from provenance.binding import Subject, without_dictionary
from provenance.captures import captured_names
from provenance.checks import name_problem, nearest
from provenance.codings import NOT_CODED, coding_of, json_options, part_codings, refusal
from provenance.errors import ConfigError
from provenance.recipe import NO_PARTS, CallOptions, InputFunction
from provenance.repository import Repository
from provenance.showing import shown

Names = list[str] | tuple[str, ...] | set[str] | frozenset[str]


class OtherChoices(TypedDict, total=False):
    """The keywords of `provenance` except `archive_file`."""

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
    """The keywords of `provenance`."""

    archive_file: bool


def checked(subject: Subject, choices: Choices) -> CallOptions:
    """Return the validated options for *subject*.

    Raises:
        ConfigError: for an invalid option; it names the function and the option.
    """
    _refuse_generators(subject)
    refuse = refusal(subject)
    known_options = Choices.__annotations__
    for option in choices.keys() - known_options.keys():
        raise refuse(
            option, f"unexpected option {option!r}", nearest(option, sorted(known_options))
        )

    def flag(option: str, value: object) -> bool | None:
        if value is not None and not isinstance(value, bool):
            problem = f"must be a bool or None, got {shown(value)}"
            raise refuse(option, problem, "None defers to the environment")
        return value

    def function(option: str, value: object) -> InputFunction | None:
        if value is not None and not callable(value):
            problem = f"must be callable, got {shown(value)}"
            raise refuse(option, problem, "pass a function of one dictionary")
        return cast("InputFunction | None", value)

    version: object = choices.get("version", 0)
    if type(version) is not int or version < 0:
        problem = f"must be a non-negative integer, got {shown(version)}"
        raise refuse("version", problem, "count up from 0")
    name = choices.get("name")
    if name is not None and (invalid := name_problem(name)) is not None:
        raise refuse("name", *invalid)
    ignore = _parameters(subject, "ignore", choices.get("ignore"))
    if ignore and choices.get("input_hash_fn") is not None:
        advice = "drop the ignored hashes in that function"
        raise refuse("ignore", "cannot be combined with input_hash_fn", advice)
    composite = bool(flag("returns_composite", choices.get("returns_composite")))
    parts = part_codings(subject, choices) if composite else NO_PARTS
    tags = _names(subject, "tags", choices.get("tags"))
    fields = json_options(subject, "custom_fields", choices.get("custom_fields"))
    return CallOptions(
        version=version,
        repo=_repo(subject, choices.get("repo")),
        name=name,
        merge_defaults=_mergeable(subject, choices.get("merge_defaults")),
        ignore=ignore,
        remove=_parameters(subject, "remove", choices.get("remove")),
        input_hash_fn=function("input_hash_fn", choices.get("input_hash_fn")),
        input_process_fn=function("input_process_fn", choices.get("input_process_fn")),
        custom_fields=fields.set("tags", list(tags)) if tags else fields,
        tags=tags,
        archive=archiving_of(choices, refuse),
        **(NOT_CODED if parts else coding_of(subject, choices)),
        returns_composite=composite,
        part_coding=parts,
        use_cache=flag("use_cache", choices.get("use_cache")),
        read_only=flag("read_only", choices.get("read_only")),
    )


def _refuse_generators(subject: Subject) -> None:
    # The callable's `__call__` decides, if a decorator below this one wraps a generator function.
    called = (subject.function, type(subject.function).__call__)
    if any(inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f) for f in called):
        problem = "a generator has no value to store"
        advice = "return a list or another collection of what it yields"
        raise ConfigError(f"@provenance on {subject.label}", problem, advice)


def _repo(subject: Subject, repo: object) -> object:
    if repo is not None and not isinstance(repo, str | Repository):
        problem = f"expected a repository or its name, got {shown(repo)}"
        raise refusal(subject)("repo", problem, "pass either, or None for the default")
    return repo


def _names(subject: Subject, option: str, given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    option_value = given
    is_collection = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    names = list(cast("Iterable[object]", given)) if is_collection else [None]
    if not all(isinstance(name, str) for name in names):
        problem = f"must be a collection of strings, got {shown(option_value)}"
        raise refusal(subject)(option, problem, "pass a list, tuple or set of names")
    texts = cast("list[str]", names)
    return tuple(sorted(texts) if isinstance(given, set | frozenset) else texts)


def _parameters(subject: Subject, option: str, names: object) -> frozenset[str]:
    """Return *names* of parameters or captured variables.

    A function with `**kwargs` accepts any.
    """
    chosen = frozenset(_names(subject, option, names))
    known = {*subject.signature.parameters, *captured_names(subject)}
    unknown = sorted(chosen - known)
    if unknown and subject.extra is None:
        has = ", ".join(sorted(known)) or "none"
        problem = f"function has no parameter {unknown[0]!r}"
        raise refusal(subject)(option, problem, f"its parameters are {has}")
    return chosen


def _mergeable(subject: Subject, chosen: object) -> bool | tuple[str, ...]:
    if chosen is None or isinstance(chosen, bool):
        return bool(chosen)
    names = _names(subject, "merge_defaults", chosen)
    if (name := without_dictionary(subject, names)) is not None:
        problem = f"the default of {name!r} is not a dictionary"
        raise refusal(subject)("merge_defaults", problem, "leave it out")
    return names
