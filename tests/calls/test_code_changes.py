"""Hits of changed code: warned of, ignored, refused, computed again or accepted."""

import asyncio
import logging
from functools import partial

import pytest

import provenance as p
from provenance.events import CodeChange, CodeChanged, Hit, Miss, MissReason, Recomputed

CONFIG = {
    "blobstores": {"files": {"type": "disk", "cachedir": "blobs"}},
    "artifact_repos": {"mine": {"type": "sqlite", "db": "records.db", "store": "files"}},
}


@pytest.fixture(autouse=True)
def configured(tmp_path):
    """An empty repository on disk is the default."""
    p.load_config(CONFIG)


@pytest.fixture
def events():
    """The events of the test."""
    found = []
    with p.subscribe(found.append):
        yield found


@pytest.fixture
def work(request):
    """Return decorated functions, in a module of the test: a change is reported once in a process."""
    return partial(made, module=request.node.name)


def made(rate, module, **options):
    """Return a decorated function of *module* that uses a helper with this *rate*."""
    space = {"__name__": module}
    text = f"RATE = {rate}\ndef clean(x):\n    return x * RATE\ndef work(x):\n    return [clean(x)]"
    exec(text, space)
    return p.provenance(**options)(space["work"])


def kinds(events):
    """Return the types of events."""
    return [type(event) for event in events]


def test_a_warning_names_what_changed(work, events, caplog):
    """It is given once for each change, with the event that has the details."""
    work(1)(1)
    changed = work(2)
    with caplog.at_level(logging.WARNING):
        assert [[1], [1]] == [changed(1), changed(1)]
    assert [Miss, Hit, CodeChanged, Hit] == kinds(events)
    (change,) = events[2].changes
    assert (f"{work.keywords['module']}.RATE", "changed") == (change.name, change.what)
    (message,) = caplog.messages
    assert f"{work.keywords['module']}.RATE changed since this result was computed on 20" in message
    assert "pass version=1 to recompute, or call accept()" in message
    work(3)(1)
    assert [Hit, CodeChanged] == kinds(events[4:])


def test_ignore_says_nothing(work, events):
    """Not even an event is sent."""
    work(1)(1)
    assert [1] == work(2, on_code_change="ignore")(1)
    assert [Miss, Hit] == kinds(events)


def test_raise_refuses_the_hit(work):
    """The error says what changed and what to do; a result of the same code is served."""
    work(1)(1)
    with pytest.raises(p.CodeChangedError, match=r"RATE changed .*version=1") as raised:
        work(2, on_code_change="raise")(1)
    assert isinstance(raised.value, ValueError)
    assert [1] == work(1, on_code_change="raise")(1)


def test_recompute_replaces_the_result(work, events):
    """The call is no hit, and the next one is."""
    work(1)(1)
    changed = work(2, on_code_change="recompute")
    assert [[2], [2]] == [changed(1), changed(1)]
    assert [Miss, Recomputed, Hit] == kinds(events)
    assert MissReason.CODE_CHANGED is events[1].reason


@pytest.mark.parametrize("policy", ["warn", "raise", "recompute"])
def test_coroutines_have_policies_too(work, policy, events):
    """Asynchronous functions are treated as others are."""

    def made(rate):
        space = {"__name__": f"later_{policy}", "RATE": rate}
        exec("async def work(x):\n    return [x * RATE]", space)
        return p.provenance(on_code_change=policy)(space["work"])

    asyncio.run(made(1)(1))
    if policy == "raise":
        with pytest.raises(p.CodeChangedError):
            asyncio.run(made(2)(1))
    else:
        asyncio.run(made(2)(1))
        expected = {"warn": [Miss, Hit, CodeChanged], "recompute": [Miss, Recomputed]}
        assert expected[policy] == kinds(events)


def test_the_environment_has_a_policy(work, events):
    """A function's own one counts more."""
    work(1)(1)
    p.load_config({**CONFIG, "on_code_change": "recompute"})
    assert [1] == work(2, on_code_change="warn")(1)
    assert [2] == work(2)(1)


@pytest.mark.parametrize("policy", ["wran", 1, True, ""])
def test_an_unknown_policy_is_refused(work, policy):
    """In the decorator and in the configuration."""
    with pytest.raises(p.ConfigError, match="on_code_change"):
        work(1, on_code_change=policy)
    with pytest.raises(p.ConfigError, match="on_code_change"):
        p.load_config({**CONFIG, "on_code_change": policy})


def test_an_accepted_change_is_silent(work, events):
    """In other processes too, under every policy, and until the next change."""
    work(1)(1)
    changed = work(2)
    assert [(f"{work.keywords['module']}.RATE", "changed")] == [
        (each.name, each.what) for each in changed.accept()
    ]
    assert () == changed.accept()
    for policy in ("warn", "raise", "recompute"):
        assert [1] == work(2, on_code_change=policy)(1)
    assert [Miss, Hit, Hit, Hit] == kinds(events)
    work(3)(1)
    assert CodeChanged is type(events[-1])


def test_other_functions_do_not_share_what_was_accepted(work, events):
    """A version is accepted by itself, and so is a function."""
    for options in ({}, {"version": 1}):
        work(1, **options)(1)
    work(1, module="other")(1)
    work(2).accept()
    work(2, version=1)(1)
    work(2, module="other")(1)
    assert 2 == len([event for event in events if isinstance(event, CodeChanged)])


def test_accepting_knows_aliases(work, events):
    """Results under an earlier name are accepted too."""
    work(1, module="old")(1)
    renamed = work(2, module="new", aliases=["old.work"])
    assert ["new.RATE"] == [each.name for each in renamed.accept()]
    renamed(1)
    assert [Miss, Hit] == kinds(events)


def test_helpers_that_are_redefined_in_a_notebook_are_seen(work, events):
    """The receipt is computed again after a cell was executed, also for the second edit."""
    space = {"__name__": "__main__", "_ih": ["first"]}
    exec("def clean(x):\n    return x\ndef work(x):\n    return [clean(x)]", space)
    function = p.provenance(name="cell")(space["work"])
    function(1), function(1)
    for body in ("-x", "x + 1"):
        space["_ih"].append(body)
        exec(f"def clean(x):\n    return {body}", space)
        function(1), function(1)
    assert [Miss, Hit, Hit, CodeChanged, Hit, Hit, CodeChanged, Hit] == kinds(events)


def test_a_change_is_a_value():
    """Details of an event are compared as values."""
    assert CodeChange("a.b", "changed", "a.py:1") == CodeChange("a.b", "changed", "a.py:1")
