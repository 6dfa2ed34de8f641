"""The steps of a small pipeline, for all orchestrators: decorated functions, as anywhere else."""

from __future__ import annotations

import provenance as p


@p.provenance()
def load(day: str) -> list[int]:
    """Load the numbers of a day."""
    return [len(day), *map(int, day.split("-"))]


@p.provenance()
def train(numbers: list[int], rate: float) -> float:
    """Fit a model, or what stands for one."""
    return rate * sum(numbers)
