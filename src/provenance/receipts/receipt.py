"""The code receipt of a function: a digest of each first-party thing that it reaches by name.

First-party is what lies in no folder of the standard library or of installed packages. Libraries
are not followed: the run records their versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, cast

from attrs import evolve, field, frozen

from provenance.events import CodeChange
from provenance.model.history import FORMAT, NO_SOURCES, CodeReceipt, receipt_digest
from provenance.model.ids import main_name
from provenance.receipts.libraries import LIBRARY, installed_versions
from provenance.receipts.walk import BYTECODE, ITSELF, PYTHON, UNTRACKED, Walk


@frozen
class Receipt:
    """Digests by name of what a function's result may depend on, and where that is defined now.

    A value that is not tracked has its type after a question mark in place of a digest. The digest
    of a function without source is of its bytecode, after the version of Python.
    """

    module: str
    qualname: str
    digests: Mapping[str, str]
    places: Mapping[str, str] = field(eq=False)
    sources: Mapping[str, str] = field(eq=False, repr=False)

    @property
    def text(self) -> str:
        """The receipt as it is recorded."""
        return json.dumps(dict(self.digests), sort_keys=True, separators=(",", ":"))


class LazyReceipt:
    """The receipt of a function, computed when it is first compared or recorded.

    It is computed once in a process, but once for each cell that is executed in a notebook, where
    helpers of the function may be redefined.

    Attributes:
        accepted: whether the differences to a recorded receipt were accepted, by that receipt.

    A receipt that was *sent* is that of the process which has the source of the function's own module; the modules that
    it imports are those of this process.
    """

    def __init__(
        self,
        function: Callable[..., object] | None,
        libraries: tuple[str, ...] = (),
        sent: Receipt | None = None,
    ) -> None:
        self._function = function
        self._sent = sent
        self._libraries = libraries
        self._cells: list[str] | None = getattr(function, "__globals__", {}).get("_ih")
        self._cells_seen = 0
        self._receipt: Receipt | None = None
        self._recorded: CodeReceipt | None = None
        self._digest: str | None = None
        self._changes: dict[str, tuple[CodeChange, ...]] = {}
        self.accepted: dict[str, bool] = {}

    @property
    def digest(self) -> str:
        """The digest of the receipt; empty if something that the function uses cannot be looked at."""
        if self._digest is None or (self._cells and len(self._cells) != self._cells_seen):
            self._compute()
        return self._digest or ""

    def record(self, *, with_sources: bool) -> CodeReceipt | None:
        """Return the receipt as it is recorded; None if there is none."""
        if not self.digest or self._recorded is None or with_sources:
            return self._recorded
        return evolve(self._recorded, sources=NO_SOURCES)

    def with_libraries(self, libraries: tuple[str, ...]) -> LazyReceipt:
        """Return the receipt of the same function with other *libraries*."""
        return LazyReceipt(self._function, libraries, self._sent)

    def to_send(self, *, with_sources: bool) -> Receipt | None:
        """Return the receipt for a process that gets the function with its code; None if there is none."""
        if not self.digest or self._receipt is None or with_sources:
            return self._receipt
        return evolve(self._receipt, sources=NO_SOURCES)

    def changes_since(self, recorded: str) -> tuple[CodeChange, ...] | None:
        """Return what differs between the receipt of the digest *recorded* and that of now.

        None if that receipt has not been compared yet.
        """
        if not self.digest or not recorded.startswith(FORMAT):
            return ()
        return self._changes.get(recorded)

    def compare(self, recorded: str, text: str | None) -> tuple[CodeChange, ...]:
        """Return and remember what differs between the receipt *recorded*, which has this *text*, and that of now."""
        if text is None or self._receipt is None:
            return ()
        self._changes[recorded] = changes(text, self._receipt)
        return self._changes[recorded]

    def _compute(self) -> None:
        before = self._digest
        self._cells_seen = len(self._cells or ())
        if self._function is not None:
            own = _receipt_if_possible(self._function, self._libraries)
            self._receipt = own if self._sent is None else _with_imports_of(self._sent, own)
        self._recorded, self._digest = None, ""
        if self._receipt is not None:
            text = self._receipt.text
            self._digest = receipt_digest(text)
            self._recorded = CodeReceipt(self._digest, text, self._receipt.sources)
        if self._digest != before:
            self._changes, self.accepted = {}, {}


NO_RECEIPT: Final = LazyReceipt(None)


def receipt_of(function: Callable[..., object], libraries: tuple[str, ...] = ()) -> Receipt:
    """Return the receipt of *function* as it would run now, with the versions of *libraries*."""
    walk = Walk(function)
    walk.run()
    walk.digests.update(installed_versions(libraries))
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    return Receipt(main_name(str(walk.module)), qualname, walk.digests, walk.places, walk.sources)


def _with_imports_of(sent: Receipt, own: Receipt | None) -> Receipt:
    """Return a receipt that was sent, with what *own* says of other modules and of libraries."""
    if own is None:
        return sent
    code = {name: digest for name, digest in sent.digests.items() if not name.startswith(LIBRARY)}
    known = own.digests.items()
    imported = {name: digest for name, digest in known if not name.startswith(ITSELF)}
    sources = {**own.sources, **sent.sources} if sent.sources else NO_SOURCES
    places = {**own.places, **sent.places}
    return evolve(sent, digests={**code, **imported}, places=places, sources=sources)


def _receipt_if_possible(
    function: Callable[..., object], libraries: tuple[str, ...]
) -> Receipt | None:
    try:
        return receipt_of(function, libraries)
    except Exception:  # noqa: BLE001 - whatever a global's own methods raise, the call does not depend on it
        return None


def changes(recorded: str, current: Receipt) -> tuple[CodeChange, ...]:
    """Return what differs between a recorded receipt and the current one.

    Nothing does where they cannot be compared: values that are not tracked, and bytecode of other
    versions of Python.
    """
    before, after = cast("dict[str, str]", json.loads(recorded)), current.digests
    differences = {
        name: change_between(before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
    }
    return tuple(
        CodeChange(
            _full_name(name, current), change, current.places.get(name, ""), after.get(name, "")
        )
        for name, change in differences.items()
        if change is not None
    )


def _full_name(name: str, receipt: Receipt) -> str:
    if name == ITSELF:
        return f"{receipt.module}.{receipt.qualname}"
    return f"{receipt.module}{name}" if name.startswith(".") else name


def change_between(before: str | None, after: str | None) -> str | None:
    """Return how a thing of these digests has changed; None if it has not, or if the two cannot be compared."""
    known = [digest for digest in (before, after) if digest is not None]
    versions = {digest.partition(BYTECODE)[0] for digest in known if BYTECODE in digest}
    if before == after or any(digest.startswith(UNTRACKED) for digest in known):
        return None
    if versions and versions != {PYTHON}:
        return None
    return "is used now" if before is None else "is no longer used" if after is None else "changed"
