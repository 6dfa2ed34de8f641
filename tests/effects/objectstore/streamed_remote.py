"""How much memory a large blob takes; run as `python -m effects.objectstore.streamed_remote TASK FOLDER`."""

import resource
import sys
from pathlib import Path

from contract.remote import REMOTES
from provenance.effects.io import BlobHasher
from provenance.effects.objectstore.blobs import ObjectBlobs

PIECE = bytes(1 << 20)
PIECES = 200
MOST = 110 << 10
"""KiB that may be taken: parts of 8 MiB, several at a time, there and back."""


def peak() -> int:
    """The most memory that this process ever took, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def stream(folder: Path) -> None:
    """Write and read piece by piece."""
    blobs = ObjectBlobs(REMOTES["s3 by seaweed"](folder))
    blobs.write_blob(lambda sink: sink.write(b"x") and None)
    before = peak()

    def write(sink) -> None:
        for _ in range(PIECES):
            sink.write(PIECE)

    def read(source) -> object:
        hashing = BlobHasher()
        while piece := source.read(1 << 20):
            hashing.add(piece)
        return hashing.blob()

    blob = blobs.write_blob(write).blob
    assert blob == blobs.read_blob(blob, read)
    blobs.delete_blob(blob)
    assert peak() - before < MOST, f"{(peak() - before) >> 10} MiB"


if __name__ == "__main__":
    stream(Path(sys.argv[2]))
