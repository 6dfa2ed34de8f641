"""Which results were computed by other code than the newest result of their function.

No function is imported for this: only what is recorded is compared. `provenance stale` compares with the
code of now.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from statistics import median_high
from typing import Final

from attrs import frozen

import provenance as p

_LOOKED_AT: Final = 50
"""Results of a function, the newest ones, that a share is taken of."""


@frozen
class Code:
    """Something that a result may depend on: its name, its digest, and what became of it since."""

    name: str
    digest: str
    mark: str = ""


def literal(name: str) -> str:
    """Return the pattern that matches *name* alone if it has wildcards."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def newest_results(repo: p.Repository, name: str, most: int) -> list[p.Artifact[object]]:
    """Return the newest results of this very name."""
    result = p.search(literal(name), repo=repo)
    return list(islice((one for one in result if one.name == name), most))


def code_of(repo: p.Repository, one: p.Artifact[object]) -> list[Code]:
    """Return the code behind a result, with marks where the newest result of its version has other code."""
    known = repo.get_code_receipt(one)
    found = p.search(literal(one.name), version=one.version, repo=repo)
    newest = next((other for other in islice(found, _LOOKED_AT) if other.name == one.name), one)
    latest = known if newest.code == one.code else repo.get_code_receipt(newest)
    if not (known and latest):
        latest = known
    rows: list[Code] = []
    for name, digest in known.items():
        mark = "" if latest.get(name) == digest else "changed since"
        rows.append(Code(name, digest, mark if name in latest else "no longer used"))
    added = [name for name in latest if name not in known]
    return [*rows, *(Code(name, latest[name], "used since") for name in added)]


def of_other_code(newest_first: Iterable[p.Artifact[object]]) -> frozenset[str]:
    """Return the ids of results whose code is not that of the newest one of their version."""
    newest: dict[int, str] = {}
    return frozenset(
        one.id
        for one in newest_first
        if one.code and one.code != newest.setdefault(one.version, one.code)
    )


@frozen
class Sample:
    """The newest results of a function: how many, how many of them by other code, and their median seconds."""

    count: int
    other: int
    median: float


def sample_of(repo: p.Repository, name: str) -> Sample:
    """Return the newest results of a function, summarized."""
    found = newest_results(repo, name, _LOOKED_AT)
    median = median_high(one.compute_duration for one in found) if found else 0.0
    return Sample(len(found), len(of_other_code(found)), median)
