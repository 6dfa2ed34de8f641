"""Damage recovers: what stored bytes ask for is compared with what they are, and a call computes its value again."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import provenance as p
from contract.samples import record, run
from provenance.codecs import Decoding, encoding, get_serializer
from provenance.model.records import InlineBlob, freeze_options
from provenance.ports.blobs import WriteBlob
from provenance.ports.records import PutRecord

DIGEST = "1f" * 20


def npy(shape):
    """A `.npy` file of one number whose header asks for more."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)


HUNGRY = {
    "an array of 73 TiB": ("numpy", npy((10_030_000_000_000,)), {}),
    "an array of 73 TiB, compressed": (
        "numpy",
        npy((10_030_000_000_000,)),
        {"compression": "zstd"},
    ),
    "bytes of a terabyte": ("pickle", b"\x80\x05\x8e" + (1 << 46).to_bytes(8, "little"), {}),
    "a bytearray of 64 terabytes": (
        "cloudpickle",
        b"\x80\x05\x96" + (1 << 46).to_bytes(8, "little"),
        {},
    ),
}


def planted(artifact_id, serializer, data, dump_kwargs=None, load_kwargs=None):
    """Put a record of these bytes under the id of a call."""
    stores = p.get_default_repo().interpreter
    written = stores(WriteBlob(lambda sink: sink.write(data) and None))
    forged = record(
        id=artifact_id,
        serializer=serializer,
        value_blob=written.blob,
        inputs_blob=None,
        load_kwargs=freeze_options(load_kwargs),
        dump_kwargs=freeze_options(dump_kwargs),
    )
    stores(
        PutRecord(
            forged,
            run(),
            '{"__varargs": []}',
            (written,) if isinstance(written, InlineBlob) else (),
        )
    )


@pytest.fixture(autouse=True)
def _repository():
    """A repository on disk."""
    with p.using_repo(
        p.SqliteRepo(db="records.db", store=p.DiskStore(cachedir="blobs"), inline_limit=0)
    ):
        yield


@pytest.mark.parametrize("case", HUNGRY)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_bytes_that_ask_for_all_memory_are_damage(case):
    """A load is a CorruptBlobError, and a call computes."""
    serializer, data, dump_kwargs = HUNGRY[case]
    call = p.provenance(name=case.replace(" ", "_"))(lambda: "computed")
    planted(call.artifact_id(), serializer, data, dump_kwargs)
    with pytest.raises(p.CorruptBlobError):
        p.load_artifact(call.artifact_id()).value  # noqa: B018
    assert "computed" == call()
    assert "computed" == p.load_artifact(call.artifact_id()).value


def test_a_lack_of_memory_is_none_of_the_bytes(monkeypatch, tmp_path):
    """Where there is no room for what they could become, the error stays what it is."""
    (tmp_path / "value").write_bytes(HUNGRY["bytes of a terabyte"][1])
    monkeypatch.setattr(encoding, "_GROWTH", 1 << 58)
    with pytest.raises(MemoryError), (tmp_path / "value").open("rb") as file:
        Decoding("pickle")(file)


def test_a_compressed_array_is_read(tmp_path):
    """How many bytes follow is not known before they are decompressed."""
    array = np.zeros((1_000, 100))
    with (tmp_path / "value").open("wb") as sink:
        encoding.Encoding("numpy", array, "it", freeze_options({"compression": "lz4"}))(sink)
    with (tmp_path / "value").open("rb") as file:
        assert np.array_equal(
            array, Decoding("numpy", dump_kwargs=freeze_options({"compression": "lz4"}))(file)
        )


