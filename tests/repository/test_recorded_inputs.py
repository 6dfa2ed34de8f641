"""What a record shows of the inputs of a call."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import provenance as p

SHOWN = {
    "datetime": (datetime(2026, 11, 28, 12, tzinfo=UTC), "2026-11-28T12:00:00+00:00"),
    "timestamp": (pd.Timestamp("2026-11-28"), "2026-11-28T00:00:00"),
    "date": (date(2026, 11, 28), "2026-11-28"),
    "time": (time(12, 30), "12:30:00"),
    "decimal": (Decimal("1.10"), "1.10"),
    "path": (PurePosixPath("data/raw.csv"), "data/raw.csv"),
    "uuid": (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "integer": (np.int64(5), 5),
    "float": (np.float32(0.5), 0.5),
    "bool": (np.bool_(True), True),
    "text": (np.str_("abc"), "abc"),
    "day": (np.datetime64("2026-11-28"), "2026-11-28"),
    "array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "days": (np.array(["2026-11-28"], "datetime64[D]"), ["2026-11-28"]),
    "nested": ({"when": [date(2026, 1, 1)]}, {"when": ["2026-01-01"]}),
}


@pytest.mark.parametrize(("value", "shown"), SHOWN.values(), ids=SHOWN)
def test_standard_scalars_are_shown_as_values(repo, value, shown):
    """SQL can query them, and a search finds them as they are and as they are shown."""
    take = p.provenance(name="take")(lambda value: [1])
    artifact = take.artifact(value)
    assert {"value": shown} == repo.get_recorded_inputs(artifact)
    assert p.hash(value) == p.hash(artifact.inputs.kargs["value"])
    assert [artifact] == [*p.search("take", inputs={"value": value})]
    assert [artifact] == [*p.search("take", inputs={"value": shown})]


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(101),
        np.ma.masked_array([1]),
        np.array([object()]),
        np.zeros((1,) * 5),
        np.float64("nan"),
        np.longdouble(1),
    ],
    ids=["long", "masked", "objects", "deep", "nan", "longdouble"],
)
def test_what_is_long_or_has_no_json_form_is_summarized(repo, value):
    """By its type, and its hash; nothing of its content is written."""
    take = p.provenance(name="take", ignore=["value"])(lambda value: [1])
    shown = repo.get_recorded_inputs(take.artifact(value))["value"]
    assert {"type"} <= shown.keys() <= {"type", "hash", "shape", "dtype", "len"}
    json.dumps(shown, allow_nan=False)
