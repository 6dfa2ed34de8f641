"""The sources as the architecture tests see them: files, syntax trees, functions."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "provenance"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(folder: Path) -> list[Path]:
    """Every Python file below *folder*, in order of name."""
    return sorted(folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file, parsed once."""
    return ast.parse(path.read_text("utf-8"), str(path))


def functions(module: ast.AST) -> Iterator[Function]:
    """Every function of *module*, methods and nested ones among them."""
    return (node for node in ast.walk(module) if isinstance(node, Function))


def where(path: Path, line: int) -> str:
    """A place as an editor understands it: `src/provenance/model/ids.py:12`."""
    return f"{path.relative_to(ROOT)}:{line}"


def committed() -> list[Path]:
    """Every text file that is, or is about to be, under version control; from an archive, every file that came with it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return sorted(path for path in found if path.is_file() and b"\0" not in path.read_bytes())
