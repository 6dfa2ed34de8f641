"""Prefect: tasks around decorated functions. A flow that runs again computes only what is new."""

from __future__ import annotations

from prefect import flow, task
from steps import load, train

import provenance as p

load_task = task(p.as_function(load))
train_task = task(p.as_function(train))


@flow
def pipeline(day: str, rates: list[float]) -> list[float]:
    """Train with each rate; results travel between tasks as they are, and so does lineage."""
    numbers = load_task(day)
    models = train_task.map([numbers] * len(rates), rates)
    return [model.result() for model in models]


if __name__ == "__main__":
    print(pipeline("2026-11-28", [0.1, 0.2]), p.stats())
