"""What is known of a planned or recorded call without reading a value, and how two calls differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, cast

from attrs import frozen

from provenance.hashing import hash_value
from provenance.hashing.comparison import ValueDifference
from provenance.hashing.explain import Change, Difference, hash_differences
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
    if isinstance(shown, dict) and ("hash" in shown or "artifact" in shown):
        facts = {key: part for key, part in shown.items() if key != "hash"}
        if facts.keys() == {"artifact"}:
            return f"artifact {str(facts['artifact'])[:SHORT]}"
        shown_hash = f"hash {digest[:SHORT]}"
        return f"{json.dumps(facts)} of {shown_hash}" if facts else shown_hash
    return json.dumps(shown, ensure_ascii=False)


def _compare_input(name: str, first: _Input, second: _Input) -> tuple[ValueDifference, ...]:
    one, other = _text(first), _text(second)
    if one == other:
        # Of a file its path is recorded, so that the hash of that is not the hash of the input.
        is_path = isinstance(first[1], str | list)
        is_file = is_path and hash_value(first[1]) not in (first[0], second[0])
        what = "with content" if is_file else "of hash"
        one, other = (f"{one} {what} {digest[:SHORT]}" for digest, _ in (first, second))
    by_hash = Difference(name, Change.CONTENT, one, other)
    shown = first[1], second[1]
    if any(isinstance(value, dict) and {"hash", "artifact"} & value.keys() for value in shown):
        return (by_hash,)
    return hash_differences(*shown, name, limit=_MOST) or (by_hash,)


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
