"""Results whose code has changed since they were computed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from types import ModuleType
from typing import cast

from attrs import evolve, frozen

from provenance import environment
from provenance.calls.function import CachedFunction, spec_of
from provenance.calls.hits import unaccepted_changes
from provenance.catalog.find import SearchResult
from provenance.effect import run
from provenance.escaping import escape_invisible
from provenance.events import CodeChange
from provenance.history.programs import Programs, running_program
from provenance.history.reproduce import find_function
from provenance.model.queries import Query
from provenance.model.records import Artifact
from provenance.repository.handles import Repository
from provenance.telemetry import describe_changes
from provenance.util.naming import exported


@exported
@frozen(repr=False)
class StaleResults:
    """Results of one function whose code has changed since.

    Attributes:
        name: their name.
        version: their version.
        artifacts: their number.
        newest: when the last one was computed, in UTC.
        changes: what has changed in the code.
        problem: why that is not known, as the function cannot be imported; empty if it is known.

    Example:
        >>> import provenance as p
        >>> for results in p.stale("features.*"):
        ...     print(results.artifacts, "results of", results.name, "were computed by other code")
    """

    name: str
    version: int
    artifacts: int
    newest: datetime
    changes: tuple[CodeChange, ...]
    problem: str = ""

    def __repr__(self) -> str:
        what = self.problem or describe_changes(self.changes)
        since = f"since {self.newest:%Y-%m-%d %H:%M}"
        text = f"{self.name}, version {self.version}, {self.artifacts:,} results: {what} {since}"
        return escape_invisible(f"<provenance.StaleResults of {text}>")


def stale(
    name: str | None = None,
    *,
    accept: bool = False,
    note: str = "",
    repo: Repository | str | None = None,
) -> tuple[StaleResults, ...]:
    """Return the results whose code has changed since they were computed, by function and code.

    Functions are imported by their recorded names, which runs their modules. One that was renamed is found by its
    `aliases` if its module is imported. In a repository with `trusted: false`, modules that this process has not
    imported are a problem instead.

    Args:
        name: A name or pattern, as of `search`; by default all.
        accept: Record that the changes make no difference, as `accept()` of the functions does.
        note: Why they make none, recorded beside.
        repo: The repository, by default the current one.

    Returns:
        What was found, also if it is accepted now.

    Raises:
        ConfigError: if there is no repository of this name.

    Example:
        >>> import provenance as p
        >>> p.stale()
        ()
    """
    place = environment.current().repository(repo)
    groups = tuple(_groups(name, place).values())
    programs = Programs.of(place)
    found: list[StaleResults] = []  # the newest first
    for results, _ in _stale_groups(groups, place, programs):
        _add(found, results)
    if accept:  # after all are counted: what one group accepts, others of the function need not
        for _, function in _stale_groups(groups, place, programs):
            if not isinstance(function, str):
                function.accept(note)
    return tuple(found)


def _groups(name: str | None, place: Repository) -> dict[object, tuple[Artifact[object], int]]:
    """Return the newest result of each function, version and recorded code, with the number of them."""
    found: dict[object, tuple[Artifact[object], int]] = {}
    for one in SearchResult(Query(name), place):
        if one.code:
            program = one.run_id if one.fn_module == "__main__" else None
            key = (one.fn_module, one.version, one.fn_qualname, one.name, one.code, program)
            newest, number = found.get(key, (one, 0))
            found[key] = newest, number + 1
    return found


def _stale_groups(
    groups: tuple[tuple[Artifact[object], int], ...], place: Repository, programs: Programs
) -> Iterator[tuple[StaleResults, CachedFunction[..., object] | str]]:
    """Yield the groups that are stale, each with its function, or why there is none, while its program runs."""
    for artifact, number in groups:
        known = StaleResults(artifact.name, artifact.version, number, artifact.computed_at, ())
        with environment.using_repo(place), running_program(artifact, programs, place) as trouble:
            function = find_function(artifact, place) if trouble is None else trouble
            if isinstance(function, str):
                function = _find_renamed(artifact.name) or function
            if isinstance(function, str):
                yield evolve(known, problem=function), function
                continue
            changes = run(unaccepted_changes(spec_of(function), artifact.code), place.interpreter)
            if changes:
                yield evolve(known, changes=changes), function


def _find_renamed(name: str) -> CachedFunction[..., object] | None:
    """Return the function of an imported module that has this name among its aliases."""
    # Asking a module of another class for what it holds might load it.
    for module in [one for one in list(sys.modules.values()) if type(one) is ModuleType]:
        there: list[object] = list(vars(module).values())
        classes = [
            one for one in there if isinstance(one, type) and one.__module__ == module.__name__
        ]
        for one in chain(there, *(list(vars(part).values()) for part in classes)):
            # What a module holds need not bear to be asked for its class.
            if issubclass(type(one), CachedFunction):
                function = cast("CachedFunction[..., object]", one)
                if name in function.__provenance_names__()[1:]:
                    return function
    return None


def _add(found: list[StaleResults], results: StaleResults) -> None:
    """Add results, to the earlier ones of which the same is said if there are any: another run had them."""
    for index, known in enumerate(found):
        if evolve(results, artifacts=known.artifacts, newest=known.newest) == known:
            found[index] = evolve(known, artifacts=known.artifacts + results.artifacts)
            return
    found.append(results)
