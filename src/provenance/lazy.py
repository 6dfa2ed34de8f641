"""Mappings whose values are made when they are first looked at."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Literal, TypeVar, cast, overload

from attrs import frozen

from provenance.checks import several
from provenance.errors import DuplicateNameError
from provenance.guards import Guard
from provenance.proxy import artifact_of, is_proxy
from provenance.records import Artifact
from provenance.session import RepositoryOrName, current
from provenance.showing import shown

K = TypeVar("K")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


@frozen
class _Made:
    """A value that was made."""

    value: object


def _spent() -> object:
    """In place of what made a value."""


class _Cell:
    """A value that *make* makes when it is first wanted, and once, even by several threads; a failure is no value."""

    __slots__ = ("_guard", "_make", "made")

    def __init__(self, make: Callable[[], object]) -> None:
        self._guard = Guard()
        self._make = make
        self.made: _Made | None = None

    def get(self) -> object:
        """The value."""
        if self.made is None:
            with self._guard.lock:
                if self.made is None:
                    self.made = _Made(self._make())
                    self._make = _spent  # what it held is needed no more
        return self.made.value


class LazyDict(Mapping[K, V_co]):
    """A read-only mapping; each value is made when it is first looked at, and then kept.

    Length, keys, `in` and `repr` make nothing. Comparing compares the keys, then values; pickling makes all values. A copy
    shares the values; a deep copy copies each when it is first looked at.
    """

    __slots__ = ("__weakref__", "_cells")

    def __init__(self, thunks: Mapping[K, Callable[[], V_co]]) -> None:
        self._cells = {key: _Cell(make) for key, make in thunks.items()}

    def __getitem__(self, key: K) -> V_co:
        return cast("V_co", self._cells[key].get())

    def __iter__(self) -> Iterator[K]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __contains__(self, key: object) -> bool:
        return key in self._cells

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        values = cast("Mapping[object, object]", other)
        return self.keys() == values.keys() and all(self[key] == values[key] for key in self)

    __hash__ = None  # type: ignore[assignment]  # as of dictionaries: values may change

    def __repr__(self) -> str:
        cells = [
            f"{shown(key)}: {'…' if cell.made is None else shown(cell.made.value)}"
            for key, cell in self._cells.items()
        ]
        return f"<lazy_dict {{{', '.join(cells)}}}>"

    def __copy__(self) -> LazyDict[K, V_co]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> LazyDict[K, V_co]:
        return LazyDict({key: partial(_deep_copy, self, key) for key in self})

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _restored, (dict(self),)


def _deep_copy(values: Mapping[K, V], key: K) -> V:
    return copy.deepcopy(values[key])


def _constant(value: V) -> V:
    return value


def _restored(values: Mapping[K, V]) -> LazyDict[K, V]:
    """Unpickle a lazy dictionary, whose values were made. Pickles name this function."""
    made = LazyDict({key: partial(_constant, value) for key, value in values.items()})
    _ = [*made.values()]
    return made


def lazy_dict(thunks: Mapping[K, Callable[[], V]]) -> LazyDict[K, V]:
    """A read-only mapping from the keys of *thunks* to what these return, each called on first access, and once.

    >>> squares = lazy_dict({n: lambda n=n: n * n for n in (2, 3)})
    >>> squares[3], squares
    (9, <lazy_dict {2: …, 3: 9}>)

    Raises:
        TypeError: for what is no mapping, or a value of it that cannot be called.
    """
    if not isinstance(cast("object", thunks), Mapping):
        raise TypeError(
            f"lazy_dict: {thunks!r} is no dictionary; give one from keys to functions without parameters"
        )
    for key, make in thunks.items():
        if not callable(cast("object", make)):
            raise TypeError(
                f"lazy_dict: what is given for {key!r} is no function; give one that returns its value"
            )
    return LazyDict(thunks)


@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object],
    group_artifacts_of_same_name: Literal[False] = False,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object]: ...
@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object],
    group_artifacts_of_same_name: Literal[True],
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, list[object]]: ...
@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object],
    group_artifacts_of_same_name: bool,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object]: ...
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object],
    group_artifacts_of_same_name: bool = False,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object] | LazyDict[str, list[object]]:
    """A read-only mapping from the names of artifacts to their proxies, each made on first access and read on first use.

    Args:
        artifacts_or_ids: Artifacts, proxies, ids or their first digits; one that is given twice counts once.
        group_artifacts_of_same_name: Whether the values are lists of proxies, in the order given, one for each name.
        repo: Where ids are looked up, for their names and at once; by default in the current repository.

    Raises:
        DuplicateNameError: if several artifacts have one name and are not to be grouped; it lists the names.
        ArtifactNotFoundError, AmbiguousIdError: for an id.
        TypeError: for what is neither artifact nor id.
    """
    named: dict[str, dict[str, Artifact[object]]] = {}
    for each in several(artifacts_or_ids, "lazy_proxy_dict"):
        artifact = _artifact(each, repo)
        named.setdefault(artifact.name, {})[artifact.id] = artifact
    if group_artifacts_of_same_name:
        return LazyDict(
            {name: partial(_proxies, tuple(group.values())) for name, group in named.items()}
        )
    if doubles := [name for name, group in named.items() if len(group) > 1]:
        raise DuplicateNameError(doubles)
    return LazyDict(
        {name: artifact.proxy for name, group in named.items() for artifact in group.values()}
    )


def _proxies(artifacts: tuple[Artifact[object], ...]) -> list[object]:
    return [each.proxy() for each in artifacts]


def _artifact(given: object, repo: RepositoryOrName | None) -> Artifact[object]:
    if is_proxy(given):
        return artifact_of(given)
    if isinstance(given, Artifact):
        return cast("Artifact[object]", given)
    if isinstance(given, str):
        return current().repository(repo).get_by_id(given)
    raise TypeError(
        f"{shown(given)} is neither an artifact nor the id of one; pass artifacts, proxies or ids"
    )
