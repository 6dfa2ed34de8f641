"""Finding artifacts: by search, by who made them, and by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Final, cast

from attrs import field, fields, frozen

from provenance import environment
from provenance.environment import RepositoryOrName, current
from provenance.errors import ConfigError
from provenance.hashing import hash_value
from provenance.model.ids import RunId
from provenance.model.queries import Query
from provenance.model.records import Artifact, ArtifactRecord, Run, freeze_options
from provenance.model.references import is_proxy, unwrap
from provenance.ports.records import FindRecordsByValue, SearchRecords
from provenance.repository.handles import Repository
from provenance.repository.inputs import input_json
from provenance.repository.sets import id_of
from provenance.util.formatting import safe_repr
from provenance.util.naming import exported
from provenance.util.validation import is_collection, require_iterable, require_mapping

if TYPE_CHECKING:
    import pandas as pd


def load_artifact(artifact_id: object, repo: RepositoryOrName | None = None) -> Artifact[object]:
    """Return the artifact of an id, or of a unique prefix of at least 6 digits, its value unread.

    An artifact, or the result of a decorated function, is looked up by its id.

    Raises:
        TypeError: for anything else.
        ArtifactNotFoundError: if no artifact has this id.
        AmbiguousIdError: if the prefix fits several ids; lists them.
    """
    return current().repository(repo).get_by_id(artifact_id)


def load_proxy(artifact_id: object, repo: RepositoryOrName | None = None) -> object:
    """Return a proxy of the value of an artifact, read on first use; raises as `load_artifact`."""
    return load_artifact(artifact_id, repo).proxy()


_COLUMNS: Final = tuple(
    column.name
    for column in fields(ArtifactRecord)
    if column.name not in {"value_blob", "inputs_blob", "interface", "code"}
)


@exported
@frozen
class SearchResult:
    """The artifacts that match a query, newest first; each iteration searches again."""

    query: Query
    repo: Repository = field(repr=False)

    def __iter__(self) -> Iterator[Artifact[object]]:
        after: int | None = None
        while True:
            page = self.repo.interpreter(SearchRecords(self.query, after))
            yield from (Artifact.of(record, self.repo) for record in page.records)
            if page.next is None:
                return
            after = page.next

    def __bool__(self) -> bool:
        """Return whether anything matches, reading one record."""
        return self.first is not None

    @property
    def first(self) -> Artifact[object] | None:
        """The newest one; None if nothing matches."""
        page = self.repo.interpreter(SearchRecords(self.query, None, 1))
        return Artifact.of(page.records[0], self.repo) if page.records else None

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame with one row per artifact, indexed by id."""
        import pandas as pd  # noqa: PLC0415 - optional and slow

        columns = (*_COLUMNS, "content_digest", "size_bytes")
        rows = [[getattr(artifact, name) for name in columns] for artifact in self]
        return pd.DataFrame(rows, columns=list(columns)).set_index("id")


def search(  # noqa: PLR0913 - conditions by keyword
    name: str | None = None,
    *,
    version: int | None = None,
    tags: Iterable[str] = (),
    custom_fields: Mapping[str, object] | None = None,
    inputs: Mapping[str, object] | None = None,
    uses: Iterable[object] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    run: Run | str | None = None,
    repo: RepositoryOrName | None = None,
) -> SearchResult:
    """Return the artifacts that meet all of these conditions.

    Args:
        name: Name of the artifacts; `*`, `?` and `[…]` are wildcards as in file names.
        version: Version of the function.
        tags: Tags that they must have.
        custom_fields: Custom fields that they must have, with equal values.
        inputs: Values of arguments by parameter. Large ones are compared by hash, artifacts by id;
            large ones inside lists and dictionaries only by type, shape and length.
        uses: Artifacts (or whole ids) that must be among the inputs, at any depth.
        since: The earliest time of computation, with a time zone.
        until: The time before which they were computed, with a time zone.
        run: The run that computed them, or its id.
        repo: The repository to search, by default the default one.

    Raises:
        ConfigError: for a condition of the wrong type, or a time without a zone.
        TypeError: for something in *uses* that is not an artifact.
        UnhashableValueError: for an input that could not have been hashed.
    """
    tags = _require_texts(tags)
    for option, given in (("custom_fields", custom_fields), ("inputs", inputs)):
        require_mapping(
            {} if given is None else given, f"search, {option}", "pass a mapping of names to values"
        )
    _validators(name=name, version=version, run=run, since=since, until=until)
    query = Query(
        name=name,
        version=version,
        tags=frozenset(tags),
        custom_fields=freeze_options(custom_fields),
        inputs=freeze_options({key: input_json(value) for key, value in (inputs or {}).items()}),
        uses=frozenset(map(id_of, require_iterable(uses, "search, uses"))),
        since=since,
        until=until,
        run_id=run.id if isinstance(run, Run) else None if run is None else RunId(run),
    )
    return SearchResult(query, environment.current().repository(repo))


def _require_texts(tags: object) -> list[str]:
    found = [*cast("Iterable[object]", tags)] if is_collection(tags) else [None]
    if not all(isinstance(tag, str) for tag in found):
        problem = f"must be a collection of strings, got {tags!r}"
        advice = f"pass [{tags!r}]" if isinstance(tags, str) else "pass a list of strings"
        raise ConfigError("search, tags", problem, advice)
    return cast("list[str]", found)


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

    Raises:
        UnhashableValueError: if *value* cannot be hashed.
    """
    place = environment.current().repository(repo)
    wanted = hash_value(unwrap(value) if is_proxy(value) else value)
    return tuple(
        Artifact.of(record, place) for record in place.interpreter(FindRecordsByValue(wanted))
    )
