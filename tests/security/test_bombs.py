"""Bytes of an untrusted store are decoded up to a size in relation to what is stored."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as p
from contract.samples import record, run
from provenance.codecs import limits, pyarrow
from provenance.codecs.encoding import Decoding, Encoding
from provenance.model.records import InlineBlob, freeze_options
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

LARGE = 4_000_000
"""Bytes of a value of zeros that is stored in a few hundred."""
COMPRESSED = {
    f"{serializer}, {compression}": (serializer, value, {"compression": compression})
    for serializer, value in {
        "numpy": np.zeros(LARGE // 8),
        "json": "0" * LARGE,
        "pickle": b"0" * LARGE,
    }.items()
    for compression in ("zstd", "lz4")
} | {
    "pandas": ("pd_df_parquet", pd.DataFrame({"a": np.zeros(LARGE)}), {"compression": "zstd"}),
    "polars": (
        "pl_df_parquet",
        pl.DataFrame({"a": np.zeros(LARGE, np.int64)}),
        {"compression": "zstd"},
    ),
}


def encoded(case):
    """The serializer, the bytes and the arguments of a case."""
    serializer, value, dump_kwargs = COMPRESSED[case]
    sink = io.BytesIO()
    Encoding(serializer, value, "it", freeze_options(dump_kwargs))(sink)
    return serializer, sink.getvalue(), freeze_options(dump_kwargs)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """A limit that a test reaches in no time."""
    monkeypatch.setattr(limits, "ALWAYS_ALLOWED", LARGE // 2)
    monkeypatch.setenv(limits.VARIABLE, "10")


@pytest.mark.parametrize("case", COMPRESSED)
def test_a_bomb_is_refused(case):
    """Where the store is not trusted; the message names the variable that raises the limit."""
    serializer, data, dump_kwargs = encoded(case)
    assert len(data) < LARGE // 20
    with pytest.raises(ValueError, match=limits.VARIABLE):
        Decoding(serializer, dump_kwargs=dump_kwargs, untrusted="far", max_expansion=10)(
            io.BytesIO(data)
        )


@pytest.mark.parametrize("case", COMPRESSED)
def test_the_limit_is_configurable_and_holds_for_others_only(case):
    """A trusted store has none."""
    serializer, data, dump_kwargs = encoded(case)
    Decoding(serializer, dump_kwargs=dump_kwargs)(io.BytesIO(data))
    Decoding(serializer, dump_kwargs=dump_kwargs, untrusted="far", max_expansion=1_000_000)(
        io.BytesIO(data)
    )


def test_a_bomb_of_arrow_batches_is_refused():
    """Compressed buffers are added up batch by batch."""
    batch = pa.record_batch({"a": np.zeros(LARGE // 64)})
    schema = batch.schema.with_metadata({b"provenance.kind": b"table"})
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, schema, options=options) as stream:
        for _ in range(16):
            stream.write_batch(batch.replace_schema_metadata(schema.metadata))
    assert sink.tell() < LARGE // 20
    with pytest.raises(ValueError, match=limits.VARIABLE):
        Decoding("arrow_ipc", untrusted="far", max_expansion=10)(io.BytesIO(sink.getvalue()))
    assert LARGE // 4 == Decoding("arrow_ipc")(io.BytesIO(sink.getvalue())).num_rows


def test_a_bomb_of_rows_without_compression_is_refused():
    """A dictionary page writes a million equal rows in a few bytes."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array(np.zeros(LARGE))}), sink, use_dictionary=True)
    for serializer in ("pd_df_parquet", "pl_df_parquet"):
        with pytest.raises(ValueError, match=limits.VARIABLE):
            Decoding(serializer, untrusted="far", max_expansion=10)(io.BytesIO(sink.getvalue()))


@pytest.mark.parametrize("size", [8, 100_000], ids=["in the database", "a file"])
def test_a_planted_bomb_is_damage(size):
    """A load is a CorruptBlobError, and a call computes its value again."""

    def repository(trusted):
        store = p.DiskStore(cachedir="blobs", trusted=trusted)
        return p.SqliteRepo(
            db="records.db", store=store, trusted=trusted, inline_limit=100_000 // size
        )

    serializer, data, dump_kwargs = encoded("numpy, zstd")
    call = p.provenance(name="bomb")(lambda: 1)
    with p.using_repo(repository(False)):
        artifact_id = call.artifact_id()
        stores = repository(True).interpreter
        written = stores(WriteBlob(lambda sink: sink.write(data) and None))
        brought = (written,) if isinstance(written, InlineBlob) else ()
        forged = record(
            id=artifact_id,
            serializer=serializer,
            value_blob=written.blob,
            inputs_blob=None,
            dump_kwargs=dump_kwargs,
        )
        stores(PutRecord(forged, run(), '{"__varargs": []}', brought))
        with pytest.raises(p.CorruptBlobError, match=limits.VARIABLE):
            p.load_artifact(artifact_id).value  # noqa: B018
        assert 1 == call()


@pytest.mark.parametrize("ratio", ["0", "-1", "many", "1.5", ""])
def test_a_ratio_that_is_none_is_an_error_of_the_configuration(ratio, monkeypatch):
    """It names the variable."""
    monkeypatch.setenv(limits.VARIABLE, ratio)
    with pytest.raises(p.ConfigError, match=limits.VARIABLE):
        p.SqliteRepo(db="records.db", trusted=False)


def test_a_parquet_file_cannot_hide_its_size():
    """A long text that a dictionary names in each row is little in the metadata and much in memory."""
    rows = pa.table({"a": pa.array(["x" * 1_000] * 20_000).dictionary_encode().cast(pa.string())})
    sink = io.BytesIO()
    pq.write_table(rows, sink, use_dictionary=True, compression="NONE")
    with pq.ParquetFile(sink) as file:
        assert file.metadata.row_group(0).total_byte_size < LARGE // 20
    sink.seek(0)
    with (
        limits.limit_decoded_size(sink, 10),
        pytest.raises(ValueError, match=limits.VARIABLE),
    ):
        pyarrow.load(sink)
