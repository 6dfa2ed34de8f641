"""Functions taken apart: what they are called, what they captured, and what a partial or method bound."""

import functools
import threading

import pytest

import provenance as p
from provenance.calls.signature import closure_names, closure_values, code_objects, inspect_function


class Sample:
    """A class with a method and a call."""

    def method(self, a, b=1):
        return [a, b]

    def __call__(self, x):
        return x


def plain(a, b=2):
    """A plain function."""
    return [a, b]


def noting(function):
    """A usual decorator, which captured something of its own."""
    note = "a note"

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs), note

    return wrapper


def test_a_function_is_called_by_module_and_qualified_name():
    """Wherever it is defined; an object by its class, a partial by its function."""
    subjects = [
        inspect_function(each)
        for each in (plain, Sample.method, Sample(), functools.partial(plain, 1))
    ]
    assert ["plain", "Sample.method", "Sample", "plain"] == [each.qualname for each in subjects]
    assert {__name__} == {each.module for each in subjects}
    assert f"{__name__}.plain" == subjects[0].label


def test_a_bound_method_gives_up_its_object():
    """The object is its first argument."""
    sample = Sample()
    subject = inspect_function(sample.method)
    assert (Sample.method, (sample,), {}) == (
        subject.function,
        subject.args,
        dict(subject.keywords),
    )


def test_captured_variables():
    """Those of the closure, those of usual decorators below ours, and a callable object itself; no code."""
    local, sample = [1], Sample()

    def closure():
        return local

    assert {"local": [1]} == closure_values(inspect_function(closure))
    assert {"local": [1], "note": "a note"} == closure_values(inspect_function(noting(closure)))
    assert {"self": sample} == closure_values(inspect_function(sample))
    assert (
        {}
        == closure_values(inspect_function(plain))
        == closure_values(inspect_function(sorted))
        == closure_values(inspect_function(complex))
    )
    assert {"local": [1]} == closure_values(inspect_function(functools.lru_cache(closure)))


def test_variables_without_a_value_yet_are_known_by_name():
    """A recursive function's own name may be ignored where it is decorated, although it has no value then."""

    def outer():
        def inner():
            return later

        found = closure_values(inspect_function(inner)), closure_names(inspect_function(inner))
        later = 1
        return found, closure_values(inspect_function(inner)), later

    before, after, _ = outer()
    assert ({}, {"later"}, {"later": 1}) == (*before, after)


def test_the_code_of_a_wrapped_function_is_its_own_and_the_wrappers():
    """Outermost first."""
    wrapped = noting(plain)
    assert [wrapped.__code__, plain.__code__] == code_objects(inspect_function(wrapped))
    assert [] == code_objects(inspect_function(sorted))


def test_decorators_with_state_below_ours_count(repo):
    """What a decorator below captured is an input: another setting, another artifact."""

    def scaled(factor):
        def decorate(function):
            @functools.wraps(function)
            def wrapper(x):
                return function(x) * factor

            return wrapper

        return decorate

    def identity(x):
        return x

    assert (20, 30) == (
        p.provenance(scaled(2)(identity))(10),
        p.provenance(scaled(3)(identity))(10),
    )


def test_decorators_above_ours_keep_the_artifact(repo):
    """A lock around the decorated function, say, changes nothing about its calls."""
    lock = threading.Lock()

    def locked(function):
        @functools.wraps(function)
        def wrapper(*args):
            with lock:
                return function(*args)

        return wrapper

    decorated = p.provenance(plain)
    assert decorated.artifact_id(1) == p.artifact_of(locked(decorated)(1)).id


@pytest.mark.parametrize("thing", [1, None, "f"])
def test_what_cannot_be_called_is_refused(thing):
    """With a TypeError that shows it."""
    with pytest.raises(TypeError, match=repr(thing)):
        inspect_function(thing)


def hiding(a, b=2, /, **kw):
    """A function whose `**kw` takes the names of the parameters before it."""
    return [a, b, kw]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1,), {"b": 7}), ((1, 3), {"b": 7, "a": 0}), ((1,), {"z": 0, "a": 3, "c": 4}), ((1,), {})],
)
@pytest.mark.parametrize("merge", [False, True])
def test_keywords_may_have_names_of_positional_parameters(args, kwargs, merge, repo):
    """They go to `**kw`, in the order in which they are passed."""
    decorated = p.provenance(merge_defaults=merge)(hiding)
    result = decorated(*args, **kwargs)
    assert hiding(*args, **kwargs) == list(result)
    assert list(hiding(*args, **kwargs)[2]) == list(result[2])
    assert decorated.artifact_id(1, b=7) not in {
        decorated.artifact_id(1, 7),
        decorated.artifact_id(1),
    }


@pytest.mark.parametrize(("args", "kwargs"), [((), {"a": 1}), ((), {}), ((1, 2, 3), {"b": 1})])
def test_calls_that_python_refuses_are_refused(args, kwargs, repo):
    """As the function itself would."""
    with pytest.raises(TypeError):
        hiding(*args, **kwargs)
    with pytest.raises(TypeError):
        p.provenance()(hiding)(*args, **kwargs)
