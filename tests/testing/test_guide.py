"""The stores that the guide shows are proven as it says, and a store that is broken is not."""

import pytest

from testing.pages import files_in, outcome

GUIDE = files_in("docs/guides/testing.md") | files_in("docs/guides/own-stores.md")


def test_the_shelf_is_proven():
    """The blob store of the guide passes all that it is asked, in a test file of about twenty lines."""
    counts, printed = outcome({name: GUIDE[name] for name in ("shelf.py", "test_shelf.py")})
    assert {"passed"} == set(counts), printed
    assert counts["passed"] > 70
    assert len(GUIDE["test_shelf.py"].splitlines()) <= 20


def test_the_ledger_is_proven():
    """The store of records of the guide passes all that it is asked, in a test file of about twenty lines."""
    counts, printed = outcome({name: GUIDE[name] for name in ("ledger.py", "test_ledger.py")})
    assert {"passed"} == set(counts), printed
    assert counts["passed"] > 35
    assert len(GUIDE["test_ledger.py"].splitlines()) <= 20


def test_the_fixtures_are_there():
    """Tests that use the fixtures as the guide shows pass, without any configuration."""
    assert {"passed": 2} == outcome({"test_fixtures.py": GUIDE["test_fixtures.py"]})[0]


def test_the_guide_shows_no_other_files():
    """Every file of the guide is run here."""
    assert {"test_fixtures.py", "shelf.py", "test_shelf.py", "ledger.py", "test_ledger.py"} == set(
        GUIDE
    )


BREAKS = [
    (
        "shelf",
        "if blob_of(data) != blob:",
        "if len(data) != blob.size:",
        "test_a_flipped_bit_is_noticed",
    ),
    (
        "shelf",
        " and self.path(blob).stat().st_size == blob.size",
        "",
        "test_another_length_is_noticed",
    ),
    ("shelf", "unlink(missing_ok=True)", "unlink()", "test_a_missing_blob_is_reported"),
    (
        "shelf",
        "quarantine = delete_blob",
        "quarantine = has_blob",
        "test_a_store_is_a_dictionary",
    ),
    ("shelf", '.replace("/", "-")', '.replace("x", "/..")', "test_an_invalid_id_is_not_found"),
    ("ledger", " and not ask.replace", "", "test_replacing_leaves_nothing_of_the_old_record"),
    ("ledger", "(*ask.besides, ask)", "(ask,)", "test_parts_are_stored_with_the_whole"),
    (
        "ledger",
        "in each.source_ids",
        "in each.input_artifact_ids",
        "test_what_a_value_holds_is_an_edge",
    ),
    ("ledger", "line[0] < after", "line[0] <= after", "test_pages_follow_one_another"),
    (
        "ledger",
        "max(reversed(list(fitting))",
        "max((list(fitting))",
        "test_sets_put_in_one_moment_are_newest_last",
    ),
]
QUICK = [BREAKS[0], BREAKS[5]]


@pytest.mark.parametrize(
    ("store", "sound", "broken", "noticed"),
    [each if each in QUICK else pytest.param(*each, marks=pytest.mark.long) for each in BREAKS],
)
def test_a_broken_store_is_found(store, sound, broken, noticed):
    """A store that does one thing wrong fails the test that is about it."""
    assert 1 == GUIDE[f"{store}.py"].count(sound)
    files = {
        f"{store}.py": GUIDE[f"{store}.py"].replace(sound, broken),
        f"test_{store}.py": GUIDE[f"test_{store}.py"],
    }
    counts, printed = outcome(files, "-k", noticed)
    assert {"failed"} <= set(counts), printed


def test_a_failure_says_what_was_compared():
    """The assertions of the suites are rewritten as those of a test file are: both sides are shown."""
    ledger = GUIDE["ledger.py"].replace(" and not ask.replace", "")
    files = {"ledger.py": ledger, "test_ledger.py": GUIDE["test_ledger.py"]}
    _, printed = outcome(files, "-k", "test_replacing_leaves_nothing")
    assert "assert ArtifactReco" in printed
    assert "== ArtifactReco" in printed


def test_a_suite_without_a_store_says_what_is_missing():
    """A subclass that does not say how a store is made is told so."""
    suite = "from provenance.testing.contracts import SetContract\n\n\nclass TestMine(SetContract):\n    pass\n"
    counts, printed = outcome({"test_mine.py": suite}, "-k", "found_by_its_id")
    assert {"error": 1} == counts
    assert "TestMine needs a method make(self, folder) -> StoreUnderTest" in printed
