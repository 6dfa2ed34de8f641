"""Complete records and runs for tests, with the fields that a test chooses."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve

from provenance.effects.sinks import blob_of
from provenance.ids import ArtifactId, RunId, ValueId
from provenance.records import NO_OPTIONS, ArtifactRecord, Run, options

MOMENT: Final = datetime(2024, 5, 17, 12, 30, 1, 250, tzinfo=UTC)
"""The time of the sample run and record."""

_RUN: Final = Run(
    id=RunId("5" * 40),
    created_at=MOMENT,
    host={"nodename": "größe", "cpu_count": 2},
    process={"pid": 1, "cmdline": ["python", "x.py"], "cwd": None},
    python={"version": "3.11.7"},
    git={"commit": "abc", "branch": None, "dirty": False},
    packages={"numpy": "2.0"},
    extra={"nested": {"深": [1, 2.5, None, True, {"x": []}]}},
)
_RECORD: Final = ArtifactRecord(
    id=ArtifactId("0" * 40),
    value_id=ValueId("1" * 40),
    name="module.fn",
    version=0,
    fn_module="module",
    fn_name="fn",
    composite=False,
    serializer="joblib",
    load_kwargs=NO_OPTIONS,
    dump_kwargs=NO_OPTIONS,
    input_artifact_ids=frozenset(),
    custom_fields=options({"größe": [1, {"b": None}]}),
    tags=("a", "b"),
    computed_at=MOMENT,
    added_at=MOMENT + timedelta(seconds=1),
    compute_duration=1.5,
    hash_duration=0.25,
    value_id_duration=0.125,
    run_id=_RUN.id,
    value_blob=blob_of(b""),
    inputs_blob=blob_of(b""),
    value_type="builtins:dict",
    interface=("__iter__", "__len__"),
    code="2" * 40,
    value_artifact_ids=frozenset(),
)


def new_id() -> ArtifactId:
    """Return a new random id."""
    return ArtifactId(secrets.token_hex(20))


def run(**changes: object) -> Run:
    """Return the sample run with *changes*."""
    fields: dict[str, Any] = changes
    return evolve(_RUN, **fields)


def record(**changes: object) -> ArtifactRecord:
    """Return a record with its own id, value and blobs, made by the sample run, with *changes*."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "value_id": new_id(),
        "value_blob": blob_of(secrets.token_bytes(8)),
        "inputs_blob": blob_of(secrets.token_bytes(8)),
        "code": new_id(),
        **changes,
    }
    return evolve(_RECORD, **fields)
