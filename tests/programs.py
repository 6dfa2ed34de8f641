"""Programs that are started in each way that users start them: scripts, modules, consoles, notebooks."""

import os
import subprocess
import sys
from pathlib import Path

from processes import SOURCES, TIMEOUT


def write(path: str, text: str) -> None:
    """Write a file of the project, and its folders."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, "utf-8")


def ran(*arguments: str, stdin: str = "", cwd: str = ".", **variables: str) -> list[str]:
    """Return the words that Python prints when it is started like this."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": SOURCES, **variables},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        cwd=cwd,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout.split()


# An IPython kernel executes each cell as a file of this process, in a module `__main__` of its own.
KERNEL = """
import linecache, os, sys, types
user = types.ModuleType("__main__")
sys.modules["__main__"] = user
vars(user).update({variables!r}, _ih=[""])
for number, text in enumerate({cells!r}):
    name = f"/tmp/ipykernel_{{os.getpid()}}/{{number}}.py"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    user._ih.append(text)
    exec(compile(text, name, "exec"), vars(user))
"""


def kernel(cells: list[str], **variables: str) -> tuple[str, str]:
    """Return the arguments that make Python a kernel with these variables, which executes the cells."""
    return "-c", KERNEL.format(cells=cells, variables=variables)
