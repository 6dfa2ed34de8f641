"""The code that runs: the script or notebook, and which executed files git does not track."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias, cast

from provenance.effects.io import digest
from provenance.model.records import Json
from provenance.receipts.receipt import is_own_file

Facts: TypeAlias = "dict[str, Json]"
_LONGEST: Final = 1_000_000
"""Characters of a script that are recorded."""
_AT_ONCE: Final = 500
"""Files that git is asked about at a time."""


def program(*, with_text: bool) -> Facts | None:
    """Describe the script or notebook that runs: path, digest and, *with_text*, its text.

    The text of a notebook is that of the cells executed so far. None in a console, and for a
    program of an installed library.
    """
    namespace = vars(sys.modules["__main__"])
    cells = namespace.get("_ih")
    file = namespace.get("__vsc_ipynb_file__") or namespace.get("__file__")
    if isinstance(cells, list):
        path = file or os.environ.get("JPY_SESSION_NAME", "")
        text = "\n\n".join(map(str, cast("list[object]", cells)[1:]))
    else:
        path = file
        if not isinstance(file, str) or not is_own_file(file):
            return None
        try:
            text = Path(file).read_text("utf-8", "backslashreplace")
        except OSError:
            return {"path": file}
    facts: Facts = {"path": str(path), "digest": digest(text.encode("utf-8", "backslashreplace"))}
    return {**facts, "text": text[:_LONGEST]} if with_text else facts


def executed_files() -> frozenset[str]:
    """Return the real paths of the user's files that this process has executed or imported."""
    files = {
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] != "provenance"
    }
    return frozenset(
        os.path.realpath(file) for file in files if isinstance(file, str) and is_own_file(file)
    )


def untracked(files: Iterable[str], folder: Path, patience: float) -> list[str]:
    """Return those of *files* in the checkout around *folder* that git does not track, relative to its top.

    Empty if git cannot tell.
    """
    import subprocess

    real = Path(os.path.realpath(folder))
    top = next((path for path in (real, *real.parents) if (path / ".git").exists()), None)
    if top is None:
        return []
    inside = sorted(Path(file).relative_to(top).as_posix() for file in files if _is_in(file, top))
    tracked: set[str] = set()
    for start in range(0, len(inside), _AT_ONCE):
        command = ["git", "ls-files", "-z", "--", *inside[start : start + _AT_ONCE]]
        environment = {**os.environ, "GIT_LITERAL_PATHSPECS": "1"}
        try:
            done = subprocess.run(  # noqa: S603 - the command is our own
                command,
                cwd=top,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=patience,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return []
        tracked.update(os.fsdecode(done.stdout).split("\0"))
    return [file for file in inside if file not in tracked]


def _is_in(file: str, top: Path) -> bool:
    return Path(file).is_relative_to(top)
