"""Decorated functions: what is kept of the function, which calls meet, and what comes back."""

import functools
import inspect
import pickle
import traceback

import numpy as np
import pytest
import toolz

import provenance as p
from provenance.events import CodeChanged, Hit, Miss, Recomputed


@p.provenance()
def add(a: int, b: int = 2, *, c: int = 0) -> int:
    """The sum."""
    return a + b + c


def plain(a, b=2):
    """A plain function."""
    return [a, b]


def test_the_function_keeps_its_face():
    """Name, docstring, module, signature and the function itself are to be seen on the decorated one."""
    assert ("add", "The sum.", __name__) == (add.__name__, add.__doc__, add.__module__)
    assert "(a: int, b: int = 2, *, c: int = 0) -> int" == str(inspect.signature(add))
    assert 3 == add.__wrapped__(1)
    assert "add" in repr(add)
    assert {"a": int, "b": int, "c": int, "return": int} == inspect.get_annotations(add.__wrapped__)


def test_a_call_is_computed_once(repo, events):
    """The first call computes, the next ones serve it, however they are spelled."""
    assert [7, 7, 7, 7] == [add(4, 3), add(4, b=3), add(b=3, a=4), add(4, 3, c=0)]
    assert [Miss, Hit, Hit, Hit] == [type(each) for each in events]
    assert {add.artifact_id(4, 3)} == {each.artifact_id for each in events}


def test_the_artifact_tells_how_it_was_made(repo):
    """Id, value id, inputs after defaults, function, durations, times and run are recorded."""
    artifact = p.artifact_of(add(4, 3))
    assert add.artifact_id(4, 3) == artifact.id
    assert p.hash(7) == artifact.value_id
    assert {"kargs": {"a": 4, "b": 3, "c": 0}, "varargs": ()} == dict(artifact.inputs)
    assert (__name__, "add", f"{__name__}.add", 0) == (
        artifact.fn_module,
        artifact.fn_name,
        artifact.name,
        artifact.version,
    )
    assert artifact.run_id == artifact.run_info.id
    assert artifact.compute_duration >= 0
    assert artifact.computed_at <= artifact.added_at
    assert artifact == repo[artifact.id]
    assert artifact.size_bytes > 0
    assert 40 == len(artifact.content_digest)


def test_with_and_without_parentheses(repo):
    """`@provenance`, `@provenance()` and `@provenance(version=0)` decorate alike."""
    ids = {
        each(plain).artifact_id(1)
        for each in (p.provenance, p.provenance(), p.provenance(version=0))
    }
    assert 1 == len(ids)


@pytest.mark.parametrize(
    "call", [lambda f: f(), lambda f: f(1, 2, 3), lambda f: f(1, a=1), lambda f: f(1, z=1)]
)
def test_arguments_that_do_not_fit_are_a_type_error(repo, call):
    """As for the function itself, and each look-ahead says the same."""
    decorated = p.provenance(plain)
    for each in (
        decorated,
        decorated.plan,
        decorated.artifact_id,
        decorated.is_cached,
        decorated.forget,
    ):
        with pytest.raises(TypeError, match="plain"):
            call(each)


def test_any_name_may_be_a_keyword(repo):
    """`**kwargs` may be called as the library's own parameters are."""
    names = {"self": 1, "args": 2, "kwargs": 3, "function": 4, "instance": 5, "recipe": 6}
    f = p.provenance(lambda **kwargs: dict(kwargs))
    assert names == f(**names)
    assert f.is_cached(**names)
    assert p.artifact_of(f(**names)).id == f.artifact_id(**names) == f.artifact(**names).id
    assert f.forget(**names)


def test_looking_ahead_runs_nothing(repo):
    """`plan`, `artifact_id` and `is_cached` neither run the function nor store anything."""

    @p.provenance()
    def never(x):
        raise AssertionError

    plan = never.plan(1)
    assert never.artifact_id(1) == plan.artifact_id
    assert not never.is_cached(1)
    assert plan.artifact_id not in repo
    assert {"x": 1} == dict(plan.inputs.kargs)


