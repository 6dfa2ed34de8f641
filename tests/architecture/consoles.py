"""Plays the console blocks of a Markdown page: each command, with the output that the page shows."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from processes import SOURCES

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page: str) -> Iterator[tuple[str, str]]:
    """Each command of the page, and the output that it shows; `...` stands for anything."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = text.partition("\n")
            yield command, output


def environment(folder: Path) -> dict[str, str]:
    """The variables of a shell in *folder*, in which `provenance` and `python` are ours."""
    for name, module in {"provenance": "-m provenance.cli ", "python": ""}.items():
        command = folder / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        command.chmod(0o755)
    own = {key: value for key, value in os.environ.items() if not key.startswith("PROVENANCE")}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**own, "PYTHONPATH": SOURCES, "PATH": path}


def assert_prints(command: str, expected: str, folder: Path, variables: dict[str, str]) -> None:
    """Run *command* in *folder*; it prints what the page shows."""
    done = subprocess.run(
        command, shell=True, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert doctest.OutputChecker().check_output(expected, done.stdout, FLAGS), (
        done.stdout + done.stderr
    )
