"""The guide on torch shows what happens."""

from architecture.source import ROOT
from architecture.test_documents import run_page


def test_the_blocks_of_the_guide_run():
    """Every Python block of the page runs, and every doctest in it shows what it says."""
    result = run_page(ROOT / "docs" / "guides" / "torch.md")
    assert 0 == result.returncode, result.stdout + result.stderr