def test_forget_deletes_one_call(repo):
    """Only that call is computed anew; forgetting what is not there is False."""
    add(1), add(2)
    assert add.is_cached(1)
    assert (True, False) == (add.forget(1), add.forget(1))
    assert (False, True) == (add.is_cached(1), add.is_cached(2))


def test_recompute_replaces_what_is_stored(repo, events):
    """The function runs anew, and its new value takes the old one's place under the id."""
    global _answers  # noqa: PLW0603 - a global is no captured value
    _answers = iter([["old"], ["new"]])
    f = p.provenance(name="f")(lambda: next(_answers))
    old = f.artifact()
    assert ["new"] == f.recompute()
    assert ["new"] == f() == repo[old.id].value
    assert (old.id, p.hash(["new"])) == (f.artifact().id, f.artifact().value_id)
    assert [Miss, Recomputed, Hit, Hit, Hit] == [type(each) for each in events]


_answers = iter([])


def test_with_options_makes_another_function(repo):
    """The options named are changed, and the original keeps its own."""
    other = add.with_options(version=3, name="other")
    assert ("other", 3) == (other.artifact(1).name, other.artifact(1).version)
    assert f"{__name__}.add" == add.artifact(1).name
    assert add.__wrapped__ is other.__wrapped__


def test_an_exception_reaches_the_caller_untouched(repo):
    """The very exception of the function, recorded nowhere; between caller and function there is no program."""
    error = ValueError("mine")

    @p.provenance(name="f")
    def f(x):
        raise _error

    global _error  # noqa: PLW0603 - a global is no captured value
    _error = error
    with pytest.raises(ValueError, match="mine") as raised:
        f(1)
    assert error is raised.value
    assert error.__cause__ is None is error.__context__
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert not [each for each in files if each.endswith(("programs.py", "effect.py", "plan.py"))]
    assert __file__ == files[-1]
    assert not f.is_cached(1)


_error: Exception


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, StopAsyncIteration]
)
def test_exceptions_with_a_meaning_of_their_own_go_through(repo, error):
    """An interrupt, an exit and the end of an iteration are the caller's."""

    @p.provenance(name="f")
    def f():
        raise error

    with pytest.raises(error):
        f()
    assert not f.is_cached()


def test_closures_that_captured_other_values_do_not_meet(repo):
    """What a closure captured counts as an input, and is recorded."""

    def scale(factor):
        @p.provenance()
        def f(x):
            return x * factor

        return f

    assert [10, 15, 10] == [scale(2)(5), scale(3)(5), scale(2)(5)]
    assert scale(2).artifact_id(5) == scale(2).artifact_id(5) != scale(3).artifact_id(5)
    assert {"factor": 3} == dict(scale(3).artifact(5).inputs.captured)


def test_a_captured_artifact_is_an_input(repo):
    """Lineage includes what a closure, a partial or an object brought with it."""
    source = p.provenance(name="source")(lambda: [1])()
    closure = p.provenance(name="closure")(lambda x: [x, source])
    bound = p.provenance(name="bound")(functools.partial(plain, source))
    deep = p.provenance(name="deep")(functools.partial(plain, {"a": [source]}))
    ids = {p.artifact_of(source).id}
    assert [ids] * 3 == [
        closure.artifact(1).input_artifact_ids,
        bound.artifact().input_artifact_ids,
        deep.artifact().input_artifact_ids,
    ]


def test_captured_values_are_hashed_once(repo):
    """What the body does to a captured list or counter is the user's affair: it is no impurity and no new call."""
    log = []

    @p.provenance()
    def f(x):
        log.append(x)
        return x

    before = f.artifact_id(1)
    f(1), f(2), f(1)
    assert [1, 2] == log
    assert before == f.artifact_id(1)


