"""The lineage of an artifact as an immutable graph: its sources, and how they were used.

Everything here is pure. `provenance.catalog.trace` collects the graph node by node, so that neither many
diamonds nor a long chain cost more than the artifacts in them; values are never read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, TypeAlias, cast

from attrs import frozen
from pyrsistent import PMap, pmap

from provenance.codecs.table_parts import PART_FIELDS
from provenance.errors import ArtifactNotFoundError, CorruptRecordError, RunNotFoundError
from provenance.escaping import escape_invisible
from provenance.model.ids import ArtifactId, RunId, ValueId
from provenance.model.queries import has_labels
from provenance.model.records import Artifact, ArtifactRecord, Derivation, Inputs, Json, Run
from provenance.model.references import SCALARS, InputRef, represented_artifact
from provenance.repository.inputs import Summary, recorded_inputs
from provenance.streams.stream import CHUNK_FIELDS
from provenance.util.components import in_postorder
from provenance.util.formatting import SHORT, describe_shape, safe_repr
from provenance.util.naming import exported

_SUMMARIZED: Final = frozenset({"hash", "shape", "dtype", "len"})
"""What else JSON says of an input that is too large for it."""
LONGEST: Final = 24
"""Maximum length of an argument's text."""
MOST: Final = 4
"""Maximum number of members of a container that are shown."""
_CONTAINERS: Final = frozenset({list, tuple, dict, set, frozenset})


def summarize(value: object, depth: int = 2) -> str:
    """Abbreviate *value*: write it out if it is small and builtin, else name its type.

    >>> summarize([1, "two", {"three": 3.0}]), summarize(b"0123456789" * 9), summarize(object())
    ("[1, 'two', {'three': 3.0}]", "b'01234567890123456789…", '<object>')
    """
    if represented_artifact(value) is not None:
        return "<artifact>"
    kind = type(value)
    if kind in SCALARS or isinstance(value, PurePath):
        text = safe_repr(str(value) if isinstance(value, PurePath) else value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}…"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if kind in _CONTAINERS and depth:
        return _container(value, depth)
    if isinstance(value, Summary):
        return f"<{value.type.rpartition(':')[2]}>"
    if isinstance(value, type) or hasattr(kind, "__code__"):
        return getattr(value, "__qualname__", kind.__name__)
    shape = describe_shape(value)
    if shape is not None and all(type(length) is int for length in shape):
        return f"<{kind.__name__} {'x'.join(map(str, shape))}>"
    return f"<{kind.__name__}>"


def _container(value: Any, depth: int) -> str:  # noqa: ANN401 - one of _CONTAINERS
    if len(value) > MOST or type(value) in (set, frozenset):
        return f"<{type(value).__name__} of {len(value)}>"
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        entries = [f"{summarize(key, 0)}: {summarize(member, depth - 1)}" for key, member in items]
        return f"{{{', '.join(entries)}}}"
    inner = ", ".join(summarize(member, depth - 1) for member in cast("Iterable[object]", value))
    return f"[{inner}]" if isinstance(value, list) else f"({inner})"


Uses: TypeAlias = "PMap[str, ArtifactId]"
"""The artifacts among a call's arguments by place: `data`, `models[0]`, `parts['train']`."""
Arguments: TypeAlias = "PMap[str, str]"
"""The other arguments of a call, abbreviated, by name."""


Edges: TypeAlias = "tuple[tuple[str, ArtifactId], ...]"
"""Arguments, and the artifacts that were given or got them."""
_NOTHING: Final[PMap[ArtifactId, int]] = pmap()


