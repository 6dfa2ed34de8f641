"""Finding artifacts: by search, by who made them, and by id; and what a repository holds as a whole."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from operator import attrgetter
from types import UnionType
from typing import TYPE_CHECKING, Final, Protocol, cast

from attrs import evolve, field, fields, frozen

from provenance import environment
from provenance.environment import RepositoryOrName, current
from provenance.errors import ConfigError, ProvenanceError
from provenance.escaping import escape_invisible, html_table, text_table
from provenance.hashing import hash_value
from provenance.model.ids import RunId
from provenance.model.queries import GROUPINGS, Grouping, Query, Usage
from provenance.model.records import Artifact, ArtifactRecord, Json, Run, freeze_options
from provenance.model.references import is_proxy, unwrap
from provenance.ports.records import (
    FindRecordsByValue,
    SearchRecords,
    SummarizeRecords,
    all_records,
)
from provenance.repository.handles import Repository
from provenance.repository.inputs import input_json
from provenance.repository.sets import ArtifactSet, id_of
from provenance.util.formatting import SHORT, did_you_mean, duration, safe_repr, size
from provenance.util.naming import exported
from provenance.util.validation import is_collection, require_iterable, require_mapping

if TYPE_CHECKING:
    import pandas as pd


def load_artifact(artifact_id: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """Return the artifact of an id, or of a unique prefix of at least 6 digits, its value unread.

    An artifact, or the result of a decorated function, is looked up by its id.

    Args:
        artifact_id: An id, a unique prefix, an artifact or a result.
        repo: The repository, by default the default one.

    Raises:
        TypeError: for anything else.
        ArtifactNotFoundError: if no artifact has this id.
        AmbiguousIdError: if the prefix fits several ids; lists them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> p.load_artifact(squares.artifact_id(3)).value
        [0, 1, 4]
    """
    return current().repository(repo).get_by_id(artifact_id)


def load_proxy(artifact_id: object, repo: RepositoryOrName | None = None) -> object:
    """Return a proxy of the value of an artifact, read on first use; raises as `load_artifact`.

    Args:
        artifact_id: An id, a unique prefix, an artifact or a result.
        repo: The repository, by default the default one.

    Raises:
        ArtifactNotFoundError: if no artifact has this id.
        AmbiguousIdError: if the prefix fits several ids; lists them.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> artifact_id = squares.artifact(3).id
        >>> print(p.load_proxy(artifact_id))
        [0, 1, 4]
    """
    return load_artifact(artifact_id, repo).proxy()


_COLUMNS: Final = tuple(
    column.name
    for column in fields(ArtifactRecord)
    if column.name not in {"value_blob", "inputs_blob", "interface", "code"}
)


class NamedFunction(Protocol):
    """A decorated function."""

    def __provenance_names__(self) -> tuple[str, ...]:
        """Return the name of its artifacts, and its aliases."""
        ...


_SHOWN: Final = 10
"""Artifacts that a search shows by `repr`."""
_TITLES: Final = ("id", "name", "version", "value", "size", "took", "computed")


@exported
@frozen(repr=False)
class SearchResult:
    """The artifacts that match a query, newest first; each iteration searches again.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2), squares(3)
        >>> [artifact.value for artifact in p.search("squares")]
        [[0, 1, 4], [0, 1]]
    """

    query: Query
    repo: Repository = field(repr=False)
    aliases: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Artifact[object]]:
        if not self.aliases:
            return self._matches(self.query)
        queries = [self.query, *[evolve(self.query, name=alias) for alias in self.aliases]]
        newest = attrgetter("computed_at")
        return heapq.merge(*map(self._matches, queries), key=newest, reverse=True)

    def _matches(self, query: Query) -> Iterator[Artifact[object]]:
        found = all_records(self.repo.interpreter, query)
        return (Artifact.of(record, self.repo) for record in found)

    def page(
        self, limit: int, after: int | None = None
    ) -> tuple[tuple[Artifact[object], ...], int | None]:
        """Return up to *limit* artifacts, and where the next ones begin; None after the last.

        Results under aliases of a function are left out.

        Args:
            limit: The most artifacts that are returned; a page may have fewer.
            after: What the page before returned.
        """
        page = self.repo.interpreter(SearchRecords(self.query, after, limit))
        return tuple(Artifact.of(record, self.repo) for record in page.records), page.next

    def __bool__(self) -> bool:
        """Return whether anything matches, reading one record."""
        return self.first is not None

    @property
    def first(self) -> Artifact[object] | None:
        """The newest one; None if nothing matches."""
        if self.aliases:
            return next(iter(self), None)
        page, after = self.page(1)
        while not page and after is not None:
            # A page of a chain is empty if nearer repositories have all of it.
            page, after = self.page(1, after)
        return page[0] if page else None

    def _rows(self) -> tuple[list[tuple[str, ...]], str]:
        """Return the cells of the first artifacts, and a line on what follows."""
        try:
            artifacts = [*islice(self, _SHOWN + 1)]
        except ProvenanceError as error:
            return [], f"cannot be read: {error}"
        rows: list[tuple[str, ...]] = [
            (
                artifact.id[:SHORT],
                artifact.name,
                str(artifact.version),
                artifact.value_type.rpartition(":")[2],
                size(artifact.size_bytes),
                duration(artifact.compute_duration),
                f"{artifact.computed_at:%Y-%m-%d %H:%M}",
            )
            for artifact in artifacts[:_SHOWN]
        ]
        if not rows:
            return [], "nothing found"
        more = len(artifacts) > _SHOWN
        return rows, f"the newest {_SHOWN} are shown, more follow" if more else ""

    def __repr__(self) -> str:
        cells, note = self._rows()
        if not cells:
            return f"<provenance.SearchResult: {escape_invisible(note)}>"
        return "\n".join([*text_table(_TITLES, cells), *([note] if note else [])])

    def _repr_html_(self) -> str:
        """Return the first artifacts as a table for a notebook."""
        cells, note = self._rows()
        return html_table(_TITLES if cells else (), cells, note)

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame with one row per artifact, indexed by id.

        Each parameter has a column, such as `inputs.depth`, with the argument as it was recorded:
        the value if it is small, the id of an artifact, or a dictionary with type, hash and shape.
        """
        import pandas as pd  # noqa: PLC0415 - optional and slow

        columns = (*_COLUMNS, "content_digest", "size_bytes")
        rows: list[dict[str, object]] = []
        for artifact in self:
            row = {name: getattr(artifact, name) for name in columns}
            for name, value in self.repo.get_recorded_inputs(artifact).items():
                row[f"inputs.{name}"] = _artifact_id(value)
            rows.append(row)
        names = [*columns, *sorted({name for row in rows for name in row} - {*columns})]
        cells = [[row.get(name) for name in names] for row in rows]
        return pd.DataFrame(cells, columns=names).set_index("id")


