"""What forked processes do with a place elsewhere; run as `python -m effects.forked_elsewhere NAME FOLDER`."""

import os
import sys
import threading
from pathlib import Path

from contract.elsewhere import REMOTES
from contract.processes import in_children
from provenance.effects.objects import ObjectBlobs

LARGE = bytes(3 << 20)


def keep(blobs: ObjectBlobs, data: bytes) -> None:
    """Write and read."""
    blob = blobs.write_blob(lambda sink: sink.write(data) and None).blob
    assert data == blobs.read_blob(blob, lambda source: source.read())


def forked(name: str, folder: Path) -> None:
    """Children use what their parent has open, amid what its threads do, and the parent goes on."""
    blobs = ObjectBlobs(REMOTES[name](folder))
    keep(blobs, LARGE)
    stop, ready = threading.Event(), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            keep(blobs, os.urandom(100))
            ready.set()

    thread = threading.Thread(target=busy)
    thread.start()
    ready.wait()

    def work(_: int) -> None:
        for _ in range(3):
            keep(blobs, os.urandom(100))
        keep(blobs, LARGE)

    in_children(4, work)
    keep(blobs, os.urandom(100))
    stop.set()
    thread.join()


if __name__ == "__main__":
    forked(sys.argv[1], Path(sys.argv[2]))
