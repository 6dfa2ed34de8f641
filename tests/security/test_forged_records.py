"""A record and its bytes may say anything: nothing that they say becomes a pointer, an option or a program.

Whoever may write to a store writes records that fit its bytes: the digest, the serializer, the arguments of its load function.
"""

import io
import json
import pickle
import struct

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as p
from contract.samples import new_id, record, run
from provenance import archives
from provenance.codecs import get_serializer, torch
from provenance.model.records import InlineBlob, freeze_options
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

SIZES = {"in the database": 8, "a file": 40_000}
"""Elements of a planted array: a small blob is read from memory, a large one is a file that can be mapped."""
POINTERS = {
    "objects": "'|O'",
    "a field of objects": "[('number', '<i8'), ('object', '|O')]",
    "a field inside a field": "[('outer', [('inner', '|O')])]",
    "a field of arrays of objects": "[('objects', '|O', (2,))]",
    "an array of objects": "('|O', (2,))",
    "text of any width": "'T'",
    "a field of text of any width": "[('text', 'T')]",
}
"""Types whose elements are addresses, as the header of a `.npy` file names them."""


def repository(trusted):
    """The repository of this folder, as it is configured by someone."""
    return p.SqliteRepo(db="records.db", store=p.DiskStore(cachedir="blobs"), trusted=trusted)


def planted(data, serializer, load_kwargs=None, dump_kwargs=None, inputs="{}", inputs_blob=False):
    """Id of an artifact of these bytes, as somebody who may write to the stores puts it there."""
    stores = repository(True).interpreter
    written = stores(WriteBlob(lambda sink: sink.write(data) and None))
    forged = record(
        id=new_id(),
        serializer=serializer,
        value_blob=written.blob,
        inputs_blob=written.blob if inputs_blob else None,
        load_kwargs=freeze_options(load_kwargs),
        dump_kwargs=freeze_options(dump_kwargs),
    )
    stores(PutRecord(forged, run(), inputs, (written,) if isinstance(written, InlineBlob) else ()))
    return forged.id


def npy(descr, shape, data=b""):
    """A `.npy` file whose header says this."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("mode", [None, "r", "c"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", POINTERS)
def test_an_array_of_addresses_is_refused(kind, size, mode, trusted):
    """Before anything is mapped or allocated, whoever is trusted: the addresses would be followed when it is used."""
    addresses = np.full(4 * SIZES[size], 0xDEADBEEF, "<u8").tobytes()
    forged = planted(
        npy(POINTERS[kind], (SIZES[size],), addresses), "numpy", {"mmap_mode": mode} if mode else {}
    )
    with pytest.raises(p.CorruptBlobError, match=r"pointers|decoded"):
        repository(trusted).get_value(forged)


def test_text_of_any_width_is_stored_in_another_way():
    """NumPy's variable-width strings are not written as an array whose bytes are addresses."""
    texts = np.array(["a", "long " * 20], dtype="T")
    with p.using_repo(p.MemoryRepo()):
        artifact = p.provenance(name="texts")(lambda: texts).artifact()
        assert "numpy" != artifact.serializer
        assert list(texts) == list(artifact.value)


@pytest.mark.parametrize("shape", [(1 << 43,), (1 << 20, 1 << 20), (1 << 62, 4), (-5,)])
@pytest.mark.parametrize("mode", [None, "r", "c"])
@pytest.mark.parametrize("size", SIZES)
def test_an_array_is_no_larger_than_its_bytes(size, mode, shape):
    """A header that asks for terabytes is damage, not a lack of memory."""
    forged = planted(
        npy("'<f8'", shape, bytes(8 * SIZES[size])), "numpy", {"mmap_mode": mode} if mode else {}
    )
    with pytest.raises(p.CorruptBlobError):
        repository(False).get_value(forged)


