"""The leases that this process holds: renewed as long as somebody here computes what they are for.

One thread renews them all. It is there while there are any, and a little longer. A process does not wait for itself: who
claims what is held here holds it too, and the last one who releases it gives it back. So do holders that are gone without
a word (the computation was interrupted in a place where nobody could tell): they are watched by weak references.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

from attrs import evolve

from provenance.effect import Effect, Interpreter, overlaid
from provenance.effects.locks import Shared
from provenance.ids import ArtifactId
from provenance.leasing import Claim, Claimed, Release, Renew, Taken

E = TypeVar("E", bound=Effect[Any])
Key: TypeAlias = tuple[object, ArtifactId]

_log: Final = logging.getLogger("provenance")
_BEATS: Final = 3
"""How often a lease is renewed in the time that it lasts."""
_LINGER: Final = 5.0
"""Seconds that the thread stays when there is nothing to renew."""
_AT_FORK: Final = 1.0
"""Seconds that a fork waits for the thread to end."""


def kept_up(base: Interpreter[E]) -> Interpreter[E]:
    """*base*, whose leases are renewed until they are released here, and held by all of this process who claim them."""
    desk = _Desk(base)
    return overlaid(base, Claim.on(desk.claim) | Release.on(desk.release))


class _Held:
    """A lease of this process, where it is from, when it is to be renewed, and who holds it."""

    def __init__(self, key: Key, base: Interpreter[Any], lease: Claimed, seconds: float) -> None:
        self.key = key
        self.base = base
        self.lease = lease
        self.seconds = seconds
        self.due = time.monotonic() + seconds / _BEATS
        self.holds: list[weakref.ref[Claimed]] = []

    def hold(self) -> Claimed:
        """The lease, as one more holder has it."""
        mine = evolve(self.lease)
        self.holds.append(weakref.ref(mine, _wake))
        return mine

    def drop(self, hold: Claimed | None) -> bool:
        """Take away this holder, and those that are gone; whether there is none left."""
        self.holds = [each for each in self.holds if each() is not None and each() is not hold]
        return not self.holds


def _wake(_: object) -> None:
    """A holder is gone: let the thread see to it. Called anywhere, amid anything, so it must not wait."""
    _leases.wake.put(None)


class _Leases(Shared):
    """All leases of this process, and the thread that renews them."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[Key, _Held] = {}
        self.wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ends = False

    def join(self, key: Key) -> Claimed | None:
        """The lease of *key*, if this process has it already."""
        with self.lock:
            held = self.held.get(key)
            return None if held is None else held.hold()

    def keep(self, held: _Held) -> Claimed:
        """Renew a lease from now on."""
        with self.lock:
            self.held[held.key] = held
            self.begin()
            return held.hold()

    def let_go(self, key: Key, lease: Claimed | None, hold: Claimed | None) -> _Held | None:
        """One holder less; the lease, if that was the last one. Nothing, if *lease* is not the one that is held."""
        with self.lock:
            held = self.held.get(key)
            if held is None or lease not in (None, held.lease) or not held.drop(hold):
                return None
            return self.held.pop(key)

    def begin(self) -> None:
        """See that the thread is there; at the exit of the process no more can be made, and leases expire."""
        with self.lock:
            if self.held and self._thread is None:
                self._ends = False
                thread = threading.Thread(target=self._beat, name="provenance-leases", daemon=True)
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
            elif self.held:
                self._ends = False  # a store kept it from ending before a fork
                self.wake.put(None)

    def end(self) -> None:
        """Stop the thread, and wait until it has ended, but not for long."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._ends = True
            self.wake.put(None)
            thread.join(_AT_FORK)

    def forget(self) -> None:
        """In a forked child: the leases are the parent's, and the thread is not here."""
        self.held.clear()
        self._thread, self.wake = None, SimpleQueue()

    def _beat(self) -> None:
        idle_since: float | None = None
        while True:
            with suppress(Empty):
                self.wake.get(timeout=self._until_next())
            for held in self._abandoned():
                _asked(held, Release(held.lease))
            for held in self._due():
                self._renew(held)
            now = time.monotonic()
            idle_since = None if self.held else (idle_since or now)
            if self._has_ended(idle=idle_since is not None and now - idle_since >= _LINGER):
                return

    def _until_next(self) -> float:
        now = time.monotonic()
        with self.lock:
            return max(0.0, min((each.due - now for each in self.held.values()), default=_LINGER))

    def _abandoned(self) -> Iterator[_Held]:
        with self.lock:
            keys = list(self.held)
        return (held for key in keys if (held := self.let_go(key, None, None)) is not None)

    def _due(self) -> list[_Held]:
        now = time.monotonic()
        with self.lock:
            return [each for each in self.held.values() if each.due <= now]

    def _renew(self, held: _Held) -> None:
        """Renew; what has passed to another is no longer held. Where the store does not answer, try again later."""
        if _asked(held, Renew(held.lease, held.seconds)) is False:
            _log.info("the lease of %s has passed to another process, which may compute it too", held.key[1])
            with self.lock:
                if self.held.get(held.key) is held:
                    del self.held[held.key]
        held.due = time.monotonic() + held.seconds / _BEATS

    def _has_ended(self, *, idle: bool) -> bool:
        with self.lock:
            if self._ends or (idle and not self.held):
                self._thread = None
                return True
        return False


def _asked(held: _Held, effect: Renew | Release) -> bool | None:
    """The store's answer; None where it fails, as the lease then expires by itself."""
    try:
        return held.base(effect)
    except Exception as error:  # noqa: BLE001 - whatever a store raises, the thread goes on for other leases
        _log.debug("%s: %s", effect, error)
        return None


_leases: Final = _Leases()

if hasattr(os, "register_at_fork"):  # where processes do not fork there is nothing to do
    os.register_at_fork(before=_leases.end, after_in_parent=_leases.begin, after_in_child=_leases.forget)


class _Desk:
    """The leases of one store."""

    def __init__(self, base: Interpreter[Any]) -> None:
        self._base = base
        self._mark = object()

    def claim(self, ask: Claim) -> Claimed | Taken:
        key = self._mark, ask.artifact_id
        known = _leases.join(key)
        if known is not None:
            return known
        answer = self._base(ask)
        return answer if isinstance(answer, Taken) else _leases.keep(_Held(key, self._base, answer, ask.seconds))

    def release(self, ask: Release) -> bool:
        """Of a lease that is not held here (it was lost, or is a parent's) nothing is known."""
        held = _leases.let_go((self._mark, ask.lease.artifact_id), ask.lease, ask.lease)
        return held is not None and self._base(Release(held.lease))
