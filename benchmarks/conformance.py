"""Plays the same small programs with several caches and says which of them behave as a user expects.

    make peers          # installs the peers into an environment of their own, then prints the table

Each case is a program that decorates functions with `cache` and notes each execution with `ran(…)`. Every step of a
case runs in a fresh process, as a script would. A case holds if the executions, and what was printed, are as expected.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from attrs import frozen

PEERS = {
    "provenance": "import provenance; cache = provenance.provenance()",
    "joblib": "import joblib; cache = joblib.Memory('cache', verbose=0).cache",
    "diskcache": "import diskcache; cache = diskcache.Cache('cache').memoize()",
    "checkpointer": """
import checkpointer
cache = checkpointer.Checkpointer(directory='cache', verbosity=0)
""",
    "redun": """
import logging, redun
logging.disable(logging.CRITICAL)
scheduler = redun.Scheduler(config=redun.config.Config({'backend': {'db_uri': 'sqlite:///redun.db'}}))
scheduler.load()
def cache(function):
    task = redun.task(namespace='case')(function)
    return lambda *args, **kwargs: scheduler.run(task(*args, **kwargs))
""",
}
"""What defines `cache` for each library. Each is used as its documentation shows first."""

PRELUDE = """
import sys
def ran(what=''):
    with open('executions', 'a') as log:
        print(what, file=log)
"""


@frozen
class Case:
    """One behavior: the program of each step, and what must have happened at the end."""

    says: str
    steps: tuple[str, ...]
    executions: int
    printed: str = ""
    edit: Callable[[str], str] | None = None


FUNCTION = """
@cache
def f({parameters}):
    ran()
    return {result}
"""


def calls(parameters: str, result: str, *made: str) -> str:
    """A program that decorates `f` and makes these calls."""
    return FUNCTION.format(parameters=parameters, result=result) + "\n".join(made) + "\n"


HELPER = """
from helper import scale
@cache
def f(x):
    ran()
    return scale(x)
"""

CASES = (
    Case("a second process finds the result", (calls("x", "x + 1", "f(1)"),) * 2, 1),
    Case(
        "positional and keyword arguments are one call",
        (calls("a, b", "a + b", "f(1, 2)", "f(b=2, a=1)"),),
        1,
    ),
    Case(
        "a default that is spelled out is one call",
        (calls("a, b=2", "a + b", "f(1)", "f(1, 2)"),),
        1,
    ),
    Case(
        "dictionaries in another order are equal",
        (calls("d", "len(d)", "f({'a': 1, 'b': 2})", "f({'b': 2, 'a': 1})"),),
        1,
    ),
    Case(
        "a frozenset of strings is found by another process",
        (calls("s", "len(s)", "f(frozenset('abcdefgh'))"),) * 3,
        1,
    ),
    Case(
        "a table and its copy are one call",
        (
            "import pandas as pd\n"
            + calls(
                "t",
                "len(t)",
                "t = pd.DataFrame({'t': pd.date_range('2026', periods=3), 'x': [1, 2, 3]})",
                "f(t)",
                "f(t.copy())",
            ),
        ),
        1,
    ),
    Case(
        "sharing is invisible: `[a, a]` and `[a, copy of a]` are equal",
        (calls("x", "len(x)", "a = [1, 2]", "f([a, a])", "f([a, [1, 2]])"),),
        1,
    ),
    Case(
        "`1`, `1.0` and `True` are three calls",
        (calls("x", "repr(x)", "f(1)", "f(1.0)", "f(True)"),),
        3,
    ),
    Case(
        "NaN is found again",
        (calls("x", "1", "f(float('nan'))", "f(float('nan'))"),),
        1,
    ),
    Case(
        "a closure counts by what it captured",
        (
            """
def make(k):
    @cache
    def f(x):
        ran()
        return x * k
    return f
