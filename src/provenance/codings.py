"""The options of the decorator for serializers and compression."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypedDict, cast

from provenance.binding import Subject
from provenance.codecs import (
    COMPRESSION,
    COMPRESSIONS,
    DEFAULT,
    Serializer,
    check_available,
    serializer_named,
    split,
)
from provenance.errors import ConfigError, MissingLibraryError
from provenance.recipe import NO_PARTS, Coding
from provenance.records import NO_OPTIONS, Options, options
from provenance.showing import shown


def refusal(subject: Subject) -> Callable[[str, str, str], ConfigError]:
    """Return a function from option, problem and advice to a ConfigError about *subject*."""

    def refuse(option: str, problem: str, advice: str) -> ConfigError:
        return ConfigError(f"@provenance on {subject.label}, option {option}", problem, advice)

    return refuse


def json_options(subject: Subject, option: str, given: object) -> Options:
    """Return *given* after a round trip through JSON; raise ConfigError if JSON cannot hold it."""
    if given is None:
        return options(None)
    entries = cast(
        "Mapping[object, object]", _mapping(subject, option, given, "use strings as keys")
    )
    try:
        text = json.dumps(dict(entries), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refusal(subject)(option, f"invalid JSON: {error}", "use JSON types only") from None
    if json.loads(text) != dict(entries) and not all(isinstance(key, str) for key in entries):
        raise refusal(subject)(option, "keys must be strings", "use strings as keys")
    return options(cast("Mapping[str, object]", json.loads(text)))


class CodingOptions(TypedDict):
    """The part of `CallOptions` about serialization."""

    serializer: str | None
    load_kwargs: Options
    dump_kwargs: Options


NOT_CODED: Final = CodingOptions(serializer=None, load_kwargs=NO_OPTIONS, dump_kwargs=NO_OPTIONS)


def part_codings(subject: Subject, choices: Mapping[str, object]) -> Mapping[str, Coding]:
    """Return the serialization of each part of a composite, if `serializer` is a mapping by key."""
    serializers = choices.get("serializer")
    if not isinstance(serializers, Mapping):
        return NO_PARTS
    names = dict(cast("Mapping[str, object]", serializers))
    kwargs: dict[str, Mapping[str, object]] = {}
    for option in ("load_kwargs", "dump_kwargs"):
        given = choices.get(option)
        advice = "pass keyword arguments by part"
        kwargs[option] = {} if given is None else _mapping(subject, option, given, advice)
        for key in kwargs[option].keys() - names.keys():
            problem = f"no serializer registered for part {key!r}"
            raise refusal(subject)(option, problem, "name one for it")
    return {
        key: Coding(
            **coding_of(
                subject,
                {
                    "serializer": name,
                    **{option: by_key.get(key) for option, by_key in kwargs.items()},
                },
            )
        )
        for key, name in names.items()
    }


def _mapping(subject: Subject, option: str, given: object, advice: str) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise refusal(subject)(option, f"must be a mapping, got {shown(given)}", advice)
    return cast("Mapping[str, object]", given)


def coding_of(subject: Subject, choices: Mapping[str, object]) -> CodingOptions:
    """Return serializer and keyword arguments, which must fit it or the default serializer.

    A compression alone chooses no serializer: it applies to whichever the value's type selects.
    """
    load, dump = (
        _json_kwargs(subject, option, choices.get(option))
        for option in ("load_kwargs", "dump_kwargs")
    )
    name = choices.get("serializer")
    if name is None and (load or dump.keys() - {COMPRESSION}):
        name = DEFAULT
    if name is not None and not isinstance(name, str):
        advice = "with returns_composite, pass a mapping from part to name"
        raise refusal(subject)(
            "serializer", f"must be the name of a serializer, got {shown(name)}", advice
        )
    try:
        chosen = serializer_named(DEFAULT if name is None else name)
    except ConfigError as error:
        advice = str(error).partition("; ")[2]
        raise refusal(subject)("serializer", error.problem, advice) from None
    compression, own = split(chosen, dump)
    _check_compression(subject, compression)
    _check_kwargs(subject, "load_kwargs", load, partial(chosen.load, None), chosen)
    _check_kwargs(subject, "dump_kwargs", own, partial(chosen.dump, None, None), chosen)
    return CodingOptions(serializer=name, load_kwargs=load, dump_kwargs=dump)


def _json_kwargs(subject: Subject, option: str, given: object) -> Options:
    """Return keyword arguments as they are, after checking that JSON can hold them."""
    json_options(subject, option, given)
    return options(cast("Mapping[str, object] | None", given))


def _check_compression(subject: Subject, name: object) -> None:
    if name not in COMPRESSIONS:
        known = ", ".join(map(repr, COMPRESSIONS))
        problem = f"unknown compression {name!r}"
        raise refusal(subject)("dump_kwargs", problem, f"expected one of: {known}")
    try:
        check_available(name)
    except MissingLibraryError as error:
        problem, _, advice = str(error).partition("; ")
        raise refusal(subject)("dump_kwargs", problem, advice) from None


def _check_kwargs(
    subject: Subject,
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
        raise refusal(subject)(option, f"the serializer refuses them: {error}", advice) from None
    for name, value in kwargs.items():
        allowed = serializer.allowed.get(name)
        if allowed is not None and value not in allowed:
            problem = f"{name} must be one of {allowed}, got {shown(value)}"
            raise refusal(subject)(option, problem, "pass one of them")