def test_nested_functions_of_one_name_do_not_meet(repo):
    """Functions defined in different places have one short name and ids of their own."""

    def here():
        @p.provenance()
        def f(x):
            return ["here", x]

        return f

    def there():
        @p.provenance()
        def f(x):
            return ["there", x]

        return f

    assert (["here", 1], ["there", 1]) == (here()(1), there()(1))
    assert f"{__name__}.f" == here().artifact(1).name == there().artifact(1).name


def adding(by):
    """A decorated lambda that captured a number."""
    return p.provenance(lambda x: x + by)


def test_lambdas_do_not_meet(repo):
    """All lambdas of a place have one name: their code and what they captured tells them apart."""
    doubled, squared = p.provenance(lambda x: x * 2), p.provenance(lambda x: x**2)
    assert (10, 25) == (doubled(5), squared(5))
    raised = [p.provenance(lambda x, by=by: x + by) for by in (1, 2)]
    captured = [adding(10), adding(20)]
    assert [6, 7, 15, 25] == [f(5) for f in raised + captured]
    wrapped = [p.provenance(noting(f)) for f in (lambda x: x + 7, lambda x: x - 7)]
    assert [12, -2] == [f(5) for f in wrapped]
    assert doubled.artifact_id(5) == p.provenance(lambda x: x * 2).artifact_id(5)


def test_partials_are_calls_with_arguments_filled_in(repo):
    """A partial's arguments are inputs: it meets the call that it stands for, and no other."""
    whole, one, two = (
        p.provenance(plain),
        functools.partial(plain, 1),
        functools.partial(plain, b=5),
    )
    assert (
        p.provenance(one).artifact_id(5)
        == whole.artifact_id(1, 5)
        == p.provenance(two).artifact_id(1)
    )
    assert p.provenance(functools.partial(one, 7)).artifact_id() == whole.artifact_id(1, 7)
    assert [1, 5] == p.provenance(one)(5)
    assert [3, 5] == p.provenance(two)(3)
    assert [3, 9] == p.provenance(two)(3, b=9)


def test_partials_of_different_functions_do_not_meet(repo):
    """The function inside a partial counts."""
    one, other = (
        p.provenance(functools.partial(f, 1)) for f in (lambda a, b: a + b, lambda a, b: a - b)
    )
    assert (3, -1) == (one(2), other(2))


def test_curried_functions(repo):
    """A `toolz.curry` with arguments filled in is decorated as a partial is; a decorated function may be curried."""
    curried = toolz.curry(lambda a, b, c: a + b + c)
    assert (6, 16) == (p.provenance(curried(1))(2, 3), p.provenance(curried(11))(2, 3))
    assert 6 == toolz.curry(add)(c=3)(1)
    assert 3 == toolz.curry(add, 1)()


