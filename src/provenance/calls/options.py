"""Options of the decorator, checked when a function is decorated."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypedDict, cast

from attrs import asdict, evolve, frozen

from provenance import codecs
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
from provenance.codecs.table_parts import PARQUET_PARTS
from provenance.errors import ConfigError, MissingLibraryError
from provenance.model.records import Artifact, Options, freeze_options
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
    given = GivenOptions(wrapped, choices)
    if "over" in choices:
        raise given.refuse("over", "cannot be changed", "decorate the function again, with `over`")
    known_options = OptionArguments.__annotations__
    for option in choices.keys() - known_options.keys():
        advice = did_you_mean(option, sorted(known_options))
        raise given.refuse(option, f"unexpected option {option!r}", advice)
    version, name = given.version(), given.name()
    composite = bool(given.flag("returns_composite"))
    archive = given.archiving()
    parts = given.part_serializations() if composite else NO_PARTS
    whole = PartSerialization() if parts else given.serialization()
    tags, fields = given.names("tags"), given.json("custom_fields")
    return DecoratorOptions(
        version=version,
        repo=given.repo(),
        name=name,
        aliases=given.aliases(version, name),
        merge_defaults=given.mergeable(),
        ignore=given.ignored(),
        remove=given.parameters("remove"),
        input_hash_fn=given.function("input_hash_fn", "one dictionary"),
        input_process_fn=given.function("input_process_fn", "one dictionary"),
        custom_fields=freeze_options({**fields, "tags": list(tags)}) if tags else fields,
        tags=tags,
        archive=archive,
        **asdict(whole, recurse=False),
        returns_composite=composite,
        part_serialization=parts,
        use_cache=given.flag("use_cache"),
        read_only=given.flag("read_only"),
        results=given.results(),
        files=given.files(),
        on_code_change=given.code_policy(),
        sensitive_to=given.libraries(),
        shadow=parse_shadow(choices.get("shadow"), given.path("shadow")),
        expires_after=given.lifetime(),
        valid_if=given.function("valid_if", "one artifact"),
        streaming=given.streaming(),
        pure=given.purity(),
    )


@frozen
class GivenOptions:
    """The options that a function is decorated with, as they are given; each method checks one of them, or a few.

    Raises:
        ConfigError: for an invalid option.
    """

    wrapped: WrappedFunction
    choices: Mapping[str, object]

    def path(self, option: str) -> str:
        """Return what names the option in messages."""
        return f"@provenance on {self.wrapped.label}, option {option}"

    def refuse(self, option: str, problem: str, advice: str) -> ConfigError:
        """Return the error for an option."""
        return ConfigError(self.path(option), problem, advice)

    def wrong(self, option: str, expected: str, advice: str) -> ConfigError:
        """Return the error for an option that is not what is *expected*."""
        problem = f"must be {expected}, got {safe_repr(self.choices.get(option))}"
        return self.refuse(option, problem, advice)

    def flag(self, option: str) -> bool | None:
        """Return a bool, or None."""
        value = self.choices.get(option)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(option, "a bool or None", "None defers to the environment")
        return value

    def function(self, option: str, argument: str) -> Callable[[Any], Any] | None:
        """Return a function of *argument*, or None."""
        value = self.choices.get(option)
        if value is not None and not callable(value):
            raise self.wrong(option, "callable", f"pass a function of {argument}")
        return value

    def mapping(self, option: str, advice: str) -> Mapping[str, object]:
        """Return a mapping, an empty one for None."""
        value = self.choices.get(option)
        if value is not None and not isinstance(value, Mapping):
            raise self.wrong(option, "a mapping", advice)
        return {} if value is None else cast("Mapping[str, object]", value)

    def json(self, option: str) -> Options:
        """Return a mapping after a round trip through JSON, which must be able to hold it."""
        entries = dict(self.mapping(option, "use strings as keys"))
        try:
            text = json_text(entries)
        except (TypeError, ValueError) as error:
            problem = f"invalid JSON: {error}"
            raise self.refuse(option, problem, "use JSON types only") from None
        found: Mapping[str, object] = json.loads(text)
        if found != entries and not all(isinstance(cast("object", key), str) for key in entries):
            raise self.refuse(option, "keys must be strings", "use strings as keys")
        return freeze_options(found)

    def names(self, option: str) -> tuple[str, ...]:
        """Return strings, those of a set in order."""
        value = self.choices.get(option)
        if value is None:
            return ()
        is_collection = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
        names = list(cast("Iterable[object]", value)) if is_collection else [None]
        if not all(isinstance(name, str) for name in names):
            advice = "pass a list, tuple or set of names"
            raise self.wrong(option, "a collection of strings", advice)
        texts = cast("list[str]", names)
        return tuple(sorted(texts) if isinstance(value, set | frozenset) else texts)

    def parameters(self, option: str) -> frozenset[str]:
        """Return names of parameters or captured variables; a function with `**kwargs` accepts any."""
        chosen = frozenset(self.names(option))
        known = {*self.wrapped.signature.parameters, *closure_names(self.wrapped)}
        unknown = sorted(chosen - known)
        if unknown and self.wrapped.extra is None:
            problem = f"function has no parameter {unknown[0]!r}"
            has = ", ".join(sorted(known)) or "none"
            raise self.refuse(option, problem, f"its parameters are {has}")
        return chosen

    def version(self) -> int:
        """Return the version."""
        version = self.choices.get("version", 0)
        if type(version) is not int or version < 0:
            raise self.wrong("version", "a non-negative integer", "count up from 0")
        return version

    def name(self) -> str | None:
        """Return the name of the artifacts, None for the default one."""
        name = self.choices.get("name")
        if name is not None and (invalid := name_problem(name)) is not None:
            raise self.refuse("name", *invalid)
        return cast("str | None", name)

    def aliases(self, version: int, name: str | None) -> tuple[str, ...]:
        """Return earlier names of the function, without one that it has now."""
        aliases = self.names("aliases")
        own = cache_key_of(self.wrapped, DecoratorOptions(version, name=name))
        for alias in aliases:
            if (invalid := name_problem(alias)) is not None:
                raise self.refuse("aliases", *invalid)
            if alias in (own.scope or own.name, own.name):
                problem = f"{alias!r} is the name that the function has now"
                raise self.refuse("aliases", problem, "pass only names that it had before")
        return aliases

    def repo(self) -> object:
        """Return a repository or its name."""
        repo = self.choices.get("repo")
        if repo is not None and not isinstance(repo, str | Repository):
            problem = f"expected a repository or its name, got {safe_repr(repo)}"
            raise self.refuse("repo", problem, "pass either, or None for the default")
        return repo

    def mergeable(self) -> bool | tuple[str, ...]:
        """Return whether dictionaries are merged, or the parameters of those that are."""
        chosen = self.choices.get("merge_defaults")
        if chosen is None or isinstance(chosen, bool):
            return bool(chosen)
        names = self.names("merge_defaults")
        if (name := parameter_without_dictionary(self.wrapped, names)) is not None:
            problem = f"the default of {name!r} is not a dictionary"
            raise self.refuse("merge_defaults", problem, "leave it out")
        return names

    def ignored(self) -> frozenset[str]:
        """Return the ignored parameters."""
        ignore = self.parameters("ignore")
        if ignore and self.choices.get("input_hash_fn") is not None:
            advice = "drop the ignored hashes in that function"
            raise self.refuse("ignore", "cannot be combined with input_hash_fn", advice)
        return ignore

    def files(self) -> frozenset[str]:
        """Return names of parameters whose files count by their contents."""
        chosen = self.parameters("files")
        for name in sorted(chosen):
            if name in closure_names(self.wrapped):
                advice = "make it a parameter of the function"
                raise self.refuse("files", f"{name!r} is a captured variable", advice)
            for option in ("ignore", "remove"):
                if name in self.names(option):
                    problem = f"parameter {name!r} is in `{option}` as well"
                    raise self.refuse("files", problem, "name it in one of the options")
        return chosen

    def archiving(self) -> Archiving | None:
        """Return how a file is archived; None if none is."""
        for option in ("archive_file", *_RELATED):
            if not isinstance(self.choices.get(option, False), bool):
                raise self.wrong(option, "a bool", "pass True or False")
        if not self.choices.get("archive_file"):
            for option in filter(self.choices.get, _RELATED):
                raise self.refuse(option, "requires archive_file=True", "add that, or leave it out")
            return None
        for option in filter(self.choices.get, _OPPOSED):
            advice = "the file is stored as it is: leave it out"
            raise self.refuse(option, "cannot be combined with archive_file", advice)
        return Archiving(*(bool(self.choices.get(option)) for option in _RELATED))

    def part_serializations(self) -> Mapping[str, PartSerialization]:
        """Return the serialization of each part of a composite, if `serializer` is a mapping by key."""
        serializers = self.choices.get("serializer")
        if not isinstance(serializers, Mapping):
            return NO_PARTS
        names = cast("Mapping[str, object]", serializers)
        if PARQUET_PARTS in names.values():
            problem, advice = f"{PARQUET_PARTS!r} is not for parts", "use it for a whole result"
            raise self.refuse("serializer", problem, advice)
        kwargs: dict[str, Mapping[str, object]] = {}
        for option in ("load_kwargs", "dump_kwargs"):
            kwargs[option] = self.mapping(option, "pass keyword arguments by part")
            for key in kwargs[option].keys() - names.keys():
                problem = f"no serializer registered for part {key!r}"
                raise self.refuse(option, problem, "name one for it")
        parts: dict[str, PartSerialization] = {}
        for key, name in names.items():
            own = {option: by_key.get(key) for option, by_key in kwargs.items()}
            parts[key] = evolve(self, choices={"serializer": name, **own}).serialization()
        return parts

    def serialization(self) -> PartSerialization:
        """Return serializer and keyword arguments, which must fit it or the default serializer.

        A compression alone chooses no serializer: it applies to whichever the value's type selects.
        """
        load, dump = self._kwargs("load_kwargs"), self._kwargs("dump_kwargs")
        name = self.choices.get("serializer")
        if name is None and (load or dump.keys() - {codecs.COMPRESSION}):
            name = codecs.DEFAULT
        if name is not None and not isinstance(name, str):
            advice = "with returns_composite, pass a mapping from part to name"
            raise self.wrong("serializer", "the name of a serializer", advice)
        try:
            chosen = codecs.get_serializer(codecs.DEFAULT if name is None else name)
        except ConfigError as error:
            advice = str(error).rpartition("; ")[2]
            raise self.refuse("serializer", error.problem, advice) from None
        compression, own = codecs.split_compression(chosen, dump)
        self._check_compression(compression)
        self._check_kwargs("load_kwargs", load, partial(chosen.load, None), chosen)
        self._check_kwargs("dump_kwargs", own, partial(chosen.dump, None, None), chosen)
        return PartSerialization(name, load, dump)

    def _kwargs(self, option: str) -> Options:
        """Return keyword arguments as they are, after checking that JSON can hold them."""
        self.json(option)
        return freeze_options(cast("Mapping[str, object] | None", self.choices.get(option)))

    def _check_compression(self, name: object) -> None:
        if name not in codecs.COMPRESSIONS:
            known = ", ".join(map(repr, codecs.COMPRESSIONS))
            problem = f"unknown compression {name!r}"
            raise self.refuse("dump_kwargs", problem, f"expected one of: {known}")
        try:
            codecs.check_available(name)
        except MissingLibraryError as error:
            problem, _, advice = str(error).partition(": ")
            raise self.refuse("dump_kwargs", problem, advice) from None

    def _check_kwargs(
        self,
        option: str,
        kwargs: Options,
        taker: Callable[..., object],
        serializer: codecs.Serializer,
    ) -> None:
        """Check that *taker* accepts these keyword arguments, and their values where a set is fixed."""
        try:
            inspect.signature(taker).bind(**kwargs)
        except TypeError as error:
            advice = "see the documentation of the serializer, or name the one that accepts them"
            raise self.refuse(option, f"the serializer refuses them: {error}", advice) from None
        for name, value in kwargs.items():
            allowed = serializer.allowed.get(name)
            if allowed is not None and value not in allowed:
                problem = f"{name} must be one of {allowed}, got {safe_repr(value)}"
                raise self.refuse(option, problem, "pass one of them")

    def results(self) -> Options:
        """Return how the function's results and arguments are handed over, as far as that was chosen."""
        for option, style in STYLES.items():
            if self.choices.get(option) not in (None, *style):
                expected = " or ".join(map(repr, style))
                raise self.wrong(option, expected, "None defers to the environment")
        self.flag("lazy")
        chosen = {name: self.choices.get(name) for name in (*STYLES, "lazy")}
        return freeze_options({name: value for name, value in chosen.items() if value is not None})

    def code_policy(self) -> OnCodeChange | None:
        """Return what a hit of changed code does."""
        policy = self.choices.get("on_code_change")
        return None if policy is None else require_policy(policy, self.path("on_code_change"))

    def libraries(self) -> tuple[str, ...]:
        """Return the distributions whose version counts as code."""
        libraries = self.names("sensitive_to")
        for library in libraries:
            parse_sensitivity(library, self.path("sensitive_to"))
        return libraries

    def lifetime(self) -> timedelta | None:
        """Return the age up to which results are returned."""
        given = self.choices.get("expires_after")
        if given is not None and not (isinstance(given, timedelta) and given > timedelta()):
            advice = "pass one, such as timedelta(days=1)"
            raise self.wrong("expires_after", "a positive timedelta", advice)
        return given

    def purity(self) -> Purity:
        """Return what the function may do to its arguments."""
        given = self.choices.get("pure")
        if given not in (None, *PURITIES):
            raise self.wrong("pure", " or ".join(map(repr, PURITIES)), 'the default is "strict"')
        return given or "strict"

    def streaming(self) -> Streaming | None:
        """Return how the items of a generator function are stored; None for other functions."""
        given, yields = self.choices.get("stream", False), self.wrapped.yields
        if not isinstance(given, bool | Streaming):
            advice = "pass True, or Streaming(chunk_items=…)"
            raise self.wrong("stream", "a bool or a Streaming", advice)
        if given is False:
            if not yields:
                return None
            problem = "a generator has no value to store"
            advice = "pass stream=True to store what it yields, or return a list of it"
            raise ConfigError(f"@provenance on {self.wrapped.label}", problem, advice)
        if not yields:
            advice = "decorate a generator function"
            raise self.refuse("stream", "the function does not yield", advice)
        for option in ("returns_composite", "archive_file"):
            if self.choices.get(option):
                problem = f"cannot be combined with {option}"
                raise self.refuse("stream", problem, "leave one of them out")
        if self.choices.get("serializer") == PARQUET_PARTS:
            raise self.refuse("serializer", f"{PARQUET_PARTS!r} is not for streams", "leave it out")
        return Streaming() if given is True else given