print(make(2)(10), make(3)(10))
""",
        ),
        2,
        "20 30\n",
    ),
    Case(
        "changing a returned list changes no later result",
        (calls("n", "list(range(n))", "first = f(2)", "first.append(9)", "print(list(f(2)))"),),
        1,
        "[0, 1]\n",
    ),
    Case(
        "a function that changes its argument is noticed",
        (
            """
@cache
def f(x):
    ran()
    x.append(1)
    return len(x)
try:
    f([1])
except Exception:
    print('noticed')
""",
        ),
        1,
        "noticed\n",
    ),
    Case(
        "an error is not stored",
        (
            """
@cache
def f(x):
    ran()
    raise ValueError
for _ in range(2):
    try:
        f(1)
    except ValueError:
        pass
""",
        ),
        2,
    ),
    Case(
        "a comment costs nothing",
        (
            calls("x", "x + 1", "f(1)"),
            "# a comment\n"
            + calls("x", "x + 1", "# another", "f(1)").replace("    ran()", "    ran()  # note"),
        ),
        1,
    ),
    Case(
        "an edited helper is noticed (computed again, or reported)",
        (
            "open('helper.py', 'w').write('def scale(x):\\n    return x * 2\\n')\n"
            + HELPER
            + "f(1)\n",
            "open('helper.py', 'w').write('def scale(x):\\n    return x * 30\\n')\n"
            "import contextlib, io\n"
            + HELPER
            + "said = io.StringIO()\nwith contextlib.redirect_stderr(said):\n    value = f(1)\n"
            "print('noticed' if value == 30 or 'changed' in said.getvalue() else 'silent')\n",
        ),
        -1,
        "noticed\n",
    ),
    Case(
        "two scripts with functions of one name never meet",
        (
            "#a.py\n" + calls("x", "'a'", "print(f(1))"),
            "#b.py\n" + calls("x", "'b'", "print(f(1))"),
        ),
        2,
        "a\nb\n",
    ),
    Case(
        "equal calls of two processes at once run once",
        (
            """
import multiprocessing, time
@cache
def f(x):
    ran()
    time.sleep(1)
    return x
if __name__ == '__main__':
    context = multiprocessing.get_context('fork')
    both = [context.Process(target=f, args=(1,)) for _ in range(2)]
    [each.start() for each in both]
    [each.join() for each in both]
""",
        ),
        1,
    ),
    Case(
        "a damaged file is computed again",
        (
            calls("x", "list(range(100_000))", "f(1)"),
            """
import os
for folder, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.getsize(path) > 20_000 and not name.endswith(('.db', '.py', '-wal', '-shm')):
            data = bytearray(open(path, 'rb').read())
            data[len(data) // 2] ^= 255
            open(path, 'wb').write(bytes(data))
"""
            + calls("x", "list(range(100_000))", "print(list(f(1)) == list(range(100_000)))"),
        ),
        -1,
        "True\n",
    ),
)


def holds(case: Case, cache: str) -> bool:
    """Whether *case* behaves as expected with *cache*, in an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").touch()
        printed = ""
        for step in case.steps:
            script = (
                step[1:].split("\n", 1)[0] if step.startswith(("#a.py", "#b.py")) else "main.py"
            )
            (folder / script).write_text(f"{PRELUDE}{cache}\n{step}")
            done = subprocess.run(
                [sys.executable, script], cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode:
                return False
            printed += done.stdout
        log = folder / "executions"
        count = len(log.read_text().splitlines()) if log.exists() else 0
        return case.executions in (-1, count) and printed == case.printed


def table(cases: Iterable[Case] = CASES) -> str:
    """The table in Markdown: a row a case, a column a library."""
    names = list(PEERS)
    lines = [
        "| behavior | " + " | ".join(f"{name} {version(name)}" for name in names) + " |",
        "| --- |" + " --- |" * len(names),
    ]
    for case in cases:
        marks = ["yes" if holds(case, PEERS[name]) else "**no**" for name in names]
        lines.append(f"| {case.says} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
