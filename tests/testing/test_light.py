"""What the test kit needs, and what it says where that is missing."""

import pytest

from processes import printed

BLOCKED = """
import sys
sys.modules.update(dict.fromkeys({blocked!r}))
import provenance.testing as t
with t.in_memory() as repo:
    print(repo.name, t.FixedClock().monotonic(), t.failing)
import provenance.testing.harness as samples
print(samples.record().name)
try:
    import provenance.testing.contracts
except ImportError as error:
    print(type(error).__name__, error)
"""


def test_the_helpers_need_neither_pytest_nor_hypothesis():
    """`provenance.testing` loads neither, and works where they are not installed."""
    loaded = printed(
        "import sys, provenance.testing, provenance.testing.harness, provenance.extending\n"
        "print([each for each in ('pytest', '_pytest', 'hypothesis') if each in sys.modules])"
    )
    assert "[]\n" == loaded


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_the_suites_say_what_they_need(missing):
    """Without pytest or hypothesis the suites are an error that says what to install, and the rest goes on."""
    lines = printed(BLOCKED.format(blocked=[missing])).splitlines()
    assert "memory 0.0" == lines[0][:10]
    assert "module.fn" == lines[1]
    expected = f"MissingLibraryError a contract suite needs {missing}: pip install {missing}"
    assert expected == lines[2]
