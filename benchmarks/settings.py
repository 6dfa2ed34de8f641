"""The configurations of ours that are measured; nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SQLITE, POWER, INSIDE, OUTSIDE, FEW, MANY = "sqlite", "power", "inside", "outside", "few", "many"
_DISK: dict[str, Any] = {"type": "disk", "delete": True}
_SQLITE: dict[str, Any] = {"type": "sqlite", "delete": True, "store": "disk"}


def only_sqlite(folder: Path) -> dict[str, Any]:
    """SQLite + disk, as the default configuration has it."""
    return {
        "blobstores": {"disk": {**_DISK, "cachedir": str(folder / "ours" / "blobs")}},
        "artifact_repos": {SQLITE: {**_SQLITE, "db": str(folder / "ours" / "provenance.db")}},
        "default_repo": SQLITE,
    }


def all_of_them(folder: Path) -> dict[str, Any]:
    """SQLite + disk as the default, and beside it the variations that are compared."""
    default = only_sqlite(folder)
    return {
        "blobstores": {
            **default["blobstores"],
            "safe": {**_DISK, "cachedir": str(folder / "power" / "blobs"), "durability": "power"},
            "files": {**_DISK, "cachedir": str(folder / "files")},
        },
        "artifact_repos": {
            **default["artifact_repos"],
            POWER: {
                **_SQLITE,
                "db": str(folder / "power" / "p.db"),
                "store": "safe",
                "durability": "power",
            },
            INSIDE: {**_SQLITE, "db": str(folder / "inside.db"), "inline_limit": 1 << 30},
            OUTSIDE: {
                **_SQLITE,
                "db": str(folder / "outside.db"),
                "store": "files",
                "inline_limit": 0,
            },
            FEW: {"type": "memory"},
            MANY: {"type": "memory"},
        },
        "default_repo": SQLITE,
    }
