"""The commands `why`, `diff`, `stale` and `reproduce`: what they answer, and with which exit code."""

import json
import sys
from pathlib import Path

import pytest

import provenance as p

MODULE = """
import provenance as p

STEP = 1

@p.provenance()
def add(n, more=None):
    return n + STEP
"""


@pytest.fixture
def project(memory_repo, monkeypatch):
    """A function that writes a module in the working directory and imports it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.syspath_prepend(".")

    def write(text=MODULE):
        monkeypatch.delitem(sys.modules, "commanded", raising=False)
        Path("commanded.py").write_text(text)
        import commanded

        return commanded

    yield write
    monkeypatch.delitem(sys.modules, "commanded", raising=False)


def ids(*results):
    """Return the ids of results."""
    return [p.artifact_of(each).id for each in results]


def test_why_explains_an_artifact_and_a_call(call, project):
    """By id, or by function and arguments, which are JSON or text."""
    module = project()
    first, second = ids(module.add(1), module.add(2))
    code, out, _ = call("why", second[:8])
    assert 0 == code
    assert "n differs: 1 and 2" in out
    code, out, _ = call("why", "commanded:add", "n=1", "more=text", "--json")
    document = json.loads(out)
    assert (0, "CallDiffers", first) == (code, document["kind"], document["nearest"])
    assert "more" in document["inputs"][0]
    assert "is a hit" in call("why", "commanded:add", "n=1")[1]


def test_why_tells_of_a_deletion(call, project):
    """By the id that is gone, with the reason that was given."""
    module = project()
    (gone,) = ids(module.add(1))
    assert 0 == call("forget", gone, "--yes", "--reason", "was wrong")[0]
    for what in ([gone], [gone[:8]], ["commanded:add", "n=1"]):
        code, out, _ = call("why", *what)
        assert 0 == code
        assert "it was deleted (was wrong) on 2" in out
    assert json.loads(call("why", gone, "--json")[1])["when"]
    assert 1 == call("why", "0" * 40)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["why", "nothing:add"],
        ["why", "commanded:nothing"],
        ["why", "commanded:p"],
        ["why", "commanded:add", "n"],
        ["why", "commanded:add", "m=1"],
        ["why", "123456", "n=1"],
        ["reproduce", "123456", "--depth", "some"],
    ],
)
def test_wrong_arguments_are_usage_errors(call, project, arguments):
    """With exit code 2."""
    project()
    code, out, err = call(*arguments)
    assert (2, "") == (code, out)
    assert "provenance: " in err


def test_diff_shows_what_differs(call, project):
    """It exits with 1 if anything does, and with 0 otherwise."""
    module = project()
    first, second = ids(module.add(1), module.add(2))
    code, out, _ = call("diff", first, second)
    assert 1 == code
    assert "inputs: n differs: 1 and 2" in out
    document = json.loads(call("diff", first, second, "--json")[1])
    assert (True, ["value differs: 2 and 3"]) == (document["differ"], document["value"])
    assert 0 == call("diff", first, first)[0]


def test_stale_lists_and_accepts(call, project):
    """It exits with 1 as long as something is stale."""
    project().add(1)
    assert (0, "nothing is stale\n") == call("stale")[:2]
    project(MODULE.replace("STEP = 1", "STEP = 2"))
    code, out, _ = call("stale")
    assert 1 == code
    assert "commanded.STEP changed" in out
    (item,) = json.loads(call("stale", "add", "--json")[1])["items"]
    assert ["commanded.STEP changed"] == item["changes"]
    assert 0 == call("stale", "--accept", "--note", "it is the same")[0]
    assert 0 == call("stale")[0]


def test_reproduce_says_what_came_out(call, project):
    """It exits with 1 if that is not the same."""
    (artifact_id,) = ids(project().add(1))
    code, out, _ = call("reproduce", artifact_id)
    assert (0, True) == (code, "same" in out)
    project(MODULE.replace("STEP = 1", "STEP = 2"))
    code, out, _ = call("reproduce", artifact_id, "--json")
    document = json.loads(out)
    assert (1, artifact_id) == (code, document["first_divergent"])
    assert ["value differs: 2 and 3"] == document["items"][0]["differences"]
    project(MODULE.replace("n + STEP", "n / 0"))
    assert "ZeroDivisionError" in call("reproduce", artifact_id)[1]
    Path("commanded.py").write_text("")
    del sys.modules["commanded"]
    assert "not comparable" in call("reproduce", artifact_id)[1]
