"""What is known of a planned or recorded call without reading a value, and how two calls differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias, cast

from attrs import frozen

from provenance.hashing import hash_value
from provenance.hashing.comparison import ValueDifference
from provenance.hashing.explain import Change, Difference, hash_differences, parts, summary
from provenance.model.records import ArtifactRecord, Inputs, Json
from provenance.ports.records import FindInputs
from provenance.repository.handles import Repository
from provenance.repository.inputs import InputHashes, recorded_inputs
from provenance.util.formatting import SHORT

_MOST: Final = 20
"""Number of differences that are listed."""


@frozen
class Facts:
    """What is known of a planned or recorded call: its identity, and its inputs by hash and as JSON."""

    name: str
    version: int
    function: str
    hashes: InputHashes
    shown: Mapping[str, Json]
    inputs: Inputs | None = None


def facts_of(record: ArtifactRecord, repo: Repository) -> Facts:
    """Return what is recorded of the call that made an artifact; no value is read."""
    text = repo.interpreter(FindInputs(record.id))
    return Facts(
        record.name,
        record.version,
        f"{record.fn_module}.{record.fn_qualname}",
        InputHashes.parse(record.input_hashes),
        {} if text is None else recorded_inputs(text),
    )


def compare_facts(ours: Facts, theirs: Facts) -> tuple[ValueDifference, ...]:
    """Return how the inputs of two calls differ: into values by their recorded JSON, else by hash.

    Inputs that are ignored do not count.
    """
    first, second = (dict(_sections(facts)) for facts in (ours, theirs))
    found: list[ValueDifference] = []
    for name in (*first, *(name for name in second if name not in first)):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            change = Change.ADDED if one is None else Change.REMOVED
            found.append(Difference(name, change, *(_text(value) for value in (one, other))))
        elif one[0] != other[0]:
            found += _compare_input(name, one, other)
    return tuple(found[:_MOST])


_Input: TypeAlias = tuple[str, Json]
"""The hash of an input, and what is recorded of it."""


def _sections(facts: Facts) -> Iterator[tuple[str, _Input]]:
    rest = cast("list[Json]", facts.shown.get("*args", ()))
    for name, digest in facts.hashes.kargs.items():
        yield name, (digest, facts.shown.get(name))
    for i, digest in enumerate(facts.hashes.varargs):
        yield f"*args[{i}]", (digest, rest[i] if i < len(rest) else None)
    for name, digest in facts.hashes.captured.items():
        yield f"captured {name}", (digest, {"hash": digest})


def _text(value: _Input | None) -> str:
    if value is None:
        return "-"
    digest, shown = value
    if not _is_summary(value):
        return _plain_text(shown)
    facts = {key: part for key, part in cast("dict[str, Json]", shown).items() if key != "hash"}
    shown_hash = f"hash {digest[:SHORT]}"
    return f"{json.dumps(facts)} of {shown_hash}" if facts else shown_hash


def _is_summary(value: _Input) -> bool:
    """Tell whether little but its hash is recorded of an input."""
    digest, shown = value
    return isinstance(shown, dict) and shown.get("hash") == digest


_REFERENCE: Final = re.compile(r"""\{"artifact": "([0-9a-f]{8})[0-9a-f]{32}"\}""")
"""What is recorded of an artifact, as JSON text."""


def _plain_text(shown: Json) -> str:
    """Return what is recorded as JSON text, with the short names of artifacts."""
    return _REFERENCE.sub(r"artifact \1", json.dumps(shown, ensure_ascii=False))


def _is_reference(shown: Json) -> bool:
    return isinstance(shown, dict) and bool(_REFERENCE.fullmatch(json.dumps(shown)))


def _compare_input(name: str, first: _Input, second: _Input) -> tuple[Difference, ...]:
    one, other = _text(first), _text(second)
    if one == other:
        # Of a file its path is recorded, so that the hash of that is not the hash of the input.
        is_file = _is_path(first[1]) and hash_value(first[1]) not in (first[0], second[0])
        what = "with content" if is_file else "of hash"
        one, other = (f"{one} {what} {digest[:SHORT]}" for digest, _ in (first, second))
    by_hash = Difference(name, Change.CONTENT, one, other)
    if any(_is_summary(value) or _is_reference(value[1]) for value in (first, second)):
        return (by_hash,)
    return tuple(islice(_compare_shown(name, first[1], second[1]), _MOST)) or (by_hash,)


def _is_path(shown: Json) -> bool:
    return isinstance(shown, str) or (
        isinstance(shown, list) and all(isinstance(member, str) for member in shown)
    )


def _compare_shown(path: str, first: Json, second: Json) -> Iterator[Difference]:
    """Yield the differences of what is recorded of two inputs; an artifact is one thing."""
    if _is_reference(first) or _is_reference(second):
        if first != second:
            yield Difference(path, Change.CONTENT, _short_text(first), _short_text(second))
        return
    if not isinstance(first, dict | list) or type(first) is not type(second):
        yield from hash_differences(first, second, path)
        return
    ours, theirs = (
        {part.step: cast("Json", part.value) for part in parts(value)} for value in (first, second)
    )
    for step in dict.fromkeys((*ours, *theirs)):
        if step not in theirs:
            yield Difference(path + step, Change.REMOVED, _short_text(ours[step]), "-")
        elif step not in ours:
            yield Difference(path + step, Change.ADDED, "-", _short_text(theirs[step]))
        else:
            yield from _compare_shown(path + step, ours[step], theirs[step])


def _short_text(shown: Json) -> str:
    return _plain_text(shown) if _is_reference(shown) else summary(shown)


def compare_identity(first: Facts, second: Facts) -> tuple[Difference, ...]:
    """Return how name, version and function of two calls differ."""
    pairs = (
        ("name", first.name, second.name),
        ("version", str(first.version), str(second.version)),
        ("function", first.function, second.function),
    )
    return tuple(
        Difference(what, Change.CONTENT, one, other) for what, one, other in pairs if one != other
    )
