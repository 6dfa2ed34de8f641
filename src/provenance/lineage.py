"""Where an artifact came from, as an immutable graph: its sources, what was made of them, and how it hangs together.

Everything here is pure. The graph is gathered by `provenance.tracing`, node by node, so that neither many diamonds nor
a long chain cost more than the artifacts that are in them; values are never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from attrs import frozen
from pyrsistent import PMap, pmap

from provenance.errors import ArtifactNotFoundError, RunNotFoundError
from provenance.ids import ArtifactId, RunId
from provenance.records import Artifact, ArtifactRecord, Inputs, Run
from provenance.shorthand import SHORT, short, sighted

Uses: TypeAlias = "PMap[str, ArtifactId]"
"""Artifacts that a call was given, by where they were among its arguments: `data`, `models[0]`, `parts['train']`."""
Arguments: TypeAlias = "PMap[str, str]"
"""The other arguments of a call in a few characters each, by name."""


@frozen
class Lineage:
    """An artifact with all that it was made from, at any remove.

    `artifacts` holds the artifacts by id, *root* among them. `edges` says for each which artifacts its call was given,
    and as which argument, and which others its value holds; `arguments` what else it was given. An artifact that was
    deleted since is named by the edges to it only.
    """

    root: ArtifactId
    artifacts: PMap[ArtifactId, Artifact[object]]
    edges: PMap[ArtifactId, Uses]
    arguments: PMap[ArtifactId, Arguments]

    def uses(self, artifact_id: ArtifactId) -> tuple[tuple[str, ArtifactId], ...]:
        """What the call that made this artifact was given of others: argument and id, in order of the argument."""
        given = self.edges.get(artifact_id)
        return (
            ()
            if given is None
            else tuple(sorted(given.items(), key=lambda edge: (_natural(edge[0]), edge[1])))
        )

    @property
    def order(self) -> tuple[ArtifactId, ...]:
        """Ids of all artifacts, each after those that it was made from; *root* is the last.

        Recomputing a source from its own product makes a circle; it is cut where it closes.
        """
        done: list[ArtifactId] = []
        entered: set[ArtifactId] = set()
        waiting = [(self.root, False)]
        while waiting:
            artifact_id, ready = waiting.pop()
            if ready:
                done.append(artifact_id)
            elif artifact_id in self.artifacts and artifact_id not in entered:
                entered.add(artifact_id)
                waiting.append((artifact_id, True))
                waiting += [
                    (each, False)
                    for _, each in reversed(self.uses(artifact_id))
                    if each not in entered
                ]
        return tuple(done)

    @property
    def missing(self) -> frozenset[ArtifactId]:
        """Ids that edges lead to, but of which nothing is recorded any more."""
        named = {each for given in self.edges.values() for each in given.values()}
        return frozenset(each for each in named if each not in self.artifacts)

    @property
    def run_ids(self) -> frozenset[RunId]:
        """The runs, processes each, that computed the artifacts."""
        return frozenset(each.run_id for each in self.artifacts.values())

    def runs(self) -> PMap[RunId, Run]:
        """The runs that computed the artifacts: looked up now, each once; what is no longer recorded is left out."""
        found: dict[RunId, Run] = {}
        for each in self.artifacts.values():
            if each.run_id not in found:
                with suppress(RunNotFoundError):
                    found[each.run_id] = each.run_info
        return pmap(found)

    def tree(self, root: str | None = None) -> str:
        """The lineage as text: a line for each artifact with its id and the seconds that computing it took.

        What an artifact was made from is below it. One that was shown before is not taken apart again. *root*, an id
        or its first digits, shows a part.

        Raises:
            ArtifactNotFoundError: if nothing here has an id that begins like *root*.
        """
        start = self.root if root is None else self._beginning_with(root)
        rows = list(_rows(self, start))
        width = min(max(len(row.text) for row in rows), _WIDEST)
        return "\n".join(f"{row.text:<{width}}  {row.id[:SHORT]}  {row.note}" for row in rows)

    def _beginning_with(self, prefix: str) -> ArtifactId:
        matches = [each for each in self.artifacts if each.startswith(prefix)]
        if len(matches) != 1:
            raise ArtifactNotFoundError(prefix, f"lineage of {self.root[:SHORT]}")
        return matches[0]


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Sorting key by which `a[2]` comes before `a[10]`."""
    return tuple(
        (int(each), "") if each.isdecimal() else (-1, each) for each in re.split(r"(\d+)", text)
    )


# ---------------------------------------------------------------- from recorded inputs to edges


