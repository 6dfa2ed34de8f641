"""The options that say how results are written: serializers, their keyword arguments, compression."""

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
    """How to refuse an option of *subject*: from option, problem and advice to the error."""

    def refuse(option: str, problem: str, advice: str) -> ConfigError:
        return ConfigError(f"@provenance on {subject.label}, option {option}", problem, advice)

    return refuse


def json_options(subject: Subject, option: str, given: object) -> Options:
    """*given* as JSON says it; ConfigError where it has no JSON form."""
    if given is None:
        return options(None)
    if not isinstance(given, Mapping):
        raise refusal(subject)(option, f"{shown(given)} is no dictionary", "give one with strings as keys")
    named = cast("Mapping[object, object]", given)
    try:
        text = json.dumps(dict(named), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refusal(subject)(option, f"it has no JSON form ({error})", "use what JSON can say") from None
    if json.loads(text) != dict(named) and not all(isinstance(each, str) for each in named):
        raise refusal(subject)(option, "it has keys that are no strings", "use strings as keys")
    return options(cast("Mapping[str, object]", json.loads(text)))


class CodingOptions(TypedDict):
    """The part of `CallOptions` that says how results are written."""

    serializer: str | None
    load_kwargs: Options
    dump_kwargs: Options


NOT_CODED: Final = CodingOptions(serializer=None, load_kwargs=NO_OPTIONS, dump_kwargs=NO_OPTIONS)


def part_codings(subject: Subject, choices: Mapping[str, object]) -> Mapping[str, Coding]:
    """Serializer and keyword arguments of each part of a composite, where `serializer` tells them by key."""
    serializers = choices.get("serializer")
    if not isinstance(serializers, Mapping):
        return NO_PARTS
    given = {option: _by_key(subject, option, choices.get(option)) for option in ("load_kwargs", "dump_kwargs")}
    known = dict(cast("Mapping[str, object]", serializers))
    for option, several in given.items():
        for key in several.keys() - known.keys():
            raise refusal(subject)(option, f"there is no serializer for the part {key!r}", "name one for it")
    return {
        key: Coding(**coding_of(subject, {"serializer": name, **{o: v.get(key) for o, v in given.items()}}))
        for key, name in known.items()
    }


def _by_key(subject: Subject, option: str, given: object) -> Mapping[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise refusal(subject)(option, f"{shown(given)} is no dictionary", "give keyword arguments by part")
    return cast("Mapping[str, object]", given)


def coding_of(subject: Subject, choices: Mapping[str, object]) -> CodingOptions:
    """Serializer and keyword arguments, which must be its own; without a serializer they are the default one's.

    A compression alone chooses no serializer: it holds for whichever the value's type will choose.
    """
    load, dump = (_json_kwargs(subject, option, choices.get(option)) for option in ("load_kwargs", "dump_kwargs"))
    name = _serializer(subject, choices.get("serializer"))
    if name is None and (load or dump.keys() - {COMPRESSION}):
        name = DEFAULT
    chosen = serializer_named(name or DEFAULT)
    compression, own = split(chosen, dump)
    _check_compression(subject, compression)
    _check_kwargs(subject, "load_kwargs", load, partial(chosen.load, None), chosen)
    _check_kwargs(subject, "dump_kwargs", own, partial(chosen.dump, None, None), chosen)
    return CodingOptions(serializer=name, load_kwargs=load, dump_kwargs=dump)


def _json_kwargs(subject: Subject, option: str, given: object) -> Options:
    """Keyword arguments that have a JSON form; they stay as they were given, tuples too."""
    json_options(subject, option, given)
    return options(cast("Mapping[str, object] | None", given))


def _check_compression(subject: Subject, name: object) -> None:
    if name not in COMPRESSIONS:
        known = ", ".join(map(repr, COMPRESSIONS))
        raise refusal(subject)("dump_kwargs", f"there is no compression {name!r}", f"there are {known}")
    try:
        check_available(name)
    except MissingLibraryError as error:
        problem, _, advice = str(error).partition("; ")
        raise refusal(subject)("dump_kwargs", problem, advice) from None


def _check_kwargs(
    subject: Subject, option: str, kwargs: Options, taker: Callable[..., object], serializer: Serializer
) -> None:
    """See that *taker* takes these keyword arguments, with these values where only some will do."""
    try:
        inspect.signature(taker).bind(**kwargs)
    except TypeError as error:
        advice = "see the documentation of the serializer, or name the one that takes them"
        raise refusal(subject)(option, f"the serializer refuses them: {error}", advice) from None
    for name, value in kwargs.items():
        allowed = serializer.allowed.get(name)
        if allowed is not None and value not in allowed:
            raise refusal(subject)(option, f"{name} cannot be {shown(value)}", f"it is one of {allowed}")


def _serializer(subject: Subject, name: object) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str):
        advice = "give the name of a serializer, or with returns_composite one for each part"
        raise refusal(subject)("serializer", f"{shown(name)} is no name", advice)
    try:
        return serializer_named(name).name
    except ConfigError as error:
        raise refusal(subject)("serializer", error.problem, str(error).partition("; ")[2]) from None
