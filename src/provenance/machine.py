"""This machine, as the composition root wires it: clock, process, user files, child processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from provenance import sources
from provenance.asks import Files, World
from provenance.effect import Effect, Interpreter
from provenance.ports import file_effects, world_effects
from provenance.settings import RunInfoHook

if TYPE_CHECKING:
    from provenance.effects.files import LocalFiles
    from provenance.effects.world import ThisMachine
    from provenance.ports import Clock

A = TypeVar("A")
E = TypeVar("E", bound=Effect[Any])

_log: Final = logging.getLogger("provenance")


def tell_children(config: Mapping[str, object], base: Path) -> None:
    """Pass *config* to child processes in the environment; they may load another one."""
    try:
        os.environ[sources.VARIABLE] = sources.to_json(config, base)
    except TypeError as error:
        _log.warning("child processes must load their configuration themselves: %s", error)
        os.environ.pop(sources.VARIABLE, None)


def set_hook(hook: RunInfoHook | None) -> None:
    """Let *hook* edit what is recorded of the process, which is collected again."""
    this().set_hook(hook)


@cache
def clock() -> Clock:
    """Return the clock of this machine."""
    from provenance.effects.world import SystemClock

    return SystemClock()


def beside(answer: Callable[[E], A], effect: E, /) -> Awaitable[A]:
    """Return the answer to *effect*, found in a worker thread; loaded with the first coroutine."""
    from provenance.effects.workers import beside

    return beside(answer, effect)


@cache
def this() -> ThisMachine:
    """Return this machine and the description of the process."""
    from provenance.effects.world import ThisMachine

    return ThisMachine(clock())


@cache
def desk() -> LocalFiles:
    """Return the files of this machine, with the user's folder of local copies."""
    from provenance.effects.files import LocalFiles

    return LocalFiles()


def world() -> Interpreter[World | Files]:
    """Return the interpreter of this machine."""
    return world_effects(this()) | file_effects(desk())
