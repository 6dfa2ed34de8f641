"""Programs' answers in lists: the artifacts, runs and sets that a repository has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from provenance.effect import Interpreter
from provenance.errors import SetNotFoundError
from provenance.model.ids import RunId
from provenance.model.queries import Page, Query
from provenance.model.records import ArtifactRecord, Run
from provenance.ports.records import (
    FindRun,
    ListSetIds,
    SearchRecords,
    SummarizeRecords,
    all_records,
)
from provenance.repository.sets import ArtifactSet

_PAGE: Final = 1_000


def list_records(ask: Interpreter[Any]) -> Iterator[ArtifactRecord]:
    """Yield the records of all artifacts, newest first, a page at a time."""

    def search(query: Query, after: int | None, limit: int) -> Page:
        page: Page = ask(SearchRecords(query, after, limit))
        return page

    return iter(all_records(search))


def list_runs(ask: Interpreter[Any]) -> tuple[Run, ...]:
    """Return the runs that computed what there is, newest first."""
    found = (ask(FindRun(RunId(group.key))) for group in ask(SummarizeRecords("run")))
    known: list[Run] = [run for run in found if run is not None]
    return tuple(sorted(known, key=lambda run: (run.created_at, run.id), reverse=True))


def list_sets(ask: Interpreter[Any], load: Callable[[str], ArtifactSet]) -> tuple[ArtifactSet, ...]:
    """Return the sets, newest first; *load* returns the set of an id."""
    found: list[ArtifactSet] = []
    after = ""
    while page := ask(ListSetIds("", _PAGE, after)):
        for set_id in page:
            # Another process may have deleted it since.
            with suppress(SetNotFoundError):
                found.append(load(set_id))
        after = page[-1]
    return tuple(sorted(found, key=lambda one: (one.created_at, one.id), reverse=True))