MANIFESTS = {
    "a lone surrogate": [["\ud800", DIGEST, 3, False]],
    "a lone surrogate in a folder": [["\udfff/a", DIGEST, 3, False]],
    "a file that is a folder": [["a", DIGEST, 3, False], ["a/b", DIGEST, 3, False]],
    "a file that is a folder of folders": [
        ["a/b/c/d", DIGEST, 3, False],
        ["a/b", DIGEST, 3, False],
    ],
    "a file twice": [["a", DIGEST, 3, False], ["a", "2e" * 20, 3, False]],
    "a long name": [["a/" + 256 * "b", DIGEST, 3, False]],
    "a size that is text": [["a", DIGEST, "3", False]],
    "a mode that is a number": [["a", DIGEST, 3, 1]],
    "a way out": [["../a", DIGEST, 3, False]],
    "no list": {"a": 3},
    "a row that is none": [3],
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_that_no_folder_can_have_is_damage(case, tmp_path):
    """It is found when it is read, and a call archives the folder again."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "file.txt").write_text("text")
    call = p.provenance(name=case.replace(" ", "_"), archive_file=True)(lambda: str(data))
    planted(
        call.artifact_id(),
        "folder",
        json.dumps(MANIFESTS[case]).encode(),
        None,
        {"digest": DIGEST, "name": "data"},
    )
    with pytest.raises(p.CorruptBlobError):
        p.load_artifact(call.artifact_id()).value  # noqa: B018
    assert "text" == (Path(p.unwrap(call())) / "file.txt").read_text()


@pytest.mark.parametrize("extension", [".\ud800", "." + 300 * "x"])
def test_an_extension_that_no_file_can_have_is_damage(extension, tmp_path):
    """The same of a single file."""
    (tmp_path / "data.txt").write_text("text")
    call = p.provenance(name=f"file{len(extension)}", archive_file=True)(
        lambda: str(tmp_path / "data.txt")
    )
    planted(
        call.artifact_id(),
        "file",
        b"text",
        None,
        {"digest": DIGEST, "size": 4, "extension": extension},
    )
    with pytest.raises(p.CorruptBlobError):
        p.load_artifact(call.artifact_id()).value  # noqa: B018
    assert "text" == Path(p.unwrap(call())).read_text()


def test_names_of_an_unknown_encoding_are_names(tmp_path):
    """The system gives bytes that are not UTF-8 as surrogates of their own."""
    text = json.dumps([["caf\udce9", DIGEST, 3, False], ["caf/\udce9", DIGEST, 3, True]]).encode()
    (tmp_path / "manifest").write_bytes(text)
    with (tmp_path / "manifest").open("rb") as file:
        assert ["caf\udce9", "caf/\udce9"] == list(
            get_serializer("folder").load(file, digest=DIGEST).files
        )


@pytest.mark.parametrize(("letter", "most"), [("x", 199), ("é", 99)])
@pytest.mark.parametrize("delete", [False, True])
def test_an_extension_that_is_preserved_has_a_local_copy(letter, most, delete, tmp_path):
    """One that is too long for it is refused before anything is stored or deleted."""
    for count, fits in ((most, True), (most + 1, False)):
        file = tmp_path / f"data.{count * letter}"
        file.write_text("text")
        options = {"preserve_ext": True, "delete_original": delete}
        if fits:
            copy = Path(os.fspath(p.archive_file(file, f"{letter}{delete}", **options)))
            assert "text" == copy.read_text()
            assert copy.name.endswith(file.suffix)
            assert file.exists() is not delete
        else:
            with pytest.raises(p.UnarchivableFileError, match="extension"):
                p.archive_file(file, f"{letter}{delete}", **options)
            assert file.exists()


def test_a_long_name_without_a_preserved_extension_is_archived(tmp_path):
    """Neither alone nor in a folder does the local copy carry it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / f"a.{240 * 'x'}").write_text("text")
    archived = p.unwrap(p.archive_file(folder, "folder"))
    assert ["text"] == [
        Path(os.fspath(archived.files[name])).read_text() for name in archived.files
    ]
    assert "text" == Path(os.fspath(p.archive_file(folder / f"a.{240 * 'x'}", "file"))).read_text()