@exported
@frozen(repr=False)
class Lineage:
    """An artifact with all artifacts that it was made from, directly or indirectly.

    `artifacts` holds the artifacts by id, *root* among them. `edges` tells for each one which
    artifacts its call was given, as which argument, and which others its value holds; `arguments`
    tells the other arguments. Only edges name an artifact that has been deleted since. `beyond` tells how many sources of an
    artifact were left out, as there would be too many steps or artifacts. If *down*, it holds what was made from *root*, and
    `beyond` tells how many users of an artifact were left out.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> lineage = p.lineage(squares(3))
        >>> [artifact.fn_name for artifact in lineage.artifacts.values()]
        ['squares']
    """

    root: ArtifactId
    artifacts: PMap[ArtifactId, Artifact[object]]
    edges: PMap[ArtifactId, Uses]
    arguments: PMap[ArtifactId, Arguments]
    beyond: PMap[ArtifactId, int] = _NOTHING
    down: bool = False

    def uses(self, artifact_id: ArtifactId) -> Edges:
        """Return the artifacts that the call of *artifact_id* was given: argument and id, ordered by argument."""
        uses = self.edges.get(artifact_id)
        if uses is None:
            return ()
        return tuple(sorted(uses.items(), key=lambda edge: (_natural(edge[0]), edge[1])))

    @property
    def order(self) -> tuple[ArtifactId, ...]:
        """The ids of all artifacts, sources first; *root* is the last, and the first if this leads *down*.

        Recomputing a source from its own product makes a cycle; it is cut where it closes.
        """
        sources = {
            user: [source for _, source in reversed(self.uses(user)) if source in self.artifacts]
            for user in self.artifacts
        }
        if self.down:
            others = in_postorder(sources, sorted(sources, reverse=True), {self.root})
            return (self.root, *others)
        return tuple(in_postorder(sources, sources.keys() & {self.root}, set()))

    def below(self) -> Callable[[ArtifactId], Edges]:
        """Return the function that tells what the tree has below an artifact: its sources or its users."""
        if not self.down:
            return self.uses
        users: dict[ArtifactId, Edges] = {}
        for user in self.order:
            for place, source in self.uses(user):
                users[source] = (*users.get(source, ()), (place, user))
        return lambda artifact_id: users.get(artifact_id, ())

    @property
    def missing(self) -> frozenset[ArtifactId]:
        """The ids that edges name but that are no longer recorded."""
        named = {source for uses in self.edges.values() for source in uses.values()}
        return frozenset(source for source in named if source not in self.artifacts)

    @property
    def run_ids(self) -> frozenset[RunId]:
        """The runs (processes) that computed the artifacts."""
        return frozenset(artifact.run_id for artifact in self.artifacts.values())

    def runs(self) -> PMap[RunId, Run]:
        """Look up the runs that computed the artifacts; leave out those lost or damaged."""
        found: dict[RunId, Run] = {}
        for artifact in self.artifacts.values():
            if artifact.run_id not in found:
                with suppress(RunNotFoundError, CorruptRecordError):
                    found[artifact.run_id] = artifact.run_info
        return pmap(found)

    def __repr__(self) -> str:
        lines = self.tree().splitlines()
        more = len(lines) - _MOST_LINES
        if more > 0:
            lines[_MOST_LINES:] = [f"… and {more:,} more lines; see tree()"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the tree for a notebook; `provenance.vis` draws pictures."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def tree(self, root: str | None = None) -> str:
        """Return the lineage as text: a line per artifact with its id and its seconds to compute.

        The sources of an artifact are below it, the first time that it appears.

        Args:
            root: An id, or its first digits, to show a part of the lineage.

        Raises:
            ArtifactNotFoundError: if not exactly one id begins with *root*.
        """
        start = self.root
        if root is not None:
            matches = [one for one in self.artifacts if one.startswith(root)]
            if len(matches) != 1:
                raise ArtifactNotFoundError(root, f"lineage of {self.root[:SHORT]}")
            start = matches[0]
        rows = [(escape_invisible(text), *row) for text, *row in _rows(self, start)]
        width = min(max(len(text) for text, _, _ in rows), _WIDEST)
        return "\n".join(
            f"{text:<{width}}  {escape_invisible(row_id[:SHORT])}  {note}"
            for text, row_id, note in rows
        )


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a sorting key by which `a[2]` comes before `a[10]`."""
    pieces = re.split(r"(\d+)", text)
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces)


# ---------------------------------------------------------------- from recorded inputs to edges


def describe_inputs(record: ArtifactRecord, inputs: Inputs | None) -> tuple[Uses, Arguments]:
    """Return the artifacts that a call was given, by place, and its other arguments, abbreviated.

    An artifact without a known place (it was inside an object, or the *inputs* are lost) is an edge
    under a name that says so; so is one that the call was not given but that its value holds.
    """
    uses: dict[str, ArtifactId] = {}
    arguments: dict[str, str] = {}
    for name, value in _by_parameter(inputs) if inputs is not None else ():
        places = dict(_places(name, value)) if record.input_artifact_ids else {}
        if places:
            uses |= places
        else:
            arguments[name] = summarize(value)
    for source in sorted(record.input_artifact_ids - set(uses.values())):
        uses[f"some input ({source[:SHORT]})"] = source
    for part in sorted(record.value_artifact_ids - set(uses.values())):
        uses[_place_in_value(part)] = part
    return pmap(uses), pmap(arguments)


def derived_uses(
    record: ArtifactRecord,
    uses: Uses,
    derivations: Iterable[Derivation],
    values: Mapping[ArtifactId, ValueId],
    *,
    is_recorded: bool,
) -> Uses:
    """Return the edges of an artifact that calls got with other inputs; each takes the place of one of equal value.

    Args:
        record: The artifact.
        uses: Its recorded edges.
        derivations: The derivations by which it was used.
        values: The values of the artifacts, by id.
        is_recorded: Whether it was used with the recorded inputs as well.
    """
    edges = {
        place: source
        for place, source in uses.items()
        if is_recorded or source not in record.input_artifact_ids
    }
    for derivation in derivations:
        others = derivation.input_artifact_ids
        for place, source in uses.items():
            value = values.get(source)
            same = [other for other in sorted(others) if value and values.get(other) == value]
            for other in [source] if source in others else same:
                named = edges.get(place)
                edges[place if named in (None, other) else f"{place} ({other[:SHORT]})"] = other
        for other in sorted(others - set(edges.values())):
            edges[f"some input ({other[:SHORT]})"] = other
    return pmap(edges)


@frozen
class _Recorded:
    """An artifact among recorded inputs."""

    artifact_id: ArtifactId

    def __provenance_sighting__(self) -> InputRef:
        return InputRef(self.artifact_id, ValueId(""), ValueId(""))


def inputs_as_recorded(record: ArtifactRecord, text: str) -> Inputs:
    """Return the inputs that a record has as JSON *text*: artifacts, summaries, and small values."""

    def revive(value: Json) -> object:
        if isinstance(value, list):
            return [*map(revive, value)]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"artifact"} and value["artifact"] in record.input_artifact_ids:
            return _Recorded(ArtifactId(str(value["artifact"])))
        if isinstance(value.get("type"), str) and value.keys() - {"type"} <= _SUMMARIZED:
            return Summary(str(value["type"]), None)
        return {key: revive(member) for key, member in value.items()}

    try:
        recorded = recorded_inputs(text)
    except (AttributeError, ValueError) as error:
        raise CorruptRecordError(record.id, "", "its inputs are not JSON of a call") from error
    varargs = recorded.pop("*args", [])
    arguments = {name: revive(value) for name, value in recorded.items()}
    return Inputs(arguments, tuple(map(revive, varargs if isinstance(varargs, list) else [])))


def _place_in_value(artifact_id: ArtifactId) -> str:
    return f"in its value ({artifact_id[:SHORT]})"


def label_parts(
    record: ArtifactRecord, uses: Uses, found: Mapping[ArtifactId, ArtifactRecord]
) -> Uses:
    """Return the *uses* of a composite, its *found* parts by their keys: `['model']`, `[chunk 0]`."""
    if not record.composite:
        return uses
    start = f"{record.name}_"
    keys = {
        _place_in_value(part): _key(found[part], start)
        for part in record.value_artifact_ids
        if part in found and found[part].name.startswith(start)
    }
    return pmap({keys.get(place, place): source for place, source in uses.items()})


def _key(part: ArtifactRecord, start: str) -> str:
    """Return the key of a part; chunks of a stream, and parts of a table, have one name."""
    for kind, fields in (("chunk", CHUNK_FIELDS), ("part", PART_FIELDS)):
        if has_labels(part.custom_fields, fields):
            return f"[{kind} {cast('dict[str, object]', part.custom_fields['chunk'])['number']}]"
    return f"[{part.name.removeprefix(start)!r}]"


def _by_parameter(inputs: Inputs) -> Iterator[tuple[str, object]]:
    yield from inputs.kargs.items()
    yield from ((f"*{i}", value) for i, value in enumerate(inputs.varargs))
    yield from ((f"captured {name}", value) for name, value in inputs.captured.items())


def _places(name: str, value: object) -> Iterator[tuple[str, ArtifactId]]:
    """Yield the artifacts in *value* by place, in builtin containers too; read no value."""
    entered: set[int] = set()
    waiting = [(name, value)]
    while waiting:
        place, part = waiting.pop()
        ref = represented_artifact(part)
        if ref is not None:
            yield place, ref.artifact_id
        elif id(part) not in entered and type(part) in _CONTAINERS:
            entered.add(id(part))
            waiting += [(place + key, member) for key, member in _members(part)]


def _members(value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any value
    """Yield the members of a builtin container by place; those of a set have none but their identity."""
    kind = cast("type[object]", type(value))
    if kind in (list, tuple):
        yield from ((f"[{i}]", member) for i, member in enumerate(value))
    elif kind is dict:
        yield from ((f"[{summarize(key)}]", member) for key, member in value.items())
    elif kind in (set, frozenset):
        for member in value:
            ref = represented_artifact(member)
            yield "{…}" if ref is None else f"{{{ref.artifact_id[:SHORT]}}}", member


# ---------------------------------------------------------------- the tree

_MOST_LINES: Final = 40
"""Lines of the tree that are shown by `repr`."""
_WIDEST: Final = 100
"""Width of the column of texts; longer lines push their own id to the right."""


def _rows(lineage: Lineage, start: ArtifactId) -> Iterator[tuple[str, ArtifactId, str]]:
    """Yield a text, an artifact and a note for each edge, depth first."""
    below = lineage.below()
    shown: set[ArtifactId] = set()
    waiting: list[tuple[str, str, str, ArtifactId]] = [("", "", "", start)]
    while waiting:
        before, rail, place, artifact_id = waiting.pop()
        text = f"{before}{place}: " if place else before
        artifact = lineage.artifacts.get(artifact_id)
        if artifact is None:
            yield f"{text}?", artifact_id, " no longer recorded"
            continue
        text += short_name(artifact)
        uses = below(artifact_id)
        if artifact_id in shown and uses:
            yield f"{text} …", artifact_id, " see above"
            continue
        shown.add(artifact_id)
        if arguments := sorted_arguments(lineage.arguments.get(artifact_id, {})):
            text += f"({', '.join(f'{name}={value}' for name, value in arguments)})"
        yield text, artifact_id, f"{artifact.compute_duration:8.3f} s"
        for i, (argument, source) in enumerate(reversed(uses)):
            corner, line = ("└─ ", "   ") if i == 0 else ("├─ ", "│  ")
            waiting.append((rail + corner, rail + line, argument, source))


def sorted_arguments(arguments: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return arguments sorted by name, with numbers in numerical order."""
    return tuple(sorted(arguments.items(), key=lambda argument: _natural(argument[0])))


def short_name(record: ArtifactRecord) -> str:
    """Return the name of an artifact without the module of its function."""
    return record.name.removeprefix(f"{record.fn_module}.")
