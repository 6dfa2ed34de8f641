"""`fn.why` and `p.why` name the nearest recorded call, and what differs."""

import runpy
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import provenance as p


@p.provenance(name="fit")
def fit(data, config=None, rate=0.1, *more):
    """Return something."""
    return 1


def bytes_of(n):
    """Return this number of bytes."""
    return bytes(n)


def np_range(n):
    """Return an array."""
    return np.arange(n)


def texts(found):
    """Return the differences of the inputs as texts."""
    return [str(each) for each in found.inputs]


def test_a_stored_call_is_a_hit(repo):
    """And says so."""
    result = fit([1])
    found = fit.why([1])
    assert p.IsStored(p.artifact_of(result).id, "fit") == found
    assert "is stored: the call is a hit" in repr(found)


def test_the_first_call_of_a_function(repo):
    """There is nothing to compare it with."""
    found = fit.why([1])
    assert isinstance(found, p.NeverSeen)
    assert "no result of this function is stored" in repr(found)


def test_the_path_into_a_value_is_named(repo):
    """Of the call that differs in the fewest inputs, not of the newest."""
    near = fit([1], {"depth": 3, "layers": [1, 2]})
    fit([2], {"depth": 6, "layers": [1, 2]}, 0.5)
    found = fit.why([1], {"depth": 3, "layers": [1, 3]})
    assert isinstance(found, p.CallDiffers)
    assert p.artifact_of(near).id == found.nearest
    assert ["config['layers'][1] differs: 2 and 3"] == texts(found)
    assert "  config['layers'][1] differs: 2 and 3" in repr(found).splitlines()
    assert () == found.identity == found.changes


def test_arguments_that_came_or_went(repo):
    """Positional ones are numbered."""
    fit([1], None, 0.1, "a")
    found = fit.why([1], None, 0.1, "b", "c")
    assert ["*args[0] differs: 'a' and 'b'", '*args[1] is only in the second: - and "c"'] == texts(
        found
    )


def test_large_values_are_compared_as_values(stored):
    """Arrays by elements, tables by columns."""
    fit(np.arange(1000.0))
    other = np.arange(1000.0)
    other[:10] += 1
    assert ["data: 0.01 of the elements differ, by at most 1"] == texts(fit.why(other))
    fit(pd.DataFrame({"a": range(1000)}), "table")
    (difference,) = fit.why(pd.DataFrame({"b": range(1000)}), "table").inputs
    assert ("data", ("a",), ("b",)) == (difference.path, difference.removed, difference.added)


@pytest.mark.parametrize("make", [str, Path, lambda path: [str(path)]])
def test_the_content_of_an_edited_file_is_named(repo, tmp_path, make):
    """Its path is the same; also of an artifact, whose function is not at hand."""
    (path := tmp_path / "prices.csv").write_text("1")
    size = p.provenance(files=["path"])(named)
    size(make(path))
    path.write_text("2")
    for told in (size.why(make(path)), p.why(size(make(path)))):
        (change,) = told.inputs
        assert change.path == "path"
        for text in (change.first, change.second):
            assert "prices.csv" in text
            assert " with content " in text
        assert change.first != change.second


def named(path):
    """Does not look into the file."""
    return str(path)


def test_equal_text_of_another_type_is_told_by_its_hash(repo):
    """A path and its text look the same where they are recorded."""
    as_text = p.provenance()(named)
    as_text("a.csv")
    (change,) = as_text.why(Path("a.csv")).inputs
    assert " of hash " in change.first
    assert change.first != change.second


def test_artifacts_among_the_inputs_are_not_read(repo):
    """Which artifacts they are tells them apart."""
    make = p.provenance(name="make")(np_range)
    fit(make(3))
    (difference,) = fit.why(make(4)).inputs
    assert "data" == difference.path
    assert f"artifact {make.artifact(4).id[:8]}" == difference.second
    assert f"artifact {make.artifact(3).id[:8]}" == difference.first


