"""Bytes of an untrusted store are decoded up to a size in relation to what is stored."""

import io
import re
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from contract.samples import new_id, record, run
from provenance.codecs import limits, pyarrow
from provenance.codecs.encoding import Decoding, Encoding
from provenance.codecs.parquet import bound_pages
from provenance.model.records import InlineBlob, freeze_options
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord
from provenance.ui import previews

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


def written(table, **options):
    """A Parquet file of an Arrow table."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **{"compression": "zstd", "store_schema": False, **options})
    return sink


def test_a_parquet_file_cannot_hide_its_size():
    """A long text that a dictionary names in each row is little in the metadata and much in memory."""
    rows = pa.table({"a": pa.array(["x" * 1_000] * 20_000).dictionary_encode().cast(pa.string())})
    sink = written(rows, compression="NONE")
    with pq.ParquetFile(sink) as file:
        assert file.metadata.row_group(0).total_byte_size < LARGE // 20
    with (
        limits.limit_decoded_size(sink, 10),
        pytest.raises(ValueError, match=limits.VARIABLE),
    ):
        pyarrow.load(sink)


@pytest.mark.parametrize("serializer", ["pd_df_parquet", "pl_df_parquet"])
def test_a_row_that_is_a_bomb_is_refused(serializer):
    """A list of a million equal numbers takes 300 bytes, whatever the metadata says."""
    sink = written(pa.table({"a": pa.array([np.zeros(LARGE // 8)], pa.list_(pa.float64()))}))
    with pytest.raises(ValueError, match=limits.VARIABLE):
        Decoding(serializer, untrusted="far", max_expansion=10)(sink)


def test_a_column_whose_texts_are_the_ones_before_is_refused():
    """An encoding that lets each text repeat the one before it, however long, is one that is never written."""
    texts = pa.table({"a": ["x" * 1_000 + str(n) for n in range(1_000)]})
    sink = written(texts, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
    for serializer in ("pd_df_parquet", "pl_df_parquet"):
        with pytest.raises(ValueError, match="encoding 7"):
            Decoding(serializer, untrusted="far", max_expansion=1_000_000)(sink)


@pytest.mark.parametrize("serializer", ["pd_df_parquet", "pl_df_parquet"])
def test_bytes_of_a_fixed_number_that_are_missing_are_counted(serializer, monkeypatch):
    """Each row takes that number in memory and nothing in the file."""
    monkeypatch.setattr(pyarrow, "_table_of", None)
    sink = written(pa.table({"a": pa.array([None] * 1_000, pa.binary(LARGE // 100))}))
    with pytest.raises(ValueError, match=limits.VARIABLE):
        Decoding(serializer, untrusted="far", max_expansion=10)(sink)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int64(), 10_000),
        pa.struct([("a", pa.list_(pa.list_(pa.int8(), 100), 1_000))]),
        pa.list_(pa.list_(pa.int64(), 10_000)),
    ],
)
def test_members_of_missing_lists_are_counted(kind, monkeypatch):
    """A list of a fixed length takes its length in memory if it is missing, and nothing in the file."""
    monkeypatch.setattr(pyarrow, "_table_of", None)
    is_inside = pa.types.is_list(kind)
    missing = [[None] * 10] * 20 if is_inside else [None] * 1_000
    sink = written(pa.table({"a": pa.array(missing, kind)}), store_schema=True)
    with pytest.raises(ValueError, match=limits.VARIABLE):
        Decoding("pd_df_parquet", untrusted="far", max_expansion=10)(sink)


def test_only_the_header_of_the_kind_of_a_page_counts():
    """A page may have another one, which decoders do not look at."""
    plain = {"compression": "NONE", "use_dictionary": False, "data_page_version": "2.0"}
    whole = written(pa.table({"a": np.zeros(1_000)}), **plain).getvalue()
    page = whole.index(b"\x5c\x15", 4)
    one_value = b"\x2c\x15\x02\x15\x00\x15\x06\x15\x06\x00\x3c"
    forged = whole[:page] + one_value + whole[page + 1 :]
    assert bound_pages(io.BytesIO(whole)) == bound_pages(io.BytesIO(forged)) >= (16_000, 0)


def test_a_dictionary_behind_its_pages_is_refused():
    """Decoders do not agree where the pages begin then, and some would read others than were bounded."""
    whole = written(
        pa.table({"a": np.zeros(100)}), compression="NONE", write_statistics=False
    ).getvalue()
    places = re.compile(rb"&(.{1,2})&(\x08)", re.DOTALL)
    forged, count = places.subn(rb"&\2&\1", whole)
    assert count == 1
    bound_pages(io.BytesIO(whole))
    with pytest.raises(ValueError, match="not before its pages"):
        bound_pages(io.BytesIO(forged))


def test_the_bound_of_a_parquet_file_is_one():
    """What a file takes when it is decoded is no more than its pages are said to take, and not much less."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "number": rng.random(10_000),
            "text": [str(n) for n in range(10_000)],
            "list": [[n, n + 1] for n in range(10_000)],
            "flag": rng.random(10_000) > 0.5,
        }
    )
    for compression in ("zstd", "uncompressed", "lz4", "snappy", "gzip"):
        sink = io.BytesIO()
        frame.write_parquet(sink, compression=compression)
        for source in (sink, written(frame.to_arrow())):
            size, _ = bound_pages(source)
            assert frame.estimated_size() <= size < 5 * frame.estimated_size()


@given(st.integers(0, 2_000), st.integers(0, 255), st.data())
def test_headers_of_parquet_files_that_are_damaged_are_errors(position, byte, data):
    """Whatever a byte is changed to: a bound, or a ValueError."""
    changed = bytearray(FILE)
    changed[position % len(FILE)] = byte
    cut = data.draw(st.integers(0, len(FILE)))
    for damaged in (bytes(changed), FILE[:cut]):
        try:
            size, _ = bound_pages(io.BytesIO(damaged))
        except ValueError:
            continue
        assert size >= 0


FILE = written(pa.table({"a": [1, 2, 3], "b": ["x", "y", "x"]})).getvalue()


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": pa.array([np.zeros(10 * LARGE)], pa.list_(pa.float64()))}),
        pa.table({"a": pa.array(["x" * LARGE] * 100).dictionary_encode()}),
    ],
    ids=["a list", "texts"],
)
def test_a_page_shows_no_bomb(table, repo, monkeypatch):
    """The preview of a table takes little memory, whatever its first rows hold."""
    monkeypatch.setattr(previews, "MOST_BYTES", LARGE)
    data = written(table).getvalue()
    blob = repo.interpreter(WriteBlob(lambda sink: sink.write(data) and None))
    brought = (blob,) if isinstance(blob, InlineBlob) else ()
    forged = record(id=new_id(), serializer="pl_df_parquet", value_blob=blob.blob, inputs_blob=None)
    repo.interpreter(PutRecord(forged, run(), "{}", brought))
    tracemalloc.start()
    try:
        shown = previews.preview_of(repo.get_by_id(forged.id), repo)
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGE
    finally:
        tracemalloc.stop()
    assert (
        "to be shown" in str(shown) or "far more than is stored" in str(shown) or "…" in str(shown)
    )
