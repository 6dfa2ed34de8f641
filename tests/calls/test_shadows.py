"""A share of the hits is computed again beside the call, and compared."""

import pytest

import provenance as p
from provenance.calls import hits


@pytest.fixture(autouse=True)
def _fresh(repo):
    """What other tests computed again is forgotten."""
    yield
    hits.finish_shadows()
    hits._done.clear()
    hits._differing.clear()


def kinds(events):
    """Return the names of the events, of all that was computed beside."""
    hits.finish_shadows()
    return [type(each).__name__ for each in events]


def test_a_hit_that_comes_out_the_same(events):
    """It is computed once more, beside the call, and counted; nothing else is reported or stored."""
    p.reset_stats()
    runs = []

    @p.provenance(shadow=1.0, ignore=["runs"])
    def double(x):
        runs.append(x)
        return 2 * x

    assert [4] * 4 == [double(2) for _ in range(4)]
    assert ["Hit"] * 3 == [kind for kind in kinds(events) if kind == "Hit"]
    assert ["Miss", "ShadowAgreed"] == sorted(kind for kind in kinds(events) if kind != "Hit")
    assert 2 == len(runs)
    assert (1, 0) == (p.stats().shadows_agreed, p.stats().shadows_differed)
    assert (3, 1) == (p.stats().hits, p.stats().misses)
    assert 1 == len(list(p.search()))


def make(**policy):
    """Return a function that counts its calls, so that it never gives one result twice."""
    runs = []

    @p.provenance(shadow={"share": 1.0, **policy}, ignore=["runs"], name="counting")
    def count():
        runs.append(1)
        return len(runs)

    return count


def test_comparisons_are_recorded_where_writing_is_allowed(repo, events):
    """Of each is known whether the same came out."""
    count = make()
    stable = p.provenance(shadow=1.0, name="stable")(lambda: 1)
    first, second = (p.artifact_of(fn()) for fn in (count, stable))
    p.set_read_only(True)
    count()
    kinds(events)
    assert () == repo.get_shadow_checks(first)
    p.set_read_only(False)
    hits._done.clear()
    count(), stable()
    kinds(events)
    assert [False] == [check.agreed for check in repo.get_shadow_checks(first)]
    (check,) = repo.get_shadow_checks(second.id[:8])
    assert (True, second.code) == (check.agreed, check.code)


def test_a_hit_that_comes_out_otherwise_is_a_warning(events, caplog):
    """The call has its result nevertheless."""
    count = make()
    assert 1 == count() == count() == count()
    assert "ShadowDiffered" in kinds(events)
    (event,) = [each for each in events if isinstance(each, p.ShadowDiffered)]
    assert ("counting", ("value differs: 1 and 2",)) == (event.name, event.differences)
    assert "another result came out when this hit was computed again" in caplog.text


def test_later_hits_raise_if_the_policy_says_so():
    """Until the difference is accepted."""
    count = make(on_difference="raise")
    assert 1 == count() == count()
    hits.finish_shadows()
    with pytest.raises(p.NotReproducibleError, match="counting gave another result"):
        count()
    assert not count.is_cached()
    count.accept()
    assert 1 == count()


def test_later_hits_are_computed_if_the_policy_says_so(events):
    """Each of them, for a reason of its own."""
    count = make(on_difference="recompute")
    assert 1 == count() == count()
    hits.finish_shadows()
    assert 3 == count()
    assert p.MissReason.NOT_REPRODUCIBLE is events[-1].reason


def test_a_function_that_fails_beside_differs(events):
    """What it raises reaches nobody."""
    fails = []

    @p.provenance(shadow=1.0, ignore=["fails"])
    def work():
        if fails:
            raise ValueError("broken")
        return 1

    work()
    fails.append(1)
    assert 1 == work()
    assert "ShadowDiffered" in kinds(events)
    assert "it failed: ValueError: broken" == events[-1].differences[0]


@pytest.mark.parametrize("policy", [{"share": 0.0}, {"max_seconds": 1e-9}])
def test_what_is_not_chosen_is_not_computed(policy, events):
    """By its id, or because it takes too long."""
    count = make(**policy)
    assert 1 == count() == count()
    assert ["Miss", "Hit"] == kinds(events)


def test_a_process_computes_at_most_a_number(events):
    """Others wait for another process."""

    @p.provenance(shadow={"share": 1.0, "at_most": 2})
    def double(x):
        return 2 * x

    for x in [*range(5)] * 2:
        double(x)
    assert 2 == kinds(events).count("ShadowAgreed")


def test_the_configuration_chooses_for_all_functions(events):
    """As the option does for one."""
    p.load_config(
        {"artifact_repos": {"memory": {"type": "memory"}}, "shadow": {"share": 1, "at_most": 1000}}
    )
    double = p.provenance(name="double")(lambda x: 2 * x)
    double(1)
    double(1)
    assert "ShadowAgreed" in kinds(events)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (2, "share must be a number from 0 to 1, got 2"),
        ({"share": "all"}, "share must be a number"),
        ({"part": 1}, "unexpected policy"),
        ("all", "unexpected policy 'all'"),
        ({"max_seconds": 0}, "max_seconds must be a positive number"),
        ({"on_difference": "cry"}, "on_difference must be one of 'warn', 'raise', 'recompute'"),
    ],
)
def test_a_wrong_policy_is_refused(given, problem):
    """In the decorator and in the configuration."""
    with pytest.raises(p.ConfigError, match=problem):
        p.provenance(shadow=given)(lambda: 1)
    with pytest.raises(p.ConfigError, match=problem):
        p.from_config({"artifact_repos": {"memory": {"type": "memory"}}, "shadow": given})
