"""What forked processes do with a place elsewhere; run as `python -m effects.objectstore.forked_remote TASK FOLDER NAME`."""

import os
import random
import signal
import sys
import time
from pathlib import Path

from contract.processes import beside, in_children
from contract.remote import REMOTES
from provenance.effects.io import blob_of
from provenance.effects.objectstore.blobs import ObjectBlobs
from provenance.model.ids import BlobId
from provenance.model.records import Blob

LARGE = bytes(3 << 20)
KILLS = 6


def keep(blobs: ObjectBlobs, data: bytes) -> None:
    """Write and read."""
    blob = blobs.write_blob(lambda sink: sink.write(data) and None).blob
    assert data == blobs.read_blob(blob, lambda source: source.read())


def forked(name: str, folder: Path) -> None:
    """Children use what their parent has open, amid what its threads do, and the parent goes on."""
    blobs = ObjectBlobs(REMOTES[name](folder))
    keep(blobs, LARGE)

    def work(_: int) -> None:
        for _ in range(3):
            keep(blobs, os.urandom(100))
        keep(blobs, LARGE)

    with beside(lambda: keep(blobs, os.urandom(100))):
        in_children(4, work)
        keep(blobs, os.urandom(100))


def killed(name: str, folder: Path) -> None:
    """Whenever a writer is killed, what is to be seen is complete, and the next one writes what he did not."""
    remote = REMOTES[name](folder)
    blobs = ObjectBlobs(remote)
    keep(blobs, b"warm")
    for turn in range(KILLS):
        data = random.Random(turn).randbytes(4 << 20)
        child = os.fork()
        if child == 0:
            ObjectBlobs(remote).write_blob(lambda sink, data=data: sink.write(data) and None)
            os._exit(0)
        time.sleep(random.Random(turn).uniform(0, 0.6))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for path, status in list(remote.listed()):
            blob_id = path.replace("/", "", 1)
            if not path.startswith("."):
                found = Blob(BlobId(blob_id), status.size)
                assert found == blobs.read_blob(found, lambda source: blob_of(source.read()))
        keep(blobs, data)


if __name__ == "__main__":
    {task.__name__: task for task in (forked, killed)}[sys.argv[1]](sys.argv[3], Path(sys.argv[2]))
