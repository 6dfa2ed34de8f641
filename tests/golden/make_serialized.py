"""Writes a value by each serializer, as a file that every later version must still read.

    python tests/golden/make_serialized.py

It adds what is missing and leaves all that is there as it is: stored formats are promises. What a library writes may
change with its version, so the bytes themselves are compared with nothing. `frame-pandas2` is of pandas 2.2, whose strings
were objects.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import provenance as p
from provenance.codecs import Decoding, Encoding
from provenance.model.ids import ValueId
from provenance.model.records import freeze_options
from provenance.results.origin import CurrentOrigin
from provenance.streams.stream import Chunk, Manifest, StoredItems, Stream, chunk_id

FOLDER = Path(__file__).parent / "serializers"
FACTS = FOLDER / "values.json"

FRAME = pd.DataFrame(
    {
        "number": np.array([1, 2, 3], "int16"),
        "real": [0.5, -0.0, np.nan],
        "text": pd.array(["a", None, "größe"], dtype="str"),
        "nullable": pd.array([1, None, 3], dtype="Int64"),
        "yes": [True, False, True],
        "when": pd.DatetimeIndex(["2024-10-27 00:30", None, "2024-10-27 01:30"])
        .as_unit("us")
        .tz_localize("Europe/Oslo"),
        "span": pd.array([1, None, 3], dtype="timedelta64[ns]"),
    },
    index=pd.Index(["x", "y", "z"], name="key"),
)
POLARS = pl.DataFrame(
    {"number": [1, None], "text": ["a", "größe"], "deep": [[1.5], []]},
    schema={"number": pl.UInt8, "text": pl.String, "deep": pl.List(pl.Float64)},
)
ARROW = pa.table(
    {"text": pa.array(["a", None, "a"]).dictionary_encode(), "deep": [{"x": [1]}, None, {"x": []}]},
).replace_schema_metadata({"by": "hand"})

_VALUE = ValueId(p.hash([1, 2]))
MANIFEST = Manifest(_VALUE, (Chunk(chunk_id("0" * 40, 0), _VALUE, 2),))


def torch_values():
    """A tensor and a network, where torch is installed."""
    import torch

    tensor = torch.arange(6.0).reshape(2, 3)
    network = torch.nn.Sequential(torch.nn.Linear(2, 1))
    torch.nn.init.constant_(network[0].weight, 0.5)
    torch.nn.init.constant_(network[0].bias, -1.0)
    return {"tensor": ("pytorch_model", {}, tensor), "module": ("pytorch_model", {}, network)}


def cases():
    """Serializer, its arguments and a value, by the name of the file."""
    text = " ".join(map(str, range(400)))
    return {
        "frame": ("pd_df_parquet", {}, FRAME),
        "frame-range": ("pd_df_parquet", {}, FRAME.set_axis(pd.RangeIndex(3, 9, 2, name="r"))),
        "frame-zstd": (
            "pd_df_parquet",
            {"compression": "zstd"},
            pd.DataFrame({"x": np.zeros(900)}),
        ),
        "series": ("pd_series_parquet", {}, FRAME["real"]),
        "series-unnamed": ("pd_series_parquet", {}, FRAME["text"].rename(None)),
        "polars": ("pl_df_parquet", {}, POLARS),
        "polars-series": ("pl_series_parquet", {}, POLARS["text"]),
        "arrow-table": ("arrow_ipc", {}, ARROW),
        "arrow-batch": ("arrow_ipc", {}, ARROW.combine_chunks().to_batches()[0]),
        "arrow-column": ("arrow_ipc", {}, ARROW["text"]),
        "arrow-array": ("arrow_ipc", {}, pa.array([[1, None], None], pa.list_(pa.int8()))),
        "json": ("json", {}, {"größe": [1, 2.5, None, True, "\ud800"]}),
        "numpy": ("numpy", {}, np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))),
        "pickle": ("pickle", {}, {"a": 1}),
        "joblib": ("joblib", {}, [np.arange(3), "x"]),
        "zstd": ("pickle", {"compression": "zstd"}, text),
        "lz4": ("pickle", {"compression": "lz4"}, text),
        "lz4-joblib": ("joblib", {"compression": "lz4"}, [np.zeros(300)]),
        "zstd-plain": ("pickle", {"compression": "zstd"}, "short"),
        "polars-frames": ("pl_frames_parquet", {}, [POLARS]),
        "pandas-frames": ("pd_frames_parquet", {}, [FRAME.reset_index()]),
        "table-parts": ("parquet_parts", {}, FRAME),
        "stream": ("stream", {}, Stream(StoredItems(MANIFEST, CurrentOrigin()))),
        **(torch_values() if find_spec("torch") else {}),
    }


def build():
    """Write what is not there."""
    FOLDER.mkdir(exist_ok=True)
    facts = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    for name, (serializer, dump_kwargs, value) in cases().items():
        if name not in facts:
            with (FOLDER / name).open("xb") as file:
                Encoding(serializer, value, name, freeze_options(dump_kwargs))(file)
            # Of a table in parts, the manifest is read.
            with (FOLDER / name).open("rb") as file:
                read = Decoding(serializer, dump_kwargs=freeze_options(dump_kwargs))(file)
            facts[name] = {
                "serializer": serializer,
                "dump_kwargs": dump_kwargs,
                "value": p.hash(read),
            }
    FACTS.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    build()
