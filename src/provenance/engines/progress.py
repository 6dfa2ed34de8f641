"""Progress of a map: tqdm where it is installed, else a line a second on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TextIO, cast

from provenance.config.wiring import clock
from provenance.engines.outcomes import Progress
from provenance.errors import ConfigError
from provenance.util.formatting import safe_repr


@contextmanager
def show(
    wanted: bool | Callable[[Progress], None],
) -> Generator[Callable[[Progress], None] | None]:
    """Yield what is to be called when calls have ended; None if nothing is."""
    if wanted is False:
        yield None
    elif callable(wanted):
        yield wanted
    elif cast("object", wanted) is not True:
        problem = f"must be a bool or a function, got {safe_repr(wanted)}"
        raise ConfigError("progress", problem, "pass progress=True")
    elif find_spec("tqdm") is not None:
        # It shows in a terminal, in a notebook, and in the log of a job.
        with import_module("tqdm.auto").tqdm(unit=" calls") as bar:
            yield partial(_advance, bar)
    else:
        yield lines(sys.stderr)


def _advance(bar: Any, progress: Progress) -> None:  # noqa: ANN401 - tqdm's type
    bar.total = progress.total
    bar.set_postfix_str(f"{progress.hits} hits, {progress.failed} failed", refresh=False)
    bar.update(progress.done - bar.n)


def lines(stream: TextIO) -> Callable[[Progress], None] | None:
    """Return what writes a line a second to a terminal; None for anything else."""
    if not stream.isatty():
        return None
    ticks = clock().monotonic
    next_at = ticks() + 1.0

    def report(progress: Progress) -> None:
        nonlocal next_at
        if ticks() >= next_at or progress.done == progress.total:
            next_at = ticks() + 1.0
            stream.write(f"{progress}\n")

    return report
