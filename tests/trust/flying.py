"""What processes that want one artifact do; run as `python -m trust.flying TASK FOLDER …`, several at a time.

Whoever computes writes a line into `FOLDER/log`; each process prints the value that it got.
"""

import json
import os
import sys
import time
from pathlib import Path

import provenance as p

PATIENCE = 300.0


def environment(folder: Path, lease_seconds: float) -> dict[str, object]:
    """One SQLite file for all."""
    return {
        "blobstores": {"files": {"type": "disk", "cachedir": str(folder / "blobs")}},
        "artifact_repos": {"repo": {"type": "sqlite", "db": str(folder / "db"), "store": "files"}},
        "single_flight": {"lease_seconds": lease_seconds},
    }


def postgres(folder: Path, lease_seconds: float) -> dict[str, object]:
    """A server for all."""
    return {
        "artifact_repos": {"repo": {"type": "postgres", "db": os.environ["DATABASE"]}},
        "single_flight": {"lease_seconds": lease_seconds},
    }


def host(folder: Path, lease_seconds: float) -> dict[str, object]:
    """A database and a disk of its own, before what all hosts share."""
    mine = folder / f"host-{os.getpid()}"
    return {
        "blobstores": {
            "near": {"type": "disk", "cachedir": str(mine / "blobs")},
            "far": {"type": "disk", "cachedir": str(folder / "blobs")},
        },
        "artifact_repos": {
            "mine": {"type": "sqlite", "db": str(mine / "db"), "store": "near"},
            "shared": {"type": "sqlite", "db": str(folder / "db"), "store": "far"},
            "both": {"type": "chained", "stores": ["mine", "shared"]},
        },
        "default_repo": "both",
        "single_flight": {"lease_seconds": lease_seconds},
    }


@p.provenance(name="slow", ignore=["folder"])
def slow(seconds: float, size: int, folder: Path) -> list[object]:
    """Take so long, unless it is told to end; who computed is part of the value."""
    with (folder / "log").open("a") as log:
        log.write(f"{os.getpid()}\n")
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (folder / "end").exists():
        time.sleep(0.005)
    return [os.getpid(), "x" * size]


@p.provenance(name="failing", ignore=["folder"])
def failing(folder: Path) -> int:
    """Fail the first time."""
    with (folder / "log").open("a") as log:
        log.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    if (folder / "log").read_text().count("\n") == 1:
        raise ValueError("the first time")
    return os.getpid()


def together(folder: Path) -> None:
    """Wait until all others are ready, too."""
    (folder / f"ready-{os.getpid()}").touch()
    until = time.monotonic() + PATIENCE
    while not (folder / "go").exists() and time.monotonic() < until:
        time.sleep(0.005)


def main(make: str, folder: Path, lease_seconds: float, seconds: float, size: int) -> None:
    """Ask for the one call, when all are ready; print who computed it, and how often it was waited."""
    p.load_config(
        {"environment": environment, "host": host, "postgres": postgres}[make](
            folder, lease_seconds
        )
    )
    together(folder)
    try:
        result = (
            p.unwrap(slow(seconds, size, folder)) if seconds else [p.unwrap(failing(folder)), ""]
        )
    except ValueError as error:
        result = [str(error), ""]
    sys.stdout.write(
        json.dumps({"by": result[0], "size": len(result[1]), "waited": p.stats().waited})
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
