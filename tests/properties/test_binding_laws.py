"""Laws of binding: a call's arguments are bound as Python binds them."""

from functools import partial

import pytest
from hypothesis import assume, given

from provenance.calls.signature import bind, inspect_function
from strategies import Kind, any_arguments, functions


def expected_binding(signature, args, kwargs):
    """What `Signature.bind` makes of the call: plain parameters, `*args`, `**kwargs`; or its error."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    bound.apply_defaults()
    kinds = {name: each.kind for name, each in signature.parameters.items()}
    rest = next(
        (bound.arguments[name] for name, kind in kinds.items() if kind is Kind.VAR_POSITIONAL), ()
    )
    extra = next(
        (bound.arguments[name] for name, kind in kinds.items() if kind is Kind.VAR_KEYWORD), {}
    )
    variadic = (Kind.VAR_POSITIONAL, Kind.VAR_KEYWORD)
    plain = {name: value for name, value in bound.arguments.items() if kinds[name] not in variadic}
    return plain, rest, extra


@given(functions(), any_arguments())
def test_bind_is_signature_bind_with_defaults(function, arguments):
    """`bind` gives what `inspect.Signature.bind` and `apply_defaults` give, or raises the TypeError that they raise."""
    # `Signature.bind` of Python 3.11 refuses a keyword named as an omitted positional-only parameter.
    kinds = {name: each.kind for name, each in function.signature.parameters.items()}
    assume(not any(kinds.get(name) is Kind.POSITIONAL_ONLY for name in arguments.kwargs))
    expected = expected_binding(function.signature, arguments.args, arguments.kwargs)
    subject = inspect_function(function.call)
    if isinstance(expected, str):
        with pytest.raises(TypeError) as raised:
            bind(subject, arguments.args, arguments.kwargs)
        assert f"generated.f() {expected}" == str(raised.value)
    else:
        plain, rest, extra = expected
        marked = {f"**{name}" if name in plain else name: value for name, value in extra.items()}
        assert ({**plain, **marked}, rest) == bind(subject, arguments.args, arguments.kwargs)


@given(functions(), any_arguments())
def test_bind_refuses_what_the_call_refuses(function, arguments):
    """Arguments bind if, and only if, the function can be called with them."""

    def outcome(attempt):
        try:
            attempt()
        except TypeError:
            return "refused"
        return "bound"

    called = outcome(lambda: function.call(*arguments.args, **arguments.kwargs))
    assert called == outcome(
        lambda: bind(inspect_function(function.call), arguments.args, arguments.kwargs)
    )


@given(functions(), any_arguments(), any_arguments())
def test_a_partial_takes_apart_into_its_function_and_arguments(function, first, then):
    """However partials are nested, function and arguments are those of the call that they stand for."""
    both = partial(partial(function.call, *first.args, **first.kwargs), *then.args, **then.kwargs)
    subject = inspect_function(both)
    assert function.call is subject.function
    assert (both.args, both.keywords) == (subject.args, dict(subject.keywords))


def test_extra_keywords_named_as_positional_only_parameters_stay_apart():
    """`**kwargs` may hold the name of a positional-only parameter, marked or not: no value is lost."""

    def f(a, /, **kwargs):
        return a, kwargs

    bound = [
        bind(inspect_function(f), (1,), {"a": x, "**a": y}) for x, y in [(2, 3), (3, 2), (3, 3)]
    ]
    assert 3 == len({repr(sorted(each[0].items())) for each in bound})