def _artifact_id(recorded: Json) -> object:
    """Return the id of the artifact that an argument was, or the argument as it is recorded."""
    if isinstance(recorded, dict) and recorded.keys() == {"artifact"}:
        return recorded["artifact"]
    return recorded


def search(  # noqa: PLR0913 - conditions by keyword
    name: str | NamedFunction | None = None,
    *,
    version: int | None = None,
    tags: Iterable[str] = (),
    custom_fields: Mapping[str, object] | None = None,
    inputs: Mapping[str, object] | None = None,
    uses: Iterable[object] = (),
    since: date | str | None = None,
    until: date | str | None = None,
    run: Run | str | None = None,
    repo: RepositoryOrName | None = None,
) -> SearchResult:
    """Return the artifacts that meet all of these conditions.

    Args:
        name: Name of the artifacts, or its end after a dot: `train` finds `churn.train`. `*`, `?`
            and `[…]` are wildcards as in file names, for which the whole name counts. Or a
            decorated function, whose results under its aliases are found too.
        version: Version of the function.
        tags: Tags that they must have.
        custom_fields: Custom fields that they must have, with equal values.
        inputs: Values of arguments by parameter. A dictionary may leave keys out, and a dotted path
            leads into one: `{"config.depth": 3}`. A key may end with an operator:
            `{"config.depth >=": 3}`; there are `=`, `!=`, `<`, `<=`, `>` and `>=`. Large values are
            compared by hash, artifacts by id; large ones inside lists and dictionaries only by
            type, shape and length.
        uses: Artifacts (or whole ids) that must be among the inputs, at any depth.
        since: The earliest time of computation: a date, a datetime with a time zone, or ISO 8601
            text such as `2026-11-28` or `2026-11-28T09:30`, in local time unless it has a zone.
        until: The time before which they were computed, as *since*; a date includes its day.
        run: The run that computed them, or its id.
        repo: The repository to search, by default the default one.

    Returns:
        The artifacts, newest first; a sequence that prints as a table.

    Raises:
        ConfigError: for a condition of the wrong type, or a time without a zone.
        TypeError: for something in *uses* that is not an artifact.
        UnhashableValueError: for an input that could not have been hashed.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(2), squares(3)
        >>> [artifact.value for artifact in p.search("squares", inputs={"n >": 2})]
        [[0, 1, 4]]
    """
    tags, aliases = _require_texts(tags), tuple[str, ...]()
    if name is not None and hasattr(type(name), "__provenance_names__"):
        name, *others = cast("NamedFunction", name).__provenance_names__()
        aliases = tuple(others)
    for option, given in (("custom_fields", custom_fields), ("inputs", inputs)):
        require_mapping(
            {} if given is None else given, f"search, {option}", "pass a mapping of names to values"
        )
    begin, end = _parse_moment(since, "since"), _parse_moment(until, "until", is_end=True)
    _validators(name=name, version=version, run=run, since=begin, until=end)
    query = Query(
        name=cast("str | None", name),
        version=version,
        tags=frozenset(tags),
        custom_fields=freeze_options(custom_fields),
        inputs=freeze_options({key: input_json(value) for key, value in (inputs or {}).items()}),
        uses=frozenset(map(id_of, require_iterable(uses, "search, uses"))),
        since=begin,
        until=end,
        run_id=run.id if isinstance(run, Run) else None if run is None else RunId(run),
    )
    return SearchResult(query, environment.current().repository(repo), aliases)


