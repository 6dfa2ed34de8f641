"""The reference of the documentation has every public name, once, and no other."""

import inspect
import re
from collections import Counter

import pytest

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


FUNCTIONS = sorted(
    name
    for name in provenance.__all__
    if callable(getattr(provenance, name))
    and inspect.isroutine(inspect.unwrap(getattr(provenance, name)))
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_tells_what_goes_in_and_comes_out(name):
    """Its docstring names each parameter and the result, and has an example, which runs as a doctest."""
    function = getattr(provenance, name)
    text = inspect.getdoc(function)
    sections = dict(re.findall(r"^(\w+):\n((?:    .*\n|\n)+)", text + "\n", re.MULTILINE))
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        assert re.search(rf"^    \**{parameter.name}: ", sections["Args"], re.MULTILINE)
    is_told = text.startswith(("Return", "Tell", "Decorate")) or "Returns" in sections
    assert is_told or signature.return_annotation == "None"
    assert ">>> " in sections["Example"]
