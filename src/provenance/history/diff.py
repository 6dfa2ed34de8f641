"""How two artifacts differ: inputs, code, run, value, and the first ancestors where their lineages part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from typing import Final, TypeAlias, cast

from attrs import frozen

from provenance import environment
from provenance.calls.facts import Facts, compare_facts, compare_identity, facts_of
from provenance.catalog.graph import Lineage
from provenance.catalog.trace import lineage
from provenance.effect import run
from provenance.errors import CorruptRecordError, ProvenanceError, RunNotFoundError
from provenance.escaping import escape_invisible
from provenance.hashing.comparison import ValueDifference, compare_values
from provenance.hashing.explain import Change, Difference
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact, Json, Run
from provenance.ports.records import find_code
from provenance.receipts.receipt import change_between
from provenance.receipts.walk import ITSELF
from provenance.repository.handles import Repository
from provenance.util.formatting import SHORT, truncate
from provenance.util.naming import exported


@exported
@frozen
class CodeDifference:
    """Something that two results depend on, and that differs.

    Attributes:
        name: its name with its module.
        what: `changed`, `is used now` or `is no longer used`.
        lines: the differences of its source, as of `diff -u`; empty if it was not recorded.

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> first = p.provenance(rated)(3)
        >>> RATE = 2
        >>> second = p.provenance(rated)(4)
        >>> [difference] = p.diff(first, second).code
        >>> print(difference.name.rpartition(".")[2], difference.what)
        RATE changed
    """

    name: str
    what: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.what}"


@exported
@frozen
class Parting:
    """The first ancestors, sources first, that have different values although their own sources have equal ones.

    Attributes:
        first: id of the ancestor of the first artifact.
        second: id of that of the second.
        names: their names.
        inputs: how their inputs differ.
        code: how their code differs.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> parting = p.diff(squares(2), squares(3)).parting
        >>> [str(difference) for difference in parting.inputs]
        ['n differs: 2 and 3']
    """

    first: ArtifactId
    second: ArtifactId
    names: tuple[str, str]
    inputs: tuple[ValueDifference, ...]
    code: tuple[CodeDifference, ...]

    def __str__(self) -> str:
        one, other = self.names
        names = one if one == other else f"{one} and {other}"
        text = f"{names} ({self.first[:SHORT]} and {self.second[:SHORT]})"
        causes = "; ".join([*map(str, self.inputs), *(str(difference) for difference in self.code)])
        return f"{text}: {causes or 'equal inputs and code gave different values'}"


@exported
@frozen(repr=False)
class ArtifactDiff:
    """How two artifacts differ; every part is empty if they do not differ in it.

    Attributes:
        first: id of the first artifact.
        second: id of the second.
        identity: name, module and version.
        inputs: the arguments.
        code: functions, classes and constants, with the difference of their sources if these were
            recorded.
        run: Python, packages, host and git.
        value: the values; of those that cannot be read, the hashes.
        parting: the first ancestors where the lineages part.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> diff = p.diff(squares(2), squares(3))
        >>> bool(diff), [str(change) for change in diff.value]
        (True, ['value[2] is only in the second: - and 4'])
    """

    first: ArtifactId
    second: ArtifactId
    identity: tuple[Difference, ...]
    inputs: tuple[ValueDifference, ...]
    code: tuple[CodeDifference, ...]
    run: tuple[Difference, ...]
    value: tuple[ValueDifference, ...]
    parting: Parting | None

    def __bool__(self) -> bool:
        return bool(self.identity or self.inputs or self.code or self.value)

    def __repr__(self) -> str:
        lines = [f"{self.first[:SHORT]} and {self.second[:SHORT]}"]
        sections = (
            ("identity", self.identity),
            ("inputs", self.inputs),
            ("code", self.code),
            ("run", self.run),
            ("value", self.value),
            ("they part at", (self.parting,) if self.parting is not None else ()),
        )
        for title, differences in sections:
            for difference in differences:
                lines.append(f"  {title}: {escape_invisible(str(difference))}")
                if isinstance(difference, CodeDifference):
                    lines += [f"    {escape_invisible(line)}" for line in difference.lines]
        return "\n".join(lines if len(lines) > 1 else [f"{lines[0]} do not differ"])


def diff(
    first: object, second: object, *, values: bool = True, repo: Repository | str | None = None
) -> ArtifactDiff:
    """Return how two artifacts differ, and the first ancestors where they part.

    Args:
        first: An artifact, a result, or the id of one or its first digits.
        second: The other one.
        values: Read both values and compare them in their own terms; else only their hashes.
        repo: The repository of ids, by default the current one.

    Returns:
        What differs: inputs, code, environment and values.

    Raises:
        ArtifactNotFoundError: if no artifact has this id.
        TypeError: if either is anything else.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> [str(change) for change in p.diff(squares(2), squares(3)).inputs]
        ['n differs: 2 and 3']
    """
    one, other = (environment.artifact_for(artifact, repo) for artifact in (first, second))
    known = _facts_of(one), _facts_of(other)
    return ArtifactDiff(
        one.id,
        other.id,
        compare_identity(*known),
        compare_facts(*known),
        _compare_code(one, other),
        () if one.run_id == other.run_id else compare_runs(run_of(one), run_of(other)),
        _compare_values(one, other, read=values),
        _find_parting(lineage(one), lineage(other)),
    )


def _facts_of(artifact: Artifact[object]) -> Facts:
    return facts_of(artifact, environment.repository_of(artifact))


def _compare_code(first: Artifact[object], second: Artifact[object]) -> tuple[CodeDifference, ...]:
    """Return how the code of two artifacts differs; nothing where a receipt is not recorded."""
    if first.code == second.code:
        return ()
    before, after = (
        run(find_code(artifact.code), environment.repository_of(artifact).interpreter)
        for artifact in (first, second)
    )
    if before is None or after is None:
        return ()
    ours, theirs = before.digests, after.digests
    found: list[CodeDifference] = []
    for name in sorted(ours.keys() | theirs.keys()):
        what = change_between(ours.get(name), theirs.get(name))
        if what is not None:
            old = before.sources.get(ours.get(name, ""), "").splitlines()
            new = after.sources.get(theirs.get(name, ""), "").splitlines()
            lines = tuple(unified_diff(old, new, lineterm="", n=2))[2:]
            found.append(CodeDifference(_full_name(name, second), what, lines))
    return tuple(found)


def _full_name(name: str, artifact: Artifact[object]) -> str:
    if name == ITSELF:
        return f"{artifact.fn_module}.{artifact.fn_qualname}"
    return f"{artifact.fn_module}{name}" if name.startswith(".") else name


def run_of(artifact: Artifact[object]) -> Run | None:
    """Return the run that computed an artifact; None if it is not recorded, or damaged."""
    with suppress(RunNotFoundError, CorruptRecordError):
        return artifact.run_info
    return None


_COMPARED: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("version", "implementation"),
    "host": ("nodename", "system", "machine", "release"),
    "git": ("commit", "branch", "dirty"),
    "packages": (),
    "extra": (),
}
"""Facts by part that are compared, or all; a process has more parts, which differ each time."""


def compare_runs(first: Run | None, second: Run | None) -> tuple[Difference, ...]:
    """Return the facts in which two runs differ that may explain different results; none if one is not known."""
    if first is None or second is None:
        return ()
    found: list[Difference] = []
    for part, names in _COMPARED.items():
        ours, theirs = (
            cast("Mapping[str, Json]", getattr(one, part) or {}) for one in (first, second)
        )
        for name in names or sorted(ours.keys() | theirs.keys()):
            # Each program executes other files, and those that git does not track make it dirty.
            is_own_code = name == "dirty" and "untracked" in ours.keys() | theirs.keys()
            if ours.get(name) == theirs.get(name) or is_own_code:
                continue
            change = Change.CONTENT
            if name not in ours or name not in theirs:
                change = Change.ADDED if name in theirs else Change.REMOVED
            texts = (truncate(facts[name]) if name in facts else "-" for facts in (ours, theirs))
            found.append(Difference(f"{part}.{name}", change, *texts))
    return tuple(found)


def _compare_values(
    first: Artifact[object], second: Artifact[object], *, read: bool
) -> tuple[ValueDifference, ...]:
    if first.value_id == second.value_id:
        return ()
    hashes = f"hash {first.value_id[:SHORT]}", f"hash {second.value_id[:SHORT]}"
    by_hash = (Difference("value", Change.CONTENT, *hashes),)
    if not read:
        return by_hash
    try:
        return compare_values(first.value, second.value) or by_hash
    except ProvenanceError:  # lost, evicted or not trusted
        return by_hash


_Pair: TypeAlias = tuple[ArtifactId, ArtifactId]
_MOST_PAIRS: Final = 100_000


def _find_parting(ours: Lineage, theirs: Lineage) -> Parting | None:
    for one, other in _pairs(ours, theirs):
        first, second = ours.artifacts[one], theirs.artifacts[other]
        if first.value_id != second.value_id:
            inputs = compare_facts(_facts_of(first), _facts_of(second))
            code = _compare_code(first, second)
            return Parting(one, other, (first.name, second.name), inputs, code)
    return None


def _pairs(ours: Lineage, theirs: Lineage) -> Iterator[_Pair]:
    """Yield the artifacts that have one place in both lineages, sources first."""
    met: set[_Pair] = set()
    waiting: list[tuple[_Pair, bool]] = [((ours.root, theirs.root), False)]
    while waiting and len(met) < _MOST_PAIRS:
        pair, is_ready = waiting.pop()
        one, other = pair
        if is_ready:
            yield pair
        elif pair not in met and one in ours.artifacts and other in theirs.artifacts:
            met.add(pair)
            if one == other and ours.artifacts[one].value_id == theirs.artifacts[other].value_id:
                continue
            waiting.append((pair, True))
            uses = dict(theirs.uses(other))
            shared = [(a, uses[place]) for place, a in reversed(ours.uses(one)) if place in uses]
            waiting += [(sources, False) for sources in shared]
