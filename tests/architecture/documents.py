"""Runs the Python blocks of one Markdown file as one script: `python documents.py README.md`.

Blocks fenced as `python` run from top to bottom in one namespace. A block with prompts (`>>>`) is a doctest, and shows
what it shows. A block fenced as `text` right after a block is what the latter prints, as below a cell of a notebook:
its last expression is shown, too. Line numbers in errors are those of the Markdown file. A fence with more in its first
line, as in `python title="sketch"`, is not run.
"""

import ast
import contextlib
import doctest
import io
import re
import sys
import types
from pathlib import Path

FENCED = re.compile(
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$"
    r"(?:\n\n(?P=indent)```text\n(?P<output>.*?)^(?P=indent)```$)?",
    re.MULTILINE | re.DOTALL,
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text: str) -> list[tuple[int, str, str | None]]:
    """The line before each block, its code, outdented, and the output that the page shows below it."""
    return [
        (
            text.count("\n", 0, match.start("code")),
            re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE),
            match["output"],
        )
        for match in FENCED.finditer(text)
    ]


def run_block(
    line: int, code: str, output: str | None, name: str, namespace: dict[str, object]
) -> int:
    """Run one block in *namespace*; the number of examples that failed."""
    if ">>>" in code:
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        examples = doctest.DocTestParser().get_doctest(code, namespace, name, name, line)
        examples.globs = namespace  # the parser copies; later blocks must see what this one defines
        return runner.run(examples, clear_globs=False).failed
    if output is None:
        exec(compile("\n" * line + code, name, "exec"), namespace)
        return 0
    printed = run_cell("\n" * line + code, name, namespace)
    if doctest.OutputChecker().check_output(output, printed, OPTIONS):
        return 0
    sys.stdout.write(f"{name}:{line}: expected\n{output}printed\n{printed}\n")
    return 1


def run_cell(code: str, name: str, namespace: dict[str, object]) -> str:
    """Run *code* as a notebook does; what it prints, and the text of its last expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, name, "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
            sys.stdout.write("" if value is None else f"{value!r}\n")
    return printed.getvalue()


def run(path: Path) -> int:
    """Run every block of *path*; the number of doctest examples that failed. Errors of plain blocks are raised."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    return sum(
        run_block(line, code, output, str(path), vars(main))
        for line, code, output in blocks(path.read_text("utf-8"))
    )


if __name__ == "__main__":
    sys.exit(min(1, run(Path(sys.argv[1]))))
