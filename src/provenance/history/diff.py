"""How two artifacts differ: inputs, code, run, value, and the first ancestors where their lineages part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from attrs import frozen

from provenance import environment
from provenance.calls.facts import compare_facts, compare_identity, facts_of
from provenance.catalog.graph import Lineage
from provenance.catalog.trace import lineage
from provenance.errors import CorruptRecordError, ProvenanceError, RunNotFoundError
from provenance.escaping import escape_invisible
from provenance.hashing.comparison import ValueDifference, compare_values
from provenance.hashing.explain import Change, Difference
from provenance.history.code import CodeDifference, compare_code
from provenance.history.runs import compare_runs
from provenance.model.ids import ArtifactId
from provenance.model.records import Artifact
from provenance.repository.handles import Repository
from provenance.util.formatting import SHORT
from provenance.util.naming import exported


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
        text = f"{_both(self.names)} ({self.first[:SHORT]} and {self.second[:SHORT]})"
        causes = "; ".join([*map(str, self.inputs), *(str(difference) for difference in self.code)])
        return f"{text}: {causes or 'equal inputs and code gave different values'}"


def _both(names: tuple[str, str]) -> str:
    return names[0] if names[0] == names[1] else f"{names[0]} and {names[1]}"


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
    ours, theirs = (environment.repository_of(artifact) for artifact in (one, other))
    known = facts_of(one, ours), facts_of(other, theirs)
    return ArtifactDiff(
        one.id,
        other.id,
        compare_identity(*known),
        compare_facts(*known),
        compare_code((one, ours), (other, theirs)),
        _compare_runs(one, other),
        _compare_values(one, other, read=values),
        _find_parting(lineage(one), lineage(other), ours, theirs),
    )


def _compare_runs(first: Artifact[object], second: Artifact[object]) -> tuple[Difference, ...]:
    if first.run_id == second.run_id:
        return ()
    try:
        return compare_runs(first.run_info, second.run_info)
    except (RunNotFoundError, CorruptRecordError):
        return ()


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


def _find_parting(
    ours: Lineage, theirs: Lineage, our_repo: Repository, their_repo: Repository
) -> Parting | None:
    for one, other in _pairs(ours, theirs):
        first, second = ours.artifacts[one], theirs.artifacts[other]
        if first.value_id != second.value_id:
            facts = facts_of(first, our_repo), facts_of(second, their_repo)
            return Parting(
                one,
                other,
                (first.name, second.name),
                compare_facts(*facts),
                compare_code((first, our_repo), (second, their_repo)),
            )
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
