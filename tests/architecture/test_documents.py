"""What the documentation shows is what happens."""

import subprocess
import sys
from pathlib import Path

import pytest

from architecture import documents
from architecture.source import ROOT

ELSEWHERE = {
    "docs/guides/torch.md": "tests/tensors/test_torch_guide.py",  # where torch is installed
    "docs/guides/team.md": "tests/config/test_team_guide.py",  # with servers
}
PAGES = sorted(
    path
    for path in [*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md")]
    if str(path.relative_to(ROOT)) not in ELSEWHERE
    # Pages without code need no process of their own.
    and documents.blocks(path.read_text("utf-8"))
)


def run_page(page: Path) -> subprocess.CompletedProcess[str]:
    """Run the blocks of *page* in a fresh process, in the working directory of the test."""
    return subprocess.run(
        [sys.executable, documents.__file__, page], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page):
    """Every Python block of the page runs, and every doctest in it shows what it says."""
    result = run_page(page)
    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_a_page_that_is_not_run_here_has_a_test_of_its_own(page, test):
    """No page is left out without a test that names it."""
    assert (ROOT / page).exists()
    assert Path(page).name in (ROOT / test).read_text()


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (0, "no code"),
        (0, "```python\nx = 1\n```\n\nand\n\n```python\n>>> x + 1\n2\n```\n"),
        (0, "```python\n>>> x = 1\n```\n\n```python\nassert x == 1\n```\n"),
        (0, '```python title="sketch"\n1 / 0\n```\n\n```console\n$ ls\n```\n'),
        (0, "1. item\n\n   ```python\n   assert True\n   ```\n"),
        (
            0,
            "```python\nimport pickle\nclass A: pass\nassert type(pickle.loads(pickle.dumps(A()))) is A\n```\n",
        ),
        (0, "```python\nx = 1\nprint(2)\nx\n```\n\n```text\n2\n1\n```\n"),
        (0, "```python\nx = 1\n```\n\n```text\n```\n"),
        (1, "```python\nx = 1\nx\n```\n\n```text\n2\n```\n"),
        (1, "```python\n1 / 0\n```\n"),
        (1, "```python\n>>> 1 + 1\n3\n```\n"),
    ],
)
def test_a_page_that_lies_is_found(expected, text, tmp_path):
    """A block that fails, or shows another result, fails its page; anything else passes."""
    page = tmp_path / "page.md"
    page.write_text(text)
    assert expected == run_page(page).returncode


def test_an_error_names_the_line_of_the_page(tmp_path):
    """The traceback of a failing block points into the Markdown file."""
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\n\n1 / 0\n```\n")
    assert f'"{page}", line 5' in run_page(page).stderr
