"""Files shown in the documentation, and pytest over them in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from architecture.source import ROOT

SHOWN = re.compile(
    r'^```python title="(?P<name>\w+\.py)"\n(?P<code>.*?)^```$', re.MULTILINE | re.DOTALL
)


def files_in(page: str) -> dict[str, str]:
    """The files that a page shows, by name."""
    return {
        match["name"]: match["code"] for match in SHOWN.finditer((ROOT / page).read_text("utf-8"))
    }


def outcome(files: dict[str, str], *options: str) -> tuple[dict[str, int], str]:
    """How many tests passed, failed and so on where pytest runs over *files* in the working directory; what it printed."""
    for name, code in files.items():
        Path(name).write_text(code, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        ".",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    last = done.stdout.strip().splitlines()[-1]
    return {
        word: int(count)
        for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)
    }, done.stdout
