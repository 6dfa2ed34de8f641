"""What a function did to the objects that it received: attributes that appeared, as caches do."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final, Literal, TypeAlias, cast

from attrs import field, frozen

from provenance.model.references import SCALARS, is_proxy
from provenance.util.formatting import safe_repr

Purity: TypeAlias = Literal["strict", "caches"]
"""What a function may do to its arguments: nothing, or add attributes to them."""
PURITIES: Final = ("strict", "caches")
_MOST: Final = 200
"""Objects that are looked at."""
_FEW: Final = 20
"""Members of a container that are looked at."""
_OPAQUE: Final = (type, type(lambda: 0), type(len), BaseException, partial)
"""Types whose attributes are not looked at; of the last two, looking makes a dictionary that pickles hold."""


@frozen
class Attributes:
    """An object that a function received, the path to it, and the names of its attributes."""

    path: str
    value: object = field(repr=False)
    names: frozenset[str]


def attributes_of(inputs: Iterable[tuple[str, object]]) -> tuple[Attributes, ...]:
    """Return the attributes of the objects among *inputs*, by path, at any depth."""
    found: list[Attributes] = []
    entered: set[int] = set()
    waiting = list(inputs)[::-1]
    while waiting and len(found) < _MOST:
        path, value = waiting.pop()
        kind = type(value)
        if kind in SCALARS or is_proxy(value) or id(value) in entered or issubclass(kind, _OPAQUE):
            continue
        entered.add(id(value))
        if kind is list or kind is tuple:
            members = cast("list[object]", value)[:_FEW]
            waiting += [(f"{path}[{i}]", member) for i, member in enumerate(members)]
        elif kind is dict:
            entries = list(cast("dict[object, object]", value).items())[:_FEW]
            waiting += [(f"{path}[{safe_repr(key)}]", member) for key, member in entries]
        else:
            own = _own(value)
            if own is not None:
                found.append(Attributes(path, value, frozenset(own)))
                waiting += [
                    (f"{path}.{name}", attribute) for name, attribute in list(own.items())[:_FEW]
                ]
    return tuple(found)


def _own(value: object) -> dict[str, object] | None:
    """Return the dictionary of an object's attributes, which no `__getattr__` is asked for."""
    try:
        own: object = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return cast("dict[str, object]", own) if type(own) is dict else None


def added_to(before: Iterable[Attributes]) -> Mapping[str, tuple[object, str]]:
    """Return the attributes that have appeared since: object and name, by path."""
    return {
        f"{known.path}.{name}": (known.value, name)
        for known in before
        for name in _own(known.value) or ()
        if name not in known.names
    }


@contextmanager
def hiding(added: Mapping[str, tuple[object, str]]) -> Generator[None]:
    """Take these attributes away within a block."""
    taken = [(own, name, own.pop(name)) for value, name in added.values() if (own := _own(value))]
    try:
        yield
    finally:
        for own, name, value in taken:
            own[name] = value
