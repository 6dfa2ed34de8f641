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
    return type_name_of(type(value))


def type_name_of(kind: type) -> str:
    """Return *kind* as `module:qualname`."""
    return f"{kind.__module__}:{kind.__qualname__}"


SHORT: Final = 8
"""Number of digits of an id that are shown."""


def size(count: int) -> str:
    """Format a number of bytes.

    >>> size(0), size(999), size(1_234), size(148_200_000)
    ('0 B', '999 B', '1.2 kB', '148 MB')
    """
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    # From 999.5 on, the amount would be rounded to 1000.
    while amount >= 999.5 and len(units) > 1:  # noqa: PLR2004
        amount, units = amount / 1_000, units[1:]
    decimals = 1 if units[0] != "B" and amount < 10 else 0  # noqa: PLR2004
    return f"{amount:.{decimals}f} {units[0]}"


def duration(seconds: float) -> str:
    """Format a duration in a suitable unit.

    >>> duration(0.0000042), duration(0.042), duration(4.2), duration(252), duration(8000)
    ('4.2 µs', '42 ms', '4.2 s', '4.2 min', '2.2 h')
    """
    units = (("h", 3_600.0, 3_600.0), ("min", 120.0, 60.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3))
    for unit, least, one in units:
        if seconds >= least:
            return _amount(seconds / one, unit)
    return _amount(max(seconds, 0.0) / 1e-6, "µs")


def _amount(number: float, unit: str) -> str:
    decimals = 1 if number < 9.95 and round(number, 1) != round(number) else 0  # noqa: PLR2004
    return f"{number:.{decimals}f} {unit}"
