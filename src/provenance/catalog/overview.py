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

    Raises:
        ConfigError: for another *by*.
    """
    if by not in GROUPINGS:
        advice = did_you_mean(str(by), [*GROUPINGS])
        raise ConfigError("disk_usage, by", f"unknown grouping {safe_repr(by)}", advice)
    groups = current().repository(repo).interpreter(SummarizeRecords(by))
    return tuple(sorted(groups, key=lambda group: (-group.bytes, group.key)))


def functions(repo: RepositoryOrName | None = None) -> tuple[Usage, ...]:
    """Return the functions that have results in the repository, by name."""
    return current().repository(repo).interpreter(SummarizeRecords("function"))


def runs(repo: RepositoryOrName | None = None) -> tuple[Run, ...]:
    """Return the runs (processes) that computed what the repository holds, newest first.

    Raises:
        CorruptRecordError: if the record of a run is damaged.
    """
    return current().repository(repo).runs()


def sets(repo: RepositoryOrName | None = None) -> tuple[ArtifactSet, ...]:
    """Return the sets of artifacts, each with the labels that it was given last, newest first.

    Raises:
        CorruptRecordError: if the record of a set is damaged.
    """
    return current().repository(repo).sets()
