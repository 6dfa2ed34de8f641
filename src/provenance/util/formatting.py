"""Values, names and errors as short texts for people."""

from __future__ import annotations

from typing import Any, Final, cast

_MAX_DEPTH: Final = 4
"""Depth up to which nested containers are displayed by their members."""


def safe_repr(value: object) -> str:
    """Return `repr(value)`, or a replacement if that raises, as for an int of 4,301 digits.

    >>> safe_repr([1, "two"]), safe_repr({"n": [1 << 16_000]})
    ("[1, 'two']", "{'n': [<int of 16001 bits>]}")
    """
    return _safe_repr(value, _MAX_DEPTH)


def _safe_repr(value: object, depth: int) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own method may raise anything
        kind = type(value)
        if issubclass(kind, int):
            return f"<{kind.__qualname__} of {int.bit_length(cast('int', value))} bits>"
        brackets = _BRACKETS.get(kind)
        if brackets is None or not depth:
            return f"<{kind.__qualname__} whose repr raises {type(error).__name__}>"
        members: list[str] = [_safe_repr(member, depth - 1) for member in cast("Any", value)]
        if kind is dict:
            values = cast("dict[object, object]", value).values()
            pairs = zip(members, values, strict=True)
            members = [f"{key}: {_safe_repr(item, depth - 1)}" for key, item in pairs]
        comma = "," if kind is tuple and len(members) == 1 else ""
        return f"{brackets[0]}{', '.join(members)}{comma}{brackets[1]}"


_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def describe_error(error: BaseException) -> str:
    """Return the type and message of an error.

    >>> describe_error(KeyError("x"))
    "KeyError: 'x'"
    """
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - as above
        return type(error).__name__


def describe_shape(value: object) -> tuple[object, ...] | None:
    """Return the `shape` of *value* if it is a tuple, else None."""
    try:
        shape = getattr(value, "shape", None)
    except Exception:  # noqa: BLE001 - as above
        return None
    return cast("tuple[object, ...]", shape) if isinstance(shape, tuple) else None


def did_you_mean(name: str, known: list[str]) -> str:
    """Return advice for a misspelled *name*: the closest of the *known* names, or all of them."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else expected_one_of(known)


def expected_one_of(known: list[str]) -> str:
    """Return advice that lists the *known* names."""
    return f"expected one of: {', '.join(known)}" if known else "none is defined"


def with_article(value: object) -> str:
    """Return the type name of *value* with its indefinite article.

    >>> with_article(1), with_article([])
    ('an int', 'a list')
    """
    name = type(value).__qualname__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


SHORT_TEXT: Final = 60


def truncate(value: object) -> str:
    """Return the `repr` of *value*, shortened if it is long."""
    if isinstance(value, int) and value.bit_length() > 4 * SHORT_TEXT:
        return f"an int of {value.bit_length()} bits"
    text = safe_repr(value)
    return text if len(text) <= SHORT_TEXT else text[: SHORT_TEXT - 1] + "…"


def type_name(value: object) -> str:
    """Return the type of *value* as `module:qualname`.

    >>> type_name(1)
    'builtins:int'
    """
    kind = type(value)
    return f"{kind.__module__}:{kind.__qualname__}"


SHORT: Final = 8
"""Number of digits of an id that are shown."""
