"""`ensure_proxies` and `merge_defaults`: decorators for arguments, above and below `@provenance`."""

import asyncio
import functools
import inspect
from dataclasses import dataclass

import attrs
import pytest
import toolz

import provenance as p

DEFAULTS = {"depth": 3, "seed": 0}


@p.provenance()
def made(x: int) -> list[int]:
    """Make something."""
    return [x]


def first(a, b=None, *rest, c=0, **extra):
    """The first of them."""
    return a


def settle(x, settings: dict = DEFAULTS, other: dict = {"a": 1}, flag=None):  # noqa: B006 - it is what is tested
    """What it was called with."""
    return x, settings, other, flag


def refused(call) -> tuple[str, ...]:
    """The arguments that a call is refused for."""
    with pytest.raises(p.ProxyExpectedError) as error:
        call()
    return error.value.arguments


# ---------------------------------------------------------------- ensure_proxies


def test_named_parameters_take_proxies_only(repo):
    """Passed by position or by name; other parameters take anything."""
    f = p.ensure_proxies("a", "c")(first)
    assert [1] == f(made(1), "plain") == f(a=made(1), c=made(2))
    assert ("a",) == refused(lambda: f([1]))
    assert ("a", "c") == refused(lambda: f(a=[1], c=[2]))
    assert ("c",) == refused(lambda: f(made(1), c=0))


def test_the_error_says_where_what_and_what_to_do(repo):
    """It is a TypeError, and names function and parameters."""
    with pytest.raises(
        TypeError,
        match=r"test_arguments\.first requires proxies .* a, c; pass the results of decorated",
    ):
        p.ensure_proxies("a", "c")(first)([1], c=2)


@pytest.mark.parametrize("decorate", [p.ensure_proxies, p.ensure_proxies()], ids=["bare", "called"])
def test_all_arguments_where_none_are_named(repo, decorate):
    """With and without parentheses; what is left to its default is not checked."""
    f = decorate(first)
    assert [1] == f(made(1)) == f(made(1), made(2), made(3), c=made(4), d=made(5))
    assert ("a", "b", "rest[1]", "c", "d") == refused(lambda: f(1, 2, made(1), 3, c=4, d=5))


def test_variadic_parameters_are_named_as_others(repo):
    """`rest` means each of `*rest`, `extra` each of `**extra`; so may a single keyword be named."""
    f = p.ensure_proxies("rest", "extra")(first)
    assert 1 == f(1, 2, made(1), d=made(2))
    assert ("rest[0]", "d") == refused(lambda: f(1, 2, 3, d=4))
    only = p.ensure_proxies("d")(first)
    assert 1 == only(1, d=made(1), e=2)
    assert ("d",) == refused(lambda: only(1, d=1, e=2))


def test_collections_of_proxies_will_do(repo):
    """Lists, tuples, sets and dictionaries, at any depth, if all in them are proxies; other objects will not."""
    f = p.ensure_proxies(first)
    one = made(1)
    for good in (
        [one],
        (one, [one]),
        {"x": one, "y": {"z": [one]}},
        [],
        p.lazy_dict({"x": lambda: one}),
    ):
        f(good)
    for bad in (
        [one, 1],
        (one, [1]),
        {"x": one, "y": {"z": [1]}},
        {one.artifact.id: 1},
        iter([one]),
        None,
    ):
        assert ("a",) == refused(lambda bad=bad: f(bad))


def test_what_python_refuses_stays_pythons(repo):
    """Arguments that do not fit are the function's own TypeError."""
    f, every = p.ensure_proxies("a")(lambda a: a), p.ensure_proxies(lambda a: a)
    for call in (f, lambda: f(made(1), 2), lambda: f(made(1), z=1), lambda: every(made(1), z=1)):
        with pytest.raises(TypeError) as error:
            call()
        assert not isinstance(error.value, p.ProxyExpectedError)


@pytest.mark.parametrize("decorator", [p.ensure_proxies, p.merge_defaults])
def test_the_face_is_kept(decorator):
    """Name, docstring and signature; of an `async def` that it is one; and it pickles by its name."""

    async def later(x):
        """Wait."""

    assert ("settle", settle.__doc__) == (decorator(settle).__name__, decorator(settle).__doc__)
    assert inspect.signature(settle) == inspect.signature(decorator(settle))
    assert inspect.iscoroutinefunction(decorator(later))
    assert not inspect.iscoroutinefunction(decorator(settle))


def test_mistakes_are_found_where_it_decorates():
    """A parameter that there is not, and what is no name."""
    with pytest.raises(
        p.ConfigError,
        match=r"ensure_proxies on .*closed: function has no parameter 'b'; its parameters are a",
    ):

        @p.ensure_proxies("b")
        def closed(a):
            return a

    with pytest.raises(p.ConfigError, match="strings"):
        p.ensure_proxies("a", 1)
    with pytest.raises(p.ConfigError, match="strings"):
        p.merge_defaults(["settings"])
    for name in ("x", "nothing"):
        with pytest.raises(
            p.ConfigError,
            match=rf"merge_defaults on .*settle: the default of '{name}' is not a dictionary",
        ):
            p.merge_defaults(name)(settle)


