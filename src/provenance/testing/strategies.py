"""Hypothesis strategies for records, runs and blobs of every kind; needs the extra `testing`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from provenance.effects.io import blob_of
from provenance.model.ids import ArtifactId
from provenance.model.records import ArtifactRecord, Blob, Json, Run, freeze_options
from provenance.model.rows import json_text

ids: Final[SearchStrategy[ArtifactId]] = st.text("0123456789abcdef", min_size=40, max_size=40).map(
    ArtifactId
)
texts: Final = st.text(max_size=8)
words: Final = st.text("abc_", min_size=1, max_size=6)
seconds: Final = st.floats(0, 1e9, allow_nan=False)
moments: Final = st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001 - see `timezones`
    datetime(9990, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9, minutes=30))),
)
_numbers: Final = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_short_texts: Final = st.text(max_size=5)


def _nested(inner: SearchStrategy[Json]) -> SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(_short_texts, inner, max_size=3)


json_values: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | _numbers | _short_texts, _nested, max_leaves=8
)
json_objects: Final[SearchStrategy[dict[str, Any]]] = st.dictionaries(
    st.text(st.characters(), max_size=5) | st.just("\ud800"), json_values, max_size=3
)
blobs: Final[SearchStrategy[Blob]] = st.binary(max_size=64).map(blob_of)
records: Final[SearchStrategy[ArtifactRecord]] = st.builds(
    ArtifactRecord,
    id=ids,
    value_id=ids,
    name=texts,
    version=st.integers(-(2**63), 2**63 - 1),
    fn_module=texts,
    fn_name=texts,
    fn_qualname=texts,
    composite=st.booleans(),
    serializer=texts,
    load_kwargs=json_objects.map(freeze_options),
    dump_kwargs=json_objects.map(freeze_options),
    input_artifact_ids=st.frozensets(ids, max_size=3),
    custom_fields=json_objects.map(freeze_options),
    tags=st.lists(texts, max_size=3).map(tuple),
    computed_at=moments,
    added_at=moments,
    compute_duration=seconds,
    hash_duration=seconds,
    value_id_duration=seconds,
    run_id=ids,
    value_blob=blobs,
    inputs_blob=blobs | st.none(),
    value_type=texts,
    interface=st.lists(words, max_size=3).map(tuple),
    code=ids,
    value_artifact_ids=st.frozensets(ids, max_size=2),
    input_hashes=json_objects.map(json_text),
    input_derivations=st.frozensets(st.tuples(ids, ids), max_size=2),
)
runs: Final[SearchStrategy[Run]] = st.builds(
    Run,
    id=ids,
    created_at=moments,
    host=json_objects,
    process=json_objects,
    python=json_objects,
    git=st.none() | json_objects,
    packages=json_objects,
    extra=json_objects,
    parent_id=st.none() | ids,
)