def test_artifacts_inside_inputs_have_their_short_names(repo):
    """In lists and dictionaries they are shown as anywhere else, and never by forty digits."""
    make = p.provenance(name="make")(np_range)
    one, two = make(3), make(4)
    first, second = (f"artifact {make.artifact(n).id[:8]}" for n in (3, 4))
    fit([one, {"best": one}], {"of": one, "old": [one]}, *[0.1, one])
    found = fit.why([two, {"best": 1}], {"of": two, "new": [one, two]}, *[0.1, two])
    assert [
        f"data[0] differs: {first} and {second}",
        f"data[1]['best'] differs: {first} and 1",
        f"config['of'] differs: {first} and {second}",
        "config['old'] is only in the first: a list of 1 and -",
        "config['new'] is only in the second: - and a list of 2",
        f"*args[0] differs: {first} and {second}",
    ] == texts(found)
    fit([one])
    assert [f"data[1] is only in the second: - and {second}"] == texts(fit.why([one, two]))
    assert [f"data differs: [{first}] and {second}"] == texts(fit.why(two))


def test_dictionaries_that_look_like_references_are_compared_in_place(repo):
    """What the user calls `artifact` or `hash` is no reference and no summary."""
    fit({"artifact": "churn-1"}, {"hash": "a", "type": "md5"})
    found = p.why(fit({"artifact": "churn-2"}, {"hash": "b", "type": "md5"}))
    assert [
        "data['artifact'] differs: 'churn-1' and 'churn-2'",
        "config['hash'] differs: 'a' and 'b'",
    ] == texts(found)


def test_lists_of_large_values_are_no_files(repo):
    """They differ by their hash, or as values where these can be read."""
    fit([np.arange(1000)], {"seen": {1}})
    recorded = fit([np.arange(1, 1001)], {"seen": {2}})
    for change in p.why(recorded).inputs:
        assert " of hash " in change.first
    assert ["data[0]: all of the elements differ, by at most 1"] == texts(
        fit.why([np.arange(2, 1002)], {"seen": {2}})
    )


def test_an_edited_file_differs_by_its_hash(repo):
    """Its path is the same, so the hashes of the content are beside it."""

    @p.provenance(name="read", files=["path"])
    def read(path):
        return Path(path).read_text()

    Path("data.csv").write_text("a")
    read("data.csv")
    Path("data.csv").write_text("b")
    (difference,) = read.why("data.csv").inputs
    assert difference.first.startswith('"data.csv" with content ')
    assert difference.second.startswith('"data.csv" with content ')
    assert difference.first != difference.second


def test_captured_values_are_compared_by_hash(repo):
    """They are not recorded as JSON."""

    def maker(k):
        return p.provenance(name="times")(lambda x: x * k)

    maker(2)(1)
    (difference,) = maker(3).why(1).inputs
    assert "captured k" == difference.path


def test_ignored_inputs_make_no_difference(repo):
    """Nor do they count for which call is the nearest."""
    wide = p.provenance(name="wide", ignore=["seed"])(lambda x, seed: x)
    wide(1, 1)
    assert ["x differs: 1 and 2"] == texts(wide.why(2, 9))


def test_the_version_is_named(repo):
    """As what differs."""
    fit([1])
    found = fit.with_options(name="fit", version=1).why([1])
    assert ["version differs: 0 and 1"] == [str(each) for each in found.identity]
    assert () == found.inputs


@pytest.fixture
def project(repo, monkeypatch):
    """A function that writes a module and imports it anew."""
    monkeypatch.syspath_prepend(".")

    def write(text):
        monkeypatch.delitem(sys.modules, "explained", raising=False)
        Path("explained.py").write_text(f"import provenance as p\n{text}")
        import explained

        return explained

    yield write
    monkeypatch.delitem(sys.modules, "explained", raising=False)


CODE = "STEP = 1\n@p.provenance()\ndef train(x):\n    return x + STEP\n"


def test_a_rename_is_recognized_by_the_code(project):
    """And the message says what to do."""
    project(CODE).train(1)
    found = project(CODE.replace("def train", "def learn")).learn.why(1)
    assert ("explained.train",) == found.renamed_from
    assert "pass aliases=['explained.train']" in repr(found)


def test_calls_of_a_script_are_known_when_it_is_imported(project):
    """The ids are the same, though the records name the main program."""
    text = f"{CODE}if __name__ == '__main__':\n    train(1)\n"
    module = project(text)
    runpy.run_path("explained.py", run_name="__main__")
    assert isinstance(module.train.why(1), p.IsStored)
    found = module.train.why(2)
    assert isinstance(found, p.CallDiffers)
    assert (["x differs: 1 and 2"], ()) == (texts(found), found.identity)