def test_above_it_sees_each_call_and_below_those_that_are_computed(repo):
    """A hit does not run the function, nor what is part of it."""

    @p.ensure_proxies("a")
    @p.provenance(name="above")
    def above(a):
        return [a]

    @p.provenance(name="below")
    @p.ensure_proxies("a")
    def below(a):
        return [a]

    for f in (above, below):
        assert ("a",) == refused(lambda f=f: f([1]))
        assert [[1]] == f(made(1))
    assert ("a",) == refused(lambda: above([1]))
    assert [[1]] == below([1]), "found"
    assert p.artifact_of(above(made(1))).input_artifact_ids == {made.artifact_id(1)}


def test_the_check_is_no_part_of_the_id(repo):
    """It changes no result, so what was computed without it is found with it."""
    plain = p.provenance(name="f")(first)
    assert plain.artifact_id(made(1)) == p.provenance(name="f")(
        p.ensure_proxies("a")(first)
    ).artifact_id(made(1))


class Plain:
    """Methods of each kind."""

    rate = 2

    @p.ensure_proxies
    def fit(self, data):
        return self.rate * data[0]

    @p.ensure_proxies("data")
    @p.provenance()
    def recorded(self, data):
        return [self.rate * data[0]]

    @p.provenance()
    @p.ensure_proxies()
    def recorded_below(self, data):
        return [self.rate * data[0]]

    @classmethod
    @p.ensure_proxies
    def inside(cls, data):
        return cls.rate * data[0]

    @p.ensure_proxies
    @classmethod
    def outside(cls, data):
        return cls.rate * data[0]

    @p.ensure_proxies
    @staticmethod
    def free(data):
        return 2 * data[0]

    @p.ensure_proxies
    async def later(self, data):
        return self.rate * data[0]

    @p.ensure_proxies("self")
    def strange(self, data):
        return data


@dataclass
class Data:
    """A dataclass with one."""

    rate: int = 2

    @p.ensure_proxies
    def fit(self, data):
        return self.rate * data[0]


@attrs.frozen
class Attrs:
    """An attrs class with one."""

    rate: int = 2

    @p.ensure_proxies
    def fit(self, data):
        return self.rate * data[0]


@pytest.mark.parametrize(
    "method", [Plain().fit, Plain.inside, Plain().outside, Plain.free, Data().fit, Attrs().fit]
)
def test_methods(repo, method):
    """The object and the class are exempt, unless they are named."""
    assert 6 == method(made(3))
    assert ("data",) == refused(lambda: method([3]))
    assert ("self",) == refused(lambda: Plain().strange(made(3)))


@pytest.mark.parametrize("name", ["recorded", "recorded_below"])
def test_recorded_methods(repo, name):
    """With `@provenance` above or below."""
    assert [6] == getattr(Plain(), name)(made(3)) == getattr(Plain, name)(Plain(), made(3))
    assert ("data",) == refused(lambda: getattr(Plain(), name)([4]))


def test_asynchronous_functions(repo):
    """They are refused when awaited; below `@provenance` they stay asynchronous."""

    @p.provenance(name="later")
    @p.ensure_proxies("a")
    async def later(a):
        await asyncio.sleep(0)
        return [a[0]]

    above = p.ensure_proxies("a")(p.provenance(name="above")(later.__wrapped__.__wrapped__))
    assert [3] == asyncio.run(_await(later(made(3)))) == asyncio.run(_await(above(made(3))))
    assert 6 == asyncio.run(_await(Plain().later(made(3))))
    for f in (later, above, Plain().later):
        assert refused(lambda f=f: asyncio.run(_await(f([4]))))


async def _await(awaitable):
    return await awaitable


def test_partials_curries_and_callable_objects(repo):
    """What is bound already is no argument of the call."""

    class Caller:
        def __call__(self, data):
            return data

    for function in (
        functools.partial(first, 1),
        functools.partial(first, c=1),
        toolz.curry(first),
        Caller(),
    ):
        f = p.ensure_proxies(function)
        assert f(made(3))
        assert refused(lambda f=f: f([3]))
    assert (1, "b") == (
        p.ensure_proxies(functools.partial(first, 1))(made(3)),
        *refused(lambda: p.ensure_proxies(functools.partial(first, 1))(3)),
    )


# ---------------------------------------------------------------- merge_defaults