def noting(function):
    """A usual decorator."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def test_decorators_above_and_below(repo, events):
    """A usual decorator on either side keeps name, signature, ids and results."""

    @noting
    @p.provenance()
    def above(x, y=1):
        return [x, y]

    @p.provenance()
    @noting
    def below(x, y=1):
        return [x, y]

    @p.provenance()
    @functools.lru_cache
    def cached(x, y=1):
        return [x, y]

    for f in (above, below, cached):
        assert [1, 1] == f(1) == f(x=1) == f(1, y=1)
        assert "(x, y=1)" == str(inspect.signature(f))
    assert [Miss, Hit, Hit] * 3 == [type(each) for each in events]
    assert [f"{__name__}.below", f"{__name__}.cached"] == [
        f.artifact(1).name for f in (below, cached)
    ]


def test_callable_objects(repo):
    """An object with `__call__` is an input of its calls: other state, other artifacts."""

    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return x * self.factor

    assert (10, 15) == (p.provenance(Scale(2))(5), p.provenance(Scale(3))(5))
    assert p.provenance(Scale(2)).artifact_id(5) == p.provenance(Scale(2)).artifact_id(5)


def test_builtins_and_classes(repo):
    """Functions written in C, and classes, can be decorated."""
    assert [1, 2, 3] == p.provenance(sorted)([3, 1, 2])
    assert complex(1, 2) == p.provenance(complex)(1, 2)


def test_recursion(repo, events):
    """A decorated function may call itself: each argument is computed once."""

    @p.provenance()
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    assert 55 == fib(10)
    assert 11 == len([each for each in events if isinstance(each, Miss)])
    assert not [each for each in events if isinstance(each, CodeChanged)]


def test_decorated_functions_call_each_other(repo):
    """A result may be made by another decorated function: each has its own artifact."""
    inner = p.provenance(name="inner")(lambda x: [x])
    outer = p.provenance(name="outer")(lambda x: inner(x))  # noqa: PLW0108 - a function of the user's, whose parameter has a name
    result = outer(1)
    assert [1] == result
    assert ("outer", "inner") == (p.artifact_of(result).name, p.artifact_of(inner(1)).name)
    assert p.artifact_of(result).value_id == p.artifact_of(inner(1)).value_id


def test_results_that_hold_artifacts(repo):
    """Artifacts inside a result stay artifacts when it is read again, and lead to the repository it came from."""
    part = p.provenance(name="part")(lambda x: [x])
    whole = p.provenance(name="whole")(lambda: {"parts": [part(1), part(2)]})
    whole()
    read = whole()
    assert {"parts": [[1], [2]]} == read
    assert part.artifact_id(1) == p.artifact_of(read["parts"][0]).id
    assert [1] == read["parts"][0]


def test_a_decorated_function_as_argument(repo):
    """A decorated function is told apart by what its artifacts would be."""

    def scaled(factor):
        @p.provenance()
        def f(x):
            return x * factor

        return f

    apply = p.provenance(name="apply")(lambda f, x: f(x))
    assert (10, 15) == (apply(scaled(2), 5), apply(scaled(3), 5))
    assert p.hash(add) != p.hash(add.with_options(version=1))


def test_decorated_functions_are_pickled_by_name():
    """A decorated function at the top of a module comes back as itself."""
    assert add is pickle.loads(pickle.dumps(add))


def test_other_code_behind_a_hit_is_told_once(repo, events):
    """A function whose code changed while its version did not is served from the store, with an event that says so."""
    one, other = ({"__name__": "changed_code"} for _ in range(2))
    exec("def f(x):\n    return x + 1", one)
    exec("def f(x):\n    return x + 2", other)
    first, changed = p.provenance(one["f"]), p.provenance(other["f"])
    first(1), first(1), changed(1), changed(1)
    assert [Miss, Hit, Hit, CodeChanged, Hit] == [type(each) for each in events]
    assert (
        first.artifact_id(1)
        == next(each for each in events if isinstance(each, CodeChanged)).artifact_id
    )
    assert 3 == changed.with_options(version=1)(1)


def test_a_changed_global_is_other_code(repo, events):
    """A constant that the function uses belongs to its code."""
    space = {"__name__": "changed_global", "RATE": 1}
    exec("def f(x):\n    return x * RATE", space)
    p.provenance(space["f"])(3)
    space["RATE"] = 2
    p.provenance(space["f"])(3)
    assert [Miss, Hit, CodeChanged] == [type(each) for each in events]


CALLING = """
def inner(x):
    return x + {number}

inner = decorate(inner)

def helper(x):
    return inner(x)

def outer(x):
    return helper(x) + 1 if x else again(x)

outer = decorate(outer)

def again(x):
    return outer(x + 1)

