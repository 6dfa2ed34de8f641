"""No room for temporary files, or for copies; run as `python -m effects.objectstore.full_spool TASK FOLDER` in a namespace of its own."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from contract.stores import LIMIT
from provenance.effects.disk.blobs import DiskBlobs
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.effects.objectstore.client import RemoteFiles
from provenance.effects.tiers import Tier, write_through
from provenance.errors import StoreUnavailableError
from provenance.ports.blobs import HasBlob, ReadBlob, RemoteLocation, WriteBlob, blob_effects
from provenance.ports.permissions import Permissions

LARGE = 4 << 20


def full_spool(folder: Path) -> None:
    """Temporary files have no room: a write is refused, and so is a read of what is there."""
    remote = RemoteFiles("far", RemoteLocation("memory", "memory://x"))
    large = ObjectBlobs(remote).write_blob(lambda sink: sink.write(bytes(LARGE)) and None).blob
    tempfile.tempdir = str(folder)
    blobs = ObjectBlobs(remote)
    for use in (
        lambda: blobs.write_blob(lambda sink: sink.write(os.urandom(LARGE)) and None),
        lambda: blobs.read_blob(large, lambda source: source.read()),
    ):
        with pytest.raises(StoreUnavailableError, match=r"far.*temporary files.*free some space"):
            use()
    assert [] == [path for path in folder.rglob("*") if path.is_file()]
    blob = blobs.write_blob(lambda sink: sink.write(bytes(LIMIT)) and None).blob
    assert bytes(LIMIT) == blobs.read_blob(blob, lambda source: source.read())


def full_copies(folder: Path) -> None:
    """Copies have no room: what is written is in the far store, and is read from there; what is small is copied."""
    far = blob_effects(ObjectBlobs(RemoteFiles("far", RemoteLocation("memory", "memory://x"))))
    near = DiskBlobs(folder / "near", "near")
    ask = write_through(
        "both", Tier("near", blob_effects(near), Permissions()), Tier("far", far, Permissions())
    )
    data = os.urandom(LARGE)
    blob = ask(WriteBlob(lambda sink: sink.write(data) and None)).blob
    assert (True, False) == (ask(HasBlob(blob)), near.has_blob(blob))
    assert data == ask(ReadBlob(blob, lambda source: source.read()))
    assert [] == [path for path in folder.rglob("*") if path.is_file()]
    small = ask(WriteBlob(lambda sink: sink.write(bytes(LIMIT)) and None)).blob
    assert near.has_blob(small)


if __name__ == "__main__":
    task, place = (
        {each.__name__: each for each in (full_spool, full_copies)}[sys.argv[1]],
        Path(sys.argv[2]),
    )
    if "INSIDE" not in os.environ:
        os.environ["INSIDE"] = "1"
        inside = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            sys.executable,
            *sys.orig_argv[1:],
        ]
        os.execvp(inside[0], inside)
    logging.disable()  # that there is no room for a copy is a warning
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], check=True)
    task(place)
