"""Records, runs and blobs to test with; users have them too, as `provenance.testing.harness` and `.strategies`."""

from provenance.model.rows import time_text
from provenance.testing.harness import MOMENT, new_id, record, run
from provenance.testing.strategies import (
    blobs,
    ids,
    json_objects,
    json_values,
    moments,
    records,
    runs,
    seconds,
    texts,
    words,
)

TIME = time_text(MOMENT)
"""The time of the samples, as databases have it."""

__all__ = [
    "MOMENT",
    "TIME",
    "blobs",
    "ids",
    "json_objects",
    "json_values",
    "moments",
    "new_id",
    "record",
    "records",
    "run",
    "runs",
    "seconds",
    "texts",
    "words",
]
