"""Strategies that several laws share: values, functions of any signature, and calls of them."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=4)
)
small = st.integers(0, 3)
keys = st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
nested = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.tuples(inner, inner)
        | st.frozensets(keys, max_size=3)
    ),
    max_leaves=8,
)
mutables = st.recursive(
    st.lists(scalars, max_size=3)
    | st.dictionaries(keys, scalars, max_size=3)
    | st.sets(keys, max_size=3),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(keys, inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)

Kind = inspect._ParameterKind


@dataclass
class Function:
    """A function made for a test, its signature, and what it calls its parameters."""

    call: Callable
    signature: inspect.Signature


@st.composite
def functions(draw, values=small):
    """A function of any signature, which returns all that it was given."""
    names = iter("abcdefgh")
    positional = draw(st.integers(0, 3))
    only = draw(st.integers(0, positional))
    first_default = draw(st.integers(0, positional))
    parameters = [
        inspect.Parameter(
            next(names),
            Kind.POSITIONAL_ONLY if i < only else Kind.POSITIONAL_OR_KEYWORD,
            default=draw(values) if i >= first_default else inspect.Parameter.empty,
        )
        for i in range(positional)
    ]
    if draw(st.booleans()):
        parameters.append(inspect.Parameter("args", Kind.VAR_POSITIONAL))
    for _ in range(draw(st.integers(0, 2))):
        default = draw(values) if draw(st.booleans()) else inspect.Parameter.empty
        parameters.append(inspect.Parameter(next(names), Kind.KEYWORD_ONLY, default=default))
    if draw(st.booleans()):
        parameters.append(inspect.Parameter("kwargs", Kind.VAR_KEYWORD))
    return made(inspect.Signature(parameters))


def made(signature: inspect.Signature) -> Function:
    """A function of this signature: `locals()` is what it returns."""
    space = {
        "__name__": "generated",
        **{f"D_{each.name}": each.default for each in signature.parameters.values()},
    }
    shown = [
        each if each.default is each.empty else each.replace(default=_Named(f"D_{each.name}"))
        for each in signature.parameters.values()
    ]
    exec(f"def f{signature.replace(parameters=shown)}: return dict(locals())", space)
    return Function(space["f"], signature)


class _Named:
    """Shows as a name, in the text of a signature."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


@dataclass
class Arguments:
    """Arguments of a call."""

    args: tuple
    kwargs: dict


@st.composite
def any_arguments(draw, values=small):
    """Arguments that may or may not fit a function of `functions()`."""
    args = draw(st.lists(values, max_size=5))
    kwargs = draw(
        st.dictionaries(st.sampled_from([*"abcdefgh", "x", "args", "kwargs"]), values, max_size=4)
    )
    return Arguments(tuple(args), kwargs)


@st.composite
def equal_calls(draw, function, values=nested):
    """Two spellings of one call of *function*: by position or keyword, in any order, defaults left out or not."""
    chosen, variadic = {}, {}
    for name, each in function.signature.parameters.items():
        if each.kind is Kind.VAR_POSITIONAL:
            variadic[name] = draw(st.lists(values, max_size=2))
        elif each.kind is Kind.VAR_KEYWORD:
            variadic[name] = draw(
                st.dictionaries(st.sampled_from(["x", "y", "z"]), values, max_size=2)
            )
        else:
            chosen[name] = draw(
                values if each.default is each.empty else values | st.just(each.default)
            )
    return [draw(_spelling(function.signature, chosen, variadic)) for _ in range(2)]


@st.composite
def _spelling(draw, signature, chosen, variadic):
    rest = variadic.get("args", [])
    args, kwargs, by_position = [], {}, True
    for name, value in chosen.items():
        parameter = signature.parameters[name]
        left_out = value is parameter.default and draw(st.booleans())
        by_position = by_position and (
            bool(rest) or _positional_only(parameter) or draw(st.booleans())
        )
        if parameter.kind is not Kind.KEYWORD_ONLY and (by_position or _positional_only(parameter)):
            args.append(value)
        elif not left_out:
            kwargs[name] = value
    kwargs |= variadic.get("kwargs", {})
    order = draw(st.permutations(list(kwargs)))
    return Arguments((*args, *rest), {name: kwargs[name] for name in order})


def _positional_only(parameter):
    return parameter.kind is Kind.POSITIONAL_ONLY
