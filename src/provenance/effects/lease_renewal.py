"""Leases of this process: which interpreters hold them, and the thread that renews them."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

from attrs import evolve

from provenance.effect import Effect, Interpreter, overlay
from provenance.model.ids import ArtifactId
from provenance.ports.leases import AcquireLease, Lease, LeaseHeld, ReleaseLease, RenewLease
from provenance.util.locks import ForkBarrier

E = TypeVar("E", bound=Effect[Any])
Key: TypeAlias = tuple[object, ArtifactId]

_log: Final = logging.getLogger("provenance")
_BEATS: Final = 3
"""Renewals in the duration of a lease."""
_LINGER: Final = 5.0
"""Seconds that the thread stays alive with nothing to renew."""
_AT_FORK: Final = 1.0
"""Seconds that a fork waits for the thread to end."""


class _HeldLease:
    """A lease of this process: its store, the time of its renewal, and its holders."""

    def __init__(self, key: Key, base: Interpreter[Any], lease: Lease, seconds: float) -> None:
        self.key = key
        self.base = base
        self.lease = lease
        self.seconds = seconds
        self.due = time.monotonic() + seconds / _BEATS
        self.holders: list[weakref.ref[Lease]] = []

    def hold(self) -> Lease:
        """Add a holder; return its copy of the lease."""
        copy = evolve(self.lease)
        self.holders.append(weakref.ref(copy, _wake))
        return copy

    def drop(self, holder: Lease | None) -> bool:
        """Remove *holder*, and those that are gone; return whether none is left."""
        self.holders = [ref for ref in self.holders if ref() is not None and ref() is not holder]
        return not self.holders


def _wake(_: object) -> None:
    """Wake the thread, because a holder is gone; called at any moment, so it must not wait."""
    _leases.wake.put(None)


class _Leases(ForkBarrier):
    """All leases of this process, and the thread that renews them."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[Key, _HeldLease] = {}
        self.wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ends = False

    def join(self, key: Key) -> Lease | None:
        """Return the lease of *key*, if this process holds it."""
        with self.lock:
            held = self.held.get(key)
            return None if held is None else held.hold()

    def keep(self, held: _HeldLease) -> Lease:
        """Renew a lease from now on."""
        with self.lock:
            self.held[held.key] = held
            self.begin()
            return held.hold()

    def drop(self, key: Key, lease: Lease | None, holder: Lease | None) -> _HeldLease | None:
        """Remove a holder; return the lease if it was the last holder of *lease*."""
        with self.lock:
            held = self.held.get(key)
            if held is None or lease not in (None, held.lease) or not held.drop(holder):
                return None
            return self.held.pop(key)

    def begin(self) -> None:
        """Start the thread if it does not run; at the exit of the process none can start."""
        with self.lock:
            if self.held and self._thread is None:
                self._ends = False
                thread = threading.Thread(
                    target=self._renew_all, name="provenance-leases", daemon=True
                )
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
            elif self.held:
                # A slow store kept it from ending before a fork.
                self._ends = False
                self.wake.put(None)

    def end(self) -> None:
        """Stop the thread, and wait a short time for its end."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._ends = True
            self.wake.put(None)
            thread.join(_AT_FORK)

    def forget(self) -> None:
        """Forget the leases and the thread in a forked child; they are the parent's."""
        self.held.clear()
        self._thread, self.wake = None, SimpleQueue()

    def _renew_all(self) -> None:
        idle_since: float | None = None
        while True:
            with suppress(Empty):
                self.wake.get(timeout=self._until_next())
            for held in self._abandoned():
                _execute(held, ReleaseLease(held.lease))
            for held in self._due():
                self._renew(held)
            now = time.monotonic()
            idle_since = None if self.held else (idle_since or now)
            is_idle = idle_since is not None and now - idle_since >= _LINGER
            with self.lock:
                if self._ends or (is_idle and not self.held):
                    self._thread = None
                    return

    def _until_next(self) -> float:
        now = time.monotonic()
        with self.lock:
            return max(0.0, min((held.due - now for held in self.held.values()), default=_LINGER))

    def _abandoned(self) -> Iterator[_HeldLease]:
        with self.lock:
            keys = list(self.held)
        return (held for key in keys if (held := self.drop(key, None, None)) is not None)

    def _due(self) -> list[_HeldLease]:
        now = time.monotonic()
        with self.lock:
            return [held for held in self.held.values() if held.due <= now]

    def _renew(self, held: _HeldLease) -> None:
        """Renew the lease, forget it if it was lost, or try again later if the store fails."""
        if _execute(held, RenewLease(held.lease, held.seconds)) is False:
            _log.info(
                "lost the lease of %s to another process, which may compute it, too", held.key[1]
            )
            with self.lock:
                if self.held.get(held.key) is held:
                    del self.held[held.key]
        held.due = time.monotonic() + held.seconds / _BEATS


def _execute(held: _HeldLease, effect: RenewLease | ReleaseLease) -> bool | None:
    """Return the answer of the store, None if it fails: the lease then expires by itself."""
    try:
        return held.base(effect)
    except Exception as error:  # noqa: BLE001 - the thread must go on
        _log.debug("%s: %s", effect, error)
        return None


_leases: Final = _Leases()

# Windows does not fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_leases.end, after_in_parent=_leases.begin, after_in_child=_leases.forget
    )


def renewing_leases(base: Interpreter[E]) -> Interpreter[E]:
    """Return *base* with leases that are renewed until their last holder releases them."""
    store: Interpreter[Any] = base
    mark = object()

    def acquire(ask: AcquireLease) -> Lease | LeaseHeld:
        key = mark, ask.artifact_id
        known = _leases.join(key)
        if known is not None:
            return known
        answer = store(ask)
        if isinstance(answer, LeaseHeld):
            return answer
        return _leases.keep(_HeldLease(key, store, answer, ask.seconds))

    def release(ask: ReleaseLease) -> bool:
        """Release a lease that is held here; False for one that was lost, or is a parent's."""
        held = _leases.drop((mark, ask.lease.artifact_id), ask.lease, ask.lease)
        return held is not None and store(ReleaseLease(held.lease))

    return overlay(base, AcquireLease.on(acquire) | ReleaseLease.on(release))


@cache
def machine_name() -> str:
    """Return the name of this machine, with what tells its boots and its containers apart."""
    import platform

    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a name, not a path
    except OSError:
        return platform.node()
    return f"{platform.node()}@{boot}{space.removeprefix('pid:')}"


def has_died(owner: str) -> bool:
    """Tell whether the process that claimed a lease is known to be dead: it ran on this host, since its last boot."""
    node, _, rest = owner.rpartition(":")[0].rpartition(":")
    if "@" not in node or node != machine_name() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        # A process that was killed has an id until its parent asks for its end.
        state = Path(f"/proc/{rest}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[:1] == ["Z"]


def new_owner() -> str:
    """Return a new owner, unique to one claim; host and process are in it for people to read."""
    return f"{machine_name()}:{os.getpid()}:{os.urandom(6).hex()}"
