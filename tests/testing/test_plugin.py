"""The fixtures, as a user's test run meets them."""

from testing.pages import outcome

USING = """
import sys

import pytest

LOADED = [each for each in sys.modules if each.partition(".")[0] in {"provenance", "attrs", "attr", "hypothesis"}]


def test_nothing_is_loaded_before_a_fixture_is_used():
    assert [] == LOADED
    assert "provenance" not in sys.modules


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("name", ["provenance_memory", "provenance_folder"])
def test_a_repository_of_its_own(request, tmp_path, name, turn):
    repo = request.getfixturevalue(name)
    import provenance as p

    @p.provenance(name="work")
    def work(x):
        return [x] * 10_000

    assert repo is p.get_default_repo()
    assert not work.is_cached(1)
    p.set_read_only(False)
    assert p.artifact_of(work(1)).id in repo
    assert work.is_cached(1)
    assert [] == list(tmp_path.iterdir())


def test_what_was_before_is_back():
    import provenance as p

    assert "local" == p.get_default_repo().name
"""


def test_each_test_has_a_repository_of_its_own():
    """The fixtures are empty each time, are the environment of their test alone, and load the library when they are used."""
    counts, printed = outcome({"test_using.py": USING}, "-p", "no:hypothesispytest")
    assert {"passed": 6} == counts, printed


def test_they_are_listed():
    """`pytest --fixtures` tells of them."""
    _, printed = outcome({"test_none.py": ""}, "--fixtures")
    assert "provenance_memory" in printed
    assert "An empty repository in memory, which decorated functions use during the test" in printed