def test_an_alias_is_looked_up(project):
    """As the call does."""
    project(CODE).train(1)
    renamed = CODE.replace("def train", "def learn").replace(
        "provenance()", "provenance(aliases=['explained.train'])"
    )
    module = project(renamed)
    assert isinstance(module.learn.why(1), p.IsStored)
    assert module.learn.is_cached(1)
    assert ["x differs: 1 and 2"] == texts(module.learn.why(2))


def test_changed_code_is_told_beside(project):
    """It is no reason for a miss, unless the policy says so."""
    project(CODE).train(1)
    changed = CODE.replace("STEP = 1", "STEP = 2")
    assert ["explained.STEP"] == [each.name for each in project(changed).train.why(1).changes]
    assert ["explained.STEP"] == [each.name for each in project(changed).train.why(2).changes]
    for policy in ("recompute", "raise"):
        strict = changed.replace("provenance()", f"provenance(on_code_change={policy!r})")
        found = project(strict).train.why(1)
        assert isinstance(found, p.Outdated)
        assert p.MissReason.CODE_CHANGED is found.reason
        assert "code: explained.STEP changed" in repr(found)


def test_results_that_expired_or_are_refused(repo):
    """Are stored, and computed again."""

    @p.provenance(name="old", expires_after=timedelta(microseconds=1))
    def old():
        return 1

    @p.provenance(name="bad", valid_if=lambda artifact: False)
    def bad():
        return 1

    old(), bad()
    assert p.MissReason.EXPIRED is old.why().reason
    assert p.MissReason.INVALID is bad.why().reason
    assert "is computed again: the stored value was older" in repr(old.why())


def test_deleted_results(stored, reopened):
    """When and for what reason, whether the call or the id is asked about; not any more once it is there again."""
    made = p.provenance(name="made")(lambda x: [x])
    one, two = p.artifact_of(made(1)), p.artifact_of(made(2))
    stored.delete(one, "was wrong")
    made.forget(2)
    reopened()
    assert isinstance(made.why(1), p.Lost)
    assert made.why(1) == p.why(one.id) == p.why(one.id[:8])
    assert repr(made.why(1)).startswith(
        f"made {one.id[:8]} was stored, but it was deleted (was wrong) on 20"
    )
    assert "it was deleted" == made.why(2).reason == p.why(two.id).reason
    assert timedelta(0) <= datetime.now(UTC) - made.why(2).when < timedelta(minutes=5)
    made(1)
    assert isinstance(made.why(1), p.IsStored)
    with pytest.raises(p.ArtifactNotFoundError):
        p.why("0" * 40)


def test_a_result_under_an_alias_is_no_lost_one(repo):
    """A call that hits by an alias is a hit, although the artifact of its own name was deleted."""
    old = p.provenance(name="old")(lambda x: x)
    new = p.provenance(name="new", aliases=["old"])(lambda x: x)
    new(1)
    new.forget(1)
    assert isinstance(new.why(1), p.Lost)
    old(1)
    assert isinstance(new.why(1), p.IsStored)


def test_lost_values(stored, tmp_path):
    """Evicted on purpose, or missing."""
    big = p.provenance(name="big")(bytes_of)
    results = [big(5_000), big(6_000)]
    p.evict(max_bytes=0, older_than=timedelta(0), dry_run=False)
    assert "its value was evicted" == big.why(5_000).reason
    assert timedelta(0) <= datetime.now(UTC) - big.why(5_000).when < timedelta(minutes=5)
    assert "was stored, but its value was evicted" in repr(p.why(results[0]))
    big.recompute(7_000)
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file() and path.stat().st_size >= 5_000:
            path.unlink()
    assert "its value is missing" == big.why(7_000).reason


def test_a_recorded_artifact_is_explained_by_an_earlier_call(repo):
    """What differed then, by its id."""
    first, second = fit([1]), fit([2])
    found = p.why(p.artifact_of(second).id)
    assert p.artifact_of(first).id == found.nearest
    assert ["data[0] differs: 1 and 2"] == texts(found)
    assert "was computed; the nearest earlier call is" in repr(found)
    assert isinstance(p.why(first), p.NeverSeen)
    assert "no earlier result of this function" in repr(p.why(first))
    with pytest.raises(p.ArtifactNotFoundError):
        p.why("123456")


def test_nothing_is_run_or_stored(repo, events):
    """A question changes nothing."""
    fit.why([1])
    assert ([], []) == (events, list(p.search()))
