"""A pipeline whose results are exported, and the bundle of its set."""

import numpy as np
import pandas as pd
import pytest

import provenance as p


@p.provenance(name="load", custom_fields={"source": "sensor"})
def load(count):
    """An array."""
    return np.arange(count) * 1.5


@p.provenance(name="table", version=2, tags=["features"])
def table(data, scale=2):
    """A table of an array."""
    return pd.DataFrame({"x": data * scale, "label": list("abcde")})


@p.provenance(name="split", returns_composite=True)
def split(frame, settings):
    """Two values."""
    return {"total": float(frame["x"].sum()), "names": list(frame["label"])}


@p.provenance(name="describe")
def describe(data, parts, note='größe "x"\n'):
    """A dictionary that holds results."""
    return {"data": data, "total": parts["total"], "note": note}


def pipeline():
    """All results by name, in a labeled set of the current repository."""
    with p.capture_set(labels={"name": "production", "build": 7}):
        data = load(5)
        frame = table(data)
        parts = split(frame, {"depth": 3})
        return {"load": data, "table": frame, "split": parts, "describe": describe(data, parts)}


@pytest.fixture
def results(memory_repo):
    """The results of the pipeline, in memory."""
    return pipeline()


@pytest.fixture
def bundle(results, tmp_path):
    """The path of a bundle of the pipeline's set."""
    return p.export(p.load_set_by_name("production"), tmp_path / "all.zip")
