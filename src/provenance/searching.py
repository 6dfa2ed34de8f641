"""Looking for artifacts by what is recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Final, cast

from attrs import field, fields, frozen

from provenance import session
from provenance.asks import FindByValue, FindRecords
from provenance.checks import is_collection, named, several
from provenance.errors import ConfigError
from provenance.hashing import hash_value
from provenance.ids import RunId
from provenance.proxy import is_proxy, unwrap
from provenance.queries import Query
from provenance.records import Artifact, ArtifactRecord, Run, options
from provenance.repository import Repository
from provenance.session import RepositoryOrName
from provenance.sets import id_of
from provenance.showing import shown
from provenance.summary import input_json

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = tuple(
    each.name
    for each in fields(ArtifactRecord)
    if each.name not in {"value_blob", "inputs_blob", "interface", "code"}
)


@frozen
class Found:
    """The artifacts that fit a query, those recorded last first; they are looked up as they are used, anew each time."""

    query: Query
    repo: Repository = field(repr=False)

    def __iter__(self) -> Iterator[Artifact[object]]:
        after: int | None = None
        while True:
            page = self.repo.interpreter(FindRecords(self.query, after))
            yield from (Artifact.of(record, self.repo) for record in page.records)
            if page.next is None:
                return
            after = page.next

    def __bool__(self) -> bool:
        """Whether anything fits; one record is looked up for this."""
        return self.first is not None

    @property
    def first(self) -> Artifact[object] | None:
        """The one that was recorded last, None if nothing fits."""
        page = self.repo.interpreter(FindRecords(self.query, None, 1))
        return Artifact.of(page.records[0], self.repo) if page.records else None

    def to_pandas(self) -> pd.DataFrame:
        """What is recorded of the artifacts, a row for each, as a DataFrame with the ids as its index."""
        import pandas as pd  # noqa: PLC0415 - optional, and long to import

        columns = (*_COLUMNS, "content_digest", "size_bytes")
        rows = [[getattr(each, name) for name in columns] for each in self]
        return pd.DataFrame(rows, columns=list(columns)).set_index("id")


def search(  # noqa: PLR0913 - each is a condition of its own, by keyword
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
) -> Found:
    """Look for artifacts that fit in all respects that are given.

    Args:
        name: Name of the artifacts, in which `*`, `?` and `[…]` stand for what they stand for in file names.
        version: Version of the function.
        tags: Tags that must be there.
        custom_fields: Custom fields that must be there, with equal values.
        inputs: Values that arguments must have had, by parameter. Large ones are compared by their hash, artifacts by their id;
            large ones inside lists and dictionaries only by type, shape and length.
        uses: Artifacts (or whole ids) that must be among the inputs, at any depth.
        since: The earliest time of computation, with a time zone.
        until: The time before which it was computed.
        run: The run, or the id of it, that computed it.
        repo: Where to look, by default in the default repository.

    Raises:
        ConfigError: for a condition of the wrong type, a time without a zone, or tags that are one string.
        TypeError: for something in *uses* that is no artifact.
        UnhashableValueError: for an input that could not have been one.
    """
    tags = _texts(tags)
    for option, given in (("custom_fields", custom_fields), ("inputs", inputs)):
        named({} if given is None else given, f"search, {option}", "give one from names to values")
    _check(name=name, version=version, run=run, since=since, until=until)
    query = Query(
        name=name,
        version=version,
        tags=frozenset(tags),
        custom_fields=options(custom_fields),
        inputs=options({key: input_json(value) for key, value in (inputs or {}).items()}),
        uses=frozenset(map(id_of, several(uses, "search, uses"))),
        since=since,
        until=until,
        run_id=run.id if isinstance(run, Run) else None if run is None else RunId(run),
    )
    return Found(query, session.current().repository(repo))


def _texts(tags: object) -> list[str]:
    found = [*cast("Iterable[object]", tags)] if is_collection(tags) else [None]
    if not all(isinstance(each, str) for each in found):
        advice = f"give [{tags!r}]" if isinstance(tags, str) else "give a list of strings"
        raise ConfigError("search, tags", f"{tags!r} is no collection of strings", advice)
    return cast("list[str]", found)


_KINDS: Final = {
    "name": str,
    "version": int,
    "run": Run | str,
    "since": datetime,
    "until": datetime,
}


def _check(**conditions: object) -> None:
    """Refuse what no artifact could have, before a store is asked: raises ConfigError."""
    for option, value in conditions.items():
        problem = None if value is None else _problem(value, _KINDS[option])
        if problem is not None:
            raise ConfigError(
                f"search, {option}", f"{shown(value)} {problem}", "see the documentation of search"
            )


def _problem(value: object, kind: type | UnionType) -> str | None:
    if not isinstance(value, kind) or isinstance(value, bool):
        return f"is no {kind}"
    if isinstance(value, datetime) and value.utcoffset() is None:
        return "has no time zone"
    if isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value):
        return "is no text that could be stored"
    return (
        "has more than 64 bits"
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
        else None
    )


def who_made(value: object, repo: RepositoryOrName | None = None) -> tuple[Artifact[object], ...]:
    """The artifacts whose value is equal to *value*, oldest first, however it came here.

    Raises:
        UnhashableValueError: if *value* has no content to compare by.
    """
    place = session.current().repository(repo)
    wanted = hash_value(unwrap(value) if is_proxy(value) else value)
    return tuple(Artifact.of(each, place) for each in place.interpreter(FindByValue(wanted)))
