"""Running Python programs in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import provenance

SOURCES = str(Path(provenance.__file__).parents[1])
TIMEOUT = 300.0
"""Seconds after which a process is given up; none takes nearly so long, even on a busy machine."""


def started(program: str, *args: str, **variables: str) -> subprocess.Popen[str]:
    """A process that runs *program* in the working directory, with these environment variables."""
    environment = {**os.environ, "PYTHONPATH": SOURCES, **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *args],
        env=environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    """What *process* prints until it ends, which must be well."""
    out, err = process.communicate(timeout=TIMEOUT)
    assert 0 == process.returncode, err
    return out


def printed(program: str, *args: str, **variables: str) -> str:
    """What *program* prints."""
    return output(started(program, *args, **variables))
