"""What a repository holds, as a whole: functions, runs, sets, and where the bytes are."""

from __future__ import annotations

from provenance.environment import RepositoryOrName, current
from provenance.errors import ConfigError
from provenance.model.queries import GROUPINGS, Grouping, Usage
from provenance.model.records import Run
from provenance.ports.records import SummarizeRecords
from provenance.repository.sets import ArtifactSet
from provenance.util.formatting import did_you_mean, safe_repr


def disk_usage(
    by: Grouping = "function", repo: RepositoryOrName | None = None
) -> tuple[Usage, ...]:
    """Return what is stored, in groups, the largest first.

    Args:
        by: `function`, `run`, `month`, `serializer` or `type` (of the value).
        repo: The repository, by default the default one.

    Returns:
        A `Usage` for each group.

    Raises:
        ConfigError: for another *by*.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2), squares(3)
        >>> [(usage.key, usage.artifacts) for usage in p.disk_usage(by="type")]
        [('builtins:list', 2)]
    """
    if by not in GROUPINGS:
        advice = did_you_mean(str(by), [*GROUPINGS])
        raise ConfigError("disk_usage, by", f"unknown grouping {safe_repr(by)}", advice)
    groups = current().repository(repo).interpreter(SummarizeRecords(by))
    return tuple(sorted(groups, key=lambda group: (-group.bytes, group.key)))


def functions(repo: RepositoryOrName | None = None) -> tuple[Usage, ...]:
    """Return the functions that have results in the repository, by name.

    Args:
        repo: The repository, by default the default one.

    Raises:
        ConfigError: if there is no repository of this name.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2), squares(3)
        >>> [(usage.key, usage.artifacts) for usage in p.functions()]
        [('provenance.catalog.overview.squares', 2)]
    """
    return current().repository(repo).interpreter(SummarizeRecords("function"))


def runs(repo: RepositoryOrName | None = None) -> tuple[Run, ...]:
    """Return the runs (processes) that computed what the repository holds, newest first.

    Args:
        repo: The repository, by default the default one.

    Raises:
        CorruptRecordError: if the record of a run is damaged.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> len(p.runs())
        1
    """
    return current().repository(repo).runs()


def sets(repo: RepositoryOrName | None = None) -> tuple[ArtifactSet, ...]:
    """Return the sets of artifacts, each with the labels that it was given last, newest first.

    Args:
        repo: The repository, by default the default one.

    Raises:
        CorruptRecordError: if the record of a set is damaged.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = p.create_set([squares(2)], "trial")
        >>> [found.labels["name"] for found in p.sets()]
        ['trial']
    """
    return current().repository(repo).sets()
