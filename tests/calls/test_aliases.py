"""Results that were recorded under earlier names of a function are found by its aliases."""

import asyncio

import pytest

import provenance as p
from provenance import functional
from provenance.events import Hit, Miss


@pytest.fixture(autouse=True)
def repo():
    """An empty repository in memory is the default."""
    p.load_config({"artifact_repos": {"memory": {"type": "memory", "delete": True}}})
    p.reset_stats()


def function(module, qualname, value, **options):
    """Return a decorated function that says that it is *qualname* of *module*."""

    def work(x):
        return [value, x]

    work.__module__, work.__qualname__ = module, qualname
    return p.provenance(ignore=["value"], **options)(work)


@pytest.mark.parametrize(
    ("module", "qualname", "options", "alias"),
    [
        ("old.place", "work", {}, "old.place.work"),
        ("old.place", "Model.work", {}, "old.place.Model.work"),
        ("old.place", "make.<locals>.work", {}, "old.place.make.<locals>.work"),
        ("old.place", "work", {"name": "chosen name"}, "chosen name"),
    ],
)
def test_a_renamed_function_hits(module, qualname, options, alias):
    """What was stored under the earlier name is served, and nothing is computed or stored."""
    before = function(module, qualname, "old", **options)(1)
    now = function("new.place", "better", "new", aliases=["never.used", alias])
    events = []
    with p.subscribe(events.append):
        assert ["old", 1] == now(1)
        assert ["new", 2] == now(2)
    assert [Hit, Miss] == [type(each) for each in events if isinstance(each, Hit | Miss)]
    assert p.artifact_of(before).id == p.artifact_of(now(1)).id
    assert now.is_cached(1)
    assert not now.is_cached(3)


def test_a_coroutine_hits():
    """Asynchronous functions are found by their aliases too."""

    async def work(x):
        return [x]

    first = p.provenance(name="first")(work)
    renamed = p.provenance(name="second", aliases={"first"})(work)
    assert [1] == asyncio.run(first(1))
    asyncio.run(renamed(1))
    assert (1, 1) == (p.stats().hits, p.stats().misses)


def test_a_result_under_the_new_name_comes_first():
    """`recompute` stores under the name of now, which is found from then on."""
    function("old", "work", "old")(1)
    now = function("new", "work", "new", aliases=["old.work"])
    assert ["new", 1] == now.recompute(1)
    assert ["new", 1] == now(1)


def test_another_version_is_no_earlier_name():
    """An alias has the version of the function."""
    function("old", "work", "old", version=1)(1)
    assert ["new", 1] == function("new", "work", "new", version=2, aliases=["old.work"])(1)


def test_what_is_forgotten_is_forgotten_under_every_name():
    """After `forget` the call computes."""
    function("old", "work", "old")(1)
    now = function("new", "work", "new", aliases=["old.work"])
    assert now.forget(1)
    assert not now.forget(1)
    assert ["new", 1] == now(1)


def test_a_function_is_searched_under_every_name():
    """`search` takes the function itself; newest first."""
    function("old", "work", "old")(1)
    now = function("new", "work", "new", aliases=["old.work"])
    now(2)
    function("old", "other", "other")(3)
    assert [["new", 2], ["old", 1]] == [each.value for each in p.search(now)]
    assert ["new", 2] == p.search(now).first.value
    assert [["old", 1]] == [each.value for each in p.search(now, inputs={"x": 1})]
    assert not p.search(function("else", "work", "x"))


def test_a_functional_look_up_knows_aliases():
    """The artifact of a planned call may have an earlier name."""
    function("old", "work", "old")(1)
    now = function("new", "work", "new", aliases=["old.work"])
    planned = functional.plan(now, 1).unwrap()
    found = functional.lookup(p.get_default_repo(), planned)
    assert "Some" in str(found)
    assert p.artifact_of(now(1)).id in str(found)


@pytest.mark.parametrize("options", [{}, {"name": "new.work"}])
def test_a_name_that_the_function_has_is_no_alias(options):
    """The error says which."""
    with pytest.raises(p.ConfigError, match=r"aliases: 'new.work' is the name .* has now"):
        function("new", "work", 1, aliases=["new.work"], **options)