OUTSIDE = {
    "a mode that writes": ("numpy", {"mmap_mode": "r+"}),
    "a mode that is no text": ("numpy", {"mmap_mode": ["c"]}),
    "numpy": ("numpy", {"allow_pickle": True}),
    "pandas": ("pd_df_parquet", {"engine": "fastparquet"}),
    "a series": ("pd_series_parquet", {"columns": []}),
    "polars": ("pl_df_parquet", {"use_pyarrow": True}),
    "a series of polars": ("pl_series_parquet", {"memory_map": True}),
    "arrow": ("arrow_ipc", {"options": None}),
    "json": ("json", {"object_hook": "os.system"}),
    "joblib": ("joblib", {"mmap_mode": "r+"}),
    "pickle": ("pickle", {"encoding": "bytes"}),
    "cloudpickle": ("cloudpickle", {"buffers": []}),
    "torch, with code": ("pytorch_model", {"weights_only": False}),
    "torch, unsafe": ("pytorch_model", {"pickle_module": "dill"}),
    "torch, mapped": ("pytorch_model", {"mmap": True}),
    "a device that is none": ("pytorch_model", {"map_location": {"cpu": "cuda:0"}}),
    "a file": ("file", {"digest": "1f" * 20, "keeper": "elsewhere"}),
    "a file whose extension leads away": ("file", {"digest": "1f" * 20, "extension": "/../../x"}),
    "a file whose digest is a path": ("file", {"digest": "../" * 13 + "x"}),
    "a file whose size is text": ("file", {"digest": "1f" * 20, "size": "5"}),
    "a file of negative size": ("file", {"digest": "1f" * 20, "size": -5}),
    "a file whose name is none": ("file", {"digest": "1f" * 20, "name": {"a": 1}}),
    "a folder": ("folder", {"digest": "1f" * 20, "members": []}),
    "a folder whose name is none": ("folder", {"digest": "1f" * 20, "name": 3}),
    "the source itself": ("numpy", {"source": "elsewhere"}),
}
"""Arguments that no load function takes, by what they would do to which."""
SOUND = {
    "folder": b"[]",
    "json": b"[]",
    "pickle": pickle.dumps(None),
    "numpy": npy("'<f8'", (1,), bytes(8)),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_an_argument_outside_the_closed_list_is_an_error(case):
    """A load function of ours takes the arguments that it lists, with the values that it lists."""
    serializer, load_kwargs = OUTSIDE[case]
    forged = planted(SOUND.get(serializer, b"anything"), serializer, load_kwargs)
    with pytest.raises((p.CorruptBlobError, p.UntrustedStoreError)):
        repository(False).get_value(forged)
    with pytest.raises(p.CorruptBlobError):
        repository(True).get_value(forged)


@pytest.mark.parametrize(
    "case",
    [case for case in OUTSIDE if OUTSIDE[case][0] not in {"file", "folder", "pytorch_model"}],
)
def test_the_same_argument_is_refused_where_a_function_is_decorated(case):
    """The error comes before anything is computed."""
    serializer, load_kwargs = OUTSIDE[case]
    with pytest.raises(p.ConfigError, match="load_kwargs"):
        p.provenance(serializer=serializer, load_kwargs=load_kwargs)(lambda: None)


@pytest.mark.parametrize(
    "name", ["../cpu", "cpu;", "", "CPU", "cuda:", "cuda:0:1", 0, {"cpu": "cpu"}, ["cpu"], b"cpu"]
)
def test_a_device_has_the_name_of_a_device(name):
    """What torch maps tensors to comes from the record as well."""
    for load in (torch.load_torch, torch.load_weights):
        with pytest.raises(ValueError, match="map_location"):
            load(io.BytesIO(), map_location=name)


@pytest.mark.parametrize("compression", ["bz2", 5, ["zstd"], {"zstd": 1}])
@pytest.mark.parametrize("serializer", ["numpy", "json", "pickle"])
def test_a_compression_that_is_none_is_an_error(serializer, compression):
    """The arguments of the dump function choose what decompresses."""
    forged = planted(SOUND[serializer], serializer, {}, {"compression": compression})
    with pytest.raises(p.CorruptBlobError, match="compression"):
        repository(False).get_value(forged)


def test_a_serializer_of_the_users_keeps_its_own_arguments():
    """They are the user's, who checks them."""
    p.register_serializer(
        "forged scaled",
        lambda value, sink: sink.write(str(value).encode()) and None,
        lambda source, factor=1: int(source.read()) * factor,
        executes=False,
    )
    assert 21 == repository(False).get_value(planted(b"7", "forged scaled", {"factor": 3}))


@pytest.mark.parametrize("serializer", ["pl_df_parquet", "pl_series_parquet"])
def test_a_frame_has_no_column_of_addresses(serializer):
    """Columns of the extension type of polars hold Python objects, by the addresses that the file says."""
    marks = {
        "ARROW:extension:name": "POLARS_EXTENSION_TYPE",
        "ARROW:extension:metadata": "1;3735928559",
    }
    field = pa.field("object", pa.binary(8), metadata=marks)
    sink = io.BytesIO()
    pq.write_table(
        pa.table([pa.array([b"\xde\xad\xbe\xef" * 2], pa.binary(8))], schema=pa.schema([field])),
        sink,
    )
    with pytest.raises(p.CorruptBlobError, match="never stored"):
        repository(False).get_value(planted(sink.getvalue(), serializer))


def test_frames_that_were_written_are_read():
    """The schema is read first, and then the whole."""
    sink = io.BytesIO()
    frame = pl.DataFrame({"a": [1, 2], "b": [["x"], []]})
    get_serializer("pl_df_parquet").dump(frame, sink)
    assert frame.equals(repository(False).get_value(planted(sink.getvalue(), "pl_df_parquet")))


@pytest.mark.parametrize("forged", [1 << 30, -(1 << 30)])
@pytest.mark.parametrize("trusted", [True, False])
def test_the_offsets_of_a_column_stay_inside_it(forged, trusted):
    """A stream of Arrow says where each text begins: what lies outside is not read as if it were text."""
    sink = io.BytesIO()
    texts = pa.table({"text": ["first", "second", "third"]})
    get_serializer("arrow_ipc").dump(texts, sink)
    offsets = np.array([0, 5, 11, 16], "<i4").tobytes()
    data = sink.getvalue()
    assert 1 == data.count(offsets)
    data = data.replace(offsets, np.array([0, 5, 11, forged], "<i4").tobytes())
    with pytest.raises(p.CorruptBlobError):
        repository(trusted).get_value(planted(data, "arrow_ipc"))


@pytest.mark.parametrize("inputs", ["{}", "[]", "3", "nothing", '{"__varargs": 3}', "null"])
def test_inputs_that_are_none_are_damage(inputs):
    """The error is that of a record that is not what was put, whatever its text is."""
    with pytest.raises(p.CorruptRecordError, match="inputs"):
        repository(False).get_inputs(planted(b"null", "json", inputs=inputs))


@pytest.mark.parametrize("value", [None, [], {}, {"kargs": 1, "varargs": 2}])
def test_inputs_whose_bytes_are_none_are_damage(value):
    """The same of inputs that are a blob."""
    with pytest.raises(p.CorruptRecordError, match="inputs"):
        repository(False).get_inputs(planted(pickle.dumps(value), "pickle", inputs_blob=True))


def test_an_interface_names_methods_of_a_closed_list():
    """A record says which special methods a proxy has: what is none of them is left out."""
    stores = repository(True).interpreter
    written = stores(WriteBlob(lambda sink: sink.write(b"[1]") and None))
    names = ("__del__", "__reduce_ex__", "__class__", "__getattr__", "forged", "__len__", "__len__")
    forged = record(
        id=new_id(),
        serializer="json",
        value_blob=written.blob,
        inputs_blob=None,
        interface=names,
        value_type="builtins:list",
    )
    brought = (written,) if isinstance(written, InlineBlob) else ()
    stores(PutRecord(forged, run(), "{}", brought))
    with p.using_repo(repository(False)):
        proxy = p.load_proxy(forged.id)
        kind = object.__getattribute__(proxy, "__class__")
        own = vars(type(proxy))
        assert 1 == len(proxy)
        assert kind is not None
    assert "forged" not in own
    assert "__del__" not in own
    assert "__getattr__" not in own
    assert type(proxy).__reduce_ex__ is type(proxy).__mro__[1].__reduce_ex__


@pytest.mark.parametrize("path", ["a\\..\\..\\b", "C:b", "a:stream", "\\\\server\\share"])
def test_a_member_of_a_folder_leads_nowhere_on_windows(path, monkeypatch):
    """There a backslash begins a folder, and a colon a drive or a stream; elsewhere they are letters."""
    manifest = f"[[{json.dumps(path)}, {json.dumps('1f' * 20)}, 3, false]]".encode()
    load = get_serializer("folder").load
    assert [path] == list(load(io.BytesIO(manifest), digest="1f" * 20).files)
    monkeypatch.setattr(archives, "_SEPARATORS", "\\:")
    with pytest.raises(ValueError, match="escape"):
        load(io.BytesIO(manifest), digest="1f" * 20)
