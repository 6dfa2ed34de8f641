"""Asking again, for a while, what may be answered later."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_LONGEST: Final = 10.0


def backoff(failures: int, first: float = 0.05) -> None:
    """Wait about *first* seconds after the first failure (counted from 0) and twice as long after each further one.

    How long exactly is left to chance, so that those who failed together do not ask again together.
    """
    time.sleep(min(first * 2**failures, _LONGEST) * random.uniform(0.5, 1.5))  # noqa: S311 - nothing is kept secret by it


def persistent(
    ask: Callable[[float], T],
    attempts: int,
    retry_on: Callable[[Exception], bool],
    pause: Callable[[int], None] = backoff,
    deadline: float = math.inf,
) -> T:
    """What *ask* answers, which is told how many seconds are left; asked up to *attempts* times within *deadline* seconds.

    It is asked again while *retry_on* accepts its exception; *pause* waits after each failure, told how many came before.
    """
    end = time.monotonic() + deadline
    for failures in range(attempts - 1):
        try:
            return ask(end - time.monotonic())
        except Exception as error:
            if not retry_on(error):
                raise
            pause(failures)
            if time.monotonic() >= end:
                raise
    return ask(end - time.monotonic())