@pytest.mark.parametrize(
    "decorate",
    [p.merge_defaults, p.merge_defaults(), p.merge_defaults("settings", "other")],
    ids=["bare", "called", "named"],
)
def test_dictionaries_are_completed(decorate):
    """By position or by name, with and without parentheses; other arguments and other values stay."""
    f = decorate(settle)
    assert (1, {"depth": 9, "seed": 0}, {"a": 1}, None) == f(1, {"depth": 9})
    assert (1, {"depth": 3, "seed": 0, "x": 1}, {"a": 1, "b": 2}, {"c": 3}) == f(
        x=1, settings={"x": 1}, other={"b": 2}, flag={"c": 3}
    )
    assert (1, DEFAULTS, {"a": 1}, None) == f(1)
    assert (1, None, {"a": 1}, 5) == f(1, None, flag=5)


def test_only_the_named_ones():
    """The others are passed as they are."""
    f = p.merge_defaults("settings")(settle)
    assert (1, {"depth": 9, "seed": 0}, {"b": 2}, None) == f(1, {"depth": 9}, {"b": 2})


def test_nothing_that_was_given_is_changed():
    """Neither the default nor the argument; the function gets a dictionary of its own."""
    given = {"depth": 9}

    @p.merge_defaults
    def change(settings: dict = DEFAULTS):
        settings["new"] = 1
        return settings

    assert {"depth": 9, "seed": 0, "new": 1} == change(given)
    assert ({"depth": 9}, {"depth": 3, "seed": 0}) == (given, DEFAULTS)


def test_above_it_is_the_option(repo):
    """A call is known by the completed dictionary; the ids are those of the option."""
    option = p.provenance(name="f", merge_defaults=True)(settle)
    above = p.merge_defaults(p.provenance(name="f")(settle))
    assert option.artifact_id(1, {"depth": 9}) == p.artifact_of(above(1, {"depth": 9})).id
    assert {"depth": 9, "seed": 0} == p.artifact_of(above(1, {"depth": 9})).inputs["kargs"][
        "settings"
    ]
    assert p.artifact_of(above(1, {"depth": 3})).id == p.artifact_of(above(1)).id


def test_below_the_defaults_count(repo):
    """Functions with other defaults never share results."""

    def make(default):
        @p.provenance(name="f")
        @p.merge_defaults
        def f(settings: dict = default):
            return dict(settings)

        return f

    one, other = make({"a": 1}), make({"a": 2})
    assert ({"a": 1, "b": 3}, {"a": 2, "b": 3}) == (one({"b": 3}), other({"b": 3}))


def test_merging_methods_and_coroutines(repo):
    """As any other function."""

    class Model:
        @p.merge_defaults("settings")
        def fit(self, settings: dict = DEFAULTS):
            return settings

        @p.merge_defaults
        async def fit_later(self, settings: dict = DEFAULTS):
            return settings

        @p.merge_defaults
        @classmethod
        def named(cls, settings: dict = DEFAULTS):
            return settings

    expected = {"depth": 9, "seed": 0}
    assert expected == Model().fit({"depth": 9}) == Model.named({"depth": 9})
    assert expected == asyncio.run(_await(Model().fit_later({"depth": 9})))
    later = p.provenance(name="later")(p.merge_defaults(Model.fit_later.__wrapped__))
    assert expected == asyncio.run(_await(later(1, {"depth": 9})))
    assert expected == p.merge_defaults(functools.partial(settle, 1))({"depth": 9})[1]


def test_both_together(repo):
    """In any order, they see each other's function."""

    @p.merge_defaults
    @p.ensure_proxies("data")
    def one(data, settings: dict = DEFAULTS):
        return settings

    @p.ensure_proxies("data")
    @p.merge_defaults
    def other(data, settings: dict = DEFAULTS):
        return settings

    for f in (one, other):
        assert {"depth": 9, "seed": 0} == f(made(1), {"depth": 9})
        assert ("data",) == refused(lambda f=f: f([1]))


@p.provenance()
def chosen_settings():
    """Settings that were computed."""
    return {"depth": 9}


@p.provenance()
def default_settings():
    """Others, which complete them."""
    return {"depth": 1, "rate": 0.1}


@pytest.mark.parametrize("way", ["option", "above"])
def test_what_is_merged_is_among_the_sources(memory_repo, way):
    """The dictionary that is left is plain; that it was made of artifacts is known all the same."""
    ours, theirs = chosen_settings(), default_settings()

    def settled(settings={"depth": 1, "rate": 0.1}, other=theirs):  # noqa: B006 - what is merged
        return [dict(settings), dict(other)]

    if way == "option":
        merging = p.provenance(merge_defaults=True)(settled)
    else:
        merging = p.merge_defaults(p.provenance()(settled))
    made = merging(ours, {"depth": 2})
    assert [{"depth": 9, "rate": 0.1}, {"depth": 2, "rate": 0.1}] == made
    assert {ours.artifact.id, theirs.artifact.id} == p.artifact_of(made).input_artifact_ids
    assert (
        p.merge_defaults("other")(p.merge_defaults("settings")(p.provenance()(settled)))(
            ours, {"depth": 2}
        )
        == made
    )
