"""Results that age: `expires_after` and `valid_if` turn a hit into a miss of its own kind."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

import provenance as p
from provenance.environment import current, replacing_environment

DAY = timedelta(days=1)


class Later:
    """A clock that is ahead of the environment's."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead
        self.monotonic = current().clock.monotonic
        self.sleep = current().clock.sleep

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def later(ahead):
    """Return a context in which it is later."""
    return replacing_environment(evolve(current(), clock=Later(ahead)))


def reasons(events):
    """Return what became of the calls, and why."""
    return [getattr(each, "reason", None) for each in events]


def test_a_result_that_is_too_old_is_computed_again(repo, events):
    """The new one replaces it, and is as good as new."""
    runs = []

    @p.provenance(expires_after=DAY)
    def rate(currency):
        return runs.append(currency) or len(runs)

    first = rate("EUR")
    assert 1 == first == rate("EUR")
    assert rate.is_cached("EUR")
    with later(DAY + timedelta(minutes=1)):
        assert not rate.is_cached("EUR")
        second = rate("EUR")
        assert 2 == second == rate("EUR")
        assert rate.is_cached("EUR")
    assert p.artifact_of(first).id == p.artifact_of(second).id
    assert [None, p.MissReason.EXPIRED, None] == reasons(events)[1:]
    assert 2 == repo[p.artifact_of(first).id].value


def test_a_result_that_is_not_valid_is_computed_again(repo, events):
    """The function judges the artifact, and can read its value."""
    wanted = [1]

    @p.provenance(valid_if=lambda artifact: artifact.value == wanted[0], ignore=["wanted"])
    def count():
        return wanted[0]

    assert 1 == count() == count()
    wanted[0] = 2
    assert not count.is_cached()
    assert 2 == count() == count()
    assert [None, p.MissReason.INVALID, None] == reasons(events)[1:]


def test_an_error_of_valid_if_is_the_callers(repo):
    """It is not hidden, and nothing is recomputed."""

    @p.provenance(valid_if=lambda artifact: artifact.nothing)
    def one():
        return 1

    one()
    with pytest.raises(AttributeError, match="nothing"):
        one()


def test_coroutines_age_as_well(repo, events):
    """As other functions do."""

    @p.provenance(expires_after=DAY, valid_if=lambda artifact: artifact.value == 1)
    async def fetch(x):
        return x

    assert 1 == asyncio.run(fetch(1)) == asyncio.run(fetch(1))
    assert 2 == asyncio.run(fetch(2)) == asyncio.run(fetch(2))
    with later(2 * DAY):
        asyncio.run(fetch(1))
    absent = p.MissReason.ABSENT
    expected = [absent, None, absent, p.MissReason.INVALID, p.MissReason.EXPIRED]
    assert expected == reasons(events)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"expires_after": 3600}, "must be a positive timedelta, got 3600"),
        ({"expires_after": timedelta()}, "must be a positive timedelta"),
        ({"valid_if": True}, "must be callable, got True"),
    ],
)
def test_a_wrong_option_is_refused(options, problem):
    """When the function is decorated."""
    with pytest.raises(p.ConfigError, match=problem):
        p.provenance(**options)(lambda: 1)
