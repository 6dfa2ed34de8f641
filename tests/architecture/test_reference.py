"""The reference of the documentation has every public name, once, and no other."""

import re
from collections import Counter

import provenance
from architecture.source import ROOT

DIRECTIVE = re.compile(
    r"^\.\. auto(?:function|class|exception|data):: provenance\.(\w+)$", re.MULTILINE
)


def test_the_reference_lists_every_public_name_once():
    """`__all__` and the pages under `docs/reference` agree."""
    listed = Counter(
        name
        for page in (ROOT / "docs/reference").glob("*.md")
        for name in DIRECTIVE.findall(page.read_text())
    )
    assert Counter(provenance.__all__) == listed


def test_every_page_is_in_the_table_of_contents():
    """A page that the site's index does not name could not be found there."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text().split()
    pages = {str(page.relative_to(docs).with_suffix("")) for page in docs.rglob("*.md")}
    assert pages - {"index"} == pages.intersection(index)