def described(record: ArtifactRecord, inputs: Inputs | None) -> tuple[Uses, Arguments]:
    """What a call was given: artifacts by their place among the arguments, and the other arguments in short.

    An artifact whose place cannot be told (it was inside an object, or its call's *inputs* are lost) is an edge all
    the same, under a name that says so; and so is one that was not given to the call, but is held by its value.
    """
    uses: dict[str, ArtifactId] = {}
    arguments: dict[str, str] = {}
    for name, value in _named(inputs) if inputs is not None else ():
        places = dict(_places(name, value)) if record.input_artifact_ids else {}
        if places:
            uses |= places
        else:
            arguments[name] = short(value)
    unplaced = sorted(record.input_artifact_ids - set(uses.values()))
    uses |= {f"some input ({each[:SHORT]})": each for each in unplaced}
    held = sorted(record.value_artifact_ids - set(uses.values()))
    uses |= {_held_as(each): each for each in held}
    return pmap(uses), pmap(arguments)


def _held_as(artifact_id: ArtifactId) -> str:
    return f"in its value ({artifact_id[:SHORT]})"


def with_part_keys(
    record: ArtifactRecord, uses: Uses, found: Mapping[ArtifactId, ArtifactRecord]
) -> Uses:
    """*uses* of a composite, its parts by their keys as far as they are *found*: `['model']`."""
    parts = {each: found[each].name for each in record.value_artifact_ids if each in found}
    start = f"{record.name}_"
    named = {
        _held_as(each): f"[{name.removeprefix(start)!r}]"
        for each, name in parts.items()
        if name.startswith(start)
    }
    return pmap({named.get(place, place): each for place, each in uses.items()})


def _named(inputs: Inputs) -> Iterator[tuple[str, object]]:
    yield from inputs.kargs.items()
    yield from ((f"*{i}", value) for i, value in enumerate(inputs.varargs))
    yield from ((f"captured {name}", value) for name, value in inputs.captured.items())


def _places(name: str, value: object) -> Iterator[tuple[str, ArtifactId]]:
    """Where artifacts are in *value*, looking into builtin containers; an unread one is not read for this."""
    entered: set[int] = set()
    waiting = [(name, value)]
    while waiting:
        place, each = waiting.pop()
        sighting = sighted(each)
        if sighting is not None:
            yield place, sighting.artifact_id
        elif id(each) not in entered and type(each) in _MEMBERS:
            entered.add(id(each))
            waiting += [(place + where, member) for where, member in _MEMBERS[type(each)](each)]


def _by_index(members: Iterable[object]) -> Iterator[tuple[str, object]]:
    return ((f"[{i}]", each) for i, each in enumerate(members))


def _by_key(members: Mapping[object, object]) -> Iterator[tuple[str, object]]:
    return ((f"[{short(key)}]", each) for key, each in members.items())


def _unnamed(members: Iterable[object]) -> Iterator[tuple[str, object]]:
    """Members of a set have no place of their own: they are told apart by what they are."""
    for each in members:
        sighting = sighted(each)
        yield "{…}" if sighting is None else f"{{{sighting.artifact_id[:SHORT]}}}", each


_MEMBERS: Final[Mapping[type, Callable[[Any], Iterator[tuple[str, object]]]]] = {
    list: _by_index,
    tuple: _by_index,
    dict: _by_key,
    set: _unnamed,
    frozenset: _unnamed,
}


# ---------------------------------------------------------------- the tree

_WIDEST: Final = 100
"""Lines that are longer push their own id to the right, and leave the others alone."""


@frozen
class _Row:
    text: str
    id: ArtifactId
    note: str


def _rows(lineage: Lineage, start: ArtifactId) -> Iterator[_Row]:
    """A line for each edge: its text, which artifact it is about, and what remains to be said of it."""
    shown: set[ArtifactId] = set()
    waiting: list[tuple[str, str, str, ArtifactId]] = [("", "", "", start)]
    while waiting:
        before, below, place, artifact_id = waiting.pop()
        artifact = lineage.artifacts.get(artifact_id)
        label = f"{place}: " if place else ""
        if artifact is None:
            yield _Row(f"{before}{label}?", artifact_id, " no longer recorded")
            continue
        uses, name = lineage.uses(artifact_id), f"{before}{label}{plain_name(artifact)}"
        if artifact_id in shown and uses:
            yield _Row(f"{name} …", artifact_id, " see above")
            continue
        shown.add(artifact_id)
        yield _Row(
            name + _told(lineage, artifact_id), artifact_id, f"{artifact.compute_duration:8.3f} s"
        )
        for i, (argument, each) in enumerate(reversed(uses)):
            corner, rail = ("└─ ", "   ") if i == 0 else ("├─ ", "│  ")
            waiting.append((below + corner, below + rail, argument, each))


def _told(lineage: Lineage, artifact_id: ArtifactId) -> str:
    """The arguments that are no artifacts, as they would be written in a call."""
    named = in_order(lineage.arguments.get(artifact_id, {}))
    return f"({', '.join(f'{name}={text}' for name, text in named)})" if named else ""


def in_order(arguments: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Arguments by name, numbered ones in the order of their numbers."""
    return tuple(sorted(arguments.items(), key=lambda each: _natural(each[0])))


def plain_name(record: ArtifactRecord) -> str:
    """Name of an artifact without the module, where it has one that says nothing new."""
    return record.name.removeprefix(f"{record.fn_module}.")