def _require_texts(tags: object) -> list[str]:
    found = [*cast("Iterable[object]", tags)] if is_collection(tags) else [None]
    if not all(isinstance(tag, str) for tag in found):
        problem = f"must be a collection of strings, got {tags!r}"
        advice = f"pass [{tags!r}]" if isinstance(tags, str) else "pass a list of strings"
        raise ConfigError("search, tags", problem, advice)
    return cast("list[str]", found)


def _parse_moment(
    given: date | str | None, option: str, *, is_end: bool = False
) -> datetime | None:
    if not isinstance(given, str | date) or isinstance(given, datetime):
        return given
    try:
        text = str(given)
        is_day = re.fullmatch(r"\d{4}-?\d\d-?\d\d", text) is not None
        moment = datetime.fromisoformat(text) + timedelta(days=is_end and is_day)
        return moment.astimezone()
    except (ValueError, OverflowError):
        problem = f"must be a date or time in ISO 8601, got {given!r}"
        advice = 'write it as "2026-11-28" or "2026-11-28T09:30"'
        raise ConfigError(f"search, {option}", problem, advice) from None


_KINDS: Final = {
    "name": str,
    "version": int,
    "run": Run | str,
    "since": datetime,
    "until": datetime,
}


def _validators(**conditions: object) -> None:
    """Raise ConfigError for a condition that no artifact could meet, before a store is searched."""
    for option, value in conditions.items():
        problem = None if value is None else _problem(value, _KINDS[option])
        if problem is not None:
            problem = f"{problem}, got {safe_repr(value)}"
            raise ConfigError(f"search, {option}", problem, "see the documentation of search")


def _problem(value: object, kind: type | UnionType) -> str | None:
    if not isinstance(value, kind) or isinstance(value, bool):
        return f"must be of type {kind.__name__ if isinstance(kind, type) else kind}"
    if isinstance(value, datetime) and value.utcoffset() is None:
        return "must have a time zone"
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return "must be valid UTF-8 text"
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return "must have at most 64 bits"
    return None


def who_made(value: object, repo: RepositoryOrName | None = None) -> tuple[Artifact[object], ...]:
    """Return the artifacts whose value is equal to *value*, oldest first.

    Args:
        value: The value.
        repo: The repository, by default the default one.

    Raises:
        UnhashableValueError: if *value* cannot be hashed.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> _ = squares(3)
        >>> [artifact.fn_name for artifact in p.who_made([0, 1, 4])]
        ['squares']
    """
    place = environment.current().repository(repo)
    wanted = hash_value(unwrap(value) if is_proxy(value) else value)
    records = place.interpreter(FindRecordsByValue(wanted))
    return tuple(Artifact.of(record, place) for record in records)


# ---------------------------------------------------------------- as a whole


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
        [('provenance.catalog.find.squares', 2)]
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