again = decorate(again)
"""


def test_other_code_of_a_decorated_function_that_is_called_is_other_code(repo, events):
    """Behind the hit it is not called, and so could not tell by itself; functions may call each other in a circle."""

    def load(number):
        space = {"__name__": "calling_code", "decorate": p.provenance}
        exec(CALLING.format(number=number), space)
        return space

    one, same, other = load(1), load(1), load(7)
    assert [3, 3, 3] == [each["outer"](1) for each in (one, same, other)]
    assert [Miss, Miss, Hit, Hit, CodeChanged] == [type(each) for each in events]
    assert one["outer"].artifact_id(1) == other["outer"].artifact_id(1)


@pytest.mark.parametrize(
    "argument",
    [
        np.array(5),
        [np.array(1.0), np.float64(2)],
        {(1, 2): "tuple key"},
        float("nan"),
        float("inf"),
        "nul \0",
        "lone \ud800",
        10**400,
        {1, 1.5},
        {"deep": [[[[[[1]]]]]]},
        "x" * 100_000,
        list(range(10_000)),
        b"\xff\x00",
        1 + 2j,
        range(3),
        lambda x: x,
        type,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_recording_never_fails_for_an_input(stored, argument):
    """Arguments without a JSON form are recorded all the same, on SQLite too, and the call is served again."""
    f = p.provenance(name="f")(lambda x: 1)
    assert 1 == f(argument)
    artifact = f.artifact(argument)
    assert stored[artifact.id].inputs["kargs"].keys() == {"x"}


def test_inputs_with_odd_lengths_are_recorded(repo):
    """A type whose own methods fail does not fail the call."""
    assert 1 == p.provenance(name="f")(lambda x: 1)(Odd())


class Odd:
    def __len__(self):
        raise RuntimeError

    @property
    def shape(self):
        raise RuntimeError

    def __reduce__(self):
        return Odd, ()


def test_an_input_that_cannot_be_written_is_summarised(repo):
    """An argument that no serializer takes is recorded as its type and hash; the others as they are."""

    class Unwritable:
        def value_repr(self):
            return "unwritable"

        def __reduce_ex__(self, _):
            raise TypeError("no pickle of this")

    artifact = p.provenance(name="f")(lambda a, b: 1).artifact(Unwritable(), [1])
    recorded = artifact.inputs["kargs"]
    assert "Unwritable" in repr(recorded["a"])
    assert p.hash(Unwritable()) in repr(recorded["a"])


def keepers():
    """Functions that return what they hold on to."""
    captured, default, cached = [], [], functools.lru_cache(lambda x: [x])

    class Owner:
        def __init__(self):
            self.kept = []

        @p.provenance()
        def method(self, x):
            return self.kept

    @p.provenance()
    def closure(x):
        return captured

    @p.provenance()
    def defaulted(x, kept=default):
        return kept

    @p.provenance()
    def global_one(x):
        return KEPT

    return {
        "closure": closure,
        "default": defaulted,
        "global": global_one,
        "attribute": Owner().method,
        "bound": p.provenance()(Owner().method.__wrapped__.__get__(Owner())),
        "lru_cache": p.provenance(name="remembered")(cached),
    }


KEPT = []


@pytest.mark.parametrize("which", list(keepers()))
def test_what_a_function_keeps_is_not_what_its_caller_gets(repo, which):
    """Whoever changes a result changes neither the store nor what later calls return, or compute."""
    function = keepers()[which]
    expected = [1] if which == "lru_cache" else []
    function(1).append(9)
    assert expected == function(1)
    assert [2] * len(expected) == function(2)
    function.forget(1)
    assert expected == function(1)


def test_an_impure_function_loses_no_result(repo):
    """The error that names the changed arguments holds what was computed, whatever the function returns."""
    impure = p.provenance(name="impure")(lambda values: values.append(1) or {"sum": sum(values)})
    parts = p.provenance(name="parts", returns_composite=True)(
        lambda values: values.append(1) or {"sum": 1}
    )
    for function, expected in ((impure, {"sum": 3}), (parts, {"sum": 1})):
        with pytest.raises(p.ImpureFunctionError, match="values") as raised:
            function([2])
        assert expected == raised.value.value
