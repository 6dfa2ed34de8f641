"""`SECURITY.md` is the index of these tests."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INDEX = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_test_of_a_promise_is_in_the_index():
    """Each module here attacks a promise that the page makes, and each module that it names is there."""
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", INDEX))
    own = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert own - {"tests/security/test_index.py"} <= named
    assert [] == [name for name in named if not (ROOT / name).is_file()]


def test_links_lead_somewhere():
    """The pages that it refers to exist."""
    links = set(re.findall(r"\]\(([^)#]+)\)", INDEX))
    assert links
    assert [] == [link for link in links if not (ROOT / link).is_file()]
