"""Records, runs and blobs to test with: by hand, and as strategies."""

import secrets
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from provenance.effects.sinks import blob_of
from provenance.records import NO_OPTIONS, ArtifactRecord, Run, options

MOMENT = datetime(2024, 5, 17, 12, 30, 1, 250, tzinfo=UTC)


def new_id():
    """An id that is nobody else's."""
    return secrets.token_hex(20)


def run(**changes):
    """A run, complete but for what *changes* say."""
    facts = {
        "id": "5" * 40,
        "created_at": MOMENT,
        "host": {"nodename": "größe", "cpu_count": 2},
        "process": {"pid": 1, "cmdline": ["python", "x.py"], "cwd": None},
        "python": {"version": "3.11.7"},
        "git": {"commit": "abc", "branch": None, "dirty": False},
        "packages": {"numpy": "2.0"},
        "extra": {"nested": {"深": [1, 2.5, None, True, {"x": []}]}},
    }
    return Run(**{**facts, **changes})


def record(**changes):
    """A record with an id of its own, complete but for what *changes* say."""
    facts = {
        "id": new_id(),
        "value_id": new_id(),
        "name": "module.fn",
        "version": 0,
        "fn_module": "module",
        "fn_name": "fn",
        "composite": False,
        "serializer": "joblib",
        "load_kwargs": NO_OPTIONS,
        "dump_kwargs": NO_OPTIONS,
        "input_artifact_ids": frozenset(),
        "custom_fields": options({"größe": [1, {"b": None}]}),
        "tags": ("a", "b"),
        "computed_at": MOMENT,
        "added_at": MOMENT + timedelta(seconds=1),
        "compute_duration": 1.5,
        "hash_duration": 0.25,
        "value_id_duration": 0.125,
        "run_id": run().id,
        "value_blob": blob_of(secrets.token_bytes(8)),
        "inputs_blob": blob_of(secrets.token_bytes(8)),
        "value_type": "builtins:dict",
        "interface": ("__iter__", "__len__"),
        "code": new_id(),
        "value_artifact_ids": frozenset(),
    }
    return ArtifactRecord(**{**facts, **changes})


# ---------------------------------------------------------------- strategies

ids = st.text("0123456789abcdef", min_size=40, max_size=40)
texts = st.text(max_size=8)
words = st.text("abc_", min_size=1, max_size=6)
seconds = st.floats(0, 1e9, allow_nan=False)
moments = st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9990, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9, minutes=30))),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.text(st.characters(), max_size=5) | st.just("\ud800"), json_values, max_size=3)
blobs = st.binary(max_size=64).map(blob_of)
records = st.builds(
    ArtifactRecord,
    id=ids,
    value_id=ids,
    name=texts,
    version=st.integers(-(2**63), 2**63 - 1),
    fn_module=texts,
    fn_name=texts,
    composite=st.booleans(),
    serializer=texts,
    load_kwargs=json_objects.map(options),
    dump_kwargs=json_objects.map(options),
    input_artifact_ids=st.frozensets(ids, max_size=3),
    custom_fields=json_objects.map(options),
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
)
runs = st.builds(
    Run,
    id=ids,
    created_at=moments,
    host=json_objects,
    process=json_objects,
    python=json_objects,
    git=st.none() | json_objects,
    packages=json_objects,
    extra=json_objects,
)
