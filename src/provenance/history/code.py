"""How the code behind two artifacts differs: by name, with the recorded sources as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import unified_diff
from typing import TypeAlias, cast

from attrs import frozen

from provenance.effect import run
from provenance.model.records import Artifact
from provenance.ports.records import find_code
from provenance.receipts.receipt import ITSELF, change_between
from provenance.repository.handles import Repository
from provenance.util.naming import exported


@exported
@frozen
class CodeDifference:
    """Something that two results depend on, and that differs.

    Attributes:
        name: its name with its module.
        what: `changed`, `is used now` or `is no longer used`.
        lines: the differences of its source, as of `diff -u`; empty if it was not recorded.

    Example:
        >>> import provenance as p
        >>> RATE = 1
        >>> def rated(n: int) -> int:
        ...     return n * RATE
        >>> first = p.provenance(rated)(3)
        >>> RATE = 2
        >>> second = p.provenance(rated)(4)
        >>> [difference] = p.diff(first, second).code
        >>> print(difference.name.rpartition(".")[2], difference.what)
        RATE changed
    """

    name: str
    what: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.what}"


Stored: TypeAlias = "tuple[Artifact[object], Repository]"


def compare_code(first: Stored, second: Stored) -> tuple[CodeDifference, ...]:
    """Return how the code of two artifacts differs; nothing where a receipt is not recorded."""
    if first[0].code == second[0].code:
        return ()
    receipts = [
        run(find_code(artifact.code), repo.interpreter) for artifact, repo in (first, second)
    ]
    before, after = receipts
    if before is None or after is None:
        return ()
    ours, theirs = (cast("dict[str, str]", json.loads(receipt.text)) for receipt in (before, after))
    found: list[CodeDifference] = []
    for name in sorted(ours.keys() | theirs.keys()):
        what = change_between(ours.get(name), theirs.get(name))
        if what is not None:
            lines = _lines(ours.get(name), theirs.get(name), before.sources, after.sources)
            found.append(CodeDifference(_full_name(name, second[0]), what, lines))
    return tuple(found)


def _full_name(name: str, artifact: Artifact[object]) -> str:
    if name == ITSELF:
        return f"{artifact.fn_module}.{artifact.fn_qualname}"
    return f"{artifact.fn_module}{name}" if name.startswith(".") else name


def _lines(
    before: str | None,
    after: str | None,
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
) -> tuple[str, ...]:
    texts = ours.get(before or "", ""), theirs.get(after or "", "")
    if not any(texts):
        return ()
    lines = unified_diff(texts[0].splitlines(), texts[1].splitlines(), lineterm="", n=2)
    return tuple(lines)[2:]
