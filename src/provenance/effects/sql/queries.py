"""The statements on the tables of `provenance.effects.sql.tables`, written with SQLAlchemy.

A hit must not import SQLAlchemy: `provenance.effects.sql.statements` is what `render_statements` here renders (`make statements`; a
test compares).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ClauseElement

from provenance.effects.sql import searches
from provenance.effects.sql.compiler import (
    DIALECT,
    SOURCES,
    DatabaseTime,
    RowPosition,
    Select,
    Source,
    compile_for_both,
    compile_statement,
    deleting,
    insert_statement,
    paged,
    selecting,
    strip_line_ends,
    text_param,
    upsert_statement,
)
from provenance.effects.sql.searches import RECORD, among, candidates, has_all
from provenance.effects.sql.tables import (
    BESIDES,
    STAMP,
    TRIGGERS,
    VERSION,
    artifact_inputs,
    artifact_set_members,
    artifact_sets,
    artifacts,
    deletions,
    derivations,
    equivalences,
    evictions,
    leases,
    quarantined_blobs,
    receipts,
    repository,
    runs,
    shadows,
    tables,
)
from provenance.effects.sql.tables import (
    sources as source_texts,
)
from provenance.model.rows import COLUMNS, OWN_COLUMNS, SHARED_COLUMNS

_quarantined: Final = quarantined_blobs.c
_ONE: Final = sa.literal_column("1", sa.Integer)

QUARANTINE_BLOB: Final = insert_statement(
    quarantined_blobs, ("id", "data", "set_aside_at"), "REPLACE"
)
LIST_QUARANTINED: Final = compile_statement(
    paged(
        sa.select(_quarantined.id, sa.func.length(_quarantined.data), _quarantined.set_aside_at)
        .where(_quarantined.id > text_param("after"))
        .order_by(_quarantined.id)
    ),
    *("after", "limit", "offset"),
)
DELETE_QUARANTINED: Final = compile_statement(
    sa.delete(quarantined_blobs).where(
        _quarantined.id == text_param("key"),
        _quarantined.set_aside_at < sa.bindparam("before", type_=sa.DateTime(timezone=True)),
    ),
    *("key", "before"),
)
FIND_SETS_CONTAINING: Final = selecting(
    artifact_set_members.c.set_id,
    by=artifact_set_members.c.artifact_id,
    order=(artifact_set_members.c.set_id,),
)
FIND_VALUE_HOLDERS: Final = compile_statement(
    sa.select(artifact_inputs.c.artifact_id)
    .join(artifacts, artifacts.c.id == artifact_inputs.c.artifact_id)
    .where(
        artifact_inputs.c.input_id == text_param("key"),
        sa.cast(artifacts.c.value_artifact_ids, sa.Text).contains(text_param("held")),
    ),
    *("key", "held"),
)
PUT_EVICTION: Final = insert_statement(evictions, ("artifact_id", "evicted_at"), "REPLACE")
FIND_EVICTION: Final = selecting(evictions.c.evicted_at, by=evictions.c.artifact_id)
DELETE_EVICTION: Final = deleting(evictions.c.artifact_id)
CLEAR_VALUE: Final = compile_statement(
    sa.update(artifacts)
    .values(value_data=sa.null())
    .where(artifacts.c.id == text_param("key"), artifacts.c.content_digest == text_param("blob")),
    *("key", "blob"),
)
_is_evicted = sa.exists().where(evictions.c.artifact_id == artifacts.c.id).correlate(artifacts)


def _is_named(value: sa.ColumnElement[bool]) -> str:
    """Return the statement that says whether the blob is the inputs of an artifact, or meets *value*."""
    by_inputs = artifacts.c.inputs_digest == text_param("inputs")
    there = sa.exists(sa.select(_ONE).select_from(candidates()).where(sa.or_(value, by_inputs)))
    return compile_for_both(
        sa.select(there),
        sa.select(sa.or_(sa.exists().where(value), sa.exists().where(by_inputs))),
        *("term", "value", "inputs"),
    )


_is_value: Final = artifacts.c.content_digest == text_param("value")
IS_BLOB_REFERENCED: Final = _is_named(_is_value)
_asked: Final = sa.func.json_each(text_param("asked")).table_valued("value")
_asked_list: Final = sa.func.jsonb_array_elements(
    sa.cast(text_param("asked"), postgresql.JSONB)
).table_valued("value")


def _part(number: int) -> Any:  # noqa: ANN401 - of the type of what it is compared with
    """Return the term or the id of a blob that SQLite is asked about."""
    return sa.func.json_extract(_asked.c.value, sa.literal_column(f"'$[{number}]'"))


def _naming(blob: sa.ColumnElement[str]) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return artifacts.c.content_digest == blob, artifacts.c.inputs_digest == blob


_asked_id: Final = sa.func.jsonb_extract_path_text(_asked_list.c.value, sa.literal_column("'1'"))
FIND_REFERENCED: Final = compile_for_both(
    sa.select(_part(1)).where(
        sa.exists().where(among(_part(0), _asked), sa.or_(*_naming(_part(1)))).correlate(_asked)
    ),
    sa.select(_asked_id).where(
        sa.or_(*[sa.exists().where(one).correlate(_asked_list) for one in _naming(_asked_id)])
    ),
    "asked",
)
IS_BLOB_NEEDED: Final = _is_named(sa.and_(_is_value, ~_is_evicted))


def _seconds_from_now(name: str) -> sa.ColumnElement[float]:
    """Return the current time plus the parameter, in seconds."""
    return DatabaseTime() + sa.bindparam(name, type_=sa.Float)


def _acquire_statement(lease: sqlite.Insert | postgresql.Insert) -> ClauseElement:
    """Return the statement that inserts a lease, or takes over one that has expired."""
    columns: dict[str, Any] = {n: sa.bindparam(n) for n in ("artifact_id", "owner", "fence")}
    row = lease.values(**columns, expires_at=_seconds_from_now("lasting"))
    upsert = row.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={
            "owner": row.excluded.owner,
            "fence": leases.c.fence + sa.literal_column("1", sa.BigInteger),
            "expires_at": row.excluded.expires_at,
        },
        where=sa.or_(
            leases.c.expires_at <= _seconds_from_now("now"),
            leases.c.expires_at > _seconds_from_now("impossible"),
            # The same request again: its first answer was lost.
            leases.c.owner == row.excluded.owner,
        ),
    )
    return upsert.returning(leases.c.fence)


_is_mine = sa.and_(
    leases.c.artifact_id == text_param("key"),
    leases.c.owner == text_param("owner"),
    leases.c.fence == sa.bindparam("fence", type_=sa.BigInteger),
)
FIND_LEASE: Final = selecting(
    leases.c.expires_at - DatabaseTime(), leases.c.owner, leases.c.fence, by=leases.c.artifact_id
)
ACQUIRE_LEASE: Final = compile_for_both(
    _acquire_statement(sqlite.insert(leases)),
    _acquire_statement(postgresql.insert(leases)),
    *("artifact_id", "owner", "fence", "lasting", "now", "impossible"),
)
RENEW_LEASE: Final = compile_statement(
    sa.update(leases).values(expires_at=_seconds_from_now("lasting")).where(_is_mine),
    "lasting",
    "key",
    "owner",
    "fence",
)
RELEASE_LEASE: Final = compile_statement(sa.delete(leases).where(_is_mine), "key", "owner", "fence")
LIST_EXPIRED_LEASES: Final = compile_statement(
    paged(
        sa.select(leases.c.artifact_id, DatabaseTime() - leases.c.expires_at)
        .where(
            leases.c.expires_at <= _seconds_from_now("ended"),
            leases.c.artifact_id > text_param("after"),
        )
        .order_by(leases.c.artifact_id)
    ),
    *("ended", "after", "limit", "offset"),
)

PREFETCHED_BYTES: Final = 4_096
"""A value up to this size is read with its record; a larger one is read separately."""


_RANDOM_ID: Final = "lower(hex(randomblob(20)))"
_NOW: Final = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')"


def creating() -> tuple[str, ...]:
    """Return the statements that create the tables and indexes that do not exist."""
    elements: list[ClauseElement] = []
    for table in tables.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        elements.append(CreateTable(table, if_not_exists=True))
        elements.extend(CreateIndex(index, if_not_exists=True) for index in indexes)
    # What Alembic would have recorded, had it created the tables.
    key = f"CONSTRAINT {STAMP}_pkc PRIMARY KEY (version_num)"
    return (
        *(str(element.compile(dialect=DIALECT)) for element in elements),
        *TRIGGERS,
        "INSERT INTO terms_filled (place) VALUES (0)",
        f"CREATE TABLE IF NOT EXISTS {STAMP} (\n\tversion_num VARCHAR(32) NOT NULL, \n\t{key}\n)",
        f"INSERT OR IGNORE INTO {STAMP} (version_num) VALUES ('{VERSION}')",  # noqa: S608 - constants
        f"INSERT INTO repository (id, created_at) VALUES ({_RANDOM_ID}, {_NOW})",  # noqa: S608 - constants
    )


_IS_SHORT: Final = artifacts.c.size_bytes <= sa.literal_column(str(PREFETCHED_BYTES))

FIND_RECORD: Final = selecting(
    *RECORD,
    sa.case((_IS_SHORT, artifacts.c.value_data)).label("short_value"),
    by=artifacts.c.id,
)
_ids = text_param("ids")
_finding = sa.select(*RECORD, sa.case((_IS_SHORT, artifacts.c.value_data)).label("short_value"))
_wanted: Final = sa.func.json_each(_ids).table_valued("value", name="wanted")
_is_among: Final = artifacts.c.id.in_(sa.select(_wanted))
_is_in_list: Final = artifacts.c.id.in_(
    sa.select(sa.func.jsonb_array_elements_text(sa.cast(_ids, postgresql.JSONB)).column_valued())
)
# A join, because SQLite would first sort the members of a list.
_is_wanted: Final = artifacts.c.id == _wanted.c.value
FIND_MANY: Final = compile_for_both(
    _finding.join_from(_wanted, artifacts, _is_wanted), _finding.where(_is_in_list), "ids"
)
_shares: Final = sa.and_(
    *(sa.type_coerce(artifacts.c[name], sa.Text) == text_param(name) for name in SHARED_COLUMNS)
)
# Fetching a column costs several times as much as comparing it.
FIND_ALIKE: Final = compile_statement(
    sa.select(
        *(artifacts.c[name] for name in OWN_COLUMNS),
        sa.case((_IS_SHORT, artifacts.c.value_data)).label("short_value"),
        _shares.label("shares"),
    ).join_from(_wanted, artifacts, _is_wanted),
    *SHARED_COLUMNS,
    "ids",
)
_stored: Final = sa.select(
    *RECORD,
    artifacts.c.inputs_json,
    artifacts.c.value_data,
    artifacts.c.inputs_data,
    _is_evicted.label("evicted"),
)
READ_STORED: Final = compile_for_both(_stored.where(_is_among), _stored.where(_is_in_list), "ids")
_known: Final = sa.select(artifacts.c.id)
FIND_KNOWN: Final = compile_for_both(_known.where(_is_among), _known.where(_is_in_list), "ids")
_of_value: Final = (
    sa.select(*RECORD)
    .where(artifacts.c.value_id == text_param("key"))
    .order_by(artifacts.c.added_at, artifacts.c.id)
)
FIND_RECORDS_BY_VALUE: Final = compile_for_both(_of_value.where(among()), _of_value, "key", "term")
LIST_DEPENDENTS: Final = compile_statement(
    sa.select(*RECORD)
    .join(artifact_inputs, artifact_inputs.c.artifact_id == artifacts.c.id)
    .where(artifact_inputs.c.input_id == text_param("key"))
    .order_by(artifacts.c.id),
    "key",
)


def _listing(ids: sa.Column[Any], query: Select) -> str:
    """Return the statement that selects a range of *ids* in order, from *query*."""
    is_in_range = sa.and_(ids >= text_param("low"), ids < text_param("high"))
    query = query.where(is_in_range).order_by(ids)
    return compile_statement(paged(query), "low", "high", "limit", "offset")


LIST_IDS: Final = _listing(artifacts.c.id, sa.select(artifacts.c.id))
FIND_RUN: Final = selecting(runs.c.info, by=runs.c.id)
HAS_RUN: Final = selecting(runs.c.id, by=runs.c.id)

PUT_RECORD: Final = insert_statement(artifacts, (*COLUMNS, *BESIDES), "IGNORE")
REPLACE_RECORD: Final = upsert_statement(artifacts, (*COLUMNS, *BESIDES))
PUT_EDGE: Final = insert_statement(artifact_inputs, ("artifact_id", "input_id"), "IGNORE")
PUT_RUN: Final = insert_statement(runs, ("id", "created_at", "parent_id", "info"), "IGNORE")
PUT_RECEIPT: Final = insert_statement(receipts, ("digest", "receipt"), "IGNORE")
FIND_RECEIPT: Final = selecting(receipts.c.receipt, by=receipts.c.digest)
PUT_SOURCE: Final = insert_statement(source_texts, ("digest", "text"), "IGNORE")
FIND_SOURCE: Final = selecting(source_texts.c.text, by=source_texts.c.digest)
PUT_EQUIVALENCE: Final = insert_statement(
    equivalences, tuple(column.name for column in equivalences.columns), "REPLACE"
)
FIND_EQUIVALENCE: Final = compile_statement(
    sa.select(equivalences.c.accepted_by, equivalences.c.accepted_at, equivalences.c.note).where(
        equivalences.c.name == text_param("name"),
        equivalences.c.version == sa.bindparam("version", type_=sa.BigInteger),
        equivalences.c.from_code == text_param("from_code"),
        equivalences.c.to_code == text_param("to_code"),
    ),
    *("name", "version", "from_code", "to_code"),
)
PUT_DERIVATION: Final = insert_statement(
    derivations, tuple(column.name for column in derivations.columns), "IGNORE"
)
FIND_DERIVATIONS: Final = selecting(
    *derivations.columns,
    by=derivations.c.artifact_id,
    order=(derivations.c.derived_at, derivations.c.derivation_id),
)
LIST_DERIVATIONS: Final = compile_statement(
    sa.select(*derivations.columns).order_by(derivations.c.artifact_id, derivations.c.derivation_id)
)
PUT_DELETION: Final = insert_statement(
    deletions, tuple(column.name for column in deletions.columns), "REPLACE"
)
FIND_DELETIONS: Final = _listing(deletions.c.artifact_id, sa.select(*deletions.columns))
PUT_SHADOW: Final = insert_statement(
    shadows, tuple(column.name for column in shadows.columns), "REPLACE"
)
FIND_SHADOWS: Final = selecting(
    *shadows.columns, by=shadows.c.artifact_id, order=(shadows.c.checked_at,)
)
DELETE_SHADOWS: Final = deleting(shadows.c.artifact_id)
DELETE_DERIVATIONS: Final = deleting(derivations.c.artifact_id)
HAS_RECORD: Final = selecting(artifacts.c.id, by=artifacts.c.id)
FIND_REPOSITORY_ID: Final = compile_statement(sa.select(repository.c.id))
DELETE_RECORD: Final = deleting(artifacts.c.id)
DELETE_EDGES: Final = deleting(artifact_inputs.c.artifact_id)

_SET: Final = (artifact_sets.c.id, artifact_sets.c.labels, artifact_sets.c.created_at)
_NEWEST: Final[tuple[sa.UnaryExpression[Any], ...]] = (
    artifact_sets.c.created_at.desc(),
    RowPosition("artifact_sets").desc(),
)
FIND_SET: Final = compile_statement(
    paged(sa.select(*_SET).where(artifact_sets.c.id == text_param("key")).order_by(*_NEWEST)),
    *("key", "limit", "offset"),
)
FIND_SET_BY_LABELS: Final = compile_statement(
    paged(
        sa.select(*_SET)
        .where(has_all("labels", artifact_sets.c.labels, plain_only=False))
        .order_by(*_NEWEST)
    ),
    *("labels", "limit", "offset"),
)
LIST_SET_IDS: Final = _listing(artifact_sets.c.id, sa.select(artifact_sets.c.id).distinct())
FIND_MEMBERS: Final = selecting(
    artifact_set_members.c.artifact_id, by=artifact_set_members.c.set_id
)
PUT_SET: Final = insert_statement(artifact_sets, ("id", "labels", "created_at", "name"), "REPLACE")
PUT_MEMBER: Final = insert_statement(artifact_set_members, ("set_id", "artifact_id"), "IGNORE")
DELETE_SET: Final = deleting(artifact_sets.c.id)
DELETE_MEMBERS: Final = deleting(artifact_set_members.c.set_id)

FIND_INPUTS: Final = selecting(artifacts.c.inputs_json, artifacts.c.signature, by=artifacts.c.id)


def _reading(digest: sa.Column[Any], data: sa.Column[Any]) -> str:
    """Return the statement that reads the bytes in *data* of the blob named in *digest*."""
    is_held = sa.and_(digest == text_param("key"), data.is_not(sa.null()))
    return compile_for_both(
        paged(sa.select(data).select_from(candidates()).where(is_held)),
        paged(sa.select(data).where(is_held)),
        *("term", "key", "limit", "offset"),
    )


def _filling(digest: sa.Column[Any], data: sa.Column[Any]) -> str:
    """Return the statement that stores bytes in rows that name the blob but lack them."""
    update = sa.update(artifacts).values({data: sa.bindparam("data", type_=sa.LargeBinary)})
    update = update.where(digest == text_param("key"), data.is_(sa.null()))
    return compile_for_both(update.where(among()), update, "data", "key", "term")


def _emptying(digest: sa.Column[Any], data: sa.Column[Any]) -> str:
    """Return the statement that deletes the bytes from all rows that name the blob."""
    update = sa.update(artifacts).values({data: sa.null()})
    update = update.where(digest == text_param("key"), data.is_not(sa.null()))
    return compile_for_both(update.where(among()), update, "key", "term")


_VALUE: Final = (artifacts.c.content_digest, artifacts.c.value_data)
_INPUTS: Final = (artifacts.c.inputs_digest, artifacts.c.inputs_data)
READ_VALUE: Final = _reading(*_VALUE)
READ_VALUE_OF: Final = compile_statement(
    sa.select(artifacts.c.value_data).where(
        artifacts.c.id == text_param("id"),
        artifacts.c.content_digest == text_param("key"),
        artifacts.c.value_data.is_not(sa.null()),
    ),
    *("id", "key"),
)
READ_INPUTS: Final = _reading(*_INPUTS)
FILL_VALUE: Final = _filling(*_VALUE)
FILL_INPUTS: Final = _filling(*_INPUTS)
DELETE_VALUE: Final = _emptying(*_VALUE)
DELETE_INPUTS: Final = _emptying(*_INPUTS)


def sources() -> Mapping[str, Source]:
    """Return what each statement was compiled from, by its text."""
    return SOURCES


def render_statements() -> str:
    """Return the text of the module `provenance.effects.sql.statements`."""
    names = {**globals(), **vars(searches)}
    texts = {
        n: text
        for n, text in names.items()
        if isinstance(text, str) and strip_line_ends(text) in SOURCES
    }
    lines = [
        '"""The statements of `provenance.effects.sql.queries` for SQLite, by `make statements`."""',
        "",
        f"VERSION = {VERSION}",
        *(f'{name} = """\\\n{strip_line_ends(text)}"""' for name, text in texts.items()),
        "CREATE = (",
        *(f'    """\\\n{strip_line_ends(text)}""",' for text in creating()),
        ")",
    ]
    return "\n".join(lines) + "\n"
