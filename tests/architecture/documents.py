"""Runs the Python blocks of one Markdown file as one script: `python documents.py README.md`.

Blocks fenced as `python` run from top to bottom in one namespace. A block with prompts (`>>>`) is a doctest, and shows
what it shows. Line numbers in errors are those of the Markdown file. A fence with more in its first line, as in
`python title="sketch"`, is not run.
"""

import doctest
import re
import sys
import types
from pathlib import Path

FENCED = re.compile(
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text: str) -> list[tuple[int, str]]:
    """The code of each block and the line before its first, outdented."""
    return [
        (
            text.count("\n", 0, match.start("code")),
            re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE),
        )
        for match in FENCED.finditer(text)
    ]


def run_block(line: int, code: str, name: str, namespace: dict[str, object]) -> int:
    """Run one block in *namespace*; the number of doctest examples that failed."""
    if ">>>" not in code:
        exec(compile("\n" * line + code, name, "exec"), namespace)
        return 0
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    examples = doctest.DocTestParser().get_doctest(code, namespace, name, name, line)
    examples.globs = namespace  # the parser copies; later blocks must see what this one defines
    return runner.run(examples, clear_globs=False).failed


def run(path: Path) -> int:
    """Run every block of *path*; the number of doctest examples that failed. Errors of plain blocks are raised."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    return sum(
        run_block(line, code, str(path), vars(main))
        for line, code in blocks(path.read_text("utf-8"))
    )


if __name__ == "__main__":
    sys.exit(min(1, run(Path(sys.argv[1]))))
