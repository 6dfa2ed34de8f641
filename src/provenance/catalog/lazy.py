"""Mappings whose values are computed on first access."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Literal, TypeVar, cast, overload

from provenance.environment import RepositoryOrName, artifact_for
from provenance.errors import DuplicateNameError
from provenance.model.records import Artifact
from provenance.util.formatting import safe_repr
from provenance.util.locks import ForkSafeLock
from provenance.util.naming import exported
from provenance.util.validation import require_iterable

K = TypeVar("K")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class _Cell:
    """A value that *make* computes on first use, once for all threads; after a failure, again."""

    __slots__ = ("_guard", "make", "value")

    def __init__(self, make: Callable[[], object]) -> None:
        self._guard = ForkSafeLock()
        self.make: Callable[[], object] | None = make
        self.value: object = None

    def get(self) -> object:
        if self.make is not None:
            with self._guard.lock:
                if self.make is not None:  # else another thread was faster
                    self.value = self.make()
                    self.make = None  # free what it refers to
        return self.value


@exported
class LazyDict(Mapping[K, V_co]):
    """A read-only mapping that computes each value on first access, and keeps it.

    Length, keys, `in` and `repr` compute nothing. Equality compares the keys, then the values;
    pickling computes all values. A copy shares the values; a deep copy copies each on first access.

    Example:
        >>> import provenance as p
        >>> squared = p.lazy_dict({n: lambda n=n: n * n for n in (2, 3)})
        >>> squared[3]
        9
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
            f"{safe_repr(key)}: {'…' if cell.make is not None else safe_repr(cell.value)}"
            for key, cell in self._cells.items()
        ]
        return f"<lazy_dict {{{', '.join(cells)}}}>"

    def __copy__(self) -> LazyDict[K, V_co]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> LazyDict[K, V_co]:
        return LazyDict({key: partial(_deep_copy, self, key) for key in self})

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return restore_lazy_dict, (dict(self),)


def _deep_copy(values: Mapping[K, V], key: K) -> V:
    return copy.deepcopy(values[key])


@exported
def restore_lazy_dict(values: Mapping[K, V]) -> LazyDict[K, V]:
    """Return a lazy dictionary with computed values. Pickles name this function."""
    restored = LazyDict({key: partial(values.__getitem__, key) for key in values})
    _ = [*restored.values()]
    return restored


def lazy_dict(thunks: Mapping[K, Callable[[], V]]) -> LazyDict[K, V]:
    """Return a read-only mapping of keys to the results of *thunks*, computed on first access.

    Args:
        thunks: Functions without parameters, by key.

    Raises:
        TypeError: if *thunks* is not a mapping, or one of its values is not callable.

    Example:
        >>> squares = lazy_dict({n: lambda n=n: n * n for n in (2, 3)})
        >>> squares[3], squares
        (9, <lazy_dict {2: …, 3: 9}>)
    """
    if not isinstance(cast("object", thunks), Mapping):
        advice = "pass keys with functions without parameters"
        raise TypeError(f"lazy_dict: expected a mapping, got {thunks!r}; {advice}")
    for key, make in thunks.items():
        if not callable(cast("object", make)):
            advice = "pass a function that returns it"
            raise TypeError(f"lazy_dict: the value for {key!r} must be callable; {advice}")
    return LazyDict(thunks)


@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object] | Mapping[str, object],
    group_artifacts_of_same_name: Literal[False] = False,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object]: ...
@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object] | Mapping[str, object],
    group_artifacts_of_same_name: Literal[True],
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, list[object]]: ...
@overload
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object] | Mapping[str, object],
    group_artifacts_of_same_name: bool,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object]: ...
def lazy_proxy_dict(
    artifacts_or_ids: Iterable[object] | Mapping[str, object],
    group_artifacts_of_same_name: bool = False,
    repo: RepositoryOrName | None = None,
) -> LazyDict[str, object] | LazyDict[str, list[object]]:
    """Return a read-only mapping of artifact names to proxies, whose values are read on first use.

    Args:
        artifacts_or_ids: Artifacts, proxies, ids or their first digits; duplicates count once. Or a
            mapping of names of your own to artifacts, proxies or ids.
        group_artifacts_of_same_name: Map each name to a list of proxies, in the order given.
        repo: The repository in which ids are looked up, at once; by default the current one.

    Returns:
        The mapping.

    Raises:
        DuplicateNameError: if several artifacts have one name and are not grouped; lists the names.
        ArtifactNotFoundError, AmbiguousIdError: for an id.
        TypeError: for anything that is neither an artifact nor an id.

    Example:
        >>> import provenance as p
        >>> @p.provenance()
        ... def squares(n: int) -> list[int]:
        ...     return [i * i for i in range(n)]
        >>> list(p.lazy_proxy_dict({"three": squares(3)}))
        ['three']
    """
    named: dict[str, dict[str, Artifact[object]]] = {}
    pairs: Iterable[tuple[str | None, object]]
    if isinstance(artifacts_or_ids, Mapping):
        pairs = cast("Mapping[str, object]", artifacts_or_ids).items()
    else:
        pairs = ((None, entry) for entry in require_iterable(artifacts_or_ids, "lazy_proxy_dict"))
    for name, wanted in pairs:
        artifact = artifact_for(wanted, repo)
        named.setdefault(artifact.name if name is None else name, {})[artifact.id] = artifact
    if group_artifacts_of_same_name:
        lists = {name: partial(_proxies, (*group.values(),)) for name, group in named.items()}
        return LazyDict(lists)
    if duplicates := [name for name, group in named.items() if len(group) > 1]:
        raise DuplicateNameError(duplicates)
    artifacts = {name: artifact for name, group in named.items() for artifact in group.values()}
    return LazyDict({name: artifact.proxy for name, artifact in artifacts.items()})


def _proxies(artifacts: tuple[Artifact[object], ...]) -> list[object]:
    return [artifact.proxy() for artifact in artifacts]
