"""Waiting for what happens by itself."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 120.0
"""How long a machine with much else to do may take, in seconds."""


def until(true: Callable[[], object]) -> None:
    """Wait for what must soon be so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


async def until_so(true: Callable[[], object]) -> None:
    """As `until`, while the event loop goes on."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.001)
